"""Cleans what the fast way refuses: big endian, no preamble, lengths of every habit. pydicom takes the file apart.

Rule: pydicom only parses. What happens to a value is decided by the same table, and bytes that stay are not remade.
"""

from __future__ import annotations

import hashlib
import io
import struct
from typing import Any, BinaryIO

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element

from imaging.deidentify.elements import (
    DEEPEST,
    LONG,
    SEQUENCE_END,
    SHORT,
    UNDEFINED,
    Element,
    Odd,
    even,
    written,
    written_items,
)
from imaging.deidentify.gate import Content
from imaging.deidentify.instance import Rewritten
from imaging.deidentify.layout import DOCUMENT, METHOD_CODES
from imaging.deidentify.markers import markers
from imaging.deidentify.rewrite import CHARSET, DESIGNATOR, Cleaner, Patient, Place, dummy_code, without_idle_creators
from imaging.deidentify.table import Action
from imaging.errors import NotDicom
from imaging.fragments import fragments
from imaging.opening import Opened, open_dicom
from imaging.quiet import quiet


def clean_oddly(stream: BinaryIO, cleaner: Cleaner, patient: Patient) -> Rewritten:
    """The same as `Rewriter.rewrite`, without a file meta. Raises Odd where it cannot be written anew."""
    with quiet():
        try:
            return _Taken(open_dicom(stream), cleaner).rewritten(stream, patient)
        except NotDicom:
            raise Odd from None
        except Exception as problem:
            # pydicom raises whatever odd values provoke, and its messages quote them.
            raise Odd from problem


class _Taken:
    """One object that pydicom took apart."""

    def __init__(self, opened: Opened, cleaner: Cleaner) -> None:
        implicit, little = opened.dataset.original_encoding
        self._opened, self._cleaner = opened, cleaner
        self._explicit = not implicit
        self._order = "<" if little is not False else ">"
        self._digest = hashlib.sha256()

    def rewritten(self, stream: BinaryIO, patient: Patient) -> Rewritten:
        """Everything that is to be written."""
        opened = self._opened
        self._names(opened.dataset, Place(patient))
        cleaned = self._elements(opened.dataset, Place(patient))
        present = {tag for tag, _ in cleaned}
        marks = markers(self._cleaner.profile, patient.pseudonym, present, self._explicit, self._order)
        marked = sorted(cleaned + marks, key=lambda element: element[0])
        source = stream if opened.body is None else io.BytesIO(opened.body)
        pixels, end, tail = self._pixels(source)
        head = b"" if pixels is None else self._head(pixels)
        body = b"".join(chunk for _, chunk in marked) + head
        content = _content(opened.dataset)
        digest = self._digest.hexdigest()
        deflate = opened.body is not None
        return Rewritten(b"", body, source, pixels, end, tail, content, digest, deflate, odd=True)

    def _names(self, dataset: Dataset, place: Place) -> None:
        """Learn who is named before anything is kept."""
        for tag in sorted(dataset.keys()):
            vr, raw = self._raw(dataset, int(tag))
            if raw is not None and len(raw) <= 1024:
                self._look(int(tag), raw, place)
                self._cleaner.learn(int(tag), vr, raw, place)

    def _elements(self, dataset: Dataset, place: Place) -> list[tuple[int, bytes]]:
        if place.depth > DEEPEST:
            raise Odd
        here = Place(place.patient, place.charset, depth=place.depth)
        out = [(int(tag), self._element(dataset, int(tag), here)) for tag in sorted(dataset.keys())]
        return without_idle_creators(out)

    def _element(self, dataset: Dataset, tag: int, here: Place) -> bytes:
        vr, raw = self._raw(dataset, tag)
        self._digest.update(struct.pack("<L", tag))
        action = self._cleaner.action(tag, vr)
        written_as = self._written_as(dataset, tag, vr)
        if raw is None:
            contents = self._items(dataset, tag, here)
            if action in (Action.REMOVE, Action.PRIVATE):
                return b""
            if action is Action.EMPTY:
                contents = []
            elif action is Action.DUMMY:
                contents = [dummy_code(self._explicit, self._order)]
            return written(tag, b"SQ", written_items(contents, self._order), self._explicit, self._order)
        self._digest.update(raw)
        self._look(tag, raw, here)
        if action is Action.PRIVATE:
            kept = raw if self._cleaner.is_safe(tag, here) else None
            return b"" if kept is None else written(tag, written_as, kept, self._explicit, self._order)
        self._cleaner.learn(tag, vr, raw, here)
        new = self._cleaner.new_value(tag, vr, action, raw, here)
        return b"" if new is None else written(tag, written_as, even(vr.encode(), new), self._explicit, self._order)

    def _items(self, dataset: Dataset, tag: int, here: Place) -> list[bytes]:
        inner = Place(here.patient, here.charset, depth=here.depth + 1)
        found = dataset[tag].value or []
        return [b"".join(chunk for _, chunk in self._elements(item, inner)) for item in found]

    def _look(self, tag: int, raw: bytes, here: Place) -> None:
        text = raw.strip(b" \0").decode("ascii", "replace")
        if tag == CHARSET:
            here.charset = raw
        elif tag == DESIGNATOR:
            here.scheme = text
        elif tag >> 16 & 1 and 0x10 <= tag & 0xFFFF <= 0xFF:
            here.creators[tag >> 16 << 8 | tag & 0xFF] = text

    def _raw(self, dataset: Dataset, tag: int) -> tuple[str, bytes | None]:
        """VR and bytes of a value as they stand in the file; no bytes for a sequence."""
        found: Any = dataset.get_item(tag, keep_deferred=True)
        vr = self._cleaner.vr(tag, _known_vr(found))
        if isinstance(found, RawDataElement):
            if vr == "SQ" or found.VR == "SQ":
                return "SQ", None
            return vr, found.value or b""
        if found.VR == "SQ":
            return "SQ", None
        return vr, self._encoded(found)

    def _encoded(self, found: DataElement) -> bytes:
        """The bytes of the few values that pydicom converts while it reads."""
        if found.tag == CHARSET:
            values = [found.value] if isinstance(found.value, str) else list(found.value or [])
            return "\\".join(values).encode()
        out = DicomBytesIO()
        out.is_little_endian, out.is_implicit_VR = self._order == "<", True
        write_data_element(out, found)
        return out.getvalue()[8:]

    def _written_as(self, dataset: Dataset, tag: int, vr: str) -> bytes:
        return _known_vr(dataset.get_item(tag, keep_deferred=True)) or vr.encode()

    def _pixels(self, source: BinaryIO) -> tuple[Element | None, int, bytes]:
        """Where the pixels are, where they end, and the delimiter where a writer left it out."""
        found = self._opened.pixels
        if found is None:
            return None, 0, b""
        tag, vr = int(found.tag, 16), found.vr.encode()
        if found.length is not None:
            end = found.offset + found.length
            if end > self._opened.size:
                raise Odd
            return Element(tag, vr, 0, found.offset, end, undefined=False), end, b""
        cut = fragments(source, found, self._opened.size)
        if not cut.complete or self._order != "<":
            raise Odd
        last = cut.items[-1] if cut.items else None
        end = last[1] + last[2] if last else found.offset
        delimiter = struct.pack("<HHL", SEQUENCE_END >> 16, SEQUENCE_END & 0xFFFF, 0)
        return Element(tag, vr, 0, found.offset, found.offset, undefined=True), end, delimiter

    def _head(self, pixels: Element) -> bytes:
        order, tag = self._order, pixels.tag
        length = UNDEFINED if pixels.undefined else pixels.end - pixels.value
        head = struct.pack(f"{order}HH", tag >> 16, tag & 0xFFFF)
        if not self._explicit:
            return head + struct.pack(f"{order}L", length)
        if pixels.vr not in LONG:
            raise Odd
        return head + pixels.vr + b"\0\0" + struct.pack(f"{order}L", length)


def _known_vr(found: Any) -> bytes:
    """The representation as the file names it; empty where it names none that there is."""
    named = str(found.VR or "").encode()
    return named if named in LONG or named in SHORT else b""


def _content(dataset: Dataset) -> Content:
    """As layout.content_of, of converted values: the last thing done, since converting takes the bytes away."""
    tags = [int(tag) for tag in dataset.keys()]  # noqa: SIM118  (a data set iterates over its elements)
    overlays = {tag >> 16 for tag in tags if tag & 0xFF00FFFF == 0x60000010}
    drawn = {tag >> 16 for tag in tags if tag & 0xFF00FFFF == 0x60003000}
    try:
        bits = int(dataset.get("Rows", 0) or 0) * int(dataset.get("Columns", 0) or 0)
        bits *= int(dataset.get("SamplesPerPixel", 1) or 1) * int(dataset.get("BitsAllocated", 0) or 0)
        bits *= max(1, int(dataset.get("NumberOfFrames", 1) or 1))
    except (TypeError, ValueError):
        bits = 0
    return Content(
        document=DOCUMENT in dataset,
        hidden_drawings=bool(overlays - drawn),
        picture_bytes=(bits + 7) // 8,
        cleaned_before=METHOD_CODES in dataset or str(dataset.get("PatientIdentityRemoved") or "") == "YES",
        shifted_before=str(dataset.get("LongitudinalTemporalInformationModified") or "") == "MODIFIED",
    )
