"""The letter as a PDF. Rule: the patient stands on every page, and nothing that was written vanishes from it.

The sheet is as wide as A4 and as high as Letter, so that it prints whole on both.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import Align, MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from smart_app.letter.contents import NOTICE, TITLE, Block, Contents, Row

FONTS = Path(__file__).resolve().parent.parent / "fonts"
TEXT, SPARE = "AtkinsonHyperlegibleNext", "DejaVuSans"

WIDTH, HEIGHT = 210.0, 279.0  # millimetres, as all that follow
SIDE, FOOT = 20.0, 19.0
COLUMN = WIDTH - 2 * SIDE
LINE = 5.1
GAP = 2.2
SIGNATURE = 33.0
SHORT = 300  # characters of an answer that is still readable in bold

Colour = tuple[int, int, int]
INK: Colour = (19, 37, 44)
QUIET: Colour = (66, 85, 92)
HAIR: Colour = (208, 216, 213)
PETROL: Colour = (13, 85, 103)
PETROL_SOFT: Colour = (220, 235, 238)
BAND: Colour = (16, 48, 58)
ON_BAND: Colour = (255, 255, 255)
ON_BAND_QUIET: Colour = (188, 209, 214)
MARK_SOFT: Colour = (253, 240, 211)
MARK_INK: Colour = (106, 66, 0)
CRITICAL: Colour = (143, 18, 32)
FIRST_HALF: Colour = (138, 163, 170)

logging.getLogger("fontTools").setLevel(logging.WARNING)  # it tells of every glyph it keeps


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


class _Sheet(FPDF):
    def __init__(self, letter: Contents, pages: int) -> None:
        super().__init__(unit="mm", format=(WIDTH, HEIGHT))
        self.letter = letter
        self.pages_in_all = pages
        for family in (TEXT, SPARE):
            for style, name in (("", "Regular"), ("B", "Bold")):
                self.add_font(family, style, FONTS / f"{family}-{name}.ttf")
        self.set_fallback_fonts([SPARE.lower()], exact_match=False)
        self.marked = False
        self.set_title(f"{TITLE}, {letter.running}")
        self.set_author(self.shown(letter.organisation))
        self.set_lang("en")
        self.set_creation_date(letter.signed_at)
        self.set_margins(SIDE, SIDE, SIDE)
        self.c_margin = 0
        self.set_auto_page_break(auto=True, margin=FOOT)

    # -- what stands on every page -----------------------------------------------------------------------------

    def header(self) -> None:
        """The identity band: it grows with the name and never cuts it."""
        self._font(13, ON_BAND, bold=True)
        name = self._fold(self.shown(self.letter.identity[0][1]), COLUMN, 6)
        height = 13 + 6 * len(name)
        self.set_fill_color(*BAND)
        self.rect(0, 0, WIDTH, height, style="F")
        self.set_y(5)
        for line in name:
            self._put(line, 6)
        self._font(9.5, ON_BAND_QUIET)
        self._line("   ·   ".join(f"{label} {value}" for label, value in self.letter.identity[1:]), 5)
        self.set_y(height + 7)

    def footer(self) -> None:
        """Case, version and page, so that a page found alone can be put back."""
        self.set_y(-15)
        self.set_draw_color(*HAIR)
        self.line(SIDE, self.get_y(), WIDTH - SIDE, self.get_y())
        self.set_y(-13)
        self._font(8.5, QUIET)
        self.cell(COLUMN / 2, 5, f"{TITLE} · {self.letter.running}")
        self.cell(COLUMN / 2, 5, f"Page {self.page_no()} of {self.pages_in_all}", align=Align.R)

    # -- parts -------------------------------------------------------------------------------------------------

    def letterhead(self) -> None:
        """The symbol (one picture, read twice), who reads, and what this is."""
        top = self.get_y()
        self._symbol(SIDE, top, 10, step=1)
        self.set_y(top - 0.5)
        self._font(15, INK, bold=True)
        self._line(self.letter.organisation, 6.5, indent=14)
        self._font(10.5, QUIET)
        self._line(TITLE, 5.5, indent=14)
        self.set_y(max(self.get_y(), top + 11) + 3.5)

    def alert(self, words: str) -> None:
        """First on the page: what changed in amber, what is critical or withdrawn in solid carmine."""
        solid = words.startswith(("CRITICAL", "WITHDRAWN"))
        ink, ground = (ON_BAND, CRITICAL) if solid else (MARK_INK, MARK_SOFT)
        self._panel(words, size=11, ink=ink, ground=ground, bold=True)
        self.ln(2)

    def facts(self, rows: Iterable[Row]) -> None:
        """Label and value, one under the other."""
        for label, value in rows:
            self._keep_room(LINE)
            self._font(9.5, QUIET)
            self.cell(30, LINE, label, new_x=XPos.LMARGIN, new_y=YPos.TOP)
            self._font(10.5, INK, bold=label == "Asked about")
            self._line(value, LINE, indent=30)
        self.ln(GAP)

    def block(self, block: Block) -> None:
        """A heading with its words, never a heading alone at the foot of a page."""
        self._heading(block.title)
        self._words(block.lines)
        self.ln(GAP)

    def answer(self, block: Block) -> None:
        """The reply to the question, before everything else and larger."""
        self._heading(block.title)
        words = "\n".join(block.lines)
        self._panel(words, size=12, ink=INK, ground=PETROL_SOFT, bold=len(words) < SHORT, bar=PETROL)
        self.ln(GAP)

    def grade(self, block: Block, number: int) -> None:
        """The two halves of the symbol: aligned, a small step, a large step; the first half hollow without a report."""
        self._heading(block.title)
        top = self.get_y()
        self._symbol(SIDE, top, 8, step={0: 1, 1: 0, 2: 1, 3: 1}.get(number, 2), hollow=number == 0)
        for place, line in enumerate(block.lines):
            self._font(10.5, INK if place == 0 else QUIET, bold=place == 0)
            self._line(line, LINE, indent=12)
        self.set_y(max(self.get_y(), top + 11) + 3)

    def studies(self, block: Block) -> None:
        """One line of the list for each study, kept with the signature so that this never stands alone on a page."""
        self._font(10.5, INK)
        lines = sum(len(self._fold(self.shown(line), COLUMN - 4, LINE)) for line in block.lines)
        together = 5.5 + lines * LINE + GAP + self._signature_height()
        if together < self.page_break_trigger - 60:
            self._keep_room(together)
        self._heading(block.title)
        self._words(block.lines, mark=True)
        self.ln(GAP)

    def signature(self) -> None:
        """All of it on one page: who signed, when, which version, and what the expert did not do."""
        self._keep_room(self._signature_height())
        self.ln(2)
        self.set_draw_color(*INK)
        self.line(SIDE, self.get_y(), SIDE + 80, self.get_y())
        self.ln(2)
        (_, name), (_, organisation), (_, at) = self.letter.signature
        self._font(12, INK, bold=True)
        self._line(name, 6)
        self._font(10.5, INK)
        self._line(organisation, LINE)
        self._line(f"Signed electronically, {at}, version {self.letter.version}", LINE)
        self.ln(3)
        self._font(9.5, QUIET)
        self._line(NOTICE, 4.8)
        if self.marked:
            self._line(
                "Characters that this letter cannot print stand as ‹U+number›, their Unicode number; the text of this "
                "opinion holds them as they were written.",
                4.8,
            )
        self._line(self.letter.reference, 4.8)

    def close_fonts(self) -> None:
        """fpdf2 leaves the files open until they are collected."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    def _signature_height(self) -> float:
        return SIGNATURE + (10 if self.marked else 0)

    # -- drawing -----------------------------------------------------------------------------------------------

    def shown(self, words: str) -> str:
        """The words, each character without a glyph written as its number: seen to be missing, and still readable."""
        out: list[str] = []
        numbers: list[str] = []
        for character in (*words, ""):
            glyph = self._glyph(character)
            if glyph is None:
                numbers.append(f"U+{ord(character):04X}")
                self.marked = True
                continue
            if numbers:
                out.append(f"‹{' '.join(numbers)}›")
                numbers = []
            out.append(glyph)
        return "".join(out)

    def _glyph(self, character: str) -> str | None:
        """The character as our fonts have it, if they do: capitals of some scripts exist as small letters only."""
        if character in ("", "\n"):
            return character
        if character.isspace():
            return " "
        fonts = [font for font in self.fonts.values() if isinstance(font, TTFFont)]
        for form in (character, character.lower()):
            if len(form) == 1 and any(ord(form) in font.cmap for font in fonts):
                return form
        return None

    def _font(self, size: float, colour: Colour, *, bold: bool = False) -> None:
        self.set_font(TEXT, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _line(self, words: str, height: float, *, indent: float = 0) -> None:
        """Words in the font now set, folded at the margin, over as many pages as they need."""
        for line in self._fold(self.shown(words), COLUMN - indent, height):
            self._keep_room(height)
            self._put(line, height, indent=indent)

    def _put(self, line: str, height: float, *, indent: float = 0) -> None:
        """One folded line."""
        if not self.current_font_is_set_on_page:
            # fpdf2 sets a page's font with its first text; where that holds a fallback character it does so inside a
            # saved graphics state, and the next line would have no font and vanish.
            self.text(SIDE, self.get_y(), "")
        self.set_x(SIDE + indent)
        self.cell(COLUMN - indent, height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _heading(self, title: str) -> None:
        self._keep_room(20)
        self._font(9.5, PETROL, bold=True)
        self.cell(COLUMN, 5.5, title.upper(), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _words(self, lines: Iterable[str], *, mark: bool = False) -> None:
        self._font(10.5, INK)
        for line in lines:
            if not line:
                self.ln(LINE / 2)
                continue
            if mark:
                self._keep_room(LINE)
                self.cell(4, LINE, "•", new_x=XPos.LMARGIN, new_y=YPos.TOP)
            self._line(line, LINE, indent=4 if mark else 0)

    def _panel(
        self, words: str, *, size: float, ink: Colour, ground: Colour, bold: bool, bar: Colour | None = None
    ) -> None:
        """Words on a ground. Where they do not fit on the page each page gets its part of the ground."""
        pad, step = 4.0, size / 2
        self._font(size, ink, bold=bold)
        lines = self._fold(self.shown(words), COLUMN - 2 * pad, step)
        while lines:
            room = int((self.page_break_trigger - self.get_y() - 2 * pad) / step)
            if room < min(3, len(lines)):
                self.add_page()
                continue
            part, lines = lines[:room], lines[room:]
            top, height = self.get_y(), len(part) * step + 2 * pad - 2
            self.set_fill_color(*ground)
            self.rect(SIDE, top, COLUMN, height, style="F")
            if bar is not None:
                self.set_fill_color(*bar)
                self.rect(SIDE, top, 1.2, height, style="F")
            self._font(size, ink, bold=bold)
            self.set_y(top + pad - 1)
            for line in part:
                self._put(line, step, indent=pad)
            self.set_y(top + height)

    def _keep_room(self, height: float) -> None:
        if self.get_y() + height > self.page_break_trigger:
            self.add_page()

    def _symbol(self, x: float, y: float, size: float, *, step: int, hollow: bool = False) -> None:
        shift = size * 0.19 * step
        self.set_fill_color(*FIRST_HALF)
        self.set_draw_color(*FIRST_HALF)
        self.set_line_width(0.3)
        self.solid_arc(x, y, size, 90, 270, style="D" if hollow else "F")
        self.set_fill_color(*PETROL)
        self.solid_arc(x + size * 0.06, y + shift, size, 270, 90, style="F")
        self.set_line_width(0.2)

    def _fold(self, words: str, width: float, height: float) -> list[str]:
        """The lines these words make in the font now set."""
        lines = self.multi_cell(width, height, words, align=Align.L, dry_run=True, output=MethodReturnValue.LINES)
        return lines if isinstance(lines, list) else []
