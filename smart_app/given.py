"""What somebody gave for a referral, and what it says of itself. Plain records; standard library only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FoundFile:
    """One file given to us and what became of it. `name` is shown to its giver only, and is never a path on disk."""

    name: str
    verdict: str  # an imaging.media.Verdict value, or "report"
    size: int
    why: str = ""
    key: str = ""  # name of the staged bytes; empty where nothing was kept
    person: int = -1  # index into Upload.people; -1 where the file names nobody
    sop_instance_uid: str = ""
    series_instance_uid: str = ""
    study_instance_uid: str = ""
    laterality: str = ""  # DICOM "L", "R", "B" or empty
    sha256: str = ""  # of the kept bytes
    clean: str = ""  # of a report: name of the staged copy that staff open, which cannot act
    kind: str = ""  # content type of that copy
    sides: tuple[str, ...] = ()  # of a report: values of Side that its words name
    offer: str = ""  # of a picture that may be the report: "pdf" or "sr"; "taken" where its giver said that it is


@dataclass(frozen=True)
class SeriesSeen:
    """One series among the given pictures, as their headers tell it: what completeness is judged by."""

    series_instance_uid: str
    study_instance_uid: str
    modality: str = ""
    study_date: str = ""  # ISO, empty where no header has one
    description: str = ""
    body_part: str = ""
    letters: tuple[str, ...] = ()  # DICOM lateralities
    views: tuple[str, ...] = ()  # of a mammogram, each with its side: "L CC"
    contrast: bool = False
    thickness: float = 0.0  # of the thinnest slices, mm; 0 where no header tells
    field_strength: float = 0.0  # tesla; 0 where no header tells
    risk: str = ""  # why text may be printed into it: "text" (seen), "flag", "capture", "kind"


@dataclass(frozen=True)
class ListedSet:
    """One series that a disc's own list names: a hint for what is missing."""

    series_instance_uid: str
    title: str
    pictures: int


@dataclass(frozen=True)
class PersonSeen:
    """Who stands on the images: decoded name, ISO birth date, sex and id, each empty where the header has none."""

    name: str = ""
    birth_date: str = ""
    sex: str = ""
    id: str = ""
    name_groups: tuple[str, ...] = ()  # the same name in other scripts
    other_ids: tuple[str, ...] = ()
    other_names: tuple[str, ...] = ()  # at birth, and others that the header has
