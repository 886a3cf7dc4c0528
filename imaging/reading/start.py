"""Where the data set of a file begins, and how it is written: preamble, meta, transfer syntax (PS3.10 section 7.1)."""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO

from imaging.errors import NotDicom
from imaging.reading.elements import Source
from imaging.reading.wanted import (
    EXPLICIT_BIG,
    EXPLICIT_LITTLE,
    IMPLICIT_LITTLE,
    LONG_VRS,
    SHORT_VRS,
    Encoding,
    Odd,
)

IMPLICIT_LITTLE_UID = "1.2.840.10008.1.2"
EXPLICIT_LITTLE_UID = "1.2.840.10008.1.2.1"
DEFLATED_UID = "1.2.840.10008.1.2.1.99"
EXPLICIT_BIG_UID = "1.2.840.10008.1.2.2"
DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory (PS3.10 section 8.6), whatever the file is called
MOST_INFLATED = 512_000_000  # bytes of a deflated data set, pixels included

ELEMENT = struct.Struct("<HH2sH")
LENGTH = struct.Struct("<L")
PLAIN_UID = re.compile(rb"[0-9.]{1,64}")


@dataclass(frozen=True)
class Start:
    """Where the elements of a data set begin, in which bytes, and how they are written."""

    source: Source
    position: int
    encoding: Encoding
    transfer_syntax_uid: str
    body: bytes | None = None  # a deflated data set, inflated


def begins_like_dicom(start: bytes) -> bool:
    """The mark after a preamble, or, without one, what a data set begins with. `start` is 132 bytes of a file."""
    if start[128:132] == b"DICM":
        return True
    if len(start) < 16:
        return False
    little, big = struct.unpack("<HH", start[:4]), struct.unpack(">HH", start[:4])
    return any(group in (2, 8) and element < 0x0100 for group, element in (little, big))


def begin(stream: BinaryIO, size: int) -> Start:
    """Read preamble and file meta. Raises Odd."""
    source = Source(stream, size)
    if not begins_like_dicom(source.data):
        raise Odd
    marked = source.data[128:132] == b"DICM"
    position, syntax = _meta(source.data, 132 if marked else 0)
    if syntax == DEFLATED_UID and marked:
        return _inflated(stream, position)
    known = {IMPLICIT_LITTLE_UID: IMPLICIT_LITTLE, EXPLICIT_BIG_UID: EXPLICIT_BIG, DEFLATED_UID: None}
    encoding = known.get(syntax, EXPLICIT_LITTLE) if syntax else _guessed(source.data, position)
    if encoding is None:
        raise Odd
    plain = EXPLICIT_LITTLE_UID if encoding.explicit else IMPLICIT_LITTLE_UID
    return Start(source, position, encoding, syntax or plain)


def _meta(data: bytes, position: int) -> tuple[int, str]:
    """The end of the file meta group, always explicit little endian, and the transfer syntax that it names."""
    syntax = media = b""
    first = True
    while data[position : position + 2] == b"\x02\x00" and len(data) >= position + 12:
        _, element, vr, length = ELEMENT.unpack_from(data, position)
        value = position + 8
        if vr not in SHORT_VRS:
            if vr not in LONG_VRS:
                raise Odd
            (length,) = LENGTH.unpack_from(data, value)
            value += 4
        position = value + length
        if position > len(data) or not _as_expected(element, vr, length, first=first):
            raise Odd
        if element == 0x0010:
            if syntax:
                raise Odd
            syntax = data[value:position].rstrip(b"\0 ")
            if not PLAIN_UID.fullmatch(syntax):
                raise Odd
        elif element == 0x0002:
            media += data[value:position]
        first = False
    if media.rstrip(b"\0 ") == DIRECTORY.encode():
        raise Odd
    return position, syntax.decode()


META = {0x0000: b"UL", 0x0001: b"OB", 0x0002: b"UI", 0x0010: b"UI"}


def _as_expected(element: int, vr: bytes, length: int, *, first: bool) -> bool:
    if element not in META:
        return not first
    return vr == META[element] and (element != 0x0000 or length == 4)


def _guessed(data: bytes, position: int) -> Encoding:
    """A data set without file meta begins with group 8; its first element shows how it is written."""
    if data[position : position + 2] != b"\x08\x00":
        raise Odd
    vr = data[position + 4 : position + 6]
    return EXPLICIT_LITTLE if vr in SHORT_VRS or vr in LONG_VRS else IMPLICIT_LITTLE


def _inflated(stream: BinaryIO, position: int) -> Start:
    stream.seek(position)
    try:
        body, whole = inflate(stream)
    except (NotDicom, zlib.error) as problem:
        raise Odd from problem
    if not whole or body[128:132] == b"DICM":
        raise Odd
    source = Source(io.BytesIO(body), len(body))
    return Start(source, 0, _guessed(body, 0), DEFLATED_UID, body)


def inflate(stream: BinaryIO) -> tuple[bytes, bool]:
    """A deflated data set (PS3.5 section A.5) from there on, and whether it is whole.

    Never unpacked past its limit: raises NotDicom, zlib.error.
    """
    unpacked = zlib.decompressobj(-zlib.MAX_WBITS)
    out = bytearray()
    while (chunk := stream.read(256 * 1024)) and not unpacked.eof:
        out += unpacked.decompress(chunk, MOST_INFLATED + 1 - len(out))
        if unpacked.unconsumed_tail or len(out) > MOST_INFLATED:
            raise NotDicom(f"The file unpacks to more than {MOST_INFLATED:,} bytes.")
    return bytes(out), unpacked.eof
