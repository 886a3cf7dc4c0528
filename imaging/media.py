"""What is in some media as a whole: studies, people, gaps, and counts per verdict that add up to the files found.

`walk` and `look_into` are the way to single files; everything here stands on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from imaging.burned_in import burned_in_risk
from imaging.directory import Gap, Listed, gaps, joined, read_directory
from imaging.errors import NotDicom
from imaging.offers import report_inside
from imaging.study import Header, Person, Study, gather
from imaging.verdict import LIMITS, Found, Limits, Verdict, judge
from imaging.walking import look_into, walk
from imaging.zips import DAMAGED

__all__ = ["LIMITS", "Found", "Limits", "Survey", "Verdict", "judge", "look_into", "survey", "walk"]


@dataclass(frozen=True)
class Survey:
    """What is in some media: studies, people, and counts per verdict that add up to the files found."""

    studies: tuple[Study, ...]
    people: tuple[Person, ...]  # every spelling once
    counts: dict[str, int]
    files: int
    listed: Listed | None = None  # what the disc's own list names; None without a list
    gaps: tuple[Gap, ...] = ()  # listed series of which not every picture is among the files
    missing: int = 0  # listed pictures that are not among the files
    burned_in_risk: tuple[str, ...] = ()  # series whose kind often has text printed into the picture
    oddities: dict[str, int] = field(default_factory=dict)  # values that could not be used: keyword to number of files
    anonymous: int = 0  # files whose header says that the person's name was removed
    mixed: tuple[str, ...] = ()  # studies in which the files name different people
    differing: int = 0  # duplicates that have the number of another picture and other content
    programs: dict[str, int] = field(default_factory=dict)  # pictures with a program in front: which kind, how many
    offers: tuple[str, ...] = ()  # names of pictures that are a report inside: encapsulated PDF, structured report


class _Notes:
    """What a survey remembers while it walks: headers and counts, no pictures."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.headers: list[Header] = []
        self.first: dict[tuple[str, str], Found] = {}
        self.lists: list[Listed] = []
        self.differing = 0
        self.programs: Counter[str] = Counter()
        self.offers: list[str] = []

    def add(self, found: Found) -> None:
        """One more file."""
        verdict = found.verdict
        if found.header is not None:
            key = (found.header.instance.study_instance_uid, found.header.instance.sop_instance_uid)
            if key in self.first:
                verdict = Verdict.DUPLICATE
                self.differing += not _same_bytes(found, self.first[key])
            else:
                self.first[key] = found
                self.headers.append(found.header)
        if verdict is Verdict.DIRECTORY:
            self._list(found)
        if found.program:
            self.programs[found.program] += 1
        if verdict is Verdict.IMAGE and found.header is not None and report_inside(found.header):
            self.offers.append(found.name)
        self.counts[verdict.value] += 1

    def _list(self, found: Found) -> None:
        with suppress(NotDicom, *DAMAGED), found.open() as stream:
            self.lists.append(read_directory(stream))


def _same_bytes(one: Found, other: Found) -> bool:
    import hashlib

    try:
        digests = []
        for found in (one, other):
            with found.open() as stream:
                digests.append(hashlib.file_digest(stream, "sha256").digest())  # type: ignore[arg-type]
    except DAMAGED:
        return False
    return digests[0] == digests[1]


def survey(
    paths: Iterable[Path], limits: Limits = LIMITS, *, zone: str = "", progress: Callable[[int], None] | None = None
) -> Survey:
    """Look at everything and keep no picture in memory. Counts add up to the files found, always.

    `zone` ("+0100" or "Europe/Madrid") is used where a header names none; `progress` is told of every file how many
    there have been.
    """
    notes = _Notes()
    for number, found in enumerate(walk(paths, limits), start=1):
        notes.add(found)
        if progress is not None:
            progress(number)
    headers = notes.headers
    people: dict[str, set[Person]] = {}
    for header in headers:
        people.setdefault(header.instance.study_instance_uid, set()).add(header.person)
    held = {h.instance.sop_instance_uid for h in headers}
    series = {h.instance.series_instance_uid for h in headers}
    listed = joined(notes.lists) if notes.lists else None
    return Survey(
        studies=tuple(gather(headers, zone)),
        people=tuple(dict.fromkeys(h.person for h in headers)),
        counts=dict(notes.counts),
        files=sum(notes.counts.values()),
        listed=listed,
        gaps=tuple(gaps(listed, held, series)) if listed else (),
        missing=len(listed.instances - held) if listed else 0,
        burned_in_risk=tuple(dict.fromkeys(h.series_description or h.modality for h in headers if burned_in_risk(h))),
        oddities=dict(Counter(keyword for h in headers for keyword in h.oddities)),
        anonymous=sum(h.identity_removed for h in headers),
        mixed=tuple(uid for uid, named in people.items() if len(named) > 1),
        differing=notes.differing,
        programs=dict(notes.programs),
        offers=tuple(notes.offers),
    )
