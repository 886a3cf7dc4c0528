"""QIDO-RS over one shelf (PS3.18 section 10.6): what may be asked, what is answered, and a no to everything else.

Rule: a filter that is not understood is refused, never ignored. An ignored filter answers with too much.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from imaging.errors import ArchiveRefused
from imaging.study import Header, Series, Study

Json = dict[str, Any]

STUDY = {
    "StudyDate": ("00080020", "DA"),
    "StudyTime": ("00080030", "TM"),
    "AccessionNumber": ("00080050", "SH"),
    "ModalitiesInStudy": ("00080061", "CS"),
    "ReferringPhysicianName": ("00080090", "PN"),
    "StudyDescription": ("00081030", "LO"),
    "PatientName": ("00100010", "PN"),
    "PatientID": ("00100020", "LO"),
    "IssuerOfPatientID": ("00100021", "LO"),
    "PatientBirthDate": ("00100030", "DA"),
    "PatientSex": ("00100040", "CS"),
    "StudyInstanceUID": ("0020000D", "UI"),
    "NumberOfStudyRelatedSeries": ("00201206", "IS"),
    "NumberOfStudyRelatedInstances": ("00201208", "IS"),
}
SERIES = {
    "Modality": ("00080060", "CS"),
    "SeriesDescription": ("0008103E", "LO"),
    "BodyPartExamined": ("00180015", "CS"),
    "SeriesInstanceUID": ("0020000E", "UI"),
    "SeriesNumber": ("00200011", "IS"),
    "Laterality": ("00200060", "CS"),
    "NumberOfSeriesRelatedInstances": ("00201209", "IS"),
}
INSTANCE = {
    "SOPClassUID": ("00080016", "UI"),
    "SOPInstanceUID": ("00080018", "UI"),
    "InstanceNumber": ("00200013", "IS"),
    "NumberOfFrames": ("00280008", "IS"),
    "Rows": ("00280010", "US"),
    "Columns": ("00280011", "US"),
    "BitsAllocated": ("00280100", "US"),
}
OF_SERIES_LEVEL = STUDY | SERIES
OF_INSTANCE_LEVEL = SERIES | INSTANCE | {"StudyInstanceUID": STUDY["StudyInstanceUID"]}
ALL = STUDY | SERIES | INSTANCE

# Parameters that choose what is told, not what is found (PS3.18 section 8.3.4). They may stand among the filters.
NOT_FILTERS = frozenset({"includefield", "fuzzymatching", "limit", "offset"})


def study_answer(study: Study) -> Json:
    """One study as QIDO-RS answers it."""
    return _json(**_of_study(study))


def _of_study(study: Study) -> dict[str, Any]:
    person = study.person
    return {
        "StudyDate": study.date.replace("-", ""),
        "StudyTime": study.time,
        "AccessionNumber": study.accession,
        "ModalitiesInStudy": list(study.modalities),
        "ReferringPhysicianName": study.referring,
        "StudyDescription": study.description,
        "PatientName": "=".join((person.name, *person.name_groups)),
        "PatientID": person.id,
        "IssuerOfPatientID": person.issuer,
        "PatientBirthDate": person.birth_date.replace("-", ""),
        "PatientSex": person.sex,
        "StudyInstanceUID": study.study_instance_uid,
        "NumberOfStudyRelatedSeries": len(study.series),
        "NumberOfStudyRelatedInstances": sum(len(s.instances) for s in study.series),
    }


def series_answer(study: Study, series: Series) -> Json:
    """One series as QIDO-RS answers it, with its study's attributes."""
    return _json(
        **_of_study(study),
        Modality=series.modality,
        SeriesDescription=series.description,
        BodyPartExamined=series.body_part,
        SeriesInstanceUID=series.series_instance_uid,
        SeriesNumber=series.number,
        Laterality=series.laterality,
        NumberOfSeriesRelatedInstances=len(series.instances),
    )


def instance_answer(header: Header) -> Json:
    """One instance as QIDO-RS answers it."""
    where = header.instance
    return _json(
        SOPClassUID=where.sop_class_uid,
        SOPInstanceUID=where.sop_instance_uid,
        Modality=header.modality,
        StudyInstanceUID=where.study_instance_uid,
        SeriesInstanceUID=where.series_instance_uid,
        SeriesNumber=header.series_number,
        SeriesDescription=header.series_description,
        BodyPartExamined=header.body_part,
        Laterality=header.laterality,
        InstanceNumber=where.number,
        NumberOfFrames=where.frames if where.frames > 1 else None,
        Rows=where.rows or None,
        Columns=where.columns or None,
        BitsAllocated=where.bits or None,
    )


def _json(**values: Any) -> Json:
    """DICOM JSON (PS3.18 Annex F.2) in tag order; an empty value keeps its tag and VR."""
    answer: Json = {"00080056": {"vr": "CS", "Value": ["ONLINE"]}}
    for keyword, value in values.items():
        tag, vr = ALL[keyword]
        several = value if isinstance(value, list) else [value] if value not in ("", None) else []
        if vr == "PN":
            several = [name for name in map(_name, several) if name]
        answer[tag] = {"vr": vr, "Value": several} if several else {"vr": vr}
    return dict(sorted(answer.items()))


GROUPS = ("Alphabetic", "Ideographic", "Phonetic")


def _name(text: str) -> dict[str, str]:
    """A person name's groups. One that stands in for an empty alphabetic group is not told twice."""
    groups = text.split("=")
    if len(groups) > 1 and groups[0] == groups[1]:
        groups[0] = ""
    return {group: value for group, value in zip(GROUPS, groups, strict=False) if value}


def keep(
    answers: Iterable[Json],
    level: Mapping[str, tuple[str, str]],
    filters: Mapping[str, str] | None,
    limit: int | None,
    offset: int | None,
) -> list[Json]:
    """Those that match every filter of that level. Raises ArchiveRefused for one that is not known or makes no sense.

    Filters are named by keyword or tag. Only literal matching: case counts, except in names of people.
    """
    matchers = [_filter(level, name, str(wanted)) for name, wanted in (filters or {}).items() if not _no_filter(name)]
    if (limit is not None and limit < 0) or (offset is not None and offset < 0):
        raise ArchiveRefused("limit and offset cannot be negative.")
    kept = [answer for answer in answers if all(matches(answer) for matches in matchers)]
    start = offset or 0
    return kept[start : start + limit] if limit is not None else kept[start:]


def _no_filter(name: str) -> bool:
    return name.lower() in NOT_FILTERS


def _filter(level: Mapping[str, tuple[str, str]], name: str, wanted: str) -> Callable[[Json], bool]:
    known = {tag: keyword for keyword, (tag, _) in level.items()}
    keyword = known.get(name.upper(), name)
    if keyword not in level:
        raise ArchiveRefused(f"{name} cannot be searched by here.")
    tag, vr = level[keyword]
    if wanted in ("", "*"):  # universal matching (PS3.4 section C.2.2.2.3)
        return lambda _: True
    matches = _matcher(keyword, vr, wanted)
    return lambda answer: any(matches(text) for value in answer[tag].get("Value", []) for text in _texts(value))


def _texts(value: Any) -> list[str]:
    return list(value.values()) if isinstance(value, dict) else [str(value)]


def _matcher(keyword: str, vr: str, wanted: str) -> Callable[[str], bool]:
    """Single value, list of UIDs, wildcard or range (PS3.4 section C.2.2.2)."""
    if vr == "UI":
        uids = set(re.split(r"[,\\]", wanted))
        return lambda value: value in uids
    if vr in ("DA", "TM"):
        return _range(keyword, vr, wanted)
    if vr in ("IS", "US"):
        return lambda value: value == wanted.strip()
    words = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in wanted)
    pattern = re.compile(words, re.IGNORECASE | re.DOTALL if vr == "PN" else re.DOTALL)
    return lambda value: pattern.fullmatch(value) is not None


SHAPES = {"DA": re.compile(r"\d{8}"), "TM": re.compile(r"\d\d(\d\d(\d\d(\.\d{1,6})?)?)?")}


def _range(keyword: str, vr: str, wanted: str) -> Callable[[str], bool]:
    low, dash, high = wanted.partition("-")
    if not dash:
        high = low
    if not (low or high) or any(end and not SHAPES[vr].fullmatch(end) for end in (low, high)):
        raise ArchiveRefused(f"{keyword} is searched by {'YYYYMMDD' if vr == 'DA' else 'HHMMSS'}, or a range of it.")
    if vr == "TM":  # an end that is less exact means all of its hour, minute or second
        low, high = low.replace(".", ""), high.replace(".", "").ljust(12, "9")
        return lambda value: low <= value.replace(".", "").ljust(12, "0") <= high
    return lambda value: (not low or value >= low) and (not high or value <= high)
