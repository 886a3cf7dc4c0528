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
FIRST = 64 * 1024  # bytes; most headers end within them
MOST_AFTER = 16_000_000  # bytes that may follow the pixels
MOST_HEADER = 256_000_000  # bytes of everything that is not pixels
PIXEL_TAGS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
DOCUMENT = 0x00420011
MEDIA_DIRECTORY = "1.2.840.10008.1.3.10"


@dataclass(frozen=True)
class Meta:
    """What the file meta says, and where the data set begins."""

    syntax: str
    sop_class: str
    begin: int


@dataclass
class Layout:
    """A file up to its pixels, and where they are. Offsets are of `data`, and of the stream alike."""

    data: bytes
    coding: Coding
    syntax: str
    elements: list[Element]
    begin: int
    end: int  # of the elements before the pixels
    pixels: Element | None = None
    pixels_end: int = 0
    after: bytes = b""  # everything behind the pixels


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
    return Meta(values.get(0x00020010, ""), values.get(0x00020002, ""), here)


def lay_out(stream: BinaryIO, size: int, begin: int, syntax: str, first: bytes = b"") -> Layout:
    """The data set that begins there. `first` are bytes of the stream's beginning, if at hand. Raises Odd.

    The stream holds the data set as it is meant: a deflated one was inflated before.
    """
    if syntax == EXPLICIT_BIG or not syntax:
        raise Odd
    coding = Coding(explicit=syntax != IMPLICIT_LITTLE, size=size)
    data = first or _beginning(stream, min(size, FIRST))
    found: list[Element] = []
    here = begin
    while True:
        try:
            here, pixels = _walk(data, here, coding, found)
            break
        except TooFew:
            if len(data) >= size or len(data) >= MOST_HEADER:
                raise Odd from None
            here = found[-1].end if found else begin
            data = _beginning(stream, min(size, len(data) * 4, MOST_HEADER))
    layout = Layout(data, coding, syntax, found, begin, here, pixels)
    if pixels is not None:
        layout.pixels_end = pixels_end(stream, pixels, size)
        layout.after = _after(stream, layout.pixels_end, size)
    return layout


def _beginning(stream: BinaryIO, count: int) -> bytes:
    stream.seek(0)
    return stream.read(count)


def _walk(data: bytes, here: int, coding: Coding, found: list[Element]) -> tuple[int, Element | None]:
    """Append the elements up to the pixels; answer where those begin. Raises Odd, TooFew."""
    last = found[-1].tag if found else 0
    end = len(data)
    while here < coding.size:
        tag, vr, value, length = head_at(data, here, end, coding.explicit)
        if tag in PIXEL_TAGS:
            undefined = length == UNDEFINED
            return here, Element(tag, vr, here, value, value if undefined else value + length, undefined)
        element = element_at(data, here, end, coding)
        if element.tag <= last or element.tag >> 16 == 0xFFFE:
            raise Odd
        if element.end > coding.size:
            raise Odd
        if element.end > end:
            raise TooFew
        found.append(element)
        last, here = tag, element.end
    return here, None


def pixels_end(stream: BinaryIO, pixels: Element, size: int) -> int:
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


def _after(stream: BinaryIO, here: int, size: int) -> bytes:
    if size - here > MOST_AFTER:
        raise Odd
    if size == here:
        return b""
    stream.seek(here)
    return stream.read(size - here)


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
        return int(text) if text.isdigit() and len(text) < 10 else absent
    return int.from_bytes(raw[:2], "little") if len(raw) >= 2 else absent
