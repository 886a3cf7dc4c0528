"""Where the pixels of one object lie, native or cut into fragments (PS3.5 Annex A.4). Nothing is decoded here."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, Protocol

ITEM = 0xFFFEE000
ITEM_END = 0xFFFEE00D
SEQUENCE_END = 0xFFFEE0DD
UNDEFINED = 0xFFFFFFFF

PIXELS = {0x7FE00010: "OW", 0x7FE00008: "OF", 0x7FE00009: "OD"}
"""Elements that hold pixels, and their representation in implicit VR."""


@dataclass(frozen=True)
class Pixels:
    """Where the value of the pixel element begins, and its length; None where it is cut into fragments."""

    tag: str  # "7FE00010"
    vr: str
    offset: int
    length: int | None


@dataclass(frozen=True)
class Fragments:
    """The items of encapsulated pixel data (PS3.5 Annex A.4)."""

    table: tuple[int, ...]  # basic offset table
    items: tuple[tuple[int, int, int], ...]  # (offset of the item's tag, offset of its value, length)
    complete: bool  # no item reaches past the end


class Extent(Protocol):
    """What is needed to tell whether an object is whole. Offsets are those of `body`, or of the file without one."""

    @property
    def pixels(self) -> Pixels | None:
        """Where its pixels are."""
        ...

    @property
    def size(self) -> int:
        """Bytes of what `pixels` speaks of."""
        ...

    @property
    def header_cut(self) -> bool:
        """Does it end inside its header?"""
        ...

    @property
    def body(self) -> bytes | None:
        """A deflated data set, inflated."""
        ...


def fragments(stream: BinaryIO, pixels: Pixels, size: int) -> Fragments:
    """Every item of encapsulated pixel data, by reading item headers only."""
    stream.seek(pixels.offset)
    found: list[tuple[int, int, int]] = []
    complete = True
    while len(head := stream.read(8)) == 8:
        group, element, length = struct.unpack("<HHL", head)
        tag, here = group << 16 | element, stream.tell()
        if tag == SEQUENCE_END:
            break
        if tag != ITEM or here + length > size:
            complete = False
            break
        found.append((here - 8, here, length))
        stream.seek(length, io.SEEK_CUR)
    else:
        complete = head == b""  # some writers leave the delimiter out; half a header is a cut file
    if not found:
        return Fragments((), (), complete=False)
    stream.seek(found[0][1])
    table = stream.read(found[0][2])
    starts = struct.unpack(f"<{len(table) // 4}L", table[: len(table) // 4 * 4])
    return Fragments(starts, tuple(found[1:]), complete)


def cut_short(stream: BinaryIO, extent: Extent) -> bool:
    """Does this object end before it should, in its header or in its pixels?"""
    pixels = extent.pixels
    if extent.header_cut or pixels is None:
        return extent.header_cut
    if pixels.length is not None:
        return pixels.offset + pixels.length > extent.size
    source = stream if extent.body is None else io.BytesIO(extent.body)
    return not fragments(source, pixels, extent.size).complete
