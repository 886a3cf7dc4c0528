"""Every element of a data set up to its pixels, as places in its bytes, for those who want them all."""

from __future__ import annotations

import struct

from imaging.fragments import UNDEFINED, Pixels
from imaging.reading.elements import EXPECTED, pixels_at
from imaging.reading.nested import Element, Short, after_sequence
from imaging.reading.start import Start
from imaging.reading.wanted import AT_PIXELS, LONG_VRS, SHORT_VRS, Encoding, Odd, Raw


def every_element(start: Start) -> tuple[list[Element], Pixels | None]:
    """All elements in the order of their tags, and where the pixels are. `start.source.data` then holds them.

    Raises Odd.
    """
    position, source, encoding = start.position, start.source, start.encoding
    first = source.data[position : position + 6]
    letters = len(first) == 6 and 0x40 < first[4] < 0x5B and 0x40 < first[5] < 0x5B
    if len(first) < 6 or first[:2] == b"\0\0" or letters is not encoding.explicit:
        raise Odd
    found: list[Element] = []
    while True:
        try:
            position, pixels = _walk(source.data, position, encoding, found, whole=source.whole)
        except Short as short:
            position = found[-1][3] if found else start.position
            source.read_to(short.wanted)
            continue
        except struct.error as cut:
            raise Odd from cut
        if pixels is not None or position == source.size:
            return found, pixels
        source.read_to(min(position + 12, source.size))


def _walk(
    data: bytes, position: int, encoding: Encoding, found: list[Element], *, whole: bool
) -> tuple[int, Pixels | None]:
    head, explicit = encoding.head.unpack_from, encoding.explicit
    end = len(data)
    last = end - (8 if whole else 12)
    while position <= last:
        value = position + 8
        if explicit:
            tag, vr, length = head(data, position)
            if vr not in SHORT_VRS:
                if vr not in LONG_VRS:
                    raise Odd
                (length,) = encoding.length.unpack_from(data, value)
                value += 4
        else:
            tag, length = head(data, position)
            vr = b""
        if encoding.names.get(tag) is AT_PIXELS:
            return position, pixels_at(tag, vr, value, length, encoding)
        if length == UNDEFINED:
            if explicit and vr != b"SQ":
                raise Odd
            after = after_sequence(data, value, encoding, tag)
            found.append((tag, b"SQ", value, after, False))
        else:
            after = value + length
            if after > end:
                raise Short(after)
            found.append((tag, vr, value, after, True))
        position = after
    return position, None


def wanted_of(elements: list[Element], data: bytes, encoding: Encoding) -> Raw:
    """What the fast reader would have kept of them. Raises Odd."""
    raw: Raw = {}
    for tag, vr, begins, ends, _ in elements:
        name = encoding.names.get(tag)
        if name is not None:
            if name in raw or name not in EXPECTED or (vr and vr != EXPECTED[name]):
                raise Odd
            raw[name] = data[begins:ends]
    return raw
