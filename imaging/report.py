"""What is in a folder, ZIP or disc, for a tired person and for a program."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from imaging.media import Survey, survey
from imaging.reconcile import Claim, compare
from imaging.study import Person, Study


def describe(paths: Iterable[Path]) -> dict[str, Any]:
    """`studies`, `verdicts` (they add up to the files found) and `findings` as plain JSON.

    A series' `instances` counts distinct SOP instances. Raises UnsafeMedia naming the limit.
    """
    found = survey(paths)
    return {
        "studies": [_study(study) for study in found.studies],
        "verdicts": dict(sorted(found.counts.items())),
        "findings": list(_findings(found)),
    }


def _study(study: Study) -> dict[str, Any]:
    person = study.person
    return {
        "study_instance_uid": study.study_instance_uid,
        "patient": {"name": person.name, "birth_date": person.birth_date, "sex": person.sex, "id": person.id},
        "date": study.date,
        "description": study.description,
        "series": [
            {
                "series_instance_uid": series.series_instance_uid,
                "modality": series.modality,
                "description": series.description,
                "body_part": series.body_part,
                "laterality": series.laterality,
                "instances": len(series.instances),
            }
            for series in study.series
        ],
    }


def _findings(found: Survey) -> Iterable[dict[str, str]]:
    people = distinct(found.people)
    if len(people) > 1:
        names = "; ".join(f"{p.name or 'no name'} ({p.birth_date or 'no birth date'})" for p in people)
        yield _finding("more-than-one-person", "block", f"Images of {len(people)} people: {names}.")
    elif len(found.people) > 1:
        yield _finding("name-variants", "info", "One person's name is written in several ways.")
    if not found.studies:
        yield _finding("no-images", "block", "There is no DICOM image in these files.")
    for verdict, text in LOSSES.items():
        if found.counts.get(verdict):
            yield _finding(verdict, "warn", text.format(n=found.counts[verdict], of=found.files))
    for person in people:
        missing = [name for name, value in (("name", person.name), ("birth date", person.birth_date)) if not value]
        if missing:
            yield _finding("identity-absent", "warn", f"The images carry no {' and no '.join(missing)}.")
    if found.burned_in_risk:
        kinds = ", ".join(found.burned_in_risk[:5])
        yield _finding("burned-in-risk", "info", f"Pictures that often have names printed into them: {kinds}.")
    if not found.counts.get("report"):
        yield _finding("no-report", "info", "No report (PDF or photo of pages) is among these files.")


LOSSES = {
    "unreadable": "{n} of {of} files could not be read. Ask the imaging centre for a new copy.",
    "locked": "{n} of {of} files are locked. The password is on the sleeve or from the imaging centre.",
    "too-large": "{n} of {of} files are too large.",
}


def _finding(rule: str, severity: str, text: str) -> dict[str, str]:
    return {"rule": rule, "severity": severity, "text": text}


def distinct(people: Iterable[Person]) -> list[Person]:
    """Each person once; spellings of one person count as one, a different birth date never does."""
    kept: list[Person] = []
    for person in people:
        if not any(_same(person, other) for other in kept):
            kept.append(person)
    return kept


def _same(one: Person, other: Person) -> bool:
    if (one.name, one.birth_date, one.sex, one.id) == (other.name, other.birth_date, other.sex, other.id):
        return True
    family, _, given = one.name.partition("^")
    claim = Claim(family, given.replace("^", " "), one.birth_date, one.sex, (one.id,) if one.id else ())
    return compare(claim, other).outcome in ("match", "probable")


def in_words(found: dict[str, Any]) -> str:
    """The same for a person at a terminal."""
    lines = []
    for study in found["studies"]:
        patient = study["patient"]
        lines.append(f"{patient['name'] or 'no name'}, born {patient['birth_date'] or 'not given'}")
        lines.append(f"  {study['description'] or 'study'} of {study['date'] or 'unknown date'}")
        for series in study["series"]:
            name = series["description"] or series["modality"] or "series"
            lines.append(f"    {series['modality']:<4} {name}: {series['instances']} pictures")
    counted = ", ".join(f"{count} {verdict}" for verdict, count in found["verdicts"].items())
    lines.append(f"{sum(found['verdicts'].values())} files: {counted or 'none'}")
    lines.extend(f"{finding['severity']}: {finding['text']}" for finding in found["findings"])
    return "\n".join(lines)
