"""What a disc's own list (DICOMDIR, PS3.3 Annex F) says is on it.

Rule: it is a hint for what is missing, never a way to find files. Neither its links nor its order are trusted: links
may lead in a ring or nowhere, and a list may stand in any order.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, BinaryIO

from imaging.confined import Confines, run
from imaging.discs import real_file
from imaging.errors import NotDicom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class ListedSeries:
    """One series that a list names, as it names it; `instances` by SOP Instance UID."""

    series_instance_uid: str
    modality: str = ""
    number: str = ""
    description: str = ""
    instances: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        """What a person may know it by; empty where the list says nothing."""
        return self.description or " ".join(part for part in (self.modality, self.number) if part)


@dataclass(frozen=True)
class Listed:
    """Everything that a list names. `loose` are instances of which it does not say to which series they belong."""

    series: tuple[ListedSeries, ...] = ()
    loose: frozenset[str] = frozenset()

    @property
    def instances(self) -> frozenset[str]:
        """Every instance, by SOP Instance UID."""
        return self.loose.union(*(series.instances for series in self.series))


@dataclass(frozen=True)
class Gap:
    """One listed series of which not every picture was found."""

    series: ListedSeries
    held: int

    @property
    def whole(self) -> bool:
        """Is nothing of it here?"""
        return self.held == 0


def gaps(listed: Listed, held: Collection[str], series_held: Collection[str] = ()) -> list[Gap]:
    """What the list names and is not among the `held` SOP Instance UIDs.

    A series that the list names without its pictures is missing where nothing of it is among `series_held`.
    """
    found = []
    for series in listed.series:
        here = sum(uid in held for uid in series.instances)
        if here < len(series.instances) or (not series.instances and series.series_instance_uid not in series_held):
            found.append(Gap(series, here))
    return found


def joined(lists: Iterable[Listed]) -> Listed:
    """Several lists as one: some discs have one in each folder."""
    series: dict[str, ListedSeries] = {}
    loose: set[str] = set()
    for listed in lists:
        loose |= listed.loose
        for one in listed.series:
            known = series.get(one.series_instance_uid, one)
            series[one.series_instance_uid] = replace(known, instances=known.instances | one.instances)
    whole = Listed(tuple(series.values()))
    return replace(whole, loose=frozenset(loose - whole.instances))


LARGE = 3_000_000  # bytes; real lists of thousands of pictures are smaller
CONFINES = Confines(seconds=30, memory=1_500_000_000)


def read_directory(stream: BinaryIO) -> Listed:
    """The series and pictures in the list; records that cannot be read are passed over. Raises NotDicom.

    A list larger than real ones are is read in a process of its own, with an end.
    """
    if stream.seek(0, io.SEEK_END) <= LARGE:
        return listed_in(stream)
    with real_file(stream) as source:
        ended = run("imaging.dirlist", source=source, confines=CONFINES)
    if ended.code != 0:
        raise NotDicom("The disc's list of files is damaged, or too large to be read.")
    read = json.loads(ended.out)
    series = (ListedSeries(**one | {"instances": frozenset(one["instances"])}) for one in read["series"])
    return Listed(tuple(series), frozenset(read["loose"]))


def listed_in(stream: BinaryIO) -> Listed:
    """The same, in this process, whatever its size. Raises NotDicom."""
    from imaging.opening import open_dicom, quiet

    opened = open_dicom(stream)
    with quiet():
        try:
            records = list(opened.dataset.get("DirectoryRecordSequence") or [])
        except Exception as problem:
            raise NotDicom("The disc's list of files is damaged.") from problem
        return _listed(records)


def _listed(records: list[Dataset]) -> Listed:
    by_offset = {getattr(record, "seq_item_tell", None): record for record in records}
    below: dict[int, str] = {}  # id of a record -> the series whose chain leads to it
    series: dict[str, ListedSeries] = {}
    for record in records:
        uid = _text(record, "SeriesInstanceUID") if _text(record, "DirectoryRecordType") == "SERIES" else ""
        if uid:
            series.setdefault(uid, _series(uid, record))
            for child in _chain(record, by_offset, below):
                below[id(child)] = uid
    members: dict[str, set[str]] = {uid: set() for uid in series}
    loose: set[str] = set()
    latest = ""
    for record in records:
        kind, instance = _text(record, "DirectoryRecordType"), _text(record, "ReferencedSOPInstanceUIDInFile")
        if kind in ("PATIENT", "STUDY", "SERIES"):
            latest = _text(record, "SeriesInstanceUID") if kind == "SERIES" else ""
        if instance:
            members.get(below.get(id(record), latest), loose).add(instance)
    return Listed(
        tuple(replace(one, instances=frozenset(members[uid])) for uid, one in series.items()), frozenset(loose)
    )


def _series(uid: str, record: Dataset) -> ListedSeries:
    return ListedSeries(
        uid, _text(record, "Modality"), _text(record, "SeriesNumber"), _text(record, "SeriesDescription")
    )


def _chain(record: Dataset, by_offset: dict[int | None, Dataset], claimed: Collection[int]) -> list[Dataset]:
    """The records below this one, by the offsets that they give, up to the first that is `claimed` or met twice."""
    found: list[Dataset] = []
    met: set[int] = set()
    here = _offset(record, "OffsetOfReferencedLowerLevelDirectoryEntity")
    while here and here not in met and here in by_offset and id(by_offset[here]) not in claimed:
        met.add(here)
        found.append(by_offset[here])
        here = _offset(by_offset[here], "OffsetOfTheNextDirectoryRecord")
    return found


def _offset(record: Dataset, keyword: str) -> int:
    text = _text(record, keyword)
    return int(text) if text.isascii() and text.isdigit() else 0


def _text(record: Dataset, keyword: str) -> str:
    try:
        value = record.get(keyword)
        return "" if value is None else str(value).strip("\0 ")
    except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
        return ""
