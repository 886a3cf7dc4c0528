"""What images say of themselves: people, studies, series, instances. Plain records, no pixels, nothing filled in."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime


@dataclass(frozen=True)
class Person:
    """Who stands on the images. Absent stays empty.

    `name` is the decoded DICOM person name, alphabetic group, components parted by "^" (PS3.5 section 6.2.1); where
    that group is empty, the first that is not. `name_groups` are the ideographic and the phonetic group, in that
    order. `birth_date` is ISO `YYYY-MM-DD`, `sex` as in the header.
    """

    name: str = ""
    birth_date: str = ""
    sex: str = ""
    id: str = ""
    issuer: str = ""
    other_ids: tuple[str, ...] = ()
    name_groups: tuple[str, ...] = field(default=(), compare=False)
    other_names: tuple[str, ...] = field(default=(), compare=False)  # at birth, and others (0010,1005), (0010,1001)


@dataclass(frozen=True)
class Instance:
    """One SOP instance and where it belongs. `rows`, `columns` and `bits` are 0 where it is no picture."""

    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    sop_class_uid: str
    transfer_syntax_uid: str
    number: int | None = None
    frames: int = 1
    rows: int = 0
    columns: int = 0
    bits: int = 0


Code = tuple[str, ...]
"""(code, coding scheme, meaning) of a code sequence's item; empty where there is none."""


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
    study_time: str = ""  # DICOM TM, "HHMMSS.FFFFFF" or its beginning
    series_date: str = ""  # of the series, the acquisition or the content, whichever is there first
    timezone: str = ""  # "+0100", from (0008,0201)
    study_description: str = ""
    accession: str = ""
    institution: str = ""
    referring: str = ""
    burned_in: str = ""  # the header's word, "YES", "NO" or empty: never to be trusted alone
    image_type: tuple[str, ...] = ()
    identity_removed: bool = False  # (0012,0062): the person's name here is not a name
    view: str = ""  # of a mammogram: "CC", "MLO", "ML" ..., from the view code or (0018,5101)
    contrast: str = ""  # contrast agent (0018,0010)
    thickness: float | None = None  # of a slice, mm
    field_strength: float | None = None  # of the magnet, tesla
    title: str = ""  # of a document: its own title (0042,0010), or the meaning of its concept name (0040,A043)
    holds: str = ""  # media type of an encapsulated document (0042,0012)
    oddities: tuple[str, ...] = ()  # values that could not be used, by keyword
    region: Code = ()  # Anatomic Region Sequence, a better word for the body part
    procedures: tuple[Code, ...] = ()
    series_time: str = ""  # beside a Series Date
    performer: str = ""  # performing physician, else operator
    interpreter: str = ""  # who read the study first
    reason: str = ""  # of the requested procedure
    accession_issuer: str = ""


@dataclass(frozen=True)
class Series:
    """One series as counted from the files held; `instances` are (SOP instance UID, SOP class UID, number).

    `titles` are theirs, in the same order; that of a picture is its kind ("ORIGINAL\\PRIMARY\\AXIAL"). `started` as in
    `Study`.
    """

    series_instance_uid: str
    modality: str = ""
    number: int | None = None
    description: str = ""
    body_part: str = ""
    laterality: str = ""
    instances: tuple[tuple[str, str, int | None], ...] = ()
    started: str = ""
    performer: str = ""
    region: Code = ()
    titles: tuple[str, ...] = ()


@dataclass(frozen=True)
class Study:
    """One study. `started` is ISO 8601 with an offset where the header or the site names a zone, else a date.

    `date` is the header's Study Date alone; `started` falls back to the date of the series.
    """

    study_instance_uid: str
    person: Person
    started: str = ""
    date: str = ""
    time: str = ""
    description: str = ""
    accession: str = ""
    institution: str = ""
    referring: str = ""
    modalities: tuple[str, ...] = ()
    series: tuple[Series, ...] = ()
    procedures: tuple[Code, ...] = ()
    interpreter: str = ""
    reason: str = ""
    accession_issuer: str = ""


NOT_PICTURES = frozenset({"KO", "PR", "SR", "SEG", "REG", "DOC", "RWV", "PLAN", "FID"})
"""Modalities that describe pictures: kept per series, left out of the study's own list (FHIR ImagingStudy mapping)."""


def gather(headers: Iterable[Header], zone: str = "") -> list[Study]:
    """Studies with their series, in the order first met.

    `zone` ("+0100" or "Europe/Madrid") is used where a header names none. The same SOP instance met twice is counted
    once. A series of both sides has laterality "B". A study's own values are those of its first header that has them;
    its person is that of the first header.
    """
    studies: dict[str, Study] = {}
    series: dict[str, dict[str, Series]] = {}
    entries: dict[tuple[str, str], dict[str, tuple[tuple[str, str, int | None], str]]] = {}
    for header in headers:
        where = header.instance
        uid, key = where.study_instance_uid, (where.study_instance_uid, where.series_instance_uid)
        known = studies.get(uid)
        studies[uid] = _study(header, zone) if known is None else _filled(known, header, zone)
        of_study = series.setdefault(uid, {})
        of_study[where.series_instance_uid] = _series(of_study.get(where.series_instance_uid), header, zone)
        entry = (where.sop_instance_uid, where.sop_class_uid, where.number)
        entries.setdefault(key, {}).setdefault(
            where.sop_instance_uid, (entry, header.title or "\\".join(header.image_type))
        )
    return [
        _join(study, [_listed(s, entries[uid, key].values()) for key, s in series[uid].items()])
        for uid, study in studies.items()
    ]


def _study(header: Header, zone: str) -> Study:
    return Study(
        study_instance_uid=header.instance.study_instance_uid,
        person=header.person,
        started=_started(header, zone),
        date=header.study_date,
        time=header.study_time,
        description=header.study_description,
        accession=header.accession,
        institution=header.institution,
        referring=header.referring,
        procedures=header.procedures,
        interpreter=header.interpreter,
        reason=header.reason,
        accession_issuer=header.accession_issuer,
    )


FROM_ANY = ("date", "time", "description", "accession", "institution", "referring", "procedures", "interpreter")


def _filled(study: Study, header: Header, zone: str) -> Study:
    if study.started and all(getattr(study, name) for name in FROM_ANY):
        return study
    other = _study(header, zone)
    missing = {name: getattr(other, name) for name in FROM_ANY if not getattr(study, name)}
    started = other.started if not study.date and other.date else study.started or other.started
    return replace(study, started=started, **missing)


def _series(known: Series | None, header: Header, zone: str) -> Series:
    if known is None:
        return Series(
            series_instance_uid=header.instance.series_instance_uid,
            modality=header.modality,
            number=header.series_number,
            description=header.series_description,
            body_part=header.body_part,
            laterality=header.laterality,
            started=started(header.series_date, header.series_time, header.timezone or zone),
            performer=header.performer,
            region=header.region,
        )
    if not header.laterality or header.laterality == known.laterality:
        return known
    return replace(known, laterality="B" if known.laterality else header.laterality)


def _listed(series: Series, entries: Iterable[tuple[tuple[str, str, int | None], str]]) -> Series:
    """The series with its instances in order."""
    ordered = sorted(entries, key=lambda e: (e[0][2] is None, e[0][2] or 0, e[0][0]))
    return replace(series, instances=tuple(e for e, _ in ordered), titles=tuple(title for _, title in ordered))


def _join(study: Study, series: list[Series]) -> Study:
    ordered = tuple(sorted(series, key=lambda s: (s.number is None, s.number or 0, s.series_instance_uid)))
    found = [s.modality for s in ordered if s.modality]
    pictures = [m for m in found if m not in NOT_PICTURES] or found
    return replace(study, series=ordered, modalities=tuple(dict.fromkeys(pictures)))


def _started(header: Header, zone: str) -> str:
    if header.study_date:
        return started(header.study_date, header.study_time, header.timezone or zone)
    return header.series_date


def started(date: str, time: str, zone: str) -> str:
    """ISO 8601 from an ISO date, a DICOM TM and a zone ("+0100" or "Europe/Madrid").

    Where the time or the zone is missing or makes no sense, the date alone: FHIR R4 forbids a time without a zone.
    """
    clock = re.fullmatch(r"([01]\d|2[0-3]):?([0-5]\d)(?::?([0-5]\d)(?:\.\d*)?)?", time)
    if not date or clock is None or not zone:
        return date
    local = f"{date}T{clock[1]}:{clock[2]}:{clock[3] or '00'}"
    if re.fullmatch(r"[+-](0\d|1[0-4])[0-5]\d", zone):
        return f"{local}{zone[:3]}:{zone[3:]}"
    from zoneinfo import ZoneInfo

    try:
        return datetime.fromisoformat(local).replace(tzinfo=UTC if zone == "UTC" else ZoneInfo(zone)).isoformat()
    except (ValueError, KeyError, OSError):
        return date
