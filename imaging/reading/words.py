"""Raw bytes of a header's elements as text, exactly as pydicom decodes them (PS3.5 section 6)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from imaging.reading.foreign import decoded_text
from imaging.reading.nested import CHARACTER_SET, PLAIN_SETS, items
from imaging.reading.wanted import VRS, Encoding, Odd, Raw
from imaging.values import Values, plain

WHOLE = re.compile(rb" *[+-]?[0-9]{1,10} *")
DECIMAL = re.compile(rb" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,2})? *")
ESCAPE = 0x1B  # begins a change of the character set (PS3.5 section 6.1.2.5)
SETS = re.compile(rb"(ISO_IR [0-9]+|ISO 2022 IR [0-9]+|GB18030|GBK)?(\\(ISO 2022 IR [0-9]+)?)*")


class RawValues(Values):
    """Values decoded when they are asked for. Raises Odd where pydicom had better be asked."""

    def __init__(self, raw: Raw, encoding: Encoding, *, nested_in: bytes | None = None) -> None:
        super().__init__()
        self._raw = raw
        self._encoding = encoding
        self._nested = nested_in is not None
        self._sets = raw.get(CHARACTER_SET, nested_in or b"").rstrip(b" \0")

    def has(self, keyword: str) -> bool:
        """Is the element there at all?"""
        return keyword in self._raw

    def several(self, keyword: str) -> tuple[str, ...]:
        """Every value as text, without padding; none where the element is absent. Raises Odd."""
        raw = self._raw.get(keyword)
        if raw is None:
            return ()
        kind = VRS[keyword]
        if kind == "US":
            return self._number(raw)
        if kind == "IS":
            return self._whole(raw)
        if kind == "DS":
            return self._decimals(raw)
        if kind in ("LO", "SH", "PN", "ST", "UT"):
            return tuple(plain(value) for value in self._text(raw, kind))
        return tuple(plain(value) for value in raw.decode("latin-1").rstrip(" \0").split("\\"))

    def items(self, keyword: str) -> Sequence[Values]:
        """The items of a sequence. Raises Odd."""
        raw = self._raw.get(keyword)
        if not raw:
            return ()
        return [RawValues(item, self._encoding, nested_in=self._sets) for item in items(raw, self._encoding)]

    def _number(self, raw: bytes) -> tuple[str, ...]:
        if len(raw) not in (0, 2):
            raise Odd
        return (str(int.from_bytes(raw, "little" if self._encoding.little else "big")),) if raw else ()

    @staticmethod
    def _whole(raw: bytes) -> tuple[str, ...]:
        if not raw:
            return ()
        if not WHOLE.fullmatch(raw):
            raise Odd
        return (raw.decode().strip(),)

    @staticmethod
    def _decimals(raw: bytes) -> tuple[str, ...]:
        values = raw.rstrip(b" \0").split(b"\\") if raw else []
        if not all(DECIMAL.fullmatch(value) for value in values):
            raise Odd
        return tuple(value.decode().strip() for value in values)

    def _text(self, raw: bytes, kind: str) -> list[str]:
        if not (raw.isascii() and ESCAPE not in raw and self._sets in PLAIN_SETS):
            return self._foreign(raw, kind)
        if kind in ("ST", "UT"):
            return [raw.decode()]
        if kind != "PN":
            return raw.decode().split("\\")
        return [name.rstrip("=") for name in raw.decode().rstrip(" \0").split("\\")]

    def _foreign(self, raw: bytes, kind: str) -> list[str]:
        """By pydicom's own decoders, so that a name is the same whoever reads it."""
        if self._nested or not SETS.fullmatch(self._sets):
            raise Odd
        return decoded_text(raw, kind, self._sets.decode())
