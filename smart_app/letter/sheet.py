"""The letter as a PDF. Rule: the patient, the case, the version and the page stand on every page."""

from __future__ import annotations

from collections.abc import Iterable

from fpdf.enums import Align, XPos, YPos

from smart_app.letter.contents import NOTICE, TITLE, Block, Contents, Row
from smart_app.letter.paper import (
    BAND,
    COLUMN,
    CRITICAL,
    GAP,
    HAIR,
    INK,
    LINE,
    MARK_INK,
    MARK_SOFT,
    ON_BAND,
    ON_BAND_QUIET,
    PETROL,
    PETROL_SOFT,
    QUIET,
    SIDE,
    WIDTH,
    Paper,
)

SIGNATURE = 33.0
"""Millimetres of the signature with all that belongs to it."""

SHORT = 300
"""Characters of an answer that is still readable in bold."""


def as_pdf(letter: Contents) -> bytes:
    """Set the letter; the same letter gives the same bytes."""
    # Set twice: the number of pages stands at the foot of the first.
    draft = _set(letter, pages=0)
    sheet = _set(letter, pages=draft.page_no())
    try:
        return bytes(sheet.output())
    finally:
        draft.close_fonts()
        sheet.close_fonts()


def _set(letter: Contents, *, pages: int) -> _Sheet:
    sheet = _Sheet(letter, pages)
    sheet.add_page()
    sheet.letterhead()
    for alert in letter.alerts:
        sheet.alert(alert)
    sheet.facts(letter.case)
    sheet.block(letter.question)
    sheet.answer(letter.answer)
    sheet.grade(letter.grade, letter.number)
    for block in letter.blocks:
        sheet.block(block)
    sheet.studies(letter.studies)
    sheet.signature()
    return sheet


class _Sheet(Paper):
    def __init__(self, letter: Contents, pages: int) -> None:
        super().__init__()
        self.letter = letter
        self.pages_in_all = pages
        self.set_title(f"{TITLE}, {letter.running}")
        self.set_author(self.shown(letter.organisation))
        self.set_creation_date(letter.signed_at)

    # -- what stands on every page -----------------------------------------------------------------------------

    def header(self) -> None:
        """The identity band: it grows with the name and never cuts it. It is content once, on the first page."""
        with self.element("P" if self.page_no() == 1 else "Artifact"):
            self._band()

    def _band(self) -> None:
        self.type_in(13, ON_BAND, bold=True)
        name = self.fold(self.shown(self.letter.identity[0][1]), COLUMN, 6)
        height = 13 + 6 * len(name)
        self.set_fill_color(*BAND)
        self.rect(0, 0, WIDTH, height, style="F")
        self.set_y(5)
        for line in name:
            self.put(line, 6)
        self.type_in(9.5, ON_BAND_QUIET)
        self.say("   ·   ".join(f"{label} {value}" for label, value in self.letter.identity[1:]), 5)
        self.set_y(height + 7)

    def footer(self) -> None:
        """Case, version and page, so that a page found alone can be put back."""
        self.set_y(-15)
        self.set_draw_color(*HAIR)
        self.line(SIDE, self.get_y(), WIDTH - SIDE, self.get_y())
        self.set_y(-13)
        self.type_in(8.5, QUIET)
        with self.element("Artifact"):
            self.cell(COLUMN / 2, 5, f"{TITLE} · {self.letter.running}")
            self.cell(COLUMN / 2, 5, f"Page {self.page_no()} of {self.pages_in_all}", align=Align.R)

    # -- parts -------------------------------------------------------------------------------------------------

    def letterhead(self) -> None:
        """The symbol (one picture, read twice), who reads, and what this is."""
        top = self.get_y()
        self.draw_symbol(SIDE, top, 10, step=1)
        self.set_y(top - 0.5)
        self.type_in(15, INK, bold=True)
        self.say(self.letter.organisation, 6.5, indent=14)
        self.type_in(10.5, QUIET)
        with self.element("H1"):
            self.say(TITLE, 5.5, indent=14)
        self.set_y(max(self.get_y(), top + 11) + 3.5)

    def alert(self, words: str) -> None:
        """First on the page: what changed in amber, what is critical or withdrawn in solid carmine."""
        solid = words.startswith(("CRITICAL", "WITHDRAWN"))
        ink, ground = (ON_BAND, CRITICAL) if solid else (MARK_INK, MARK_SOFT)
        self.panel(words, size=11, ink=ink, ground=ground, bold=True)
        self.ln(2)

    def facts(self, rows: Iterable[Row]) -> None:
        """Label and value, one under the other."""
        for label, value in rows:
            self.keep_room(LINE)
            with self.element("P"):
                self.type_in(9.5, QUIET)
                self.cell(30, LINE, label, new_x=XPos.LMARGIN, new_y=YPos.TOP)
            self.type_in(10.5, INK, bold=label == "Asked about")
            self.say(value, LINE, indent=30)
        self.ln(GAP)

    def block(self, block: Block) -> None:
        """A heading with its words, never a heading alone at the foot of a page."""
        self.head(block.title)
        self.paragraphs(block.lines)
        self.ln(GAP)

    def answer(self, block: Block) -> None:
        """The reply to the question, before everything else and larger."""
        self.head(block.title)
        words = "\n".join(block.lines)
        self.panel(words, size=12, ink=INK, ground=PETROL_SOFT, bold=len(words) < SHORT, bar=PETROL)
        self.ln(GAP)

    def grade(self, block: Block, number: int) -> None:
        """The two halves of the symbol: aligned, a small step, a large step; the first half hollow without a report."""
        self.head(block.title)
        top = self.get_y()
        self.draw_symbol(SIDE, top, 8, step={0: 1, 1: 0, 2: 1, 3: 1}.get(number, 2), hollow=number == 0)
        for place, line in enumerate(block.lines):
            self.type_in(10.5, INK if place == 0 else QUIET, bold=place == 0)
            self.say(line, LINE, indent=12)
        self.set_y(max(self.get_y(), top + 11) + 3)

    def studies(self, block: Block) -> None:
        """One line of the list for each study, kept with the signature so that this never stands alone on a page."""
        self.type_in(10.5, INK)
        lines = sum(len(self.fold(self.shown(line), COLUMN - 4, LINE)) for line in block.lines)
        together = 5.5 + lines * LINE + GAP + self._signature_height()
        if together < self.page_break_trigger - 60:
            self.keep_room(together)
        self.head(block.title)
        self.paragraphs(block.lines, mark=True)
        self.ln(GAP)

    def signature(self) -> None:
        """All of it on one page: who signed, when, which version, and what the expert did not do."""
        self.keep_room(self._signature_height())
        self.ln(2)
        self.set_draw_color(*INK)
        self.line(SIDE, self.get_y(), SIDE + 80, self.get_y())
        self.ln(2)
        (_, name), (_, organisation), (_, at) = self.letter.signature
        self.type_in(12, INK, bold=True)
        self.say(name, 6)
        self.type_in(10.5, INK)
        self.say(organisation, LINE)
        self.say(f"Signed electronically, {at}, version {self.letter.version}", LINE)
        self.ln(3)
        self.type_in(9.5, QUIET)
        self.say(NOTICE, 4.8)
        if self.marked:
            self.say(
                "Characters that this letter cannot print stand as ‹U+number›, their Unicode number; the text of this "
                "opinion holds them as they were written.",
                4.8,
            )
        self.say(self.letter.reference, 4.8)

    def _signature_height(self) -> float:
        return SIGNATURE + (10 if self.marked else 0)
