"""What is in a folder, ZIP or disc, for a tired person and for a program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from imaging.directory import Gap
from imaging.media import Survey, survey
from imaging.reconcile import distinct
from imaging.study import Study

MOST_NAMED = 10


def describe(paths: Iterable[Path]) -> dict[str, Any]:
    """`studies`, `verdicts` (they add up to the files found) and `findings` as plain JSON.

    A series' `instances` counts distinct SOP instances. Raises UnsafeMedia naming the limit.
    """
    return described(survey(paths))


def described(found: Survey) -> dict[str, Any]:
    """The same of a survey that has been made."""
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


def _findings(found: Survey) -> Iterator[dict[str, str]]:
    yield from _about_people(found)
    if not found.studies:
        yield _finding("no-images", "block", "There is no DICOM image in these files.")
    for verdict, text in LOSSES.items():
        if found.counts.get(verdict):
            yield _finding(verdict, "warn", text.format(n=found.counts[verdict], of=found.files))
    yield from _about_gaps(found)
    for study in found.studies:
        yield from _about_sides(study)
    if found.burned_in_risk:
        kinds = ", ".join(found.burned_in_risk[:5])
        yield _finding("burned-in-risk", "info", f"Pictures that often have names printed into them: {kinds}.")
    yield from _about_headers(found.oddities)
    for what, count in sorted(found.programs.items()):
        text = f"{count} pictures have a program in front of them ({what}). Do not open them by a double click."
        yield _finding("executable-preamble", "warn", text)
    if found.offers:
        text = f"{len(found.offers)} files among the pictures may be the report: {', '.join(found.offers[:3])}."
        yield _finding("report-inside", "info", text)
    elif not found.counts.get("report"):
        yield _finding("no-report", "info", "No report (PDF, photo of pages, text) is among these files.")


LOSSES = {
    "unreadable": "{n} of {of} files could not be read. Ask the imaging centre for a new copy.",
    "locked": "{n} of {of} files are locked. The password is on the sleeve or from the imaging centre.",
    "too-large": "{n} of {of} files are too large.",
}


def _about_people(found: Survey) -> Iterator[dict[str, str]]:
    people = distinct(found.people)
    if len(people) > 1:
        names = "; ".join(f"{p.name or 'no name'} ({p.birth_date or 'no birth date'})" for p in people)
        yield _finding("more-than-one-person", "block", f"Images of {len(people)} people: {names}.")
        if found.mixed:
            yield _finding("mixed-study", "block", f"{len(found.mixed)} studies have files that name different people.")
    elif len(found.people) > 1:
        yield _finding("name-variants", "info", "One person's name is written in several ways.")
    whole = {"name": all(p.name for p in people), "birth date": all(p.birth_date for p in people)}
    lacking = [name for name, there in whole.items() if not there]
    if lacking:
        yield _finding("identity-absent", "warn", f"There are images without {' and without '.join(lacking)}.")
    if found.anonymous:
        text = f"In {found.anonymous} files the name was removed: nobody can tell from them whose they are."
        yield _finding("identity-removed", "warn", text)


def _about_gaps(found: Survey) -> Iterator[dict[str, str]]:
    if found.listed is not None and found.gaps:
        yield _finding("missing-series", "warn", in_sets(len(found.listed.series), found.gaps))
    if found.listed is not None and found.missing:
        named = len(found.listed.instances)
        text = f"The disc's own list names {named} pictures; {named - found.missing} of them are here."
        yield _finding("missing-pictures", "warn", text)
    if found.differing:
        text = (
            f"{found.differing} files have the number of another picture, and other content. Only the first was kept."
        )
        yield _finding("same-number-other-content", "warn", text)


def in_sets(listed: int, missing: Sequence[Gap]) -> str:
    """Which picture sets that a disc lists are not all here, in one or two sentences."""
    whole = [gap.series.title or "without a name" for gap in missing if gap.whole]
    parts = [
        f"{gap.series.title or 'a set without a name'} ({gap.held} of {len(gap.series.instances)} pictures)"
        for gap in missing
        if not gap.whole
    ]
    said = [f"We got {listed - len(whole)} of {listed} picture sets."]
    for words, names in (("Missing", whole), ("Not complete", parts)):
        if names:
            more = ", …" if len(names) > MOST_NAMED else ""
            said.append(f"{words}: {', '.join(names[:MOST_NAMED])}{more}.")
    return " ".join(said)


def _about_headers(oddities: dict[str, int]) -> Iterator[dict[str, str]]:
    if oddities.get("PixelData"):
        text = f"{oddities['PixelData']} files have a picture's header, and no picture in them."
        yield _finding("no-pixels", "warn", text)
    named = ", ".join(f"{keyword} ({n})" for keyword, n in sorted(oddities.items()) if keyword != "PixelData")
    if named:
        yield _finding("odd-headers", "info", f"Values that could not be used and are treated as absent: {named}.")


SIDES = {"L": "LEFT", "R": "RIGHT", "B": "BOTH SIDES"}


def _about_sides(study: Study) -> Iterator[dict[str, str]]:
    sides = dict.fromkeys(SIDES[series.laterality] for series in study.series if series.laterality in SIDES)
    if len(sides) > 1:
        yield _finding("laterality", "warn", f"The series of one study name different sides: {', '.join(sides)}.")


def _finding(rule: str, severity: str, text: str) -> dict[str, str]:
    return {"rule": rule, "severity": severity, "text": text}


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
