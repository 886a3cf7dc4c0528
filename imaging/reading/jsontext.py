"""DICOM JSON (PS3.18 Annex F) written straight from the bytes, exactly as `imaging.metadata` writes it with pydicom.

Rule: an element that pydicom would guess at, correct or leave out makes the whole file Odd. The pictures of a series
share nearly all values, so each is written once and remembered.
"""

from __future__ import annotations

import base64
import json
import math
import re
import struct
from functools import lru_cache

from imaging.fragments import PIXELS, Pixels
from imaging.reading.foreign import decoded_text
from imaging.reading.nested import PLAIN_SETS, Element, whole_items
from imaging.reading.representation import vr_of
from imaging.reading.wanted import Encoding, Odd
from imaging.reading.words import ESCAPE, SETS

BULK = "{bulk}"
"""Stands in a stored text for the root of that instance's bulk data; the HTTP face puts its own address there."""
LARGEST_INLINE = 768  # bytes; 1,024 characters of base64
REMEMBERED = 256  # bytes of a value that is kept to be met again
REMEMBERED_SEQUENCE = 2048
CHARACTER_SET = 0x00080005
PIXEL_REPRESENTATION = 0x00280103
LOOKUP_TABLES = frozenset({0x00281101, 0x00281102, 0x00281103, 0x00283002})  # whose first number pydicom corrects
UNICODE = '{"vr":"CS","Value":["ISO_IR 192"]}'

NUMBERS = {"FL": "f", "FD": "d", "SL": "l", "SS": "h", "SV": "q", "UL": "L", "US": "H", "UV": "Q"}
BYTES = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
PLAIN = frozenset({"AS", "CS", "DA", "DT", "TM"})
CREATORS = (b"LO", b"UN", b"")  # of a private block
TEXTS = frozenset({"LO", "SH", "UC"})  # several values
LONG_TEXTS = frozenset({"LT", "ST", "UT"})  # one value
INTEGER = re.compile(r" *[+-]?[0-9]{1,12} *")
DECIMAL = re.compile(r" *[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,3})? *")


def json_text(elements: list[Element], data: bytes, encoding: Encoding, pixels: Pixels | None) -> str:
    """The object as compact DICOM JSON, ready to be sent. Raises Odd."""
    parts = _parts(elements, data, encoding, "", b"", b"")
    if pixels is not None:
        vr = "OB" if pixels.length is None else pixels.vr
        parts.append(f'"{pixels.tag}":{{"vr":"{vr}","BulkDataURI":"{BULK}/{pixels.tag}"}}')
    return "{" + ",".join(parts) + "}"


def _parts(
    elements: list[Element], data: bytes, encoding: Encoding, path: str, sets: bytes, signed: bytes
) -> list[str]:
    """Every element of one level. `sets` and `signed` are of the level above."""
    number_of = encoding.number
    private: dict[int, bytes] = {}
    parts: list[str] = []
    last = -1
    for tag, vr, begins, ends, _ in elements:
        number = number_of(tag)
        if number <= last:
            raise Odd  # out of order, or twice
        last = number
        if number == CHARACTER_SET:
            sets = data[begins:ends].rstrip(b" \0")
            if vr not in (b"CS", b"") or not SETS.fullmatch(sets):
                raise Odd
            parts.append(f'"00080005":{UNICODE}')
            continue
        if number == PIXEL_REPRESENTATION:
            signed = data[begins:ends]
        elif number & 0x1FF00 == 0x10000 and number & 0xFF >= 0x10:
            private[number] = data[begins:ends] if vr in CREATORS else b"\\"
        if number & 0xFFFF == 0 or number >> 16 == 2:
            continue  # group lengths and file meta are no metadata (PS3.18 section F.2)
        name = vr.decode() if vr and vr != b"UN" else _named(number, vr, private, ends - begins, signed, encoding)
        parts.append(_part(number, name, data, begins, ends, encoding, path, sets, signed))
    return parts


def _named(number: int, vr: bytes, private: dict[int, bytes], length: int, signed: bytes, encoding: Encoding) -> str:
    """The representation that the file leaves open."""
    if vr and length >= 0xFFFF and not number >> 16 & 1:
        return "UN"
    creator = private.get(number >> 16 << 16 | number >> 8 & 0xFF, b"") if number >> 16 & 1 else b""
    if not creator.isascii() or b"\\" in creator:
        raise Odd
    name = vr_of(number, creator.decode().rstrip(" \0"))
    if name == "US or SS" and len(signed) == 2:
        return "SS" if int.from_bytes(signed, "little" if encoding.little else "big") else "US"
    if name == "OB or OW" and not vr and (number & 0xFFE1FFFF == 0x60003000 or number in PIXELS):
        return "OW"  # an overlay, or the pixels of an icon
    if " or " in name or (vr and name == "SQ"):
        raise Odd
    return name


def _part(
    number: int, vr: str, data: bytes, begins: int, ends: int, encoding: Encoding, path: str, sets: bytes, signed: bytes
) -> str:
    if vr == "SQ":
        write = _sequence if ends - begins <= REMEMBERED_SEQUENCE else _sequence.__wrapped__
        return write(number, data[begins:ends], encoding, path, sets, signed)
    if number in PIXELS or (vr in BYTES and ends - begins > LARGEST_INLINE):
        return f'"{number:08X}":{{"vr":"{vr}","BulkDataURI":"{BULK}{path}/{number:08X}"}}'
    write = _element if ends - begins <= REMEMBERED else _element.__wrapped__
    return write(number, vr, data[begins:ends], encoding.little, sets)


@lru_cache(maxsize=512)
def _sequence(number: int, value: bytes, encoding: Encoding, path: str, sets: bytes, signed: bytes) -> str:
    head = f'"{number:08X}":{{"vr":"SQ"'
    if not value:
        return head + "}"
    inner = []
    for at, elements in enumerate(whole_items(value, encoding)):
        parts = _parts(elements, value, encoding, f"{path}/{number:08X}/{at}", sets, signed)
        inner.append("{" + ",".join(parts) + "}")
    return f'{head},"Value":[{",".join(inner)}]}}' if inner else head + "}"


@lru_cache(maxsize=8192)
def _element(number: int, vr: str, raw: bytes, little: bool, sets: bytes) -> str:
    """One element whose value is carried."""
    head = f'"{number:08X}":{{"vr":"{vr}"'
    if not raw:
        return head + "}"
    if vr in BYTES:
        return f'{head},"InlineBinary":"{base64.b64encode(raw).decode()}"}}'
    values = _values(number, vr, raw, little, sets)
    return f'{head},"Value":[{",".join(values)}]}}' if values else head + "}"


def _values(number: int, vr: str, raw: bytes, little: bool, sets: bytes) -> list[str]:
    if vr in NUMBERS:
        return _binary(number, vr, raw, "<" if little else ">")
    if vr in ("IS", "DS"):
        return _written_number(vr, raw.decode("latin-1"))
    if vr == "AT":
        count, odd = divmod(len(raw), 4)
        if odd:
            raise Odd
        halves = struct.unpack(f"{'<' if little else '>'}{count * 2}H", raw)
        return [f'"{halves[n]:04X}{halves[n + 1]:04X}"' for n in range(0, count * 2, 2)]
    if vr == "PN":
        return _people(raw, sets)
    return _strings(_split(vr, raw, sets))


def _split(vr: str, raw: bytes, sets: bytes) -> list[str]:
    """The values of a text."""
    if vr == "UI":
        return [value.strip() for value in raw.decode("latin-1").rstrip(" \0").split("\\")]
    if vr in PLAIN:
        return raw.decode("latin-1").rstrip(" \0").split("\\")
    if vr == "AE":
        return [value.strip() for value in raw.decode("latin-1").split("\\")]
    if vr == "UR":
        return [raw.decode("latin-1").rstrip()]
    if vr in TEXTS or vr in LONG_TEXTS:
        return [value.rstrip("\0 ") for value in _decoded(raw, vr, sets)]
    raise Odd


def _decoded(raw: bytes, vr: str, sets: bytes) -> list[str]:
    """Text by the character sets; several values where the representation allows them."""
    if raw.isascii() and ESCAPE not in raw and sets in PLAIN_SETS:
        return raw.decode().split("\\") if vr in TEXTS else [raw.decode()]
    return decoded_text(raw, "LO" if vr in TEXTS else "ST", sets.decode())


def _strings(values: list[str]) -> list[str]:
    if values == [""]:
        return []
    return [json.dumps(value, ensure_ascii=False) for value in values]


def _people(raw: bytes, sets: bytes) -> list[str]:
    if raw.isascii() and ESCAPE not in raw and sets in PLAIN_SETS:
        names = raw.decode().rstrip(" \0").split("\\")
    else:
        names = decoded_text(raw, "PN", sets.decode())
    if names == [""]:
        return []
    found = []
    for name in names:
        groups = name.rstrip("=").split("=")
        if groups == [""]:
            raise Odd
        kinds = zip(("Alphabetic", "Ideographic", "Phonetic"), groups, strict=False)
        found.append(json.dumps(dict(kinds), ensure_ascii=False, separators=(",", ":")))
    return found


def _binary(number: int, vr: str, raw: bytes, order: str) -> list[str]:
    letter = NUMBERS[vr]
    count, odd = divmod(len(raw), struct.calcsize(f"={letter}"))
    if odd or (vr == "SS" and number in LOOKUP_TABLES):
        raise Odd
    values = struct.unpack(f"{order}{count}{letter}", raw)
    return [_finite(value) if vr[0] == "F" else str(value) for value in values]


def _written_number(vr: str, text: str) -> list[str]:
    text = text.rstrip(" \0") if vr == "IS" else text.strip().rstrip(" \0")
    if not text:
        return []
    kind = INTEGER if vr == "IS" else DECIMAL
    parts = text.split("\\")
    if not all(kind.fullmatch(part) for part in parts):
        raise Odd
    return [str(int(part)) if vr == "IS" else _finite(float(part)) for part in parts]


def _finite(value: float) -> str:
    """JSON has no word for what is not a number; null keeps its place among the values."""
    return repr(value) if math.isfinite(value) else "null"
