"""A picture on its way out, under the numbers of the place it goes to, with what it said before kept inside it.

Rule: only what names the person and the order is changed, never a UID, never a pixel; each change is written into the
Original Attributes Sequence (PS3.3 section C.12.1.1.9.1) with who, when and why. Stored files stay as they came.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO

from imaging.errors import NotDicom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

PIECE = 1 << 20
KEYWORDS = {
    "patient_id": "PatientID",
    "issuer": "IssuerOfPatientID",
    "name": "PatientName",
    "birth_date": "PatientBirthDate",
    "sex": "PatientSex",
    "accession": "AccessionNumber",
}


@dataclass(frozen=True)
class Local:
    """What the place it goes to says; empty leaves a value as it is. `birth_date` is ISO, `name` a DICOM name."""

    patient_id: str = ""
    issuer: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""
    accession: str = ""


def coerced(stream: BinaryIO, local: Local, *, at: datetime, system: str, source: str) -> Iterator[bytes]:
    """The file's bytes with those values, piece by piece; the very same bytes where nothing differs.

    `at` needs a time zone; `system` names us, `source` the place the old values came from. A name that the file's
    character set cannot write stays as it was. Raises NotDicom.
    """
    from imaging.opening import open_dicom
    from imaging.quiet import quiet

    opened = open_dicom(stream)
    if opened.body is not None:
        raise NotDicom("A deflated file is not rewritten.")
    with quiet():
        previous = _changed(opened.dataset, local)
        if previous is not None:
            _remember(opened.dataset, previous, at, system, source)
        head = None if previous is None else _written(opened.dataset)
    if head is None:
        stream.seek(0)
    else:
        yield head
        stream.seek(_tail(stream, opened.pixels.offset) if opened.pixels else opened.size)
    while piece := stream.read(PIECE):
        yield piece


def _changed(dataset: Dataset, local: Local) -> Dataset | None:
    """Put the local values in; answers the old ones of what differed, absent ones as empty. None where nothing did."""
    from pydicom.dataset import Dataset as New

    previous = New()
    for field in fields(local):
        value, keyword = getattr(local, field.name), KEYWORDS[field.name]
        value = value.replace("-", "") if field.name == "birth_date" else value
        old = dataset.get(keyword)
        if not value or str(old if old is not None else "") == value or not _writable(dataset, value):
            continue
        setattr(previous, keyword, old if old is not None else "")
        setattr(dataset, keyword, value)
    return previous if len(previous) else None


def _writable(dataset: Dataset, value: str) -> bool:
    """Can the file's one character set write it? Code extensions are left alone."""
    from pydicom.charset import convert_encodings

    if value.isascii():
        return True
    encodings = convert_encodings(dataset.get("SpecificCharacterSet"))
    try:
        return len(encodings) == 1 and bool(value.encode(encodings[0]))
    except (UnicodeError, LookupError):
        return False


def _remember(dataset: Dataset, previous: Dataset, at: datetime, system: str, source: str) -> None:
    from pydicom.dataset import Dataset as New

    item = New()
    item.ModifiedAttributesSequence = [previous]
    item.AttributeModificationDateTime = at.strftime("%Y%m%d%H%M%S%z")
    item.ModifyingSystem = system[:64]
    item.SourceOfPreviousValues = source[:64]
    item.ReasonForTheAttributeModification = "COERCE"
    dataset.OriginalAttributesSequence = [*(dataset.get("OriginalAttributesSequence") or []), item]


def _written(dataset: Dataset) -> bytes:
    from pydicom import dcmwrite

    out = io.BytesIO()
    implicit, little = dataset.original_encoding
    if getattr(dataset, "file_meta", None):
        dcmwrite(out, dataset, enforce_file_format=False)
    else:
        dcmwrite(out, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
    return out.getvalue()


def _tail(stream: BinaryIO, offset: int) -> int:
    """Where the pixel element begins: 12 bytes before its value where it has a long representation, else 8."""
    stream.seek(offset - 12)
    head = stream.read(12)
    long = head[4:6] in (b"OB", b"OW", b"OF", b"OD", b"UN", b"OV", b"OL") and head[:2] in (b"\xe0\x7f", b"\x7f\xe0")
    return offset - (12 if long else 8)
