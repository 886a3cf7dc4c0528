"""People as charts name them, read tolerantly: what cannot be read is left empty and said, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fhir.errors import ChartConflict

Resource = dict[str, Any]

SEXES = frozenset({"male", "female", "other", "unknown"})
NAME_ORDER = ("official", "usual")
NOT_NOW = frozenset({"old", "maiden", "nickname", "anonymous"})
BIRTH_DATE = re.compile(r"\d{4}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?)?")


@dataclass(frozen=True)
class ChartPerson:
    """The patient as the chart names them. `birth_date` is ISO `YYYY[-MM[-DD]]`; absent things are empty.

    `partly_readable` says that the chart held something here which we could not read.
    """

    reference: str
    family: str = ""
    given: tuple[str, ...] = ()
    prefix: str = ""
    birth_date: str = ""
    sex: str = ""
    mrn: str = ""
    mrn_system: str = ""
    language: str = ""
    email: str = ""
    other_names: tuple[tuple[str, str], ...] = ()  # (family, given) of every other name: maiden, old, alias
    partly_readable: bool = False


@dataclass(frozen=True)
class ChartPractitioner:
    """Somebody who acts, as the chart names them."""

    reference: str
    name: str = ""
    phone: str = ""
    email: str = ""
    organisation: str = ""
    partly_readable: bool = False


def read_patient(resource: Resource) -> ChartPerson:
    """The person behind a Patient, RelatedPerson or Person resource. Raises nothing."""
    family, given, prefix, clear = _name(resource)
    birth_date = _text(resource.get("birthDate"))
    if not BIRTH_DATE.fullmatch(birth_date):
        birth_date = ""
    sex = _text(resource.get("gender"))
    sex = sex if sex in SEXES else ""
    mrn, mrn_system = _mrn(resource)
    return ChartPerson(
        reference=_reference(resource),
        family=family,
        given=given,
        prefix=prefix,
        birth_date=birth_date,
        sex=sex,
        mrn=mrn,
        mrn_system=mrn_system,
        language=_language(resource),
        email=contact(resource, "email"),
        other_names=_other_names(resource),
        partly_readable=not (clear and birth_date and sex),
    )


def must_be(resource: Resource, wanted: str) -> Resource:
    """The resource, if it is the Patient that was asked for ("Patient/1"), or the one that took its place in a merge.

    A server may answer a read with the record that replaced it; one that only says so counts (`link.type` replaces,
    R4 Patient, "Linking Patients"). Raises ChartConflict for anybody else's record.
    """
    if _reference(resource) == wanted:
        return resource
    for link in _dicts(resource.get("link")):
        other = link.get("other") if link.get("type") == "replaces" else None
        if isinstance(other, dict) and "/".join(_text(other.get("reference")).split("/")[-2:]) == wanted:
            return resource
    raise ChartConflict("The chart answered with another patient’s record. Nothing was opened. Launch again.")


def read_practitioner(resource: Resource) -> ChartPractitioner:
    """The person behind a Practitioner or PractitionerRole (whose names stand in displays). Raises nothing."""
    name = display_name(resource)
    if not name and isinstance(resource.get("practitioner"), dict):
        name = _text(resource["practitioner"].get("display"))
    organisation = resource.get("organization")
    return ChartPractitioner(
        reference=_reference(resource),
        name=name,
        phone=contact(resource, "phone"),
        email=contact(resource, "email"),
        organisation=_text(organisation.get("display")) if isinstance(organisation, dict) else "",
        partly_readable=not name,
    )


def display_name(resource: Resource) -> str:
    """How a person or organisation is named in a sentence: prefix, given, family, or the text the chart gives."""
    if isinstance(resource.get("name"), str):
        return _text(resource["name"])
    chosen = _chosen_name(resource)
    family, given, prefix, _ = _name(resource)
    suffix = " ".join(_texts(chosen.get("suffix")))
    if not family and not given:
        return _text(chosen.get("text"))
    return " ".join(part for part in (prefix, *given, family, suffix) if part)


def contact(resource: Resource, system: str) -> str:
    """The first `phone` or `email` (ContactPoint.system) by rank that is not an old one; empty if none."""
    points = [p for p in _dicts(resource.get("telecom")) if p.get("system") == system and p.get("use") != "old"]
    points.sort(key=lambda p: p["rank"] if isinstance(p.get("rank"), int) else 99)
    return next((_text(p.get("value")) for p in points if _text(p.get("value"))), "")


def _name(resource: Resource) -> tuple[str, tuple[str, ...], str, bool]:
    """Family, given names, prefix, and whether the name came in parts."""
    chosen = _chosen_name(resource)
    family = _text(chosen.get("family"))
    given = tuple(_texts(chosen.get("given")))
    prefix = " ".join(_texts(chosen.get("prefix")))
    if family or given:
        return family, given, prefix, bool(family)
    text = _text(chosen.get("text"))
    if "," in text:
        family, _, rest = text.partition(",")
        return family.strip(), tuple(rest.split()), "", False
    return text, (), "", False  # which word is the family name cannot be told


def _other_names(resource: Resource) -> tuple[tuple[str, str], ...]:
    chosen = _chosen_name(resource)
    others = [name for name in _dicts(resource.get("name")) if name is not chosen and name.get("use") != "anonymous"]
    parts = ((_text(name.get("family")), " ".join(_texts(name.get("given")))) for name in others)
    return tuple(dict.fromkeys(part for part in parts if part[0]))


def _chosen_name(resource: Resource) -> Resource:
    names = list(_dicts(resource.get("name")))
    for use in NAME_ORDER:
        for name in names:
            if name.get("use") == use:
                return name
    current = [name for name in names if name.get("use") not in NOT_NOW]
    return next(iter(current or names), {})


def _mrn(resource: Resource) -> tuple[str, str]:
    """Medical record number and its system: type MR, else the first usual identifier, else none."""
    known = [i for i in _dicts(resource.get("identifier")) if i.get("use") != "old" and _text(i.get("value"))]
    for one in known:
        kind = one.get("type")
        if isinstance(kind, dict) and any(c.get("code") == "MR" for c in _dicts(kind.get("coding"))):
            return _text(one["value"]), _text(one.get("system"))
    for one in known:
        if one.get("use") == "usual":
            return _text(one["value"]), _text(one.get("system"))
    return "", ""


def _language(resource: Resource) -> str:
    spoken = sorted(_dicts(resource.get("communication")), key=lambda c: c.get("preferred") is not True)
    for one in spoken:
        language = one.get("language")
        for coding in _dicts(language.get("coding")) if isinstance(language, dict) else ():
            if _text(coding.get("code")):
                return _text(coding["code"])
    return ""


def _reference(resource: Resource) -> str:
    return f"{resource.get('resourceType', '')}/{resource.get('id', '')}"


def _dicts(value: object) -> Iterable[Resource]:
    if isinstance(value, dict):
        return [value]  # some imaging servers give an object where R4 wants an array
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: object) -> list[str]:
    return [_text(item) for item in value if _text(item)] if isinstance(value, list) else [_text(value)][: bool(value)]


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""
