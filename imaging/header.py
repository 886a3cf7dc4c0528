"""Reads the header of one DICOM object. pydicom does the reading; every odd value becomes absent, never a guess."""

from __future__ import annotations

import logging
import re
import struct
import warnings
from collections.abc import Callable
from datetime import date
from typing import Any, BinaryIO

import pydicom
import pydicom.uid
from pydicom.dataset import Dataset, FileDataset
from pydicom.errors import InvalidDicomError

from imaging.errors import NotDicom
from imaging.study import Header, Instance, Person

logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # its warnings quote values, and values are people

DIRECTORY = "1.2.840.10008.1.3.10"  # Media Storage Directory (PS3.4 Annex on media), whatever the file is called
IMPLICIT_LITTLE = "1.2.840.10008.1.2"
UID = re.compile(r"[0-9]+(\.[0-9]+)*")


class IsDirectory(NotDicom):
    """A DICOMDIR: a list of files, itself no picture."""


def read_dataset(stream: BinaryIO) -> FileDataset:
    """The data set up to the pixels. Raises NotDicom with the reason.

    A file without preamble is read when it really holds a SOP instance; anything else would pass as DICOM by accident.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an odd value is reported as absent; it must not stop the reading
            try:
                return pydicom.dcmread(stream, stop_before_pixels=True)
            except InvalidDicomError:
                stream.seek(0)
                dataset = pydicom.dcmread(stream, stop_before_pixels=True, force=True)
                if "SOPClassUID" not in dataset or "SOPInstanceUID" not in dataset:
                    raise NotDicom("This is not a DICOM file.") from None
                return dataset
    except NotDicom:
        raise
    except Exception as problem:
        # A damaged file makes pydicom raise almost anything (struct, key, value, memory, recursion, EOF).
        raise NotDicom("The file is damaged and cannot be read.") from problem


def cut_short(stream: BinaryIO, dataset: FileDataset, size: int) -> bool:
    """Does the file of `size` bytes end before its pixels do? Call right after `read_dataset`, on the same stream."""
    syntax = pydicom.uid.UID(str(getattr(dataset.file_meta, "TransferSyntaxUID", IMPLICIT_LITTLE)))
    if syntax == pydicom.uid.DeflatedExplicitVRLittleEndian:
        return False
    order = "<" if syntax.is_little_endian else ">"
    head = stream.read(12)
    if len(head) < 12 or struct.unpack(f"{order}HH", head[:4]) not in PIXELS:
        return False
    implicit = head[4:6] not in (b"OB", b"OW", b"OF", b"OD")
    length = struct.unpack(f"{order}L", head[4:8] if implicit else head[8:12])[0]
    return bool(length != UNDEFINED and stream.tell() - (4 if implicit else 0) + length > size)


PIXELS = ((0x7FE0, 0x0010), (0x7FE0, 0x0008), (0x7FE0, 0x0009))
UNDEFINED = 0xFFFFFFFF


def read_header(stream: BinaryIO) -> Header:
    """Everything of interest in the header. Raises NotDicom; IsDirectory for a DICOMDIR."""
    return header_of(read_dataset(stream))


def header_of(dataset: FileDataset) -> Header:
    """The header of a data set that was read already. Raises NotDicom, IsDirectory."""
    read = _Reader(dataset)
    media_class = str(getattr(dataset, "file_meta", Dataset()).get("MediaStorageSOPClassUID", ""))
    if media_class == DIRECTORY or read.text("SOPClassUID") == DIRECTORY:
        raise IsDirectory("This is the disc's list of files.")
    uids = {name: read.uid(name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")}
    for name, uid in uids.items():
        if not uid:
            raise NotDicom(f"The picture has no usable {name}, so it cannot be told from others.")
    instance = Instance(
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        sop_class_uid=uids["SOPClassUID"],
        transfer_syntax_uid=str(getattr(dataset, "file_meta", Dataset()).get("TransferSyntaxUID", IMPLICIT_LITTLE)),
        number=read.whole("InstanceNumber"),
        frames=read.whole("NumberOfFrames") or 1,
    )
    return Header(
        person=_person(read),
        instance=instance,
        modality=read.text("Modality"),
        series_number=read.whole("SeriesNumber"),
        series_description=read.text("SeriesDescription"),
        body_part=read.text("BodyPartExamined") or read.code("AnatomicRegionSequence"),
        laterality=_laterality(read),
        study_date=read.day("StudyDate") or read.day("SeriesDate") or read.day("ContentDate"),
        study_time=read.text("StudyTime"),
        timezone=_zone(read.text("TimezoneOffsetFromUTC")),
        study_description=read.text("StudyDescription"),
        accession=read.text("AccessionNumber"),
        institution=read.text("InstitutionName"),
        referring=read.text("ReferringPhysicianName"),
        burned_in=read.text("BurnedInAnnotation").upper(),
        image_type=read.several("ImageType"),
        oddities=tuple(dict.fromkeys(read.oddities)),
    )


class _Reader:
    """Values by keyword; what cannot be read is noted and absent."""

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self.oddities: list[str] = []

    def _get(self, keyword: str, make: Callable[[Any], Any], empty: Any) -> Any:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                value = self._dataset.get(keyword)
                return empty if value is None else make(value)
        except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
            self.oddities.append(keyword)
            return empty

    def text(self, keyword: str) -> str:
        """One text, its first value if there are several."""
        return str(self._get(keyword, _first, ""))

    def several(self, keyword: str) -> tuple[str, ...]:
        """Every value."""
        return tuple(self._get(keyword, lambda v: [str(x) for x in ([v] if isinstance(v, str) else v)], []))

    def whole(self, keyword: str) -> int | None:
        """A whole number that is not negative (FHIR unsignedInt)."""
        text = self.text(keyword)
        try:
            number = int(float(text)) if text else None
        except (ValueError, OverflowError):
            self.oddities.append(keyword)
            return None
        return number if number is not None and number >= 0 else None

    def uid(self, keyword: str) -> str:
        """A UID of digits and dots, at most 64 characters (PS3.5 section 9.1); a leading zero is kept."""
        text = self.text(keyword).strip("\0 ")
        return text if len(text) <= 64 and UID.fullmatch(text) else ""

    def day(self, keyword: str) -> str:
        """An ISO date. "1992.03.14" (ACR-NEMA) is read too; anything else is absent."""
        text = self.text(keyword).replace(".", "").replace("-", "").strip()
        if not text:
            return ""
        try:
            return (
                date(int(text[:4]), int(text[4:6]), int(text[6:8])).isoformat()
                if len(text) == 8
                else self._odd(keyword)
            )
        except ValueError:
            return self._odd(keyword)

    def _odd(self, keyword: str) -> str:
        self.oddities.append(keyword)
        return ""

    def code(self, keyword: str) -> str:
        """The meaning of the first item of a code sequence."""
        return str(self._get(keyword, lambda v: str(v[0].get("CodeMeaning", "")) if len(v) else "", ""))

    def items(self, keyword: str) -> list[Dataset]:
        """The items of a sequence."""
        return list(self._get(keyword, list, []))


def _first(value: Any) -> str:
    if isinstance(value, (str, bytes)):
        return str(value).strip("\0 ")
    try:
        return str(value[0]).strip("\0 ") if len(value) else ""
    except TypeError:
        return str(value).strip("\0 ")


def _person(read: _Reader) -> Person:
    groups = tuple(part.strip(" ^") for part in read.text("PatientName").split("="))
    alphabetic = groups[0]
    named = alphabetic or next((g for g in groups[1:] if g), "")
    return Person(
        name=named,
        birth_date=read.day("PatientBirthDate"),
        sex=read.text("PatientSex").upper(),
        id=read.text("PatientID"),
        issuer=read.text("IssuerOfPatientID"),
        other_ids=read.several("OtherPatientIDs"),
        name_groups=tuple(g for g in groups[1:] if g and g != named),
    )


def _laterality(read: _Reader) -> str:
    letters = {read.text("ImageLaterality").upper(), read.text("Laterality").upper()} & {"L", "R", "B"}
    for functional in read.items("SharedFunctionalGroupsSequence"):
        for anatomy in functional.get("FrameAnatomySequence", []) or []:
            letters |= {str(anatomy.get("FrameLaterality", "")).upper()} & {"L", "R", "B"}
    return letters.pop() if len(letters) == 1 else ("B" if letters else "")


def _zone(text: str) -> str:
    return text if re.fullmatch(r"[+-]\d{4}", text) else ""
