"""Reads the members of a ZIP in place. Nothing is unpacked under a name of its own, and no ZIP unpacks without end.

Rule: what a ZIP says of itself (names, lengths, counts) is a claim; every claim is bounded before it is believed.
"""

from __future__ import annotations

import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import PurePosixPath
from typing import BinaryIO, cast

from imaging.budget import FREE, Budget, Deeper
from imaging.errors import UnsafeMedia
from imaging.unpacking import unpacked
from imaging.verdict import DOCUMENT_WHY, LINK_WHY, Found, Limits, Verdict, shown

STARTS = (b"PK\x03\x04", b"PK\x05\x06")
# Packed as ZIP, and documents or programs all the same: one file, not a disc.
NOT_MEDIA = frozenset({".jar", ".war", ".apk", ".docx", ".xlsx", ".pptx", ".odt", ".ods", ".odp", ".epub", ".xpi"})
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,  # a password is wanted, though no flag said so
    ValueError,
    LookupError,
    OverflowError,
    MemoryError,
)
DAMAGED_WHY = "The ZIP is damaged and cannot be opened. Make it again, or give the folder itself."
MEMBER_WHY = "This file is damaged inside the ZIP."
PACKING_WHY = "This file is packed in a way that we cannot open. Make the ZIP again with your computer's own program."
LOCKED_WHY = "The ZIP is locked with a password. Unlock it first, or ask the imaging centre for the password."
SMALLEST_ENTRY = 46  # bytes of one entry in a ZIP's own list


def is_zip(name: str, start: bytes) -> bool:
    """Is this a ZIP that may be a disc? Word files and Java programs are ZIPs, too, and are not."""
    return start[:4] in STARTS and PurePosixPath(name).suffix.lower() not in NOT_MEDIA


def in_zip(
    name: str, size: int, opener: Callable[[], BinaryIO], nesting: int, budget: Budget, deeper: Deeper
) -> Iterator[Found]:
    """Every member of the ZIP that `opener` opens. A ZIP that cannot be opened, or is empty, is one file itself.

    `deeper` judges each member, with `nesting` containers to go. Raises UnsafeMedia naming the limit.
    """

    def itself(verdict: Verdict, why: str) -> Found:
        budget.count(size)
        return Found(name, size, verdict, why, None, opener)

    try:
        with opener() as stream:
            check_list(stream, size, budget.limits)
            try:
                archive = zipfile.ZipFile(stream)
            except NotImplementedError:
                yield itself(Verdict.UNREADABLE, PACKING_WHY)
                return
            members = [member for member in archive.infolist() if not member.is_dir()]
            if not members or _is_document(archive):
                yield itself(Verdict.NOT_AN_IMAGE, DOCUMENT_WHY if members else "The ZIP is empty.")
                return
            check_size(members, size, budget.limits)
            for member in members:
                yield from _member(_Place(name, opener, archive), member, nesting, budget, deeper)
    except DAMAGED:
        yield itself(Verdict.UNREADABLE, DAMAGED_WHY)


FIRST_OF_DOCUMENTS = ("[Content_Types].xml", "mimetype", "META-INF/")


def _is_document(archive: zipfile.ZipFile) -> bool:
    """Word files and Java programs are told by what stands first in them, whatever they are called."""
    names = archive.namelist()
    return bool(names) and names[0].startswith(FIRST_OF_DOCUMENTS)


def holds_document(source: Callable[[], BinaryIO]) -> bool:
    """Is this ZIP a Word file or a Java program, whatever it is called?"""
    try:
        with source() as stream, zipfile.ZipFile(stream) as archive:
            return _is_document(archive)
    except DAMAGED:
        return False


def check_list(stream: BinaryIO, size: int, limits: Limits) -> None:
    """Refuse a list of members that would fill the memory before anybody counts them (PKWARE APPNOTE 4.3.16)."""
    tail_length = min(size, 65_535 + 22 + 20)
    stream.seek(size - tail_length)
    tail = stream.read(tail_length)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or len(tail) < end + 22:
        return
    listed: int = struct.unpack("<L", tail[end + 12 : end + 16])[0]
    if listed == 0xFFFFFFFF and tail[max(0, end - 20) :][:4] == b"PK\x06\x07":
        stream.seek(struct.unpack("<Q", tail[end - 12 : end - 4])[0])
        record = stream.read(56)
        listed = struct.unpack("<Q", record[40:48])[0] if record[:4] == b"PK\x06\x06" and len(record) == 56 else size
    if min(listed, size) // SMALLEST_ENTRY > limits.files * 20:
        raise UnsafeMedia(f"More than {limits.files:,} files. Give them in smaller parts.")


def check_size(members: list[zipfile.ZipInfo], size: int, limits: Limits) -> None:
    """Refuse a ZIP whose own list promises more than `limits.ratio` times its size, or the same bytes many times."""
    if sum(member.file_size for member in members) > limits.ratio * size + FREE:
        raise UnsafeMedia(f"The ZIP unpacks to more than {limits.ratio} times its size. It was not opened.")
    if sum(member.compress_size for member in members) > size:
        raise UnsafeMedia("The ZIP holds the same bytes under several names. It was not opened.")


class _Place:
    """One ZIP that is open now, and how to open it again later."""

    def __init__(self, name: str, source: Callable[[], BinaryIO], archive: zipfile.ZipFile) -> None:
        self.name = name
        self._source = source
        self._archive = archive

    def open(self, member: zipfile.ZipInfo, limit: int) -> BinaryIO:
        """A fresh stream of a member's bytes."""
        if self._archive.fp is not None and not self._archive.fp.closed:
            return unpacked(self._archive, member, limit)
        with self._source() as stream, zipfile.ZipFile(stream) as again:
            return unpacked(again, member, limit)


class _Lent:
    """A member's bytes, unpacked once: whoever judges them gives them back, and who stores them may take them."""

    def __init__(self) -> None:
        self.stream: BinaryIO | None = None

    def __enter__(self) -> BinaryIO:
        return cast("BinaryIO", self.stream)

    def __exit__(self, *_: object) -> None:
        cast("BinaryIO", self.stream).seek(0)

    def take(self) -> BinaryIO | None:
        """The stream, for whoever closes it; None when it was taken before."""
        taken, self.stream = self.stream, None
        return taken

    def close(self) -> None:
        """Let go of what nobody took."""
        left = self.take()
        if left is not None:
            left.close()


def _member(place: _Place, member: zipfile.ZipInfo, nesting: int, budget: Budget, deeper: Deeper) -> Iterator[Found]:
    limits = budget.limits
    name = shown(f"{place.name}/{member.filename}", limits.name_length)
    limit = min(member.file_size, limits.file_bytes)

    lent = _Lent()

    def opener() -> BinaryIO:
        return lent.take() or place.open(member, limit)

    def refused(verdict: Verdict, why: str) -> Found:
        budget.count(0 if verdict is Verdict.TOO_LARGE else member.file_size)
        return Found(name, member.file_size, verdict, why, None, opener)

    if member.flag_bits & 0x41:  # encrypted, or strongly so
        yield refused(Verdict.LOCKED, LOCKED_WHY)
        return
    if stat.S_ISLNK(member.external_attr >> 16):
        yield refused(Verdict.NOT_AN_IMAGE, LINK_WHY)
        return
    if member.file_size > limits.file_bytes:
        yield refused(Verdict.TOO_LARGE, f"Larger than {limits.file_bytes:,} bytes.")
        return
    try:
        lent.stream = opener()
    except NotImplementedError:
        yield refused(Verdict.UNREADABLE, PACKING_WHY)
        return
    except DAMAGED:
        yield refused(Verdict.UNREADABLE, MEMBER_WHY)
        return
    with closing(lent):
        yield from deeper(name, member.file_size, opener, nesting, budget, cast("BinaryIO", lent))
