"""The paper a letter is set on: typefaces, lines, grounds. Rule: nothing that was written vanishes from it.

The sheet is as wide as A4 and as high as Letter, so that it prints whole on both.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from fpdf.enums import Align, MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

from smart_app.letter.tagged import Tagged

FONTS = Path(__file__).resolve().parent.parent / "fonts"
TEXT, SPARE = "AtkinsonHyperlegibleNext", "DejaVuSans"

WIDTH, HEIGHT = 210.0, 279.0  # millimetres, as all that follow
SIDE, FOOT = 20.0, 19.0
COLUMN = WIDTH - 2 * SIDE
LINE = 5.1
GAP = 2.2

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


class Paper(Tagged):
    """A page in our typefaces. `marked` turns true once a character had to be written as its number."""

    def __init__(self) -> None:
        super().__init__(unit="mm", format=(WIDTH, HEIGHT))
        for family in (TEXT, SPARE):
            for style, name in (("", "Regular"), ("B", "Bold")):
                self.add_font(family, style, FONTS / f"{family}-{name}.ttf")
        self.set_fallback_fonts([SPARE.lower()], exact_match=False)
        self.set_lang("en")
        self.set_margins(SIDE, SIDE, SIDE)
        self.c_margin = 0
        self.set_auto_page_break(auto=True, margin=FOOT)
        self.marked = False

    def close_fonts(self) -> None:
        """fpdf2 leaves the files open until they are collected."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

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

    def type_in(self, size: float, colour: Colour, *, bold: bool = False) -> None:
        """Set size in points, colour and weight."""
        self.set_font(TEXT, "B" if bold else "", size)
        self.set_text_color(*colour)

    def say(self, words: str, height: float, *, indent: float = 0) -> None:
        """Words in the font now set, folded at the margin, over as many pages as they need."""
        with self.element(self._kind):
            for line in self.fold(self.shown(words), COLUMN - indent, height):
                self.keep_room(height)
                self.put(line, height, indent=indent)

    def put(self, line: str, height: float, *, indent: float = 0) -> None:
        """One folded line."""
        if not self.current_font_is_set_on_page:
            # fpdf2 sets a page's font with its first text; where that holds a fallback character it does so inside a
            # saved graphics state, and the next line would have no font and vanish.
            self.text(SIDE, self.get_y(), "")
        self.set_x(SIDE + indent)
        self.cell(COLUMN - indent, height, line, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def head(self, title: str) -> None:
        """A heading, with room left for some of what it heads."""
        self.keep_room(20)
        self.type_in(9.5, PETROL, bold=True)
        with self.element("H2"):
            self.cell(COLUMN, 5.5, title.upper(), new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def paragraphs(self, lines: Iterable[str], *, mark: bool = False) -> None:
        """Body text; an empty line is half a line's space, `mark` puts a bullet before each."""
        self.type_in(10.5, INK)
        for line in lines:
            if not line:
                self.ln(LINE / 2)
                continue
            if mark:
                self.keep_room(LINE)
                self.cell(4, LINE, "•", new_x=XPos.LMARGIN, new_y=YPos.TOP)
            self.say(line, LINE, indent=4 if mark else 0)

    def panel(
        self, words: str, *, size: float, ink: Colour, ground: Colour, bold: bool, bar: Colour | None = None
    ) -> None:
        """Words on a ground. Where they do not fit on the page each page gets its part of the ground."""
        pad, step = 4.0, size / 2
        self.type_in(size, ink, bold=bold)
        lines = self.fold(self.shown(words), COLUMN - 2 * pad, step)
        with self.element("P"):
            self._panel_lines(lines, pad, step, size=size, ink=ink, ground=ground, bold=bold, bar=bar)

    def _panel_lines(
        self,
        lines: list[str],
        pad: float,
        step: float,
        *,
        size: float,
        ink: Colour,
        ground: Colour,
        bold: bool,
        bar: Colour | None,
    ) -> None:
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
            self.type_in(size, ink, bold=bold)
            self.set_y(top + pad - 1)
            for line in part:
                self.put(line, step, indent=pad)
            self.set_y(top + height)

    def keep_room(self, height: float) -> None:
        """Turn the page where less than that is left."""
        if self.get_y() + height > self.page_break_trigger:
            self.add_page()

    def draw_symbol(self, x: float, y: float, size: float, *, step: int, hollow: bool = False) -> None:
        """One disc, read twice: the second half `step` steps below the first."""
        shift = size * 0.19 * step
        self.set_fill_color(*FIRST_HALF)
        self.set_draw_color(*FIRST_HALF)
        self.set_line_width(0.3)
        self.solid_arc(x, y, size, 90, 270, style="D" if hollow else "F")
        self.set_fill_color(*PETROL)
        self.solid_arc(x + size * 0.06, y + shift, size, 270, 90, style="F")
        self.set_line_width(0.2)

    def fold(self, words: str, width: float, height: float) -> list[str]:
        """The lines these words make in the font now set."""
        lines = self.multi_cell(width, height, words, align=Align.L, dry_run=True, output=MethodReturnValue.LINES)
        return lines if isinstance(lines, list) else []
