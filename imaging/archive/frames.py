"""Where each frame's bytes lie in a stored file, found once at ingest, so that serving a frame is reading a range."""

from __future__ import annotations

import io
import struct
import threading
from itertools import pairwise
from typing import BinaryIO

from imaging.fragments import Fragments, fragments
from imaging.whole import Whole

Pieces = tuple[tuple[int, int], ...]
MOST_REMEMBERED = 200_000  # frames
END_OF_JPEG = b"\xff\xd9"  # JPEG, JPEG-LS and JPEG 2000 codestreams all end with it


class RememberedFrames:
    """Where the frames of lately read pictures lie, by the SHA-256 of their bytes: a loop is read frame by frame."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, tuple[Pieces, ...]] = {}
        self._count = 0

    def get(self, sha256: str) -> tuple[Pieces, ...] | None:
        """Of that picture, if it is remembered."""
        return self._known.get(sha256)

    def keep(self, sha256: str, pieces: tuple[Pieces, ...]) -> None:
        """Remember it; the oldest are forgotten when there are too many frames."""
        with self._lock:
            if sha256 in self._known:
                return
            self._known[sha256] = pieces
            self._count += len(pieces) + 1
            while self._count > MOST_REMEMBERED:
                oldest = next(iter(self._known))
                self._count -= len(self._known.pop(oldest)) + 1


def frame_pieces(stream: BinaryIO, whole: Whole) -> list[Pieces]:
    """(offset, length) pieces of each frame; empty where there are no pixels or they cannot be cut into frames.

    Native frames have one piece each, encapsulated ones a piece per fragment (PS3.5 Annex A.4). Offsets are those of
    the file, or of `whole.body` where the data set was deflated.
    """
    pixels, frames = whole.pixels, whole.header.instance.frames
    if pixels is None or not whole.is_picture:
        return []
    if pixels.length is not None:
        return _native(whole, pixels.offset, pixels.length, frames)
    source = stream if whole.body is None else io.BytesIO(whole.body)
    found = fragments(source, pixels, whole.size)
    return _encapsulated(source, found, whole.offsets, frames) if found.complete else []


def _native(whole: Whole, offset: int, length: int, frames: int) -> list[Pieces]:
    if offset + length > whole.size:
        return []
    size, odd = divmod(whole.frame_bits, 8)
    if odd or size == 0 or size * frames > length:
        # Bits of two frames may share a byte (PS3.5 section 8.1.1); only a single frame is a range then.
        return [((offset, length),)] if frames == 1 and length else []
    return [((offset + n * size, size),) for n in range(frames)]


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
