"""What became of every file of a de-identification. Nothing in it tells a person."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from imaging.deidentify.profiles import Profile
from imaging.deidentify.scan import Leak


class Became(StrEnum):
    """Verdicts of de-identification, beside those of any file (`imaging.verdict.Verdict`)."""

    DONE = "deidentified"
    ALREADY = "already-here"  # done by an earlier run into the same folder
    ASIDE = "quarantined"
    DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Quarantined:
    """One object set aside: which of the files, why, and its new UIDs. `leaks` are kinds and places, never values."""

    number: int
    reason: str
    modality: str
    study_instance_uid: str
    sop_instance_uid: str
    leaks: tuple[Leak, ...] = ()


@dataclass(frozen=True)
class Released:
    """One object in the folder, by its new UIDs."""

    pseudonym: str
    study_instance_uid: str
    series_instance_uid: str
    sop_instance_uid: str
    modality: str


@dataclass
class Outcome:
    """What became of everything. Files are numbered in the order in which they were met, from 1."""

    profile: Profile
    counts: Counter[str] = field(default_factory=Counter)  # verdict to files
    released: list[Released] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)  # what else was noticed, to number of files
    names: dict[int, str] = field(default_factory=dict)  # as given, of what did not come out: for the giver alone

    @property
    def complete(self) -> bool:
        """Did every picture come out, and was there one?"""
        lost = ("quarantined", "unreadable", "locked", "too-large")
        return bool(self.released) and not any(self.counts[verdict] for verdict in lost)
