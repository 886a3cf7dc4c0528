"""Where each frame's bytes lie in a stored file, found once at ingest, so that serving a frame is reading a range."""

from __future__ import annotations

import io
import struct
from itertools import pairwise
from typing import Any, BinaryIO

from pydicom.dataset import Dataset

from imaging.fragments import Fragments, Pixels, fragments
from imaging.opening import Opened
from imaging.quiet import quiet

Pieces = tuple[tuple[int, int], ...]
END_OF_JPEG = b"\xff\xd9"  # JPEG, JPEG-LS and JPEG 2000 codestreams all end with it


def frame_pieces(stream: BinaryIO, opened: Opened, frames: int) -> list[Pieces]:
    """(offset, length) pieces of each of `frames`; empty where there are no pixels or they cannot be cut into frames.

    Native frames have one piece each, encapsulated ones a piece per fragment (PS3.5 Annex A.4). Offsets are those of
    the file, or of `opened.body` where the data set was deflated.
    """
    pixels = opened.pixels
    if pixels is None or "Rows" not in opened.dataset:
        return []
    source = stream if opened.body is None else io.BytesIO(opened.body)
    with quiet():
        if pixels.length is not None:
            return _native(opened.dataset, pixels, opened.size, frames)
        table = _value(opened.dataset, "ExtendedOffsetTable", b"")
    found = fragments(source, pixels, opened.size)
    extended = table if isinstance(table, bytes) else b""
    return _encapsulated(source, found, extended, frames) if found.complete else []


def _native(dataset: Dataset, pixels: Pixels, end: int, frames: int) -> list[Pieces]:
    length = pixels.length or 0
    if pixels.offset + length > end:
        return []
    size, odd = divmod(_bits_of_frame(dataset), 8)
    if odd or size == 0 or size * frames > length:
        # Bits of two frames may share a byte (PS3.5 section 8.1.1); only a single frame is a range then.
        return [((pixels.offset, length),)] if frames == 1 and length else []
    return [((pixels.offset + n * size, size),) for n in range(frames)]


def _bits_of_frame(dataset: Dataset) -> int:
    """Bits of one native frame; 0 where the header does not say."""
    rows, columns = _value(dataset, "Rows", 0), _value(dataset, "Columns", 0)
    samples, bits = _value(dataset, "SamplesPerPixel", 1), _value(dataset, "BitsAllocated", 0)
    if not all(isinstance(number, int) and number > 0 for number in (rows, columns, samples, bits)):
        return 0
    whole: int = rows * columns * samples * bits
    # Two pixels share one pair of colour samples (PS3.3 section C.7.6.3.1.2).
    return whole * 2 // 3 if _value(dataset, "PhotometricInterpretation", "") == "YBR_FULL_422" else whole


def _value(dataset: Dataset, keyword: str, default: Any) -> Any:
    try:
        value = dataset.get(keyword)
    except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
        return default
    return default if value is None else value


def _encapsulated(stream: BinaryIO, found: Fragments, extended: bytes, frames: int) -> list[Pieces]:
    pieces = [(value, length) for _, value, length in found.items]
    if not pieces:
        return []
    if frames == 1:
        return [tuple(pieces)]
    if len(pieces) == frames:
        return [(piece,) for piece in pieces]
    starts = found.table or struct.unpack(f"<{len(extended) // 8}Q", extended[: len(extended) // 8 * 8])
    by_table = _by_table(found, tuple(starts))
    if len(by_table) == frames:
        return by_table
    by_ends = _by_ends(stream, pieces)
    return by_ends if len(by_ends) == frames else []


def _by_table(found: Fragments, starts: tuple[int, ...]) -> list[Pieces]:
    """Frames as an offset table cuts them; none where it does not point at fragments in order."""
    base = found.items[0][0]
    at = {tag - base: number for number, (tag, _, _) in enumerate(found.items)}
    if not starts or starts[0] != 0 or any(start not in at for start in starts):
        return []
    bounds = [*(at[start] for start in starts), len(found.items)]
    if bounds != sorted(set(bounds)):
        return []
    cut = [found.items[first:last] for first, last in pairwise(bounds)]
    return [tuple((value, length) for _, value, length in items) for items in cut]


def _by_ends(stream: BinaryIO, pieces: list[tuple[int, int]]) -> list[Pieces]:
    """Frames that end where a compressed picture ends, for files without a table."""
    cut: list[Pieces] = []
    open_frame: list[tuple[int, int]] = []
    for offset, length in pieces:
        open_frame.append((offset, length))
        tail = min(length, 10)  # the end may be followed by padding
        stream.seek(offset + length - tail)
        if END_OF_JPEG in stream.read(tail):
            cut.append(tuple(open_frame))
            open_frame = []
    return cut if not open_frame else []
