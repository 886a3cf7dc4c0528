"""Reads and writes data elements as bytes, little endian (PS3.5 section 7.1). Nothing is decoded here.

Rule: what is not plainly well-formed is Odd, and goes another, slower way; a length is never believed past the end.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

LONG = frozenset(b"OB OW OF OD OL OV SQ UC UN UR UT SV UV".split())
SHORT = frozenset(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
UNDEFINED = 0xFFFFFFFF
ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
DEEPEST = 24  # sequences inside sequences; real reports stay under half of it

short_head = struct.Struct("<HH2sH").unpack_from
long_head = struct.Struct("<HHL").unpack_from
length_at = struct.Struct("<L").unpack_from


class Odd(Exception):
    """These bytes are not plainly well-formed."""


class TooFew(Exception):
    """The element may be well-formed, and ends past the bytes at hand."""


class Element(NamedTuple):
    """Where an element lies: `start` of its tag, `value`, `end`. `undefined` where a delimiter ends it."""

    tag: int
    vr: bytes  # b"" in implicit VR
    start: int
    value: int
    end: int
    undefined: bool


@dataclass(frozen=True)
class Coding:
    """How the elements of a file are written."""

    explicit: bool
    size: int  # bytes that may be there; past them everything is odd


def element_at(data: bytes, here: int, end: int, coding: Coding) -> Element:
    """The element at this place. Pixel data of undefined length end at their value. Raises Odd, TooFew."""
    tag, vr, value, length = head_at(data, here, end, coding.explicit)
    if length == UNDEFINED:
        if tag == 0x7FE00010:
            return Element(tag, vr, here, value, value, undefined=True)
        if vr not in (b"SQ", b""):  # UN holds implicit VR then (PS3.5 section 6.2.2), seldom enough for pydicom
            raise Odd
        return Element(tag, vr, here, value, _sequence_end(data, value, end, coding, 0), undefined=True)
    return Element(tag, vr, here, value, value + length, undefined=False)


def head_at(data: bytes, here: int, end: int, explicit: bool) -> tuple[int, bytes, int, int]:
    """Tag, VR, place of the value, length. Raises Odd, TooFew."""
    if here + 8 > end:
        raise TooFew
    if not explicit:
        group, element, length = long_head(data, here)
        return group << 16 | element, b"", here + 8, length
    group, element, vr, length = short_head(data, here)
    if vr in SHORT:
        return group << 16 | element, vr, here + 8, length
    if vr not in LONG:
        raise Odd
    if here + 12 > end:
        raise TooFew
    return group << 16 | element, vr, here + 12, length_at(data, here + 8)[0]


def elements(data: bytes, here: int, end: int, coding: Coding) -> Iterator[Element]:
    """The elements of an item, all of them there. Raises Odd."""
    while here < end:
        try:
            found = element_at(data, here, end, coding)
        except TooFew:
            raise Odd from None
        if found.end > end or found.tag >> 16 == 0xFFFE:
            raise Odd
        yield found
        here = found.end


def items(data: bytes, found: Element, coding: Coding, depth: int = 0) -> Iterator[tuple[int, int]]:
    """Begin and end of the elements of each item of a sequence. Raises Odd."""
    here, end = found.value, found.end - 8 if found.undefined else found.end
    while here < end:
        tag, length = _item_head(data, here, end)
        if tag != ITEM:
            raise Odd
        here += 8
        if length == UNDEFINED:
            stop = _item_end(data, here, end, coding, depth)
            yield here, stop - 8
        else:
            stop = here + length
            if stop > end:
                raise Odd
            yield here, stop
        here = stop


def _item_head(data: bytes, here: int, end: int) -> tuple[int, int]:
    if here + 8 > end:
        raise TooFew
    group, element, length = long_head(data, here)
    return group << 16 | element, length


def _sequence_end(data: bytes, here: int, end: int, coding: Coding, depth: int) -> int:
    """The place after the sequence's delimiter."""
    if depth > DEEPEST:
        raise Odd
    while True:
        tag, length = _item_head(data, here, end)
        here += 8
        if tag == SEQUENCE_END:
            return here
        if tag != ITEM:
            raise Odd
        here = _item_end(data, here, end, coding, depth) if length == UNDEFINED else here + length
        if here > coding.size:
            raise Odd


def _item_end(data: bytes, here: int, end: int, coding: Coding, depth: int) -> int:
    """The place after the item's delimiter."""
    while True:
        if here + 8 > end:
            raise TooFew
        group, element, _ = long_head(data, here)
        if group == 0xFFFE:
            if group << 16 | element != ITEM_END:
                raise Odd
            return here + 8
        _, vr, value, length = head_at(data, here, end, coding.explicit)
        if length != UNDEFINED:
            here = value + length
        elif vr in (b"SQ", b""):
            here = _sequence_end(data, value, end, coding, depth + 1)
        else:
            raise Odd
        if here > coding.size:
            raise Odd


def even(vr: bytes, value: bytes) -> bytes:
    """The value padded to an even length, as its representation wants it (PS3.5 section 6.2)."""
    if not len(value) & 1:
        return value
    return value + (b"\0" if vr in (b"UI", b"OB", b"UN") else b" ")


def written(tag: int, vr: bytes, value: bytes, explicit: bool, order: str = "<") -> bytes:
    """One element, its value made even. Raises Odd where a short VR cannot hold the length."""
    value = even(vr, value)
    head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
    if not explicit:
        return head + struct.pack(f"{order}L", len(value)) + value
    if vr in LONG:
        return head + vr + b"\0\0" + struct.pack(f"{order}L", len(value)) + value
    if len(value) > 0xFFFF:
        raise Odd
    return head + vr + struct.pack(f"{order}H", len(value)) + value


def written_items(contents: list[bytes], order: str = "<") -> bytes:
    """The value of a sequence of these items."""
    return b"".join(struct.pack(f"{order}HHL", 0xFFFE, 0xE000, len(content)) + content for content in contents)
