"""Walks a disc, folder, file or ZIP safely and gives every file a verdict in plain words. Nothing is lost silently.

Rule: names from outside never touch the disk, and every file given is counted exactly once.
"""

from __future__ import annotations

import hashlib
import io
import os
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from imaging.budget import Budget
from imaging.burned_in import burned_in_risk
from imaging.directory import read_directory
from imaging.errors import NotDicom, UnsafeMedia
from imaging.inside import look_inside
from imaging.study import Header, Person, Study, gather
from imaging.verdict import LIMITS, LINK_WHY, Found, Limits, Verdict, judge, shown
from imaging.zips import DAMAGED

__all__ = ["LIMITS", "Found", "Limits", "Survey", "Verdict", "judge", "look_into", "survey", "walk"]


def walk(paths: Iterable[Path], limits: Limits = LIMITS) -> Iterator[Found]:
    """Every file under these paths, ZIPs read in place. Raises UnsafeMedia naming the limit that would be broken.

    A ZIP counts as the files in it. Links inside a folder are not followed: they could lead anywhere.
    """
    budget = Budget(limits)
    for path in paths:
        if not path.is_dir():
            yield from _file(path, path.name, budget, follow=True)
            continue
        for file, name in _under(path, limits):
            yield from _file(file, name, budget, follow=False)


def look_into(path: Path, name: str, limits: Limits = LIMITS) -> Iterator[Found]:
    """One given file, or everything in it where it is a ZIP, under the name its giver knows. Raises UnsafeMedia.

    For files that wait under a name of ours: the giver's name explains what the bytes leave open, and is shown.
    """
    yield from _file(path, name, Budget(limits), follow=False)


def _under(top: Path, limits: Limits) -> Iterator[tuple[Path, str]]:
    """Everything in a folder that is not a folder, in a stable order, with the name to show."""
    unread: list[OSError] = []
    for folder, folders, names in os.walk(top, followlinks=False, onerror=unread.append):
        folders.sort()
        inner = Path(folder).relative_to(top)
        if len(inner.parts) > limits.depth:
            raise UnsafeMedia(f"Folders are nested deeper than {limits.depth}.")
        for name in sorted(names):
            yield Path(folder) / name, str(inner / name)
    for problem in unread:
        closed = Path(str(problem.filename))
        yield closed, f"{closed.name}/"


def _file(path: Path, name: str, budget: Budget, *, follow: bool) -> Iterator[Found]:
    """One file, or everything in it where it is a ZIP."""
    name = shown(name, budget.limits.name_length)

    def opener() -> BinaryIO:
        return path.open("rb")

    size = 0
    try:
        mode = path.stat(follow_symlinks=follow)
        size = mode.st_size
        if stat.S_ISREG(mode.st_mode):
            yield from look_inside(name, size, opener, budget.limits.nesting + 1, budget)
            return
        budget.count(0)
        if stat.S_ISLNK(mode.st_mode):
            yield Found(name, 0, Verdict.NOT_AN_IMAGE, LINK_WHY, None, _nothing)
        elif stat.S_ISDIR(mode.st_mode):
            yield Found(name, 0, Verdict.UNREADABLE, "The folder could not be opened.", None, _nothing)
        else:
            yield Found(name, 0, Verdict.NOT_AN_IMAGE, "This is no file.", None, _nothing)
    except OSError as problem:
        budget.count(size)
        why = f"The file could not be read ({type(problem).__name__})."
        yield Found(name, size, Verdict.UNREADABLE, why, None, opener)


def _nothing() -> BinaryIO:
    return io.BytesIO()


@dataclass(frozen=True)
class Survey:
    """What is in some media: studies, people, and counts per verdict that add up to the files found."""

    studies: tuple[Study, ...]
    people: tuple[Person, ...]  # every spelling once
    counts: dict[str, int]
    files: int
    listed: int | None = None  # pictures that the disc's own list names; None without a list
    missing: int = 0  # of those, the ones that are not among the files
    missing_series: int = 0  # series on that list of which no picture is among the files
    burned_in_risk: tuple[str, ...] = ()  # series whose kind often has text printed into the picture
    oddities: dict[str, int] = field(default_factory=dict)  # values that could not be used: keyword to number of files
    anonymous: int = 0  # files whose header says that the person's name was removed
    mixed: tuple[str, ...] = ()  # studies in which the files name different people
    differing: int = 0  # duplicates that have the number of another picture and other content


class _Notes:
    """What a survey remembers while it walks: headers and counts, no pictures."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.headers: list[Header] = []
        self.first: dict[tuple[str, str], Found] = {}
        self.series: set[str] = set()
        self.instances: set[str] = set()
        self.has_list = False
        self.differing = 0

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
        self.counts[verdict.value] += 1

    def _list(self, found: Found) -> None:
        try:
            with found.open() as stream:
                listed = read_directory(stream)
        except (NotDicom, *DAMAGED):
            return
        self.has_list = True
        self.series |= listed.series
        self.instances |= listed.instances


def _same_bytes(one: Found, other: Found) -> bool:
    try:
        digests = []
        for found in (one, other):
            with found.open() as stream:
                digests.append(hashlib.file_digest(stream, "sha256").digest())  # type: ignore[arg-type]
    except DAMAGED:
        return False
    return digests[0] == digests[1]


def survey(paths: Iterable[Path], limits: Limits = LIMITS) -> Survey:
    """Look at everything and keep no picture in memory. Counts add up to the files found, always."""
    notes = _Notes()
    for found in walk(paths, limits):
        notes.add(found)
    headers = notes.headers
    people: dict[str, set[Person]] = {}
    for header in headers:
        people.setdefault(header.instance.study_instance_uid, set()).add(header.person)
    held = {h.instance.sop_instance_uid for h in headers}
    series = {h.instance.series_instance_uid for h in headers}
    return Survey(
        studies=tuple(gather(headers)),
        people=tuple(dict.fromkeys(h.person for h in headers)),
        counts=dict(notes.counts),
        files=sum(notes.counts.values()),
        listed=len(notes.instances) if notes.has_list else None,
        missing=len(notes.instances - held),
        missing_series=len(notes.series - series),
        burned_in_risk=tuple(dict.fromkeys(h.series_description or h.modality for h in headers if burned_in_risk(h))),
        oddities=dict(Counter(keyword for h in headers for keyword in h.oddities)),
        anonymous=sum(h.identity_removed for h in headers),
        mixed=tuple(uid for uid, named in people.items() if len(named) > 1),
        differing=notes.differing,
    )
