"""Files named by the SHA-256 of their content.

Rule: written under a name of ours, flushed, then renamed. A file that has its name is whole.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from imaging.errors import ArchiveUnavailable

CHUNK = 1024 * 1024  # bytes
FORGOTTEN = 86_400  # seconds after which a draft is what a killed process left behind


@dataclass(frozen=True)
class Draft:
    """Bytes that are on the disk and not named yet."""

    path: Path
    sha256: str
    size: int


class Drafts:
    """Where bytes wait until they are named. On the same disk as the objects, so that naming is one rename."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for left_behind in folder.iterdir():
            with suppress(OSError):
                if left_behind.stat().st_mtime < time.time() - FORGOTTEN:
                    left_behind.unlink()

    @contextmanager
    def of(self, chunks: Iterable[bytes | memoryview]) -> Iterator[Draft]:
        """These bytes, flushed to the disk; gone again at the end unless they were named. Raises ArchiveUnavailable."""
        draft = self.write(chunks)
        try:
            yield draft
        finally:
            self.discard(draft)

    def write(self, chunks: Iterable[bytes | memoryview]) -> Draft:
        """These bytes, flushed to the disk, to be named or discarded. Raises ArchiveUnavailable."""
        path = self._folder / uuid.uuid4().hex
        digest, size = hashlib.sha256(), 0
        try:
            with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0) as out:
                for chunk in chunks:
                    digest.update(chunk)
                    _write_all(out, chunk)
                    size += len(chunk)
                os.fsync(out.fileno())
        except BaseException as problem:
            path.unlink(missing_ok=True)
            if isinstance(problem, OSError):
                raise ArchiveUnavailable("The archive's disk cannot be written.") from problem
            raise
        return Draft(path, digest.hexdigest(), size)

    @staticmethod
    def discard(draft: Draft) -> None:
        """Its bytes are gone, unless they were named."""
        draft.path.unlink(missing_ok=True)


class Objects:
    """One owner's files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, name: str) -> Path:
        """Where the file of that name is or would be."""
        return self.folder / name

    def name(self, draft: Draft, name: str) -> None:
        """Give the draft its name, durably. Raises ArchiveUnavailable."""
        self.move(draft, name)
        self.flush()

    def move(self, draft: Draft, name: str) -> None:
        """Give the draft its name; durable after the next `flush`. Raises ArchiveUnavailable."""
        try:
            if not self.folder.is_dir():
                self.folder.mkdir(exist_ok=True, mode=0o700)
                _flush(self.folder.parent)
            draft.path.replace(self.folder / name)
        except OSError as problem:
            raise ArchiveUnavailable("The archive's disk cannot be written.") from problem

    def flush(self) -> None:
        """Make every name given so far durable. Raises ArchiveUnavailable."""
        try:
            if self.folder.is_dir():
                _flush(self.folder)
        except OSError as problem:
            raise ArchiveUnavailable("The archive's disk cannot be written.") from problem

    def remove(self, *names: str) -> None:
        """Those files are gone; a name without a file is as good."""
        for name in names:
            (self.folder / name).unlink(missing_ok=True)


_buffers = threading.local()


def in_chunks(stream: BinaryIO) -> Iterator[bytes | memoryview]:
    """The rest of a stream, piece by piece; a piece is good until the next is asked for."""
    read_into = getattr(stream, "readinto", None)
    if read_into is None:
        while chunk := stream.read(CHUNK):
            yield chunk
        return
    if not hasattr(_buffers, "view"):
        _buffers.view = memoryview(bytearray(CHUNK))  # once a thread: a fresh one costs as much as the reading
    view: memoryview = _buffers.view
    while count := read_into(view):
        yield view[:count]


def _write_all(out: BinaryIO, chunk: bytes | memoryview) -> None:
    """A raw write may take less than it is given."""
    written = out.write(chunk)
    while written < len(chunk):
        chunk = chunk[written:]
        written = out.write(chunk)


def _flush(folder: Path) -> None:
    """Make a rename in this folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
