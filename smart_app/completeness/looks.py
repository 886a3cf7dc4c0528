"""What is looked for in a case, one function each: it answers the values for a gap's words, or None.

Rule: None where there is no gap, and where headers cannot tell. Each function is named by a rule's `needs`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from smart_app.case import Ask, ListedSet, SeriesSeen, Side, Upload

DAYS_OF_MONTH = 30.44
MOST_NAMED = 6


@dataclass(frozen=True)
class Facts:
    """What the looks see. `series` are those whose pictures are here now."""

    ask: Ask
    series: tuple[SeriesSeen, ...]
    reports: int
    listed: tuple[ListedSet, ...]
    counts: Mapping[str, int]  # pictures here of each series, whoever's they are
    today: date


def facts_of(ask: Ask, upload: Upload, today: date) -> Facts:
    """What can be told from the question and from what was given."""
    present: dict[str, int] = {}
    whoever: dict[str, int] = {}
    for file in upload.files:
        if file.series_instance_uid and file.verdict in ("image", "someone-else"):
            whoever[file.series_instance_uid] = whoever.get(file.series_instance_uid, 0) + 1
        if file.verdict == "image":
            present[file.series_instance_uid] = present.get(file.series_instance_uid, 0) + 1
    reports = sum(f.verdict == "report" or (f.offer == "taken" and f.verdict == "image") for f in upload.files)
    series = tuple(one for one in upload.series if one.series_instance_uid in present)
    return Facts(ask, series, reports, upload.listed, whoever, today)


Look = Callable[[Facts, Mapping[str, Any]], dict[str, Any] | None]
"""Answers the values for a gap's words; None where there is no gap, or headers cannot tell."""
NO_PICTURES = frozenset({"SC", "OT", "DOC", "SR", "KO", "PR", "SEG", "REG", "RWV", "PLAN", "FID", "AU", ""})


def _report(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    return {} if facts.reports == 0 else None


def _listed_sets(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    missing = [one for one in facts.listed if one.series_instance_uid not in facts.counts]
    if not missing or not facts.series:
        return None
    return {"got": len(facts.listed) - len(missing), "listed": len(facts.listed), "names": _names(missing)}


def _names(sets: list[ListedSet]) -> str:
    named = [one.title or "?" for one in sets[:MOST_NAMED]]
    return ", ".join(named) + (", …" if len(sets) > MOST_NAMED else "")


def _listed_pictures(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    partly = [
        f"{one.title or '?'} ({facts.counts[one.series_instance_uid]}/{one.pictures})"
        for one in facts.listed
        if 0 < facts.counts.get(one.series_instance_uid, 0) < one.pictures
    ]
    return {"names": ", ".join(partly[:MOST_NAMED]) + (", …" if len(partly) > MOST_NAMED else "")} if partly else None


def _real_pictures(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    told = [one for one in facts.series if one.modality not in NO_PICTURES and one.risk not in ("capture", "flag")]
    return {} if facts.series and not told else None


def _dates(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    dated = {one.study_instance_uid for one in facts.series if one.study_date}
    return {} if {one.study_instance_uid for one in facts.series} - dated else None


def _days(facts: Facts) -> list[date]:
    return sorted({date.fromisoformat(one.study_date) for one in facts.series if one.study_date})


def _newest_within(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    days = _days(facts)
    age = (facts.today - days[-1]).days / DAYS_OF_MONTH if days else 0.0
    return {"age": int(age)} if age > values["months"] else None


def _earlier_study(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    days = _days(facts)
    if not days:
        return None
    years = (days[-1] - days[0]).days / 365.25
    return None if len(days) > 1 and years >= values["years"] * 0.9 else {}


def _words(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if str(getattr(facts.ask, values["field"])).strip() else {}


def _side(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    return {} if facts.ask.side is Side.NONE else None


def _modality(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    return None if any(one.modality in values["any"] for one in facts.series) else {}


SIDES = {"L": "LEFT", "R": "RIGHT"}


def _mammogram_views(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    """Of the newest mammogram whose headers name views."""
    told = [one for one in facts.series if one.modality == "MG" and one.views]
    if not told:
        return None
    newest = max(told, key=lambda one: one.study_date)
    seen = {view for one in told if one.study_instance_uid == newest.study_instance_uid for view in one.views}
    missing = [view for view in values["views"] if view not in seen]
    return {"names": ", ".join(f"{SIDES[view[0]]} {view[2:]}" for view in missing)} if missing else None


def _contrast(facts: Facts, _: Mapping[str, Any]) -> dict[str, Any] | None:
    sliced = [one for one in facts.series if one.modality in ("CT", "MR")]
    return (
        {} if sliced and not any(one.contrast or NAMED["contrast"].search(one.description) for one in sliced) else None
    )


def _thin_slices(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    told = [one.thickness for one in facts.series if one.modality == "CT" and one.thickness]
    return {"mm": f"{min(told):g}"} if told and min(told) > values["mm"] else None


def _field_strength(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    told = [_tesla(one.field_strength) for one in facts.series if one.modality == "MR" and one.field_strength]
    return {"tesla": f"{max(told):g}"} if told and max(told) < values["tesla"] * 0.95 else None


def _tesla(told: float) -> float:
    return told / 10_000 if told > 100 else told  # some scanners write gauss


NAMED = {
    "T1": re.compile(r"t1|mprage|spgr|bravo|\btfe\b", re.IGNORECASE),
    "T2": re.compile(r"t2", re.IGNORECASE),
    "FLAIR": re.compile(r"flair|tirm|dark.?fluid", re.IGNORECASE),
    "DWI": re.compile(r"dwi|diff|\badc\b|trace|dti|ep2d", re.IGNORECASE),
    "contrast": re.compile(
        r"\+c\b|\bc\+|post|\bgd\b|gad|contrast|\bkm\b|\bciv\b|contraste|arterial|venous|venosa|portal", re.IGNORECASE
    ),
}  # what scanners call these, in series descriptions


def _sequences(facts: Facts, values: Mapping[str, Any]) -> dict[str, Any] | None:
    images = [one for one in facts.series if one.modality == "MR"]
    if not any(one.description for one in images):
        return None
    missing = [
        name
        for name in values["all"]
        if not any(NAMED[name].search(one.description) or (name == "contrast" and one.contrast) for one in images)
    ]
    return {"names": ", ".join(missing)} if missing else None


LOOKS: dict[str, Look] = {
    "report": _report,
    "listed-sets": _listed_sets,
    "listed-pictures": _listed_pictures,
    "real-pictures": _real_pictures,
    "dates": _dates,
    "newest-within": _newest_within,
    "earlier-study": _earlier_study,
    "words": _words,
    "side": _side,
    "modality": _modality,
    "mammogram-views": _mammogram_views,
    "contrast": _contrast,
    "thin-slices": _thin_slices,
    "field-strength": _field_strength,
    "sequences": _sequences,
}
