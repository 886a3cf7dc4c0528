"""Where cleaned images go: first aside, where nobody looks, and into the folder only when all were searched.

Rule: what is visible is whole and was released; every name is one of ours.
"""

from __future__ import annotations

import errno
import hashlib
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from imaging.deidentify.instance import Rewritten
from imaging.errors import OutputUnusable

CLOSED = (errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ENOENT)
PIECE = 1024 * 1024  # bytes copied at a time
SUFFIX = ".dcm"
_BUFFER = memoryview(bytearray(PIECE))  # one for all: a new one for each picture costs more than the copying


class Output:
    """One folder, and the place aside: beside the folder where that is the same file system, else hidden in it.

    `place` is a path of ours below either, without suffix.
    """

    def __init__(self, folder: Path) -> None:
        """Raises OutputUnusable where nothing can be written."""
        self.folder = folder
        with _told(folder):
            folder.mkdir(parents=True, exist_ok=True)
            self.aside = _aside(folder.resolve())
            self.aside.mkdir(mode=0o700, exist_ok=True)
        self._made: set[str] = set()

    def keep_aside(self, places: set[str]) -> None:
        """Remove everything that waits aside, except these."""
        wanted = {f"{self.aside}/{place}{SUFFIX}" for place in places}
        for folder, _, names in os.walk(self.aside):
            for name in names:
                if f"{folder}/{name}" not in wanted:
                    Path(folder, name).unlink()

    def staged(self, place: str) -> str:
        """Where an instance waits."""
        return f"{self.aside}/{place}{SUFFIX}"

    def final(self, place: str) -> str:
        """Where it will be."""
        return f"{self.folder}/{place}{SUFFIX}"

    def write(self, place: str, done: Rewritten) -> int:
        """Write aside; answers how many bytes. Raises OutputUnusable, OSError of the source."""
        path = self.staged(place)
        folder = path.rpartition("/")[0]
        with _told(self.folder):
            if folder not in self._made:
                Path(folder).mkdir(parents=True, exist_ok=True)
                self._made.add(folder)
            with open(path, "wb", buffering=0) as out:  # noqa: PTH123  (a path object for each costs too much)
                return _written(done, out)

    def release(self) -> None:
        """Make everything that waits visible: a whole folder at once where it is new, else file by file."""
        with _told(self.folder):
            _move(self.aside, self.folder)

    def close(self) -> None:
        """The place aside goes when nothing waits in it."""
        with suppress(OSError):
            self.aside.rmdir()


def _move(source: Path, target: Path) -> None:
    for inner in sorted(source.iterdir()):
        there = target / inner.name
        if inner.is_dir() and there.is_dir():
            _move(inner, there)
            inner.rmdir()
        elif inner.is_dir() and not any(inner.iterdir()):
            inner.rmdir()
        else:
            inner.replace(there)


def _written(done: Rewritten, out: io.FileIO) -> int:
    if done.deflate:
        return _deflated(done, out)
    head = done.meta + done.body
    length = done.pixels_end - done.pixels.value if done.pixels is not None else 0
    if done.pixels is None or not length:
        _all(out, head + done.tail)
    else:
        _copy(done.source, done.pixels.value, length, out, head)
        if done.tail:
            _all(out, done.tail)
    return len(head) + length + len(done.tail)


def _aside(folder: Path) -> Path:
    name = f".{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}.deidentifying"
    beside = folder.parent
    same = beside.stat().st_dev == folder.stat().st_dev and os.access(beside, os.W_OK | os.X_OK)
    return (beside if same else folder) / name


@contextmanager
def _told(folder: Path) -> Iterator[None]:
    """A full or a closed disk in plain words. What the source could not give is another's matter."""
    try:
        yield
    except OSError as problem:
        full = problem.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        if not full and problem.errno not in CLOSED:
            raise
        why = "There is no room left" if full else "It cannot be written to"
        raise OutputUnusable(f"{folder}: {why}. What was released before is whole; run it again to go on.") from problem


def _copy(source: BinaryIO, offset: int, count: int, out: io.FileIO, head: bytes) -> None:
    """So many bytes of one file to the other, behind `head`, in pieces."""
    file = source.fileno() if isinstance(source, io.BufferedReader) else None
    if file is None:
        source.seek(offset)
    while count > 0:
        piece = _BUFFER[: min(PIECE, count)]
        got = os.preadv(file, [piece], offset) if file is not None else source.readinto(piece)  # type: ignore[attr-defined]
        if not got:
            raise OSError(errno.EIO, "the source ended early")
        wrote = os.writev(out.fileno(), [head, piece[:got]])
        if wrote < len(head) + got:  # a disk that is nearly full takes only a part
            _all(out, (head + bytes(piece[:got]))[wrote:])
        head = b""
        offset, count = offset + got, count - got


def _deflated(done: Rewritten, out: io.FileIO) -> int:
    """The data set deflated again (PS3.5 section A.5), the file meta in front of it."""
    pack = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    _all(out, done.meta)
    _all(out, pack.compress(done.body))
    if done.pixels is not None:
        done.source.seek(done.pixels.value)
        left = done.pixels_end - done.pixels.value
        while left > 0 and (piece := done.source.read(min(PIECE, left))):
            _all(out, pack.compress(piece))
            left -= len(piece)
        _all(out, pack.compress(done.tail))
    rest = pack.flush()
    _all(out, rest + b"\0" * ((out.tell() + len(rest)) & 1))
    return out.tell()


def _all(out: io.FileIO, data: bytes) -> None:
    """Everything, although a disk that is nearly full takes only a part."""
    left = memoryview(data)
    while left:
        left = left[out.write(left) or 0 :]


def same_bytes(one: str, other: str) -> bool:
    """Do two files hold the same?"""
    with Path(one).open("rb") as left, Path(other).open("rb") as right:
        if os.fstat(left.fileno()).st_size != os.fstat(right.fileno()).st_size:
            return False
        while piece := left.read(PIECE):
            if piece != right.read(PIECE):
                return False
    return True
