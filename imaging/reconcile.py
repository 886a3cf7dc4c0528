"""Is the person on the images the person in the chart? Field by field, and when in doubt: no (safety rule 1).

A different birth date is always a conflict. A name may be spelled or ordered otherwise; then a person is asked.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from imaging.study import Person

MATCH, VARIANT, CONFLICT, ABSENT = "match", "variant", "conflict", "absent"
TITLES = frozenset(
    {"dr", "mr", "mrs", "ms", "miss", "prof", "sr", "jr", "ii", "iii", "iv", "md", "phd", "herr", "frau"}
)
PARTICLES = frozenset(
    {
        "van",
        "von",
        "de",
        "der",
        "den",
        "del",
        "della",
        "di",
        "da",
        "dos",
        "du",
        "la",
        "le",
        "al",
        "el",
        "bin",
        "ibn",
        "ten",
        "ter",
        "y",
        "zu",
    }
)
FOLD = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i"}
SEXES = {"m": "male", "f": "female", "male": "male", "female": "female"}


@dataclass(frozen=True)
class Claim:
    """Who the chart says it is. `birth_date` is ISO and may be partial; `sex` a FHIR or a DICOM word."""

    name_family: str
    name_given: str = ""
    birth_date: str = ""
    sex: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class FieldResult:
    """One field, both sides as they stand, and "match", "variant", "conflict" or "absent"."""

    field: str
    chart: str
    images: str
    result: str


@dataclass(frozen=True)
class Comparison:
    """All fields. `outcome` is "match", "probable" (a person must say yes), "conflict" (stop) or "absent"."""

    fields: tuple[FieldResult, ...]
    outcome: str

    def as_rows(self) -> tuple[dict[str, str], ...]:
        """For a table and for the record."""
        return tuple({"field": f.field, "chart": f.chart, "images": f.images, "result": f.result} for f in self.fields)


def compare(chart: Claim, person: Person) -> Comparison:
    """Compare name, birth date, sex and id. Nothing is filled in: what the header lacks is "absent"."""
    fields = (
        FieldResult("name", f"{chart.name_family}, {chart.name_given}".strip(", "), person.name, _name(chart, person)),
        FieldResult("birth_date", chart.birth_date, person.birth_date, _birth(chart.birth_date, person.birth_date)),
        FieldResult("sex", chart.sex, person.sex, _sex(chart.sex, person.sex)),
        FieldResult("id", ", ".join(chart.ids), person.id, _id(chart.ids, person)),
    )
    return Comparison(fields, _outcome({f.field: f.result for f in fields}))


def _outcome(results: dict[str, str]) -> str:
    if CONFLICT in results.values():
        return "conflict"
    name, birth = results["name"], results["birth_date"]
    if name == MATCH and birth == MATCH and results["sex"] in (MATCH, ABSENT):
        return "match"
    if name == ABSENT and birth == ABSENT:
        return "absent"
    return "probable"


def _birth(chart: str, images: str) -> str:
    if not chart or not images:
        return ABSENT
    if chart == images:
        return MATCH
    return VARIANT if len(chart) < 10 and images.startswith(chart) else CONFLICT


def _sex(chart: str, images: str) -> str:
    one, other = SEXES.get(chart.lower()), SEXES.get(images.lower())
    if not chart or not images:
        return ABSENT
    if one is None or other is None:
        return MATCH if chart.lower()[:1] == images.lower()[:1] else VARIANT
    return MATCH if one == other else CONFLICT


def _id(ids: tuple[str, ...], person: Person) -> str:
    """Another number is no conflict: the images were made where the patient has another one."""
    theirs = [i.strip().lower() for i in (person.id, *person.other_ids) if i.strip()]
    ours = [i.strip().lower() for i in ids if i.strip()]
    if not ours or not theirs:
        return ABSENT
    return MATCH if set(ours) & set(theirs) else VARIANT


def _name(chart: Claim, person: Person) -> str:
    groups = [g for g in (person.name, *person.name_groups) if g.strip(" ^")]
    if not groups or not (chart.name_family + chart.name_given).strip():
        return ABSENT
    results = [_one_name(chart, group) for group in groups]
    return next((r for r in (MATCH, VARIANT) if r in results), CONFLICT)


def _one_name(chart: Claim, group: str) -> str:
    """One group of a DICOM person name: family^given^middle^prefix^suffix (PS3.5 section 6.2.1)."""
    parts = (*group.split("^"), "", "")
    family, given = _words(parts[0]), _words(" ".join(parts[1:3]))
    chart_family, chart_given = _words(chart.name_family), _words(chart.name_given)
    if (family, given) == (chart_family, chart_given):
        return MATCH
    theirs, ours = _core(family + given), _core(chart_family + chart_given)
    if not theirs or not ours:
        return CONFLICT
    if sorted(theirs) == sorted(ours) or "".join(theirs) == "".join(ours):
        return VARIANT  # order, hyphen, particles, carets in other places
    if not given and not chart_given:
        return CONFLICT
    return VARIANT if _families_agree(theirs, chart) else CONFLICT


def _families_agree(theirs: list[str], chart: Claim) -> bool:
    """A shared part of the family name and the same first given name, or its initial. Twins share only the first."""
    family = set(_core(_words(chart.name_family)))
    given = _core(_words(chart.name_given))
    if not family & set(theirs):
        return False
    rest = [word for word in theirs if word not in family]
    if not given or not rest:
        return False
    return any(_same_given(given[0], word) for word in rest)


def _same_given(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return short == long or (len(short) == 1 and long.startswith(short))


def _words(text: str) -> list[str]:
    """Folded words: no accents, no case, no punctuation, no titles."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    folded = "".join(FOLD.get(c, c) for c in folded if not unicodedata.combining(c))
    folded = re.sub(r"['’`´.]", "", folded)
    return [w for w in re.split(r"[^\w]+", folded.replace("_", " ")) if w and w not in TITLES]


def _core(words: list[str]) -> list[str]:
    kept = [w for w in words if w not in PARTICLES]
    return kept or words
