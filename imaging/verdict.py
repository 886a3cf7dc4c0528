"""What one file is, judged by its bytes: a verdict, a reason in plain words, and the limits of what may be read."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import PurePosixPath
from typing import BinaryIO

from imaging.errors import NotDicom
from imaging.fragments import cut_short
from imaging.header import IsDirectory, read_object
from imaging.kinds import TEXT, is_report_text, no_report, report_kind
from imaging.study import Header


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
    """What may be read. A refusal names the limit. Sizes are bytes."""

    files: int = 50_000
    file_bytes: int = 4_000_000_000
    total_bytes: int = 50_000_000_000
    ratio: int = 200  # bytes out of a ZIP for each byte in it, over the whole ZIP; real images stay under 30
    nesting: int = 1  # ZIPs and disc images inside another
    depth: int = 32  # folders inside folders
    seconds: float = 3600  # of reading, over everything that is given at once
    name_length: int = 300  # characters of a name that are shown


LIMITS = Limits()


@dataclass(frozen=True)
class Found:
    """One file and what it is. `why` explains a refusal, or is the content type of a report.

    `name` is for showing only. `open` answers a fresh stream of its bytes; it may raise OSError or NotDicom.
    """

    name: str
    size: int
    verdict: Verdict
    why: str
    header: Header | None
    open: Callable[[], BinaryIO] = field(compare=False)
    program: str = ""  # what kind of program stands in front of the picture; empty where none does


PACKED = (b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"BZh", b"\xfd7zXZ\0", b"MSCF")
PACKED_WHY = "A packed file of a kind that we cannot open. Unpack it, or make a ZIP of what is in it."
LINK_WHY = "A link to another place. It was not followed."
APPLE_DOUBLE = b"\x00\x05\x16\x07"
LOCKED = (b"-----BEGIN PGP MESSAGE", b"AES\x02", b"Salted__", b"age-encryption.org/")
ENVELOPED = bytes.fromhex("06092a864886f70d010703")  # CMS enveloped data: a secure DICOM file (PS3.15 section C.1)
LOCKED_NAMES = frozenset({".enc", ".aes", ".pgp", ".gpg", ".p7m", ".axx"})
LOCKED_WHY = "The file is locked. Its password is on the sleeve or from the imaging centre."
CUT_WHY = "The picture is cut short. Ask the imaging centre for a new copy."
DOCUMENTS = frozenset({".docx", ".doc", ".odt", ".rtf", ".pages", ".tif", ".tiff", ".webp", ".htm", ".html"})
DOCUMENT_WHY = "If this is a report, save it as PDF or JPEG and add it again."


Judge = Callable[[str, BinaryIO, int], tuple[Verdict, Header | None, str]]
"""From a file's name, its open bytes and its size to what it is; see `judge`."""


def judge(name: str, stream: BinaryIO, size: int) -> tuple[Verdict, Header | None, str]:
    """What this file is, from its bytes; its name only explains what the bytes leave open."""
    start = stream.read(132)
    if not start or size == 0:
        return Verdict.UNREADABLE, None, "The file is empty."
    kind = "" if start[128:] == b"DICM" else report_kind(start)
    if kind:
        why = no_report(name, kind, stream)
        return (Verdict.NOT_AN_IMAGE, None, why) if why else (Verdict.REPORT, None, kind)
    marked = start[128:] == b"DICM"
    try:
        read = read_object(stream)
        if cut_short(stream, read):
            return Verdict.UNREADABLE, None, CUT_WHY
        return Verdict.IMAGE, read.header, ""
    except IsDirectory:
        return Verdict.DIRECTORY, None, ""
    except NotDicom as problem:
        why = str(problem)
    if marked:
        return Verdict.UNREADABLE, None, why
    if is_report_text(name, stream, size):
        return Verdict.REPORT, None, TEXT
    return _foreign(name, start, why)


def _foreign(name: str, start: bytes, why: str) -> tuple[Verdict, None, str]:
    """A file that is no DICOM. What may hold pictures is never passed over as merely not a picture."""
    suffix = PurePosixPath(name).suffix.lower()
    if start.startswith(APPLE_DOUBLE):
        return Verdict.NOT_AN_IMAGE, None, "A note that a Mac keeps beside each file."
    if suffix in LOCKED_NAMES or start.startswith(LOCKED) or ENVELOPED in start[:64]:
        return Verdict.LOCKED, None, LOCKED_WHY
    if start.startswith(PACKED):
        return Verdict.UNREADABLE, None, PACKED_WHY
    if suffix == ".dcm":
        return Verdict.UNREADABLE, None, "The file is damaged and cannot be read."
    return Verdict.NOT_AN_IMAGE, None, DOCUMENT_WHY if suffix in DOCUMENTS else why


def shown(name: str, length: int = LIMITS.name_length) -> str:
    """A name from outside as it may stand on a page or in JSON: no control or broken characters, not too long."""
    if name.isascii() and name.isprintable() and "\\" not in name and len(name) <= length:
        return name
    clean = name.encode("utf-8", "replace").decode("utf-8").replace("\\", "/")
    clean = "".join("?" if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") else c for c in clean)
    return clean if len(clean) <= length else "…" + clean[1 - length :]
