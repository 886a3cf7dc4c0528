"""Where each frame's bytes lie in a stored file, found once at ingest, so that serving a frame is reading a range."""

from __future__ import annotations

import io
import struct
import warnings
from typing import BinaryIO

from pydicom.dataset import FileDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag
from pydicom.uid import UID

Pieces = tuple[tuple[int, int], ...]
PIXEL_DATA = 0x7FE00010
ITEM, END = 0xFFFEE000, 0xFFFEE0DD
DEFLATED = "1.2.840.10008.1.2.1.99"


def frame_pieces(stream: BinaryIO, dataset: FileDataset, frames: int) -> list[Pieces]:
    """(offset, length) pieces of each frame; empty where there are no pixels or they cannot be cut into frames.

    Native frames have one piece each, encapsulated ones a piece per fragment (PS3.5 Annex A.4).
    """
    syntax = UID(str(getattr(dataset.file_meta, "TransferSyntaxUID", "1.2.840.10008.1.2")))
    if syntax == DEFLATED or "Rows" not in dataset:
        return []
    start = _start_of_pixels(stream, syntax)
    if start is None:
        return []
    offset, length = start
    if length == 0xFFFFFFFF:
        cut = _encapsulated(stream, offset, frames, dataset)
    else:
        cut = _native(dataset, offset, length, frames)
    end = stream.seek(0, io.SEEK_END)
    return cut if all(at + size <= end for pieces in cut for at, size in pieces) else []


def _start_of_pixels(stream: BinaryIO, syntax: UID) -> tuple[int, int] | None:
    """Offset of the value of Pixel Data, and its length as written."""
    found: list[int] = []

    def stop(tag: BaseTag, vr: str | None, length: int) -> bool:  # noqa: ARG001  (pydicom's signature)
        if tag == PIXEL_DATA:
            found.append(length)
            return True
        return False

    stream.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read_partial(stream, stop_when=stop, force=True)
    if not found:
        return None
    # pydicom stands in front of the tag again; explicit VR adds VR, two reserved bytes and a length of four.
    header = 8 if syntax.is_implicit_VR else 12
    return stream.tell() + header, found[0]


def _native(dataset: FileDataset, offset: int, length: int, frames: int) -> list[Pieces]:
    bits = (
        int(dataset.Rows)
        * int(dataset.Columns)
        * int(dataset.get("SamplesPerPixel", 1))
        * int(dataset.get("BitsAllocated", 8))
    )
    size = bits // 8
    if bits % 8 or size == 0 or size * frames > length:
        # Bits of two frames may share a byte (PS3.5 section 8.1.1); only a single frame is a range then.
        return [((offset, length),)] if frames == 1 else []
    return [((offset + n * size, size),) for n in range(frames)]


def _encapsulated(stream: BinaryIO, offset: int, frames: int, dataset: FileDataset) -> list[Pieces]:
    stream.seek(offset)
    table = b""
    fragments: list[tuple[int, int, int]] = []  # (offset of the item's tag, offset of its value, length)
    first = True
    while len(head := stream.read(8)) == 8:
        group, element, size = struct.unpack("<HHL", head)
        if group << 16 | element != ITEM:
            break
        here = stream.tell()
        if first:
            table, first = stream.read(size), False
        else:
            fragments.append((here - 8, here, size))
            stream.seek(size, 1)
    starts = list(struct.unpack(f"<{len(table) // 4}L", table[: len(table) // 4 * 4]))
    if not starts and "ExtendedOffsetTable" in dataset:
        raw = bytes(dataset.ExtendedOffsetTable)
        starts = list(struct.unpack(f"<{len(raw) // 8}Q", raw))
    return _grouped(fragments, starts, frames)


def _grouped(fragments: list[tuple[int, int, int]], starts: list[int], frames: int) -> list[Pieces]:
    if not fragments:
        return []
    pieces = [(value, size) for _, value, size in fragments]
    if frames == 1:
        return [tuple(pieces)]
    if len(fragments) == frames:
        return [(piece,) for piece in pieces]
    if len(starts) != frames:
        return []
    base = fragments[0][0]
    bounds = [*(base + s for s in starts), float("inf")]
    return [
        tuple((value, size) for tag, value, size in fragments if bounds[n] <= tag < bounds[n + 1])
        for n in range(frames)
    ]
