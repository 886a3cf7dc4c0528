"""The elements that the fast reader knows, and what stands in their way. Tags and representations as in PS3.6."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from imaging.fragments import ITEM, ITEM_END, PIXELS, SEQUENCE_END

Raw = dict[str, bytes]
"""Values as they stand in the file, by keyword."""


class Odd(Exception):
    """These bytes are not written in a way that this reader knows exactly."""


WANTED: dict[str, tuple[int, str]] = {
    "SpecificCharacterSet": (0x00080005, "CS"),
    "ImageType": (0x00080008, "CS"),
    "SOPClassUID": (0x00080016, "UI"),
    "SOPInstanceUID": (0x00080018, "UI"),
    "StudyDate": (0x00080020, "DA"),
    "SeriesDate": (0x00080021, "DA"),
    "AcquisitionDate": (0x00080022, "DA"),
    "ContentDate": (0x00080023, "DA"),
    "StudyTime": (0x00080030, "TM"),
    "SeriesTime": (0x00080031, "TM"),
    "AccessionNumber": (0x00080050, "SH"),
    "IssuerOfAccessionNumberSequence": (0x00080051, "SQ"),
    "Modality": (0x00080060, "CS"),
    "InstitutionName": (0x00080080, "LO"),
    "ReferringPhysicianName": (0x00080090, "PN"),
    "TimezoneOffsetFromUTC": (0x00080201, "SH"),
    "StudyDescription": (0x00081030, "LO"),
    "ProcedureCodeSequence": (0x00081032, "SQ"),
    "SeriesDescription": (0x0008103E, "LO"),
    "PerformingPhysicianName": (0x00081050, "PN"),
    "NameOfPhysiciansReadingStudy": (0x00081060, "PN"),
    "OperatorsName": (0x00081070, "PN"),
    "AnatomicRegionSequence": (0x00082218, "SQ"),
    "PatientName": (0x00100010, "PN"),
    "PatientID": (0x00100020, "LO"),
    "IssuerOfPatientID": (0x00100021, "LO"),
    "PatientBirthDate": (0x00100030, "DA"),
    "PatientSex": (0x00100040, "CS"),
    "OtherPatientIDs": (0x00101000, "LO"),
    "OtherPatientNames": (0x00101001, "PN"),
    "OtherPatientIDsSequence": (0x00101002, "SQ"),
    "PatientBirthName": (0x00101005, "PN"),
    "PatientIdentityRemoved": (0x00120062, "CS"),
    "ContrastBolusAgent": (0x00180010, "LO"),
    "BodyPartExamined": (0x00180015, "CS"),
    "SliceThickness": (0x00180050, "DS"),
    "MagneticFieldStrength": (0x00180087, "DS"),
    "ViewPosition": (0x00185101, "CS"),
    "StudyInstanceUID": (0x0020000D, "UI"),
    "SeriesInstanceUID": (0x0020000E, "UI"),
    "SeriesNumber": (0x00200011, "IS"),
    "InstanceNumber": (0x00200013, "IS"),
    "Laterality": (0x00200060, "CS"),
    "ImageLaterality": (0x00200062, "CS"),
    "SamplesPerPixel": (0x00280002, "US"),
    "PhotometricInterpretation": (0x00280004, "CS"),
    "NumberOfFrames": (0x00280008, "IS"),
    "Rows": (0x00280010, "US"),
    "Columns": (0x00280011, "US"),
    "BitsAllocated": (0x00280100, "US"),
    "BurnedInAnnotation": (0x00280301, "CS"),
    "ReasonForTheRequestedProcedure": (0x00401002, "LO"),
    "ConceptNameCodeSequence": (0x0040A043, "SQ"),
    "DocumentTitle": (0x00420010, "ST"),
    "MIMETypeOfEncapsulatedDocument": (0x00420012, "LO"),
    "ViewCodeSequence": (0x00540220, "SQ"),
    "ContentLabel": (0x00700080, "CS"),
}
NESTED: dict[str, tuple[int, str]] = {
    "SpecificCharacterSet": (0x00080005, "CS"),
    "CodeValue": (0x00080100, "SH"),
    "CodingSchemeDesignator": (0x00080102, "SH"),
    "CodeMeaning": (0x00080104, "LO"),
    "PatientID": (0x00100020, "LO"),
    "LocalNamespaceEntityID": (0x00400031, "UT"),
    "UniversalEntityID": (0x00400032, "UT"),
}
"""What is read of the items of a wanted sequence."""
VRS = {keyword: vr for keyword, (_, vr) in (WANTED | NESTED).items()}

AT_PIXELS = "pixels"
STRANGE = "strange"
"""Marks of elements that end the reading: pixels, and what only pydicom reads."""
# Frames with a side of their own, and delimiters where none may stand.
LEFT_TO_PYDICOM = (0x52009229, 0x52009230, ITEM, ITEM_END, SEQUENCE_END)

SHORT_VRS = frozenset(
    (
        *(b"AE", b"AS", b"AT", b"CS", b"DA", b"DS", b"DT", b"FD", b"FL", b"IS", b"LO"),
        *(b"LT", b"PN", b"SH", b"SL", b"SS", b"ST", b"TM", b"UI", b"UL", b"US"),
    )
)
"""Representations whose length has two bytes (PS3.5 section 7.1.2)."""
LONG_VRS = frozenset((b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"))
PIXEL_VRS = frozenset((b"OB", b"OW", b"OF", b"OD", b"UN", b"OV", b"OL"))


@dataclass(frozen=True, eq=False)
class Encoding:
    """How the elements of a data set are written, and the wanted ones by their tag as read in that byte order."""

    explicit: bool
    little: bool
    head: struct.Struct  # tag and the rest of an element's first eight bytes
    numbers: struct.Struct  # the same with the representation as a number
    short_vrs: frozenset[int]
    long_vrs: frozenset[int]
    expected: dict[str, int]  # representation of each wanted element
    length: struct.Struct  # of a long representation
    item: struct.Struct  # tag and length
    names: dict[int, str]
    nested: dict[int, str]
    item_starts: int
    item_ends: int
    sequence_ends: int

    def number(self, tag: int) -> int:
        """A tag as it was read, as the standard writes it."""
        return (tag & 0xFFFF) << 16 | tag >> 16 if self.little else tag


def _encoding(*, explicit: bool, little: bool) -> Encoding:
    order = "<" if little else ">"

    def as_read(tag: int) -> int:
        # Four bytes read as one number: little endian swaps the two halves.
        return (tag & 0xFFFF) << 16 | tag >> 16 if little else tag

    def as_number(vr: bytes) -> int:
        return int.from_bytes(vr, "little" if little else "big")

    return Encoding(
        explicit=explicit,
        little=little,
        head=struct.Struct(f"{order}L2sH" if explicit else f"{order}LL"),
        numbers=struct.Struct(f"{order}LHH"),
        short_vrs=frozenset(map(as_number, SHORT_VRS)),
        long_vrs=frozenset(map(as_number, LONG_VRS)),
        expected={keyword: as_number(vr.encode()) for keyword, (_, vr) in WANTED.items()},
        length=struct.Struct(f"{order}L"),
        item=struct.Struct(f"{order}LL"),
        names={as_read(tag): keyword for keyword, (tag, _) in WANTED.items()}
        | {as_read(tag): AT_PIXELS for tag in PIXELS}
        | {as_read(tag): STRANGE for tag in LEFT_TO_PYDICOM},
        nested={as_read(tag): keyword for keyword, (tag, _) in NESTED.items()},
        item_starts=as_read(ITEM),
        item_ends=as_read(ITEM_END),
        sequence_ends=as_read(SEQUENCE_END),
    )


IMPLICIT_LITTLE = _encoding(explicit=False, little=True)
EXPLICIT_LITTLE = _encoding(explicit=True, little=True)
EXPLICIT_BIG = _encoding(explicit=True, little=False)
