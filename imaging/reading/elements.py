"""Walks the elements of a data set and keeps the raw bytes of the wanted ones, up to the pixels (PS3.5 section 7).

Rule: a length is a claim. What it claims must lie inside the file, and what is nested must end where it says.
"""

from __future__ import annotations

import struct
from typing import BinaryIO

from imaging.fragments import PIXELS, UNDEFINED, Pixels
from imaging.reading.nested import Short, after_sequence
from imaging.reading.wanted import AT_PIXELS, PIXEL_VRS, STRANGE, VRS, Encoding, Odd, Raw

FIRST = 16 * 1024  # bytes; enough for most headers but those of some MR
MOST = 8 * 1024 * 1024  # bytes of a header that is read here
EXPECTED = {keyword: vr.encode() for keyword, vr in VRS.items()}


class Source:
    """The beginning of a file, read on as it is needed."""

    def __init__(self, stream: BinaryIO, size: int) -> None:
        self.size = size
        self._stream = stream
        stream.seek(0)
        self.data = stream.read(FIRST)

    @property
    def whole(self) -> bool:
        """Is everything read?"""
        return len(self.data) >= self.size

    def read_to(self, wanted: int) -> None:
        """Have at least the bytes before `wanted`. Raises Odd where the file has fewer, or a header never as many."""
        if wanted > self.size or wanted > MOST or self.whole:
            raise Odd
        have = len(self.data)
        self._stream.seek(have)
        self.data += self._stream.read(min(max(wanted + FIRST, 4 * have), self.size) - have)
        if len(self.data) < wanted:
            raise Odd


def scan(source: Source, position: int, encoding: Encoding) -> tuple[Raw, Pixels | None]:
    """The wanted elements from there on, and where the pixels are, if any. Raises Odd."""
    start = source.data[position : position + 6]
    letters = len(start) == 6 and 0x40 < start[4] < 0x5B and 0x40 < start[5] < 0x5B
    if len(start) < 6 or start[:2] == b"\0\0" or letters is not encoding.explicit:
        raise Odd  # what pydicom would guess, it is to guess itself
    walk = _explicit if encoding.explicit else _implicit
    found: Raw = {}
    while True:
        try:
            position, pixels, wanted = walk(source.data, position, encoding, found, whole=source.whole)
        except struct.error as cut:
            raise Odd from cut
        if pixels is not None or position == source.size:
            return found, pixels
        source.read_to(wanted or min(position + 12, source.size))


Stand = tuple[int, Pixels | None, int]
"""Where the walk stands (at an element's beginning), the pixels it met, and how far it wants to read (0: a bit on)."""


def _explicit(data: bytes, position: int, encoding: Encoding, found: Raw, *, whole: bool) -> Stand:
    # Numbers in place of two letters, and the common case first: this loop is most of what a header costs.
    head, long_length, names = encoding.numbers.unpack_from, encoding.length.unpack_from, encoding.names
    short, expected = encoding.short_vrs, encoding.expected
    end = len(data)
    last = end - (8 if whole else 12)
    while position <= last:
        tag, vr, length = head(data, position)
        if vr in short:
            after = position + 8 + length
            if tag in names:
                name = names[tag]
                if name in found or expected.get(name) != vr:
                    raise Odd
                if after > end:
                    return position, None, after
                found[name] = data[position + 8 : after]
            position = after
            continue
        if vr not in encoding.long_vrs:
            raise Odd
        (length,) = long_length(data, position + 8)
        value, letters = position + 12, data[position + 4 : position + 6]
        kept = names.get(tag)
        if kept is AT_PIXELS:
            return position, pixels_at(tag, letters, value, length, encoding), 0
        try:
            after = value + length if length != UNDEFINED else _after_undefined(data, value, letters, encoding)
        except Short as missing:
            return position, None, missing.wanted
        if kept is not None:
            if kept in found or expected.get(kept) != vr:
                raise Odd
            if after > end:
                return position, None, after
            found[kept] = data[value:after]
        position = after
    return position, None, 0


def _after_undefined(data: bytes, value: int, vr: bytes, encoding: Encoding) -> int:
    """Only a sequence may leave its length open. Raises Odd, Short."""
    if vr != b"SQ":
        raise Odd
    return after_sequence(data, value, encoding)


def _implicit(data: bytes, position: int, encoding: Encoding, found: Raw, *, whole: bool) -> Stand:
    head, named = encoding.head.unpack_from, encoding.names.get
    end = len(data)
    last = end - (8 if whole else 12)
    while position <= last:
        tag, length = head(data, position)
        value = position + 8
        name = named(tag)
        if name is None and length != UNDEFINED:
            position = value + length
            continue
        if name is AT_PIXELS:
            return position, pixels_at(tag, b"", value, length, encoding), 0
        if name is STRANGE:
            raise Odd
        try:
            after = after_sequence(data, value, encoding, tag) if length == UNDEFINED else value + length
        except Short as short:
            return position, None, short.wanted
        if after > end:
            return position, None, after
        if name is not None:
            if name in found:
                raise Odd
            found[name] = data[value:after]
        position = after
    return position, None, 0


def pixels_at(tag: int, vr: bytes, offset: int, length: int, encoding: Encoding) -> Pixels:
    """Where the pixels are, given the head of their element. Raises Odd."""
    number = encoding.number(tag)
    if encoding.explicit and vr not in PIXEL_VRS:
        raise Odd
    return Pixels(f"{number:08X}", vr.decode() or PIXELS[number], offset, None if length == UNDEFINED else length)
