"""Opens one DICOM object safely, up to its pixels. The only place where bytes of strangers meet pydicom's parser.

Rule: whatever the bytes are, the answer is an open object or NotDicom with a reason, in bounded memory.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from typing import BinaryIO, cast

import pydicom
from pydicom.dataset import FileDataset

from imaging.errors import NotDicom
from imaging.fragments import PIXELS, UNDEFINED, Pixels
from imaging.quiet import quiet
from imaging.reading.start import (
    DEFLATED_UID,
    EXPLICIT_BIG_UID,
    EXPLICIT_LITTLE_UID,
    IMPLICIT_LITTLE_UID,
    begins_like_dicom,
    inflate,
)
from imaging.reading.wanted import LONG_VRS, PIXEL_VRS

__all__ = ["Opened", "open_dicom", "quiet"]

MOST_HEADER = 256_000_000  # bytes of everything that is not pixels
MOST_READS = 4_000_000  # two or three for each element; the largest real headers need under 3,400,000


@dataclass(frozen=True)
class Opened:
    """A data set read up to its pixels. `pixels` speaks of offsets in `body`, or in the file where that is None."""

    dataset: FileDataset
    transfer_syntax_uid: str
    pixels: Pixels | None
    size: int  # bytes of what `pixels` speaks of
    header_cut: bool  # the file ends inside its header
    body: bytes | None = None  # a deflated data set, inflated


def open_dicom(stream: BinaryIO) -> Opened:
    """Read everything before the pixels. Raises NotDicom with the reason.

    A file without preamble (PS3.10 section 7.1) is read when it begins as data sets do; anything else would pass as
    DICOM by accident.
    """
    stream.seek(0)
    start = stream.read(132)
    marked = start[128:] == b"DICM"
    if not begins_like_dicom(start):
        raise NotDicom("This is not a DICOM file.")
    try:
        with quiet():
            return _open(stream, marked=marked)
    except NotDicom:
        raise
    except Exception as problem:
        # A damaged file makes pydicom raise almost anything (struct, key, value, memory, recursion, EOF).
        raise NotDicom("The file is damaged and cannot be read.") from problem


def _open(stream: BinaryIO, *, marked: bool) -> Opened:
    if marked:
        head, syntax = _meta(stream)
        if syntax == DEFLATED_UID:
            return _inflated(head, stream)
    watched = _Watched(stream)
    dataset = pydicom.dcmread(cast("BinaryIO", watched), stop_before_pixels=True, force=not marked)
    pixels = None if watched.ended else _pixels(stream, dataset)
    return Opened(dataset, _syntax(dataset), pixels, watched.size, watched.cut)


def _meta(stream: BinaryIO) -> tuple[bytes, str]:
    """Preamble and file meta group as bytes, and the transfer syntax it names."""
    stream.seek(132)
    syntax = ""
    while len(head := stream.read(8)) == 8 and head[:2] == b"\x02\x00":
        length = struct.unpack("<H", head[6:])[0]
        if head[4:6] in LONG_VRS:
            length = struct.unpack("<L", stream.read(4).ljust(4, b"\0"))[0]
        value = stream.read(min(length, 64_000))
        if head[2:4] == b"\x10\x00":
            syntax = value.rstrip(b"\0 ").decode("ascii", "replace")
    end = stream.tell() - len(head)
    stream.seek(0)
    return stream.read(end), syntax


def _inflated(head: bytes, stream: BinaryIO) -> Opened:
    """A deflated data set (PS3.5 section A.5), never unpacked past its limit."""
    meta = pydicom.dcmread(io.BytesIO(head))
    body, whole = inflate(stream)
    watched = _Watched(io.BytesIO(body))
    dataset = pydicom.dcmread(cast("BinaryIO", watched), stop_before_pixels=True, force=True)
    dataset.file_meta = meta.file_meta
    pixels = None if watched.ended else _pixels(watched.stream, dataset)
    return Opened(dataset, DEFLATED_UID, pixels, len(body), watched.cut or not whole, body)


class _Watched:
    """A stream that bounds what is read and notices where a file ends too early."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        self._left = MOST_HEADER
        self._reads = 0
        self._met_end = 0  # length asked for by a read that met the end; 0 if none has
        self._went_on = False
        self._leftover = b""

    def read(self, length: int = -1) -> bytes:
        """As a file's, within the bounds. Raises NotDicom where a header is larger than any real one."""
        here = self.stream.tell()
        wanted = min(length, self.size - here) if length >= 0 else self.size - here
        self._left -= wanted
        self._reads += 1
        if self._left < 0 or self._reads > MOST_READS:
            raise NotDicom("The header of this file is too large to be read.")
        if self._met_end:
            self._went_on = True
        found = self.stream.read(wanted)
        if length > 1 and len(found) < length:
            self._met_end = length
            self._leftover = found
        return found

    def seek(self, offset: int, whence: int = 0) -> int:
        """As a file's."""
        self._met_end = 0  # looked ahead for a delimiter and came back
        return self.stream.seek(offset, whence)

    def tell(self) -> int:
        """As a file's."""
        return self.stream.tell()

    @property
    def ended(self) -> bool:
        """The end was met before any pixels."""
        return self._met_end > 0

    @property
    def cut(self) -> bool:
        """The end came inside an element: a whole file ends where the next element's 8 bytes are looked for."""
        half = self._met_end != 8 or self._leftover.strip(b"\0") != b""
        return self._went_on or (self.ended and half)


def _pixels(stream: BinaryIO, dataset: FileDataset) -> Pixels | None:
    """The stream stands at the tag of the pixel element, where pydicom stopped."""
    here = stream.tell()
    head = stream.read(12)
    order = "<" if dataset.original_encoding[1] is not False else ">"
    if len(head) < 8:
        return None
    group, element = struct.unpack(f"{order}HH", head[:4])
    tag = group << 16 | element
    if tag not in PIXELS:
        return None
    explicit = head[4:6] in PIXEL_VRS and len(head) == 12
    length = struct.unpack(f"{order}L", head[8:12] if explicit else head[4:8])[0]
    vr = head[4:6].decode("ascii") if explicit else PIXELS[tag]
    offset = here + (12 if explicit else 8)
    return Pixels(f"{tag:08X}", vr, offset, None if length == UNDEFINED else length)


def _syntax(dataset: FileDataset) -> str:
    """What the file meta names; where it names none, what the bytes were."""
    named = str(getattr(dataset.file_meta, "TransferSyntaxUID", "") or "")
    if named:
        return named
    implicit, little = dataset.original_encoding
    return IMPLICIT_LITTLE_UID if implicit else EXPLICIT_LITTLE_UID if little else EXPLICIT_BIG_UID
