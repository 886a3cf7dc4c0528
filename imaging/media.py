"""Walks a disc, folder, file or ZIP safely and gives every file a verdict in plain words. Nothing is lost silently.

Names from outside never touch the disk: members of a ZIP are read in place, never extracted to their own names.
"""

from __future__ import annotations

import io
import os
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import BinaryIO, cast

from imaging.errors import NotDicom, UnsafeMedia
from imaging.header import IsDirectory, cut_short, header_of, read_dataset
from imaging.study import Header, Person, Study, gather


class Verdict(StrEnum):
    """What one file is. Each file given has exactly one."""

    IMAGE = "image"
    DUPLICATE = "duplicate"
    DIRECTORY = "directory"
    NOT_AN_IMAGE = "not-an-image"
    UNREADABLE = "unreadable"
    LOCKED = "locked"
    TOO_LARGE = "too-large"
    SOMEONE_ELSE = "someone-else"
    REPORT = "report"


@dataclass(frozen=True)
class Limits:
    """What may be read. A refusal names the limit."""

    files: int = 50_000
    file_bytes: int = 4_000_000_000
    total_bytes: int = 50_000_000_000
    ratio: int = 1_000  # bytes out of a ZIP for each byte in it; real images stay under 30
    nesting: int = 1  # ZIPs inside a ZIP
    depth: int = 32  # folders inside folders


LIMITS = Limits()
REPORTS = {b"%PDF-": "application/pdf", b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}
LOCKED_NAMES = frozenset({".enc", ".aes", ".pgp", ".gpg", ".p7m"})


@dataclass(frozen=True)
class Found:
    """One file and what it is. `why` explains a refusal, or is the content type of a report.

    `name` is for showing only. `open` answers a fresh stream of its bytes.
    """

    name: str
    size: int
    verdict: Verdict
    why: str
    header: Header | None
    open: Callable[[], BinaryIO] = field(compare=False)


@dataclass(frozen=True)
class Survey:
    """What is in some media: studies, people, counts per verdict that add up to the files, and how many there were."""

    studies: tuple[Study, ...]
    people: tuple[Person, ...]
    counts: dict[str, int]
    files: int
    listed: int | None = None  # pictures that the disc's own list names
    burned_in_risk: tuple[str, ...] = ()  # series whose kind often has text printed into the picture


def judge(name: str, stream: BinaryIO, size: int) -> tuple[Verdict, Header | None, str]:
    """What this file is, from its bytes and never from its name alone."""
    start = stream.read(132)
    stream.seek(0)
    if not start:
        return Verdict.UNREADABLE, None, "The file is empty."
    kind = next((kind for magic, kind in REPORTS.items() if start.startswith(magic)), "")
    if kind:
        return Verdict.REPORT, None, kind
    if PurePosixPath(name).suffix.lower() in LOCKED_NAMES:
        return Verdict.LOCKED, None, "The file is locked. Its password is on the sleeve or from the imaging centre."
    marked = start[128:132] == b"DICM"
    try:
        dataset = read_dataset(stream)
        header = header_of(dataset)
        if cut_short(stream, dataset, size):
            return Verdict.UNREADABLE, None, "The picture is cut short. Ask the imaging centre for a new copy."
        return Verdict.IMAGE, header, ""
    except IsDirectory:
        return Verdict.DIRECTORY, None, ""
    except NotDicom as problem:
        return (Verdict.UNREADABLE if marked else Verdict.NOT_AN_IMAGE), None, str(problem)


def walk(paths: Iterable[Path], limits: Limits = LIMITS) -> Iterator[Found]:
    """Every file under these paths, ZIPs read in place. Raises UnsafeMedia naming the limit that would be broken."""
    budget = _Budget(limits)
    for path in paths:
        for file in _files(path, limits):
            budget.count(file.stat().st_size)
            if _is_zip(file):
                with file.open("rb") as stream:
                    yield from _inside(file, stream, file.name, limits.nesting, budget)
            else:
                yield _found(file.name, file.stat().st_size, lambda f=file: f.open("rb"), limits)  # type: ignore[misc]


def _files(path: Path, limits: Limits) -> Iterator[Path]:
    """Files of a folder in a stable order. Links are not followed: they could lead anywhere."""
    if path.is_file():
        yield path
        return
    for folder, folders, names in os.walk(path, followlinks=False):
        folders.sort()
        if len(Path(folder).relative_to(path).parts) > limits.depth:
            raise UnsafeMedia(f"Folders are nested deeper than {limits.depth}.")
        for name in sorted(names):
            file = Path(folder) / name
            if file.is_file() and not file.is_symlink():
                yield file


def _found(name: str, size: int, opener: Callable[[], BinaryIO], limits: Limits) -> Found:
    if size > limits.file_bytes:
        return Found(name, size, Verdict.TOO_LARGE, f"Larger than {limits.file_bytes:,} bytes.", None, opener)
    try:
        with opener() as stream:
            verdict, header, why = judge(name, stream, size)
    except OSError as problem:
        return Found(
            name, size, Verdict.UNREADABLE, f"The file could not be read ({type(problem).__name__}).", None, opener
        )
    return Found(name, size, verdict, why, header, opener)


class _Budget:
    """Counts files and bytes over everything that is read."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._files = 0
        self._bytes = 0

    def count(self, size: int) -> None:
        """One more file of that size."""
        self._files += 1
        self._bytes += size
        if self._files > self.limits.files:
            raise UnsafeMedia(f"More than {self.limits.files:,} files. Give them in smaller parts.")
        if self._bytes > self.limits.total_bytes:
            raise UnsafeMedia(f"More than {self.limits.total_bytes:,} bytes. Give them in smaller parts.")


def _is_zip(file: Path) -> bool:
    with file.open("rb") as stream:
        return stream.read(4) in ZIP_STARTS


def _inside(file: Path | None, stream: BinaryIO, name: str, nesting: int, budget: _Budget) -> Iterator[Found]:
    """Every member of a ZIP. One that cannot be opened is one unreadable file."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    nowhere = io.BytesIO
    try:
        archive = zipfile.ZipFile(stream)
        members = [m for m in archive.infolist() if not m.is_dir()]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        yield Found(name, size, Verdict.UNREADABLE, "The ZIP is damaged and cannot be opened.", None, nowhere)
        return
    for member in members:
        shown = f"{name}/{member.filename}"
        _check(member, budget)
        if member.flag_bits & 0x1:
            why = "The ZIP is locked with a password. Unlock it first, or ask the imaging centre for the password."
            yield Found(shown, member.file_size, Verdict.LOCKED, why, None, nowhere)
            continue
        yield from _member(file, archive, member, shown, nesting, budget)


def _check(member: zipfile.ZipInfo, budget: _Budget) -> None:
    budget.count(member.file_size)
    if member.file_size > budget.limits.ratio * max(member.compress_size, 1_000):
        raise UnsafeMedia(f"The ZIP unpacks to more than {budget.limits.ratio} times its size. It was not opened.")


def _member(
    file: Path | None, archive: zipfile.ZipFile, member: zipfile.ZipInfo, shown: str, nesting: int, budget: _Budget
) -> Iterator[Found]:
    limit = min(member.file_size, budget.limits.file_bytes)

    def opener() -> BinaryIO:
        """A fresh stream; from the file again where there is one, since the archive may be closed by then."""
        if file is None:
            return _spooled(archive, member, limit)
        with zipfile.ZipFile(file) as again:
            return _spooled(again, member, limit)

    try:
        stream = opener()
    except DAMAGED:
        yield Found(shown, member.file_size, Verdict.UNREADABLE, "Damaged inside the ZIP.", None, io.BytesIO)
        return
    with stream:
        nested = stream.read(4) in ZIP_STARTS
        if not nested:
            yield _found(shown, member.file_size, opener, budget.limits)
            return
        if nesting == 0:
            raise UnsafeMedia(f"ZIPs are nested deeper than {budget.limits.nesting}.")
        yield from _inside(None, stream, shown, nesting - 1, budget)


ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")
DAMAGED = (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError)
IN_MEMORY = 16_000_000  # bytes; a larger member waits in a temporary file under a name of the system's


def _spooled(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> BinaryIO:
    """The member's bytes, never more than its header promises (lengths in a ZIP can lie)."""
    out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the caller closes it)
    try:
        with archive.open(member) as source:
            left = limit
            while left and (chunk := source.read(min(left, 256 * 1024))):
                out.write(chunk)
                left -= len(chunk)
    except BaseException:
        out.close()
        raise
    out.seek(0)
    return cast("BinaryIO", out)


RISKY_MODALITIES = frozenset({"SC", "US", "XA", "OT", "DOC", "ES", "XC"})


def survey(paths: Iterable[Path], limits: Limits = LIMITS) -> Survey:
    """Look at everything and keep no picture in memory. Counts add up to the files found, always."""
    counts: Counter[str] = Counter()
    headers: list[Header] = []
    seen: set[tuple[str, str]] = set()
    for found in walk(paths, limits):
        verdict = found.verdict
        if found.header is not None:
            key = (found.header.instance.study_instance_uid, found.header.instance.sop_instance_uid)
            if key in seen:
                verdict = Verdict.DUPLICATE
            else:
                seen.add(key)
                headers.append(found.header)
        counts[verdict.value] += 1
    people: list[Person] = []
    for header in headers:
        if header.person not in people:
            people.append(header.person)
    risky = dict.fromkeys(
        h.series_description or h.modality
        for h in headers
        if h.burned_in == "YES" or h.modality in RISKY_MODALITIES or "SCREEN" in " ".join(h.image_type).upper()
    )
    return Survey(tuple(gather(headers)), tuple(people), dict(counts), sum(counts.values()), None, tuple(risky))
