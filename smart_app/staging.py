"""Given files, one after another: judged, scanned, made safe to open, and kept under names of ours.

Rule: what is not kept leaves nothing behind, and what cannot be scanned where a site wants it is not taken.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import uuid
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from imaging.burned_in import burned_in_risk
from imaging.directory import read_directory
from imaging.errors import BadPaper, Infected, NotDicom
from imaging.media import Found, Limits, Verdict, look_into
from imaging.ocr import has_text
from imaging.offers import report_inside
from imaging.papers import DICOM, prepare
from imaging.scanning import scan
from imaging.study import Header, Person
from smart_app.case import FoundFile, ListedSet, PersonSeen, SeriesSeen
from smart_app.settings import Settings
from smart_app.side import sides_in_words

KEPT = frozenset({Verdict.IMAGE, Verdict.REPORT})
PIECE = 256 * 1024
MOST_READ = 12  # pictures of one batch in which text is looked for; each takes a second
MOST_LISTED = 2_000  # series of a disc's list that are remembered


@dataclass(frozen=True)
class Judged:
    """One given file: what became of it, who stands on it, its series, and what it lists if it is a disc's list."""

    file: FoundFile
    person: PersonSeen | None = None
    series: SeriesSeen | None = None
    listed: tuple[ListedSet, ...] = ()


@dataclass(frozen=True)
class Rules:
    """What one upload may hold in all, what it holds already (files, bytes), and the scanner that sees its reports."""

    limits: Limits
    files: int = 0
    size: int = 0
    scanner: str = ""

    def after(self, judged: list[Judged]) -> Rules:
        """The same when these have been kept, too."""
        size = self.size + sum(one.file.size for one in judged if one.file.key)
        return replace(self, files=self.files + len(judged), size=size)


def rules(settings: Settings, held: tuple[FoundFile, ...]) -> Rules:
    """The installation's rules for an upload that holds these files."""
    limits = Limits(
        files=settings.max_files,
        file_bytes=settings.max_file_mb * 1_000_000,
        total_bytes=settings.max_upload_mb * 1_000_000,
        ratio=settings.max_ratio,
        nesting=settings.max_nesting,
    )
    return Rules(limits, len(held), sum(file.size for file in held if file.key), settings.scanner)


def stage(folder: Path, name: str, stream: BinaryIO, rules: Rules) -> list[Judged]:
    """Judge and keep one given file, or every file in it. Raises UnsafeMedia, ScannerUnavailable, leaving nothing."""
    given = folder / f"given-{uuid.uuid4().hex}"
    judged: list[Judged] = []
    try:
        with given.open("wb") as out:
            shutil.copyfileobj(stream, out, PIECE)
        for found in look_into(given, name, rules.limits, files=rules.files, size=rules.size):
            judged.append(_keep(folder, found, rules.scanner))  # noqa: PERF401  (what is kept must be known where one fails)
    except BaseException:
        for one in judged:
            forget(folder, one.file)
        raise
    finally:
        given.unlink(missing_ok=True)
    return judged


def read_text(folder: Path, judged: list[Judged], known: Collection[str], program: str) -> list[Judged]:
    """The same, with the doubt raised for each new series in one picture of which `program` sees text.

    `known` are series that were looked at before. At most `MOST_READ` are looked at: the rules hold for the rest.
    """
    looked: dict[str, bool] = {}
    for one in judged:
        uid = one.file.series_instance_uid
        if one.series is not None and uid not in known and uid not in looked and len(looked) < MOST_READ:
            looked[uid] = has_text(folder / one.file.key, program)
    return [
        replace(one, series=replace(one.series, risk="text"))
        if one.series is not None and looked.get(one.file.series_instance_uid)
        else one
        for one in judged
    ]


def forget(folder: Path, file: FoundFile) -> None:
    """Remove the staged bytes of that file."""
    for key in filter(None, (file.key, file.clean)):
        (folder / key).unlink(missing_ok=True)


def _keep(folder: Path, found: Found, scanner: str) -> Judged:
    """Keep what is an image or a report, under a name of ours; keep only the verdict of the rest."""
    file = FoundFile(found.name[-200:], found.verdict.value, found.size, found.why)
    if found.verdict is Verdict.DIRECTORY:
        return Judged(file, listed=_listed(found))
    if found.verdict not in KEPT:
        return Judged(file)
    key, sha256 = _written(folder, found)
    file = replace(file, key=key, sha256=sha256)
    try:
        return _looked_at(folder, file, found.header, scanner)
    except Infected as problem:
        refused = replace(file, key="", sha256="", verdict=Verdict.UNREADABLE.value, why=str(problem))
    except BadPaper as problem:
        verdict = Verdict.LOCKED if problem.locked else Verdict.UNREADABLE
        refused = replace(file, key="", sha256="", verdict=verdict.value, why=str(problem))
    except BaseException:
        forget(folder, file)
        raise
    forget(folder, file)
    return Judged(refused)


def _written(folder: Path, found: Found) -> tuple[str, str]:
    key, digest = uuid.uuid4().hex, hashlib.sha256()
    try:
        with found.open() as source, (folder / key).open("wb") as out:
            while chunk := source.read(PIECE):
                digest.update(chunk)
                out.write(chunk)
            out.flush()
            os.fsync(out.fileno())
    except BaseException:
        (folder / key).unlink(missing_ok=True)
        raise
    return key, digest.hexdigest()


def _looked_at(folder: Path, file: FoundFile, header: Header | None, scanner: str) -> Judged:
    if header is None:
        return Judged(made_safe(folder, file, file.why, scanner))
    offer = report_inside(header)
    if offer and scanner:
        with (folder / file.key).open("rb") as kept:
            scan(scanner, kept)
    where = header.instance
    file = replace(
        file,
        sop_instance_uid=where.sop_instance_uid,
        series_instance_uid=where.series_instance_uid,
        study_instance_uid=where.study_instance_uid,
        laterality=header.laterality,
        offer=offer,
    )
    return Judged(file, _seen(header.person), _series(header))


def made_safe(folder: Path, file: FoundFile, kind: str, scanner: str) -> FoundFile:
    """The report with the copy that staff open, and the sides that its words name.

    `kind` is its content type ("application/dicom" for one in a DICOM coat). Raises BadPaper, Infected,
    ScannerUnavailable.
    """
    with (folder / file.key).open("rb") as kept:
        if scanner:
            scan(scanner, kept)
            kept.seek(0)
        paper = prepare(kept, kind)
    clean = uuid.uuid4().hex
    with (folder / clean).open("wb") as out:
        out.write(paper.body)
        out.flush()
        os.fsync(out.fileno())
    sides = tuple(sorted(side.value for side in sides_in_words(paper.text)))
    return replace(file, clean=clean, kind=paper.content_type, sides=sides)


def take_offer(folder: Path, file: FoundFile, scanner: str) -> FoundFile:
    """A picture that its giver calls the report, with the copy that staff open. Raises BadPaper, Infected."""
    return replace(made_safe(folder, file, DICOM, scanner), offer="taken")


def _seen(person: Person) -> PersonSeen:
    return PersonSeen(
        person.name,
        person.birth_date,
        person.sex,
        person.id,
        tuple(person.name_groups),
        tuple(person.other_ids),
        tuple(person.other_names),
    )


def _series(header: Header) -> SeriesSeen:
    return SeriesSeen(
        series_instance_uid=header.instance.series_instance_uid,
        study_instance_uid=header.instance.study_instance_uid,
        modality=header.modality,
        study_date=header.study_date,
        description=header.series_description,
        body_part=header.body_part,
        letters=(header.laterality,) if header.laterality else (),
        views=(f"{header.laterality} {header.view}",) if header.laterality and header.view else (),
        contrast=bool(header.contrast),
        thickness=header.thickness or 0.0,
        field_strength=header.field_strength or 0.0,
        risk=burned_in_risk(header),
    )


def joined(known: SeriesSeen, more: SeriesSeen) -> SeriesSeen:
    """What two pictures of one series say together."""
    thin = [size for size in (known.thickness, more.thickness) if size]
    return replace(
        known,
        study_date=known.study_date or more.study_date,
        description=known.description or more.description,
        body_part=known.body_part or more.body_part,
        letters=tuple(dict.fromkeys((*known.letters, *more.letters))),
        views=tuple(dict.fromkeys((*known.views, *more.views))),
        contrast=known.contrast or more.contrast,
        thickness=min(thin, default=0.0),
        field_strength=max(known.field_strength, more.field_strength),
        risk="text" if "text" in (known.risk, more.risk) else known.risk or more.risk,
    )


def _listed(found: Found) -> tuple[ListedSet, ...]:
    try:
        with found.open() as stream:
            listed = read_directory(stream)
    except (NotDicom, OSError, EOFError, ValueError):
        return ()
    return tuple(
        ListedSet(one.series_instance_uid, one.title[:100], len(one.instances)) for one in listed.series[:MOST_LISTED]
    )
