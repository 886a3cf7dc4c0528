"""Values of a header by keyword. Every value that cannot be used is absent and named, never guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from datetime import date

UID = re.compile(r"[0-9]+(\.[0-9]+)*")
LARGEST = 2_147_483_647  # of an IS (PS3.5 section 6.2) and of a FHIR unsignedInt


class Values:
    """What a header says. A kind of reader gives `several`, `items` and `has`; all else is the same for every kind."""

    def __init__(self) -> None:
        self.oddities: list[str] = []
        """Keywords of values that could not be used."""

    def several(self, keyword: str) -> tuple[str, ...]:
        """Every value as text, without padding; none where the element is absent."""
        raise NotImplementedError

    def items(self, keyword: str) -> Sequence[Values]:
        """The items of a sequence; none where it is no sequence."""
        raise NotImplementedError

    def has(self, keyword: str) -> bool:
        """Is the element there at all?"""
        raise NotImplementedError

    def text(self, keyword: str) -> str:
        """One text, its first value if there are several."""
        return next(iter(self.several(keyword)), "")

    def one(self, keyword: str) -> str:
        """One text; absent where there are several that differ, since none of them can be relied on."""
        values = dict.fromkeys(self.several(keyword))
        if len(values) < 2:
            return next(iter(values), "")
        self.oddities.append(keyword)
        return ""

    def whole(self, keyword: str) -> int | None:
        """A whole number that is not negative."""
        text = self.text(keyword)
        try:
            number = int(float(text)) if text else None
        except (ValueError, OverflowError):
            number = -1
        if number is None or 0 <= number <= LARGEST:
            return number
        self.oddities.append(keyword)
        return None

    def measure(self, keyword: str) -> float | None:
        """A size above nought."""
        text = self.text(keyword)
        try:
            number = float(text) if text else 0.0
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            self.oddities.append(keyword)
        return number if 0 < number < math.inf else None

    def uid(self, keyword: str) -> str:
        """A UID of digits and dots, at most 64 characters (PS3.5 section 9.1); a leading zero is kept."""
        text = self.one(keyword)
        return text if len(text) <= 64 and UID.fullmatch(text) else ""

    def day(self, keyword: str) -> str:
        """An ISO date. "1992.03.14" (ACR-NEMA) is read too; anything else is absent."""
        text = re.sub(r"[.-]", "", self.one(keyword))
        if not text:
            return ""
        try:
            if not re.fullmatch(r"[0-9]{8}", text):
                raise ValueError
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
        except ValueError:
            self.oddities.append(keyword)
            return ""

    def code(self, keyword: str) -> str:
        """The meaning of the first item of a code sequence."""
        return next((item.text("CodeMeaning") for item in self.items(keyword)), "")

    def codes(self, keyword: str) -> tuple[tuple[str, ...], ...]:
        """(code, scheme, meaning) of each item of a code sequence that has a code or a meaning."""
        names = ("CodeValue", "CodingSchemeDesignator", "CodeMeaning")
        found = (tuple(item.text(name) for name in names) for item in self.items(keyword))
        return tuple(code for code in found if code[0] or code[2])


def plain(value: object) -> str:
    """A value as text, without padding. A NUL inside is no padding: what would close up around it stands nowhere."""
    return "" if value is None else str(value).strip("\0 \t\r\n\f\v").replace("\0", "\ufffd").strip()
