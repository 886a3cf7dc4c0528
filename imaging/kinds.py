"""What a file that is no picture may be: a report, a viewer's own file, a locked or packed one. Told by its bytes.

Rule: the name only explains what the bytes leave open. A report must be able to be one: an icon of the disc's viewer
or its manual is none, and pages are large enough to be read.
"""

from __future__ import annotations

import re
import struct
from pathlib import PurePosixPath
from typing import BinaryIO

PDF, JPEG, PNG, HEIC, TEXT = "application/pdf", "image/jpeg", "image/png", "image/heic", "text/plain"
PHOTOS = frozenset({JPEG, PNG, HEIC})
STARTS = {b"\xff\xd8\xff": JPEG, b"\x89PNG\r\n\x1a\n": PNG}
HEIC_BRANDS = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})  # ISO/IEC 23008-12
SMALLEST_PAGE = (480, 640)  # pixels of the shorter and the longer side of a page that can be read
LARGEST_TEXT = 1_000_000  # bytes
SMALL_WHY = "A small picture, not the page of a report."
VIEWER_WHY = "It belongs to the viewing program on the disc."

# Folders of programs that imaging centres burn beside the pictures, in the words that they use.
PROGRAM = re.compile(
    r"(viewer|weasis|efilm|jre|jdk|java|plugins?|bin|lib|help|manuals?|licen[cs]es?|icons?|res|resources|autorun"
    r"|drivers?|setup|redist|__macosx|meta-inf|ihe_pdi)([ _.\d-].*)?",
    re.IGNORECASE,
)
# A text is a report where it has headings of one (English, Spanish).
HEADINGS = re.compile(
    r"^[^\w\n]{0,8}(findings|impression|conclusion|technique|indication|clinical (?:history|information)|comparison"
    r"|history|hallazgos|impresi[oó]n|conclusi[oó]n|conclusiones|t[eé]cnica|indicaci[oó]n|motivo|juicio cl[ií]nico)\b",
    re.IGNORECASE | re.MULTILINE,
)


def report_kind(start: bytes) -> str:
    """The content type of what these first bytes may begin, if it is one that reports come in; else empty."""
    for magic, kind in STARTS.items():
        if start.startswith(magic):
            return kind
    if start[4:8] == b"ftyp" and (start[8:12] in HEIC_BRANDS):
        return HEIC
    return PDF if b"%PDF-" in start else ""  # readers take it anywhere in the first 1,024 bytes (ISO 32000-1, H.3)


def no_report(name: str, kind: str, stream: BinaryIO) -> str:
    """Why this PDF or photo is no report; empty where it may be one."""
    if any(PROGRAM.fullmatch(folder) for folder in PurePosixPath(name.replace("\\", "/")).parts[:-1]):
        return VIEWER_WHY
    sides = picture_size(kind, stream)
    if sides is not None and (min(sides) < SMALLEST_PAGE[0] or max(sides) < SMALLEST_PAGE[1]):
        return SMALL_WHY
    return ""


def picture_size(kind: str, stream: BinaryIO) -> tuple[int, int] | None:
    """Width and height as a PNG or JPEG says of itself; None where it says none."""
    stream.seek(0)
    if kind == PNG:
        head = stream.read(24)
        return struct.unpack(">LL", head[16:24]) if len(head) == 24 and head[12:16] == b"IHDR" else None
    if kind == JPEG:
        return _jpeg_size(stream.read(512_000))
    return None


def _jpeg_size(data: bytes) -> tuple[int, int] | None:
    """From the first start-of-frame segment (ISO/IEC 10918-1, Annex B.2.2)."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            return width, height
        at += 2 + max(length, 2)
    return None


def text_of(data: bytes) -> str | None:
    """These bytes as text, whatever a computer's notepad wrote; None where they are none."""
    marks = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
    encoding = next((name for mark, name in marks.items() if data.startswith(mark)), "utf-8")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        if encoding != "utf-8":
            return None
        text = data.decode("cp1252", "replace")
    odd = sum(1 for c in text if c < " " and c not in "\t\r\n\f")
    return None if odd or "\0" in text or "\ufffd" in text else text


def is_report_text(name: str, stream: BinaryIO, size: int) -> bool:
    """Is this a text file that has two headings of a report, at least?"""
    if PurePosixPath(name).suffix.lower() not in ("", ".txt", ".text", ".asc") or size > LARGEST_TEXT:
        return False
    stream.seek(0)
    text = text_of(stream.read(LARGEST_TEXT))
    return text is not None and len({found.casefold() for found in HEADINGS.findall(text)}) >= 2


PROGRAMS = (
    (b"MZ", "Windows"),
    (b"\x7fELF", "Linux"),
    (b"\xcf\xfa\xed\xfe", "macOS"),
    (b"\xce\xfa\xed\xfe", "macOS"),
    (b"\xca\xfe\xba\xbe", "macOS"),
    (b"#!", "a script"),
    (b"<script", "a script"),
    (b"<html", "a web page"),
    (b"<!doctype", "a web page"),
)


def program_in_front(preamble: bytes) -> str:
    """Which program a DICOM file's first 128 bytes would start, if it were opened as one (PS3.10 section 7.1)."""
    start = preamble.lower().lstrip() if preamble[:1] in b" \t\r\n<" else preamble
    return next((what for magic, what in PROGRAMS if start.startswith(magic)), "")
