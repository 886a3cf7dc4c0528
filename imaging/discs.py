"""Reads the image of a whole disc (ISO 9660 with Joliet, Rock Ridge or a UDF bridge) in place. Nothing is unpacked.

Rule: the list of what is on it is made in a process of its own; what it says of places and lengths is checked here.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from imaging.budget import Budget, Deeper
from imaging.confined import Confines, run
from imaging.disclist import TOO_MANY
from imaging.errors import UnsafeMedia
from imaging.verdict import LINK_WHY, Found, Verdict, shown

MARK_AT = 0x8001  # of the first volume descriptor (ECMA-119 section 8.1)
MARKS = (b"CD001", b"BEA01")
CONFINES = Confines(seconds=60, memory=1_500_000_000, answer=64_000_000)
DAMAGED_WHY = "The image of a disc is damaged or of a kind that we cannot open. Give us the folder that is on the disc."
RANGE_WHY = "The disc image says that this file lies outside of it. Make the image again."

Places = tuple[tuple[int, int], ...]  # (offset, length) in the image, in order


def is_disc(stream: BinaryIO) -> bool:
    """Does this stream hold the image of a disc? Leaves it at its start."""
    stream.seek(MARK_AT)
    mark = stream.read(5)
    stream.seek(0)
    return mark in MARKS


def on_disc(
    name: str, size: int, opener: Callable[[], BinaryIO], nesting: int, budget: Budget, deeper: Deeper
) -> Iterator[Found]:
    """Every file on the disc whose image `opener` opens. An image that cannot be read is one file itself.

    Raises UnsafeMedia naming the limit.
    """
    with real_file(opener()) as image:
        listed = _listed(image, budget)
        if not listed:
            why = DAMAGED_WHY if listed is None else "The disc is empty."
            verdict = Verdict.UNREADABLE if listed is None else Verdict.NOT_AN_IMAGE
            budget.count(size)
            yield Found(name, size, verdict, why, None, opener)
            return
        disc = _Disc(image, opener)
        for inner, kind, places in listed:
            full = shown(f"{name}/{inner}", budget.limits.name_length)
            if kind == "file" and all(0 <= offset <= offset + count <= size for offset, count in places):
                length = sum(count for _, count in places)
                yield from deeper(full, length, disc.part(places), nesting, budget)
                continue
            budget.count(0)
            outside = (Verdict.UNREADABLE, RANGE_WHY) if kind == "file" else (Verdict.NOT_AN_IMAGE, LINK_WHY)
            yield Found(full, 0, *outside, None, io.BytesIO)


class _Disc:
    """An image that is open while it is walked, and how to open it again later."""

    def __init__(self, image: BinaryIO, opener: Callable[[], BinaryIO]) -> None:
        self._image = image
        self._opener = opener

    def part(self, places: Places) -> Callable[[], BinaryIO]:
        """What opens those stretches as one file."""

        def open_part() -> BinaryIO:
            shared = not self._image.closed
            part = Part(self._image if shared else self._opener(), places, shared=shared)
            return cast("BinaryIO", io.BufferedReader(part))

        return open_part


def _listed(image: BinaryIO, budget: Budget) -> list[tuple[str, str, Places]] | None:
    """(name, kind, places) of each entry; None where the image cannot be read. Raises UnsafeMedia."""
    ended = run("imaging.disclist", str(budget.limits.files), source=image, confines=CONFINES)
    if ended.code == TOO_MANY:
        raise UnsafeMedia(f"More than {budget.limits.files:,} files. Give them in smaller parts.")
    if ended.code != 0:
        return None
    found = sorted(json.loads(line) for line in ended.out.decode("utf-8").splitlines())
    return [(name, kind, tuple((offset, count) for offset, count in places)) for name, kind, places in found]


def real_file(stream: BinaryIO) -> BinaryIO:
    """The same bytes as a file of the system, at their start: what another process can be given."""
    stream.seek(0)
    from tempfile import SpooledTemporaryFile

    if isinstance(stream, SpooledTemporaryFile):
        stream.rollover()
    try:
        stream.fileno()
    except (OSError, AttributeError, io.UnsupportedOperation):
        out = SpooledTemporaryFile(max_size=1)  # noqa: SIM115  (the caller closes it)
        while chunk := stream.read(1 << 20):
            out.write(chunk)
        stream.close()
        out.rollover()
        out.seek(0)
        return cast("BinaryIO", out)
    return stream


class Part(io.RawIOBase):
    """Some stretches of a stream, read as one file. Closing it closes the stream, unless that is `shared`."""

    def __init__(self, stream: BinaryIO, places: Places, *, shared: bool) -> None:
        super().__init__()
        self._stream = stream
        self._shared = shared
        self._places = places
        self._length = sum(count for _, count in places)
        self._at = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As a file's."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise ValueError("before the start")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """As a file's."""
        return self._at

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As a raw file's: what is left of one stretch at most."""
        start = 0
        for offset, count in self._places:
            if self._at < start + count:
                inside = self._at - start
                wanted = min(len(buffer), count - inside)
                self._stream.seek(offset + inside)
                piece = self._stream.read(wanted)
                buffer[: len(piece)] = piece
                self._at += len(piece)
                return len(piece)
            start += count
        return 0

    def close(self) -> None:
        """Let go of the stream."""
        if not self.closed and not self._shared:
            self._stream.close()
        super().close()
