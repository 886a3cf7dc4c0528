"""Where the parts of one DICOM file lie: file meta, elements, pixels, what follows. Pixels are never read.

Rule: a file is laid out only if every length in it fits; all others are Odd and pydicom's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from imaging.deidentify.elements import (
    ITEM,
    SEQUENCE_END,
    UNDEFINED,
    Coding,
    Element,
    Odd,
    TooFew,
    element_at,
    head_at,
    long_head,
)
from imaging.deidentify.gate import Content

IMPLICIT_LITTLE = "1.2.840.10008.1.2"
EXPLICIT_BIG = "1.2.840.10008.1.2.2"
FIRST = 16 * 1024  # bytes; most headers end within them
MOST_HEADER = 256_000_000  # bytes of everything that is not pixels
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
DOCUMENT = 0x00420011
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class Meta:
    """The transfer syntax that the file meta names, and where the data set begins."""

    syntax: str
    begin: int


@dataclass
class Layout:
    """The elements of a file up to its pixels. Offsets are of `data`, and of the stream alike."""

    data: bytes
    coding: Coding
    elements: list[Element]
    end: int  # of the elements: the pixels begin here, or nothing does


def meta_of(data: bytes) -> Meta:
    """Read the file meta group (PS3.10 section 7.1), always explicit little endian. Raises Odd, also at a directory."""
    if data[128:132] != b"DICM":
        raise Odd
    values, here = {}, 132
    while data[here : here + 2] == b"\x02\x00":
        try:
            tag, _, value, length = head_at(data, here, len(data), explicit=True)
        except TooFew:
            raise Odd from None
        here = value + length
        if here > len(data):
            raise Odd
        values[tag] = data[value:here].rstrip(b"\0 ").decode("ascii", "replace")
    if values.get(0x00020002) == MEDIA_DIRECTORY:
        raise Odd
    return Meta(values.get(0x00020010, ""), here)


def lay_out(stream: BinaryIO, size: int, begin: int, syntax: str, first: bytes) -> Layout:
    """The data set that begins there. `first` are the stream's first bytes. Raises Odd.

    The stream holds the data set as it is meant: a deflated one was inflated before.
    """
    if syntax == EXPLICIT_BIG or not syntax:
        raise Odd
    coding = Coding(explicit=syntax != IMPLICIT_LITTLE, size=size)
    data, found = first, list[Element]()
    while True:
        try:
            end = _walk(data, found[-1].end if found else begin, coding, found)
            return Layout(data, coding, found, end)
        except TooFew:
            if len(data) >= min(size, MOST_HEADER):
                raise Odd from None
            stream.seek(0)
            data = stream.read(min(size, len(data) * 4, MOST_HEADER))


def _walk(data: bytes, here: int, coding: Coding, found: list[Element]) -> int:
    """Append the elements up to the pixels; answer where those begin. Raises Odd, TooFew."""
    last, end = found[-1].tag if found else 0, len(data)
    while here < coding.size:
        if head_at(data, here, end, coding.explicit)[0] in PIXEL_TAGS:
            return here
        element = element_at(data, here, end, coding)
        if element.tag <= last or element.tag >> 16 == 0xFFFE or element.end > coding.size:
            raise Odd
        if element.end > end:
            raise TooFew
        found.append(element)
        last, here = element.tag, element.end
    return here


def pixels_at(data: bytes, here: int, size: int, coding: Coding) -> Element | None:
    """The pixel element that begins there; None where the file ends there. Raises Odd."""
    if here >= size:
        return None
    try:
        tag, vr, value, length = head_at(data, here, len(data), coding.explicit)
    except TooFew:
        raise Odd from None
    undefined = length == UNDEFINED
    return Element(tag, vr, here, value, value if undefined else value + length, undefined)


def after_pixels(stream: BinaryIO, pixels: Element, size: int) -> int:
    """The place behind the pixels. Raises Odd where the file ends before."""
    if not pixels.undefined:
        if pixels.end > size:
            raise Odd
        return pixels.end
    here = pixels.value
    while True:
        stream.seek(here)
        head = stream.read(8)
        if len(head) < 8:
            raise Odd
        group, element, length = long_head(head, 0)
        here += 8
        if group << 16 | element == SEQUENCE_END:
            return here
        if group << 16 | element != ITEM or here + length > size:
            raise Odd
        here += length


ROWS, COLUMNS, SAMPLES, BITS, FRAMES = 0x00280010, 0x00280011, 0x00280002, 0x00280100, 0x00280008
METHOD_CODES, DATES_MODIFIED, REMOVED = 0x00120064, 0x00280303, 0x00120062


def content_of(layout: Layout) -> Content:
    """What decides, beside the usual values of a header, whether this object can be cleaned."""
    found = {element.tag: element for element in layout.elements}
    overlays = {tag >> 16 for tag in found if tag & 0xFF00FFFF == 0x60000010}
    drawn = {tag >> 16 for tag in found if tag & 0xFF00FFFF == 0x60003000}
    bits = _number(layout, found.get(SAMPLES), 1) * _number(layout, found.get(FRAMES), 1)
    for tag in (ROWS, COLUMNS, BITS):
        bits *= _number(layout, found.get(tag), 0)
    return Content(
        document=DOCUMENT in found,
        hidden_drawings=bool(overlays - drawn),
        picture_bytes=(bits + 7) // 8,
        cleaned_before=METHOD_CODES in found or _value(layout, found.get(REMOVED)) == b"YES",
        shifted_before=_value(layout, found.get(DATES_MODIFIED)) == b"MODIFIED",
    )


def _value(layout: Layout, found: Element | None) -> bytes:
    return b"" if found is None else layout.data[found.value : found.end].strip(b" \0")


def _number(layout: Layout, found: Element | None, absent: int) -> int:
    """An IS of figures, or a US."""
    raw = b"" if found is None else layout.data[found.value : found.end]
    if found is not None and found.tag == FRAMES:
        text = raw.strip(b" \0")
        return (int(text) if text.isdigit() and len(text) < 10 else 0) if text else absent
    return int.from_bytes(raw[:2], "little") if len(raw) >= 2 else absent
