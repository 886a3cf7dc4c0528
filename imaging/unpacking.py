"""Unpacks one member of a ZIP, never further than its entry promises, and checks it by its CRC.

Plain deflate goes through ISA-L where it is installed, twice as fast as zlib; everything else through `zipfile`.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from contextlib import suppress
from typing import Any, BinaryIO, cast

IN_MEMORY = 4_000_000  # bytes; a larger member waits in a temporary file without a name
CHUNK = 256 * 1024
PIECE = 1024 * 1024  # bytes unpacked at a time, whatever is packed into them
LOCAL_HEADER = struct.Struct("<4s5H3L2H")  # PKWARE APPNOTE 4.3.7
HARMLESS_FLAGS = 0x0002 | 0x0004 | 0x0008 | 0x0800  # effort of packing, sizes behind the data, names in UTF-8
DAMAGED = "This file is damaged inside the ZIP."


def unpacked(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int) -> BinaryIO:
    """A fresh stream of the member's bytes, at most `limit`, which the caller closes.

    Raises what `zipfile` raises: BadZipFile, zlib.error, NotImplementedError, OSError.
    """
    import tempfile

    out = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (the caller closes it)
    try:
        if member.compress_type == zipfile.ZIP_DEFLATED and not member.flag_bits & ~HARMLESS_FLAGS:
            _inflate(cast("BinaryIO", archive.fp), member, limit, out)
        else:
            _copy(archive, member, limit, out)
    except BaseException:
        with suppress(OSError):
            out.close()
        raise
    out.seek(0)
    return cast("BinaryIO", out)


def _copy(archive: zipfile.ZipFile, member: zipfile.ZipInfo, limit: int, out: Any) -> None:
    with archive.open(member) as source:
        left = limit
        while left and (chunk := source.read(min(left, CHUNK))):
            out.write(chunk)
            left -= len(chunk)


def _inflate(stream: BinaryIO, member: zipfile.ZipInfo, limit: int, out: Any) -> None:
    inflate, damaged = _decompressor()
    _to_data(stream, member)
    packed, written, crc = member.compress_size, 0, 0
    try:
        while not inflate.eof and written < limit:
            chunk = inflate.unconsumed_tail or stream.read(min(packed, CHUNK) if packed else 0)
            packed -= 0 if inflate.unconsumed_tail else len(chunk)
            piece = inflate.decompress(chunk, min(limit - written, PIECE))
            if not chunk and not piece:
                break
            written += len(piece)
            crc = zlib.crc32(piece, crc)
            out.write(piece)
    except damaged as problem:
        raise zipfile.BadZipFile(DAMAGED) from problem
    if written < min(limit, member.file_size) or (written == member.file_size and crc != member.CRC):
        raise zipfile.BadZipFile(DAMAGED)


def _to_data(stream: BinaryIO, member: zipfile.ZipInfo) -> None:
    """Stand where the member's bytes begin: its own header, which may differ in length from the list's entry."""
    stream.seek(member.header_offset)
    head = stream.read(LOCAL_HEADER.size)
    if len(head) < LOCAL_HEADER.size or head[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(DAMAGED)
    fields = LOCAL_HEADER.unpack(head)
    if fields[2] & ~HARMLESS_FLAGS or fields[3] != zipfile.ZIP_DEFLATED:
        raise zipfile.BadZipFile(DAMAGED)  # the list said something else
    stream.seek(fields[9] + fields[10], 1)


def _decompressor() -> tuple[Any, Any]:
    """A decompressor of raw deflate, and what it raises on damaged bytes."""
    try:
        from isal import isal_zlib
    except ImportError:
        return zlib.decompressobj(-zlib.MAX_WBITS), zlib.error
    return isal_zlib.decompressobj(-zlib.MAX_WBITS), isal_zlib.error
