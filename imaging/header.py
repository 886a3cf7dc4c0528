"""Reads the header of one DICOM object. Every value that cannot be used is absent and named, never guessed."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import date
from typing import Any, BinaryIO

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from imaging.errors import NotDicom
from imaging.opening import Opened, open_dicom, quiet
from imaging.study import Header, Instance, Person

DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory (PS3.10 section 8.6), whatever the file is called
UID = re.compile(r"[0-9]+(\.[0-9]+)*")
# Computed and digital radiography, CT, ultrasound, MR, captures, angiography, nuclear medicine, PET (PS3.4 Annex B.5).
PICTURES = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(1|2|3\.1|4|6\.1|7|12|20|128)(\.[1-9][0-9.]*)?(?<!\.4\.2)")
LARGEST = 2_147_483_647  # of an IS (PS3.5 section 6.2) and of a FHIR unsignedInt


class IsDirectory(NotDicom):
    """A DICOMDIR: a list of files, itself no picture."""


def read_header(stream: BinaryIO) -> Header:
    """Everything of interest in the header. Raises NotDicom; IsDirectory for a DICOMDIR."""
    return header_of(open_dicom(stream))


def header_of(opened: Opened) -> Header:
    """The header of an object that is open already. Raises NotDicom, IsDirectory."""
    with quiet():
        return _header(opened)


def _header(opened: Opened) -> Header:
    read = _Reader(opened.dataset)
    if opened.pixels is None and ("Rows" in opened.dataset or PICTURES.fullmatch(read.text("SOPClassUID"))):
        read.oddities.append("PixelData")
    meta = _Reader(getattr(opened.dataset, "file_meta", Dataset()))
    if DIRECTORY in (meta.text("MediaStorageSOPClassUID"), read.text("SOPClassUID")):
        raise IsDirectory("This is the disc's list of files.")
    return Header(
        person=_person(read),
        instance=_instance(read, opened.transfer_syntax_uid),
        modality=read.text("Modality"),
        series_number=read.whole("SeriesNumber"),
        series_description=read.text("SeriesDescription"),
        body_part=read.text("BodyPartExamined") or read.code("AnatomicRegionSequence"),
        laterality=_laterality(read),
        study_date=read.day("StudyDate"),
        study_time=read.text("StudyTime"),
        series_date=read.day("SeriesDate") or read.day("AcquisitionDate") or read.day("ContentDate"),
        timezone=_zone(read.text("TimezoneOffsetFromUTC")),
        study_description=read.text("StudyDescription"),
        accession=read.text("AccessionNumber"),
        institution=read.text("InstitutionName"),
        referring=read.text("ReferringPhysicianName"),
        burned_in=read.text("BurnedInAnnotation").upper(),
        image_type=read.several("ImageType"),
        identity_removed=read.text("PatientIdentityRemoved").upper() == "YES",
        view=_view(read),
        contrast=read.text("ContrastBolusAgent"),
        thickness=read.measure("SliceThickness"),
        field_strength=read.measure("MagneticFieldStrength"),
        title=read.text("DocumentTitle") or read.code("ConceptNameCodeSequence"),
        holds=read.text("MIMETypeOfEncapsulatedDocument").lower(),
        oddities=tuple(dict.fromkeys(read.oddities)),
    )


def _instance(read: _Reader, transfer_syntax_uid: str) -> Instance:
    uids = {name: read.uid(name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")}
    for name, uid in uids.items():
        if not uid:
            raise NotDicom(f"The picture has no usable {name}, so it cannot be told from others.")
    return Instance(
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        sop_class_uid=uids["SOPClassUID"],
        transfer_syntax_uid=transfer_syntax_uid,
        number=read.whole("InstanceNumber"),
        frames=read.whole("NumberOfFrames") or 1,
        rows=read.whole("Rows") or 0,
        columns=read.whole("Columns") or 0,
        bits=read.whole("BitsAllocated") or 0,
    )


class _Reader:
    """Values by keyword; what cannot be read is noted and absent."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.oddities: list[str] = []

    def _get(self, keyword: str, make: Callable[[Any], Any], empty: Any) -> Any:
        try:
            value = self._dataset.get(keyword)
            return empty if value is None else make(value)
        except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
            return self._odd(keyword, empty)

    def _odd(self, keyword: str, empty: Any) -> Any:
        self.oddities.append(keyword)
        return empty

    def several(self, keyword: str) -> tuple[str, ...]:
        """Every value."""
        return tuple(self._get(keyword, lambda v: [_plain(x) for x in (v if _is_many(v) else [v])], []))

    def text(self, keyword: str) -> str:
        """One text, its first value if there are several."""
        return next(iter(self.several(keyword)), "")

    def one(self, keyword: str) -> str:
        """One text; absent where there are several that differ, since none of them can be relied on."""
        values = dict.fromkeys(self.several(keyword))
        return next(iter(values), "") if len(values) < 2 else str(self._odd(keyword, ""))

    def whole(self, keyword: str) -> int | None:
        """A whole number that is not negative."""
        text = self.text(keyword)
        try:
            number = int(float(text)) if text else None
        except (ValueError, OverflowError):
            number = -1
        if number is None or 0 <= number <= LARGEST:
            return number
        self.oddities.append(keyword)
        return None

    def measure(self, keyword: str) -> float | None:
        """A size that is not negative."""
        text = self.text(keyword)
        try:
            number = float(text) if text else 0.0
        except ValueError:
            number = math.nan
        if not 0 <= number < math.inf:
            self.oddities.append(keyword)
        return number if 0 < number < math.inf else None

    def uid(self, keyword: str) -> str:
        """A UID of digits and dots, at most 64 characters (PS3.5 section 9.1); a leading zero is kept."""
        text = self.one(keyword)
        return text if len(text) <= 64 and UID.fullmatch(text) else ""

    def day(self, keyword: str) -> str:
        """An ISO date. "1992.03.14" (ACR-NEMA) is read too; anything else is absent."""
        text = re.sub(r"[.-]", "", self.one(keyword))
        if not text:
            return ""
        try:
            if not re.fullmatch(r"[0-9]{8}", text):
                raise ValueError
            return date(int(text[:4]), int(text[4:6]), int(text[6:])).isoformat()
        except ValueError:
            return str(self._odd(keyword, ""))

    def code(self, keyword: str) -> str:
        """The meaning of the first item of a code sequence."""
        return next((_plain(item.get("CodeMeaning", "")) for item in self.items(keyword)), "")

    def items(self, keyword: str) -> list[Dataset]:
        """The items of a sequence; none where it is no sequence."""
        return [item for item in self._get(keyword, list, []) if isinstance(item, Dataset)]


def _is_many(value: Any) -> bool:
    return isinstance(value, (MultiValue, list, tuple))


def _plain(value: Any) -> str:
    return "" if value is None else str(value).replace("\0", "").strip()


def _person(read: _Reader) -> Person:
    groups = [part.strip(" ^") for part in read.one("PatientName").split("=")]
    others = tuple(groups[1:3])
    while others and not others[-1]:
        others = others[:-1]
    more = [_plain(item.get("PatientID", "")) for item in read.items("OtherPatientIDsSequence")]
    return Person(
        name=next((group for group in groups if group), ""),
        birth_date=read.day("PatientBirthDate"),
        sex=read.one("PatientSex").upper(),
        id=read.one("PatientID"),
        issuer=read.text("IssuerOfPatientID"),
        other_ids=tuple(dict.fromkeys(i for i in (*read.several("OtherPatientIDs"), *more) if i)),
        name_groups=others,
    )


# SNOMED CT and older SNOMED codes of mammography views (PS3.16 CID 4014), as (0018,5101) writes them.
VIEWS = {
    "399162004": "CC",
    "399368009": "MLO",
    "399260004": "ML",
    "399352003": "LM",
    "R-10242": "CC",
    "R-10226": "MLO",
    "R-10224": "ML",
    "R-10228": "LM",
}


def _view(read: _Reader) -> str:
    codes = [_plain(item.get("CodeValue", "")) for item in read.items("ViewCodeSequence")]
    return next((VIEWS[code] for code in codes if code in VIEWS), read.text("ViewPosition").upper())


SIDES = frozenset({"L", "R", "B"})


def _laterality(read: _Reader) -> str:
    """One letter. Values that contradict each other are no answer (a finding); frames of both sides are "B"."""
    named = {read.text("ImageLaterality").upper(), read.text("Laterality").upper()} & SIDES
    if len(named) > 1:
        read.oddities.append("Laterality")
        return ""
    frames = set()
    for groups in (*read.items("SharedFunctionalGroupsSequence"), *read.items("PerFrameFunctionalGroupsSequence")):
        for anatomy in _Reader(groups).items("FrameAnatomySequence"):
            frames |= {_Reader(anatomy).text("FrameLaterality").upper()} & SIDES
    letters = named or frames
    return letters.pop() if len(letters) == 1 else ("B" if letters else "")


def _zone(text: str) -> str:
    return text if re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", text) else ""
