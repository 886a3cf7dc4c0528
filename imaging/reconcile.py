"""Is the person on the images the person in the chart? Field by field, and when in doubt: no.

A different birth date is always a conflict. A name may be spelled or ordered otherwise; then a person is asked.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from imaging.names import ABSENT, CONFLICT, MATCH, VARIANT, Name, compare_names, dicom_name, name_of
from imaging.study import Person

__all__ = [
    "ABSENT",
    "CONFLICT",
    "MATCH",
    "VARIANT",
    "Claim",
    "Comparison",
    "FieldResult",
    "compare",
    "distinct",
    "worst",
]

SEXES = {"m": "male", "f": "female", "male": "male", "female": "female", "o": "other", "other": "other"}
NO_SEX = frozenset({"", "u", "unknown"})


@dataclass(frozen=True)
class Claim:
    """Who the chart says it is. `birth_date` is ISO and may be partial; `sex` a FHIR or a DICOM word."""

    name_family: str
    name_given: str = ""
    birth_date: str = ""
    sex: str = ""
    ids: tuple[str, ...] = ()
    other_names: tuple[tuple[str, str], ...] = ()  # (family, given): at birth, before a marriage, in other letters


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

    def result(self, field: str) -> str:
        """The result of one field: "name", "birth_date", "sex" or "id"."""
        return next(f.result for f in self.fields if f.field == field)


def compare(chart: Claim, person: Person) -> Comparison:
    """Compare name, birth date, sex and id. Nothing is filled in: what the header lacks is "absent"."""
    chart_name = f"{chart.name_family}, {chart.name_given}".strip(", ")
    fields = (
        FieldResult("name", chart_name, person.name, _name(chart, person)),
        FieldResult("birth_date", chart.birth_date, person.birth_date, _birth(chart.birth_date, person.birth_date)),
        FieldResult("sex", chart.sex, person.sex, _sex(chart.sex, person.sex)),
        FieldResult("id", ", ".join(chart.ids), person.id, _id(chart.ids, person)),
    )
    return Comparison(fields, _outcome({f.field: f.result for f in fields}))


ORDER = ("conflict", "absent", "probable", "match")


def worst(chart: Claim, people: Iterable[Person]) -> Comparison:
    """The comparison of the one among these people who agrees least; of nobody where there are none."""
    return min((compare(chart, person) for person in people or [Person()]), key=lambda c: ORDER.index(c.outcome))


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
        return MATCH if len(images) == 10 else VARIANT
    partial, whole = sorted((chart, images), key=len)
    return VARIANT if whole.startswith(f"{partial}-") else CONFLICT


def _sex(chart: str, images: str) -> str:
    one, other = chart.strip().lower(), images.strip().lower()
    if one in NO_SEX or other in NO_SEX:
        return ABSENT
    ours, theirs = SEXES.get(one, one), SEXES.get(other, other)
    if ours == theirs:
        return MATCH
    return CONFLICT if {ours, theirs} == {"male", "female"} else VARIANT


def _id(ids: tuple[str, ...], person: Person) -> str:
    """Another number is no conflict: the images were made where the patient has another one."""
    theirs = {i.strip().lower() for i in (person.id, *person.other_ids) if i.strip()}
    ours = {i.strip().lower() for i in ids if i.strip()}
    if not ours or not theirs:
        return ABSENT
    return MATCH if ours & theirs else VARIANT


def _name(chart: Claim, person: Person) -> str:
    """The name that each side goes by now; where those differ, any other name that a side has makes it a variant."""
    groups = list(dict.fromkeys(g for g in (person.name, *person.name_groups) if g.strip(" ^")))
    ours = name_of(chart.name_family, chart.name_given)
    if not groups or not ours.words:
        return ABSENT
    now = _groups(ours, groups)
    if now != CONFLICT:
        return now
    others = [name_of(family, given or chart.name_given) for family, given in chart.other_names]
    written = [[g for g in name.split("=") if g.strip(" ^")] for name in person.other_names]
    pairs = [*((other, groups) for other in others), *((one, w) for one in (ours, *others) for w in written if w)]
    return VARIANT if any(_groups(one, theirs) != CONFLICT for one, theirs in pairs if one.words) else CONFLICT


def _groups(ours: Name, groups: list[str]) -> str:
    """The best of the groups (alphabetic, ideographic, phonetic), unless one in the chart's own script says no."""
    results = []
    for number, group in enumerate(groups):
        theirs = dicom_name(group)
        result = compare_names(ours, theirs)
        if result == CONFLICT and theirs.scripts == ours.scripts:
            return CONFLICT
        results.append(VARIANT if result == MATCH and number else result)
    return next((r for r in (MATCH, VARIANT) if r in results), CONFLICT)


def distinct(people: Iterable[Person]) -> list[Person]:
    """One for each human being among these headers: the fullest of each. In doubt there are two.

    Somebody joins a group only when they agree with everyone in it: a header without birth date never makes two
    people with different birth dates one.
    """
    groups: list[list[Person]] = []
    for person in people:
        for group in groups:
            if all(_same(person, other) for other in group):
                group.append(person)
                break
        else:
            groups.append([person])
    return [max(group, key=_fullness) for group in groups]


def _fullness(person: Person) -> int:
    return sum(bool(value) for value in (person.name, person.birth_date, person.sex, person.id))


def _same(one: Person, other: Person) -> bool:
    if (one.name, one.birth_date, one.sex, one.id) == (other.name, other.birth_date, other.sex, other.id):
        return True
    return _agree(compare(_claim(one), other)) and _agree(compare(_claim(other), one))


def _agree(found: Comparison) -> bool:
    if found.outcome == "conflict":
        return False
    if found.result("id") == MATCH:
        return True
    return found.result("name") == MATCH or (found.result("name"), found.result("birth_date")) == (VARIANT, MATCH)


def _claim(person: Person) -> Claim:
    """What one header says, as the side that another is compared with."""
    name = dicom_name(person.name)
    also = tuple((" ".join(n.family), " ".join(n.given)) for n in map(dicom_name, person.other_names))
    ids = tuple(i for i in (person.id, *person.other_ids) if i)
    return Claim(" ".join(name.family), " ".join(name.given), person.birth_date, person.sex, ids, also)
