"""Reads the header of one DICOM object: by our own fast reader, and by pydicom wherever that one is not sure.

Rule: both give the same answer; a value that cannot be used is absent and named, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from io import SEEK_END
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar

from imaging.errors import NotDicom
from imaging.fragments import Pixels
from imaging.reading.elements import scan
from imaging.reading.start import DIRECTORY, Start, begin, begins_like_dicom
from imaging.reading.wanted import Encoding, Odd, Raw
from imaging.reading.words import RawValues
from imaging.study import Header, Instance, Person
from imaging.values import Values

if TYPE_CHECKING:
    from imaging.opening import Opened

# Computed and digital radiography, CT, ultrasound, MR, captures, angiography, nuclear medicine, PET (PS3.4 Annex B.5).
PICTURES = re.compile(r"1\.2\.840\.10008\.5\.1\.4\.1\.1\.(1|2|3\.1|4|6\.1|7|12|20|128)(\.[1-9][0-9.]*)?(?<!\.4\.2)")
Record = TypeVar("Record", Header, Instance)
SIDES = frozenset({"L", "R", "B"})


class IsDirectory(NotDicom):
    """A DICOMDIR: a list of files, itself no picture."""


@dataclass(frozen=True)
class Read:
    """A header, and where the pixels are: in `body`, or in the file where that is None."""

    header: Header
    pixels: Pixels | None
    size: int  # bytes of what `pixels` speaks of
    header_cut: bool  # the file ends inside its header
    body: bytes | None = None  # a deflated data set, inflated


def read_header(stream: BinaryIO) -> Header:
    """Everything of interest in the header. Raises NotDicom; IsDirectory for a DICOMDIR."""
    return read_object(stream).header


def read_object(stream: BinaryIO) -> Read:
    """The header, and where the pixels are. Raises NotDicom; IsDirectory for a DICOMDIR."""
    try:
        return _read_fast(stream)
    except Odd:
        pass
    stream.seek(0)
    if not begins_like_dicom(stream.read(132)):
        raise NotDicom("This is not a DICOM file.")
    from imaging.opening import open_dicom

    opened = open_dicom(stream)
    return Read(header_of(opened), opened.pixels, opened.size, opened.header_cut, opened.body)


def header_of(opened: Opened) -> Header:
    """The header of an object that pydicom has opened. Raises NotDicom, IsDirectory."""
    from imaging.dataset import values_of
    from imaging.quiet import quiet

    with quiet():
        values, named = values_of(opened)
        if DIRECTORY in (named, values.text("SOPClassUID")):
            raise IsDirectory("This is the disc's list of files.")
        return _compose(values, opened.transfer_syntax_uid, pixels=opened.pixels is not None)


REMEMBERED = 16_384  # bytes of the values of a header that is kept for the next picture of its series
PER_PICTURE = ("SOPInstanceUID", "InstanceNumber")


def _read_fast(stream: BinaryIO) -> Read:
    """By our own reader. Raises Odd."""
    start = begin(stream, stream.seek(0, SEEK_END))
    raw, pixels = scan(start.source, start.position, start.encoding)
    header = header_of_raw(raw, start, pixels=pixels is not None)
    return Read(header, pixels, start.source.size, header_cut=False, body=start.body)


def header_of_raw(raw: Raw, start: Start, *, pixels: bool) -> Header:
    """The header that these bytes make, leaving `raw` without what is the picture's own. Raises Odd."""
    alone = {keyword: raw.pop(keyword) for keyword in PER_PICTURE if keyword in raw}
    shared_by_series = _shared if sum(map(len, raw.values())) <= REMEMBERED else _shared.__wrapped__
    try:
        shared = shared_by_series(tuple(raw), tuple(raw.values()), start.encoding, start.transfer_syntax_uid, pixels)
        return _with_instance(shared, alone, start.encoding)
    except NotDicom as problem:
        raise Odd from problem


@lru_cache(maxsize=256)
def _shared(
    keywords: tuple[str, ...], raw: tuple[bytes, ...], encoding: Encoding, transfer_syntax_uid: str, pixels: bool
) -> Header:
    """What the pictures of one series have in common, which is all but their numbers. Raises NotDicom, Odd."""
    values = RawValues({**dict(zip(keywords, raw, strict=True)), "SOPInstanceUID": b"1"}, encoding)
    if values.text("SOPClassUID") == DIRECTORY:
        raise Odd
    return _compose(values, transfer_syntax_uid, pixels=pixels)


def _with_instance(shared: Header, alone: Raw, encoding: Encoding) -> Header:
    """The header of one picture of that series. Raises Odd."""
    values = RawValues(alone, encoding)
    uid = values.uid("SOPInstanceUID")
    if not uid:
        raise Odd
    instance = _copy(shared.instance, {"sop_instance_uid": uid, "number": values.whole("InstanceNumber")})
    oddities = _sorted(shared.oddities, values.oddities) if values.oddities else shared.oddities
    return _copy(shared, {"instance": instance, "oddities": oddities})


def _copy(record: Record, changed: dict[str, Any]) -> Record:
    """As `dataclasses.replace`, which looks at every field and takes longer than all the reading."""
    made = object.__new__(type(record))
    vars(made).update(vars(record))
    vars(made).update(changed)
    return made


def _sorted(*oddities: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({keyword for some in oddities for keyword in some}))


def _compose(values: Values, transfer_syntax_uid: str, *, pixels: bool) -> Header:
    """A header from values, however they were read. Raises NotDicom."""
    if not pixels and (values.has("Rows") or PICTURES.fullmatch(values.text("SOPClassUID"))):
        values.oddities.append("PixelData")
    header = Header(
        person=_person(values),
        instance=_instance(values, transfer_syntax_uid),
        modality=values.text("Modality"),
        series_number=values.whole("SeriesNumber"),
        series_description=values.text("SeriesDescription"),
        body_part=values.text("BodyPartExamined") or values.code("AnatomicRegionSequence"),
        laterality=_laterality(values),
        study_date=values.day("StudyDate"),
        study_time=values.text("StudyTime"),
        series_date=values.day("SeriesDate") or values.day("AcquisitionDate") or values.day("ContentDate"),
        timezone=_zone(values.text("TimezoneOffsetFromUTC")),
        study_description=values.text("StudyDescription"),
        accession=values.text("AccessionNumber"),
        institution=values.text("InstitutionName"),
        referring=values.text("ReferringPhysicianName"),
        burned_in=values.text("BurnedInAnnotation").upper(),
        image_type=values.several("ImageType"),
        identity_removed=values.text("PatientIdentityRemoved").upper() == "YES",
        region=next(iter(values.codes("AnatomicRegionSequence")), ()),
        procedures=values.codes("ProcedureCodeSequence"),
        series_time=values.text("SeriesTime") if values.day("SeriesDate") else "",
        performer=values.text("PerformingPhysicianName") or values.text("OperatorsName"),
        interpreter=values.text("NameOfPhysiciansReadingStudy"),
        reason=values.text("ReasonForTheRequestedProcedure"),
        accession_issuer=_issuer(values),
        title=values.text("DocumentTitle") or values.code("ConceptNameCodeSequence") or values.text("ContentLabel"),
        holds=values.text("MIMETypeOfEncapsulatedDocument").lower(),
        view=_view(values),
        contrast=values.text("ContrastBolusAgent"),
        thickness=values.measure("SliceThickness"),
        field_strength=values.measure("MagneticFieldStrength"),
    )
    return replace(header, oddities=_sorted(values.oddities))


def _issuer(values: Values) -> str:
    items = values.items("IssuerOfAccessionNumberSequence")
    names = (item.text(keyword) for item in items for keyword in ("LocalNamespaceEntityID", "UniversalEntityID"))
    return next((name for name in names if name), "")


def _instance(values: Values, transfer_syntax_uid: str) -> Instance:
    uids = {
        name: values.uid(name) for name in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID")
    }
    for name, uid in uids.items():
        if not uid:
            raise NotDicom(f"The picture has no usable {name}, so it cannot be told from others.")
    return Instance(
        study_instance_uid=uids["StudyInstanceUID"],
        series_instance_uid=uids["SeriesInstanceUID"],
        sop_instance_uid=uids["SOPInstanceUID"],
        sop_class_uid=uids["SOPClassUID"],
        transfer_syntax_uid=transfer_syntax_uid,
        number=values.whole("InstanceNumber"),
        frames=values.whole("NumberOfFrames") or 1,
        rows=values.whole("Rows") or 0,
        columns=values.whole("Columns") or 0,
        bits=values.whole("BitsAllocated") or 0,
    )


def _person(values: Values) -> Person:
    groups = [part.strip(" ^") for part in values.one("PatientName").split("=")]
    others = tuple(groups[1:3])
    while others and not others[-1]:
        others = others[:-1]
    also = values.several("OtherPatientNames")
    more = [item.text("PatientID") for item in values.items("OtherPatientIDsSequence")]
    return Person(
        name=next((group for group in groups if group), ""),
        birth_date=values.day("PatientBirthDate"),
        sex=values.one("PatientSex").upper(),
        id=values.one("PatientID"),
        issuer=values.text("IssuerOfPatientID"),
        other_ids=tuple(dict.fromkeys(i for i in (*values.several("OtherPatientIDs"), *more) if i)),
        name_groups=others,
        other_names=tuple(dict.fromkeys(n for n in (*values.several("PatientBirthName"), *also) if n.strip(" ^="))),
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


def _view(values: Values) -> str:
    codes = [code[0] for code in values.codes("ViewCodeSequence")]
    return next((VIEWS[code] for code in codes if code in VIEWS), values.text("ViewPosition").upper())


def _laterality(values: Values) -> str:
    """One letter. Values that contradict each other are no answer (a finding); frames of both sides are "B"."""
    named = {values.text("ImageLaterality").upper(), values.text("Laterality").upper()} & SIDES
    if len(named) > 1:
        values.oddities.append("Laterality")
        return ""
    frames = set()
    for groups in (*values.items("SharedFunctionalGroupsSequence"), *values.items("PerFrameFunctionalGroupsSequence")):
        for anatomy in groups.items("FrameAnatomySequence"):
            frames |= {anatomy.text("FrameLaterality").upper()} & SIDES
    letters = named or frames
    return letters.pop() if len(letters) == 1 else ("B" if letters else "")


def _zone(text: str) -> str:
    return text if re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", text) else ""
