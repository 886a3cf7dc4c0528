"""All that is kept of one object at ingest, from one reading: its header, its DICOM JSON, and how its frames lie."""

from __future__ import annotations

from dataclasses import dataclass
from io import SEEK_END
from typing import BinaryIO

from imaging.errors import NotDicom
from imaging.fragments import Pixels
from imaging.header import header_of, header_of_raw
from imaging.reading.every import every_element, wanted_of
from imaging.reading.jsontext import json_text
from imaging.reading.nested import Element
from imaging.reading.start import Start, begin, begins_like_dicom
from imaging.reading.wanted import Odd
from imaging.reading.words import RawValues
from imaging.study import Header
from imaging.values import Values

EXTENDED_OFFSETS = 0x7FE00001


@dataclass(frozen=True)
class Whole:
    """One object. `pixels` speaks of offsets in `body`, or in the file where that is None."""

    header: Header
    metadata: str  # DICOM JSON, with `{bulk}` for the root of its bulk data
    pixels: Pixels | None
    size: int  # bytes of what `pixels` speaks of
    frame_bits: int  # of one native frame; 0 where the header does not say
    is_picture: bool  # it has rows
    offsets: bytes = b""  # extended offset table (PS3.5 section A.4)
    body: bytes | None = None  # a deflated data set, inflated


def read_whole(stream: BinaryIO) -> Whole:
    """Read all that is not pixels, by our own reader or by pydicom. Raises NotDicom; IsDirectory for a DICOMDIR."""
    try:
        return _fast(stream)
    except Odd:
        pass
    stream.seek(0)
    if not begins_like_dicom(stream.read(132)):
        raise NotDicom("This is not a DICOM file.")
    return _thorough(stream)


def _fast(stream: BinaryIO) -> Whole:
    start = begin(stream, stream.seek(0, SEEK_END))
    elements, pixels = every_element(start)
    data, encoding = start.source.data, start.encoding
    raw = wanted_of(elements, data, encoding)
    values = RawValues(dict(raw), encoding)
    return Whole(
        header=header_of_raw(raw, start, pixels=pixels is not None),
        metadata=json_text(elements, data, encoding, pixels),
        pixels=pixels,
        size=start.source.size,
        frame_bits=_frame_bits(values),
        is_picture=values.has("Rows"),
        offsets=_offsets(elements, start),
        body=start.body,
    )


def _thorough(stream: BinaryIO) -> Whole:
    from imaging.dataset import bytes_of, values_of
    from imaging.metadata import metadata_text
    from imaging.opening import open_dicom
    from imaging.quiet import quiet

    opened = open_dicom(stream)
    header = header_of(opened)
    with quiet():
        values, _ = values_of(opened)
        bits, is_picture = _frame_bits(values), values.has("Rows")
        offsets = bytes_of(opened, EXTENDED_OFFSETS)
    metadata = metadata_text(opened)
    return Whole(header, metadata, opened.pixels, opened.size, bits, is_picture, offsets, opened.body)


def _frame_bits(values: Values) -> int:
    """Bits of one native frame; 0 where the header does not say."""
    rows, columns, bits = (_number(values, keyword) for keyword in ("Rows", "Columns", "BitsAllocated"))
    samples = _number(values, "SamplesPerPixel") if values.several("SamplesPerPixel") else 1
    whole = rows * columns * samples * bits
    # Two pixels share one pair of colour samples (PS3.3 section C.7.6.3.1.2).
    return whole * 2 // 3 if values.text("PhotometricInterpretation") == "YBR_FULL_422" else whole


def _number(values: Values, keyword: str) -> int:
    found = values.several(keyword)
    return int(found[0]) if len(found) == 1 and found[0].isascii() and found[0].isdigit() else 0


def _offsets(elements: list[Element], start: Start) -> bytes:
    for tag, _, begins, ends, _ in elements[-4:]:
        if start.encoding.number(tag) == EXTENDED_OFFSETS:
            return start.source.data[begins:ends]
    return b""
