"""QIDO-RS over one shelf (PS3.18 section 10.6): what may be asked, what is answered, and a no to everything else."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imaging.errors import ArchiveRefused
from imaging.study import Header, Series, Study

Json = dict[str, Any]

TAGS = {
    "StudyDate": ("00080020", "DA"),
    "StudyTime": ("00080030", "TM"),
    "AccessionNumber": ("00080050", "SH"),
    "ModalitiesInStudy": ("00080061", "CS"),
    "StudyDescription": ("00081030", "LO"),
    "ReferringPhysicianName": ("00080090", "PN"),
    "PatientName": ("00100010", "PN"),
    "PatientID": ("00100020", "LO"),
    "PatientBirthDate": ("00100030", "DA"),
    "PatientSex": ("00100040", "CS"),
    "StudyInstanceUID": ("0020000D", "UI"),
    "NumberOfStudyRelatedSeries": ("00201206", "IS"),
    "NumberOfStudyRelatedInstances": ("00201208", "IS"),
    "Modality": ("00080060", "CS"),
    "SeriesDescription": ("0008103E", "LO"),
    "BodyPartExamined": ("00180015", "CS"),
    "SeriesInstanceUID": ("0020000E", "UI"),
    "SeriesNumber": ("00200011", "IS"),
    "NumberOfSeriesRelatedInstances": ("00201209", "IS"),
    "SOPClassUID": ("00080016", "UI"),
    "SOPInstanceUID": ("00080018", "UI"),
    "InstanceNumber": ("00200013", "IS"),
    "NumberOfFrames": ("00280008", "IS"),
}
KEYWORDS = {tag: keyword for keyword, (tag, _) in TAGS.items()}


def study_answer(study: Study) -> Json:
    """One study as QIDO-RS answers it."""
    person = study.person
    return _json(
        StudyDate=study.date.replace("-", ""),
        StudyTime=study.started[11:19].replace(":", ""),
        AccessionNumber=study.accession,
        ModalitiesInStudy=list(study.modalities),
        StudyDescription=study.description,
        ReferringPhysicianName=study.referring,
        PatientName="=".join((person.name, *person.name_groups)),
        PatientID=person.id,
        PatientBirthDate=person.birth_date.replace("-", ""),
        PatientSex=person.sex,
        StudyInstanceUID=study.study_instance_uid,
        NumberOfStudyRelatedSeries=len(study.series),
        NumberOfStudyRelatedInstances=sum(len(s.instances) for s in study.series),
    )


def series_answer(study: Study, series: Series) -> Json:
    """One series as QIDO-RS answers it."""
    return _json(
        Modality=series.modality,
        SeriesDescription=series.description,
        BodyPartExamined=series.body_part,
        StudyInstanceUID=study.study_instance_uid,
        SeriesInstanceUID=series.series_instance_uid,
        SeriesNumber=series.number,
        NumberOfSeriesRelatedInstances=len(series.instances),
    )


def instance_answer(header: Header) -> Json:
    """One instance as QIDO-RS answers it."""
    where = header.instance
    return _json(
        SOPClassUID=where.sop_class_uid,
        SOPInstanceUID=where.sop_instance_uid,
        StudyInstanceUID=where.study_instance_uid,
        SeriesInstanceUID=where.series_instance_uid,
        InstanceNumber=where.number,
        NumberOfFrames=where.frames if where.frames > 1 else None,
    )


def _json(**values: Any) -> Json:
    """DICOM JSON (PS3.18 Annex F.2); an empty value keeps its tag and VR."""
    answer: Json = {}
    for keyword, value in values.items():
        tag, vr = TAGS[keyword]
        several = value if isinstance(value, list) else [value] if value not in ("", None) else []
        if vr == "PN":
            several = [{"Alphabetic": v.partition("=")[0]} for v in several if v.partition("=")[0]]
        answer[tag] = {"vr": vr, "Value": several} if several else {"vr": vr}
    return answer


def select(
    answers: Iterable[Json], filters: Mapping[str, str] | None, limit: int | None, offset: int | None
) -> list[Json]:
    """Those that match every filter. Raises ArchiveRefused for a filter that is not known at this level."""
    kept = list(answers)
    for name, wanted in (filters or {}).items():
        keyword = KEYWORDS.get(name.upper(), name)
        if keyword not in TAGS or (kept and TAGS[keyword][0] not in kept[0]):
            raise ArchiveRefused(f"{name} cannot be searched by here.")
        tag, vr = TAGS[keyword]
        matches = _matcher(vr, wanted)
        kept = [a for a in kept if matches([_plain(v) for v in a.get(tag, {}).get("Value", [])])]
    start = offset or 0
    return kept[start : start + limit] if limit is not None else kept[start:]


def _plain(value: Any) -> str:
    return str(value.get("Alphabetic", "")) if isinstance(value, dict) else str(value)


def _matcher(vr: str, wanted: str) -> Callable[[list[str]], bool]:
    """Single value, list of UIDs, wildcard or range (PS3.4 section C.2.2.2)."""
    if wanted in ("", "*"):
        return lambda _: True
    if vr == "UI":
        uids = set(re.split(r"[,\\]", wanted))
        return lambda values: bool(uids & set(values))
    if vr in ("DA", "TM") and "-" in wanted:
        low, _, high = wanted.partition("-")
        return lambda values: any((not low or v >= low) and (not high or v <= high) for v in values)
    pattern = re.compile(
        "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in wanted), re.IGNORECASE if vr == "PN" else 0
    )
    return lambda values: any(pattern.fullmatch(v) for v in values)
