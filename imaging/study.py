"""What images say of themselves: people, studies, series, instances. Plain records, no pixels, nothing filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Person:
    """Who stands on the images. Absent stays empty.

    `name` is the decoded DICOM person name, alphabetic group, components parted by "^" (PS3.5 section 6.2.1);
    `name_groups` has the ideographic and phonetic groups. `birth_date` is ISO `YYYY-MM-DD`, `sex` as in the header.
    """

    name: str = ""
    birth_date: str = ""
    sex: str = ""
    id: str = ""
    issuer: str = ""
    other_ids: tuple[str, ...] = ()
    name_groups: tuple[str, ...] = field(default=(), compare=False)


@dataclass(frozen=True)
class Instance:
    """One SOP instance and where it belongs."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number: int | None = None
    frames: int = 1


@dataclass(frozen=True)
class Header:
    """Everything read from one file's header. Dates are ISO or empty; `laterality` is "L", "R", "B" or empty."""

    person: Person
    instance: Instance
    modality: str = ""
    series_number: int | None = None
    series_description: str = ""
    body_part: str = ""
    laterality: str = ""
    study_date: str = ""
    study_time: str = ""
    timezone: str = ""  # "+0100", from (0008,0201)
    study_description: str = ""
    accession: str = ""
    institution: str = ""
    referring: str = ""
    burned_in: str = ""  # the header's word, "YES", "NO" or empty: never to be trusted alone
    image_type: tuple[str, ...] = ()
    oddities: tuple[str, ...] = ()  # values that could not be read, by keyword


@dataclass(frozen=True)
class Series:
    """One series as counted from the files held; `instances` are (SOP instance UID, SOP class UID, number)."""

    series_instance_uid: str
    modality: str = ""
    number: int | None = None
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    instances: tuple[tuple[str, str, int | None], ...] = ()


@dataclass(frozen=True)
class Study:
    """One study. `started` is ISO 8601 with an offset where the header or the site names a zone, else a date."""

    study_instance_uid: str
    person: Person
    started: str = ""
    date: str = ""
    description: str = ""
    accession: str = ""
    institution: str = ""
    referring: str = ""
    modalities: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()


NOT_PICTURES = frozenset({"KO", "PR", "SR", "SEG", "REG", "DOC", "RWV", "PLAN", "FID"})
"""Modalities that describe pictures: kept per series, left out of the study's own list (FHIR ImagingStudy mapping)."""


def gather(headers: Iterable[Header], zone: str = "") -> list[Study]:
    """Studies with their series, in the order first met. `zone` ("+0100") is used where a header names none.

    The same SOP instance met twice is counted once.
    """
    studies: dict[str, Study] = {}
    series: dict[tuple[str, str], Series] = {}
    seen: set[tuple[str, str]] = set()
    for header in headers:
        where = header.instance
        if (where.study_instance_uid, where.sop_instance_uid) in seen:
            continue
        seen.add((where.study_instance_uid, where.sop_instance_uid))
        studies.setdefault(where.study_instance_uid, _study(header, zone))
        key = (where.study_instance_uid, where.series_instance_uid)
        known = series.setdefault(key, _series(header))
        entry = (where.sop_instance_uid, where.sop_class_uid, where.number)
        laterality = known.laterality or header.laterality
        if header.laterality and known.laterality and header.laterality != known.laterality:
            laterality = "B"
        series[key] = replace(known, instances=(*known.instances, entry), laterality=laterality)
    return [_join(study, [s for (uid, _), s in series.items() if uid == key]) for key, study in studies.items()]


def _study(header: Header, zone: str) -> Study:
    return Study(
        study_instance_uid=header.instance.study_instance_uid,
        person=header.person,
        started=started(header.study_date, header.study_time, header.timezone or zone),
        date=header.study_date,
        description=header.study_description,
        accession=header.accession,
        institution=header.institution,
        referring=header.referring,
    )


def _series(header: Header) -> Series:
    return Series(
        series_instance_uid=header.instance.series_instance_uid,
        modality=header.modality,
        number=header.series_number,
        description=header.series_description,
        body_part=header.body_part,
        laterality=header.laterality,
    )


def _join(study: Study, series: list[Series]) -> Study:
    ordered = tuple(
        replace(s, instances=tuple(sorted(s.instances, key=lambda i: (i[2] is None, i[2] or 0, i[0]))))
        for s in sorted(series, key=lambda s: (s.number is None, s.number or 0, s.series_instance_uid))
    )
    found = [s.modality for s in ordered if s.modality]
    pictures = [m for m in found if m not in NOT_PICTURES] or found
    return replace(study, series=ordered, modalities=tuple(dict.fromkeys(pictures)))


def started(date: str, time: str, zone: str) -> str:
    """ISO 8601 from an ISO date, a DICOM TM and a zone ("+0100"). FHIR R4 forbids a time without a zone."""
    digits = time.partition(".")[0].replace(":", "")
    if not date or len(digits) < 4 or not digits.isdigit() or len(zone) != 5:
        return date
    return f"{date}T{digits[:2]}:{digits[2:4]}:{digits[4:6] or '00'}{zone[:3]}:{zone[3:]}"
