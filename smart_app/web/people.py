"""Who a page is about: the facts of the identity band, and two sides of a comparison."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import Any

from flask import Flask
from flask_babel import gettext
from markupsafe import Markup, escape

from smart_app.case import Patient
from smart_app.sites import Site
from smart_app.store import Line
from smart_app.web import phrases
from smart_app.web.dates import age, day, long_day
from smart_app.web.sessions import patient_from, ports


def band_of(patient: Patient, *, plain: bool = False) -> dict[str, Any]:
    """Name and facts of the identity band. `plain`: what a patient's own page says, name and birth date only."""
    born = gettext("Born")
    if plain:
        return {"name": patient.name, "facts": [(born, long_day(patient.birth_date) or gettext("not known"))]}
    years = age(patient.birth_date)
    when = day(patient.birth_date) or gettext("not known")
    facts = [
        (born, f"{when} ({years})" if years else when),
        (gettext("Sex"), str(phrases.SEX.get(patient.sex, gettext("Not known")))),
        (gettext("MRN"), patient.mrn or gettext("none")),
    ]
    return {"name": patient.formal_name or gettext("No name in the chart"), "facts": facts}


def differing(field: str, mine: str, other: str, result: str) -> Markup:
    """One side of a comparison, with the characters that the other side does not have marked."""
    if not mine:
        return Markup('<span class="quiet">{}</span>').format(gettext("not in the header"))
    if field == "birth_date":
        mine, other = day(mine), day(other)
    if field == "sex":
        return escape(str(phrases.SEX.get({"M": "male", "F": "female", "O": "other"}.get(mine, mine), mine)))
    if result not in ("conflict", "variant"):
        return escape(mine)
    if field == "birth_date":
        return _marked_date(mine, other)
    if result == "conflict":
        return _marked_words(mine, other)
    return escape(mine.replace("^", " ").strip())


def _marked_date(mine: str, other: str) -> Markup:
    """Day, month and year each as a whole, but for a year of which only some digits differ."""
    ours, theirs = mine.split(), other.split()
    if len(ours) != len(theirs):
        return _marked_words(mine, other)
    parts = []
    for one, another in zip(ours, theirs, strict=True):
        if one == another:
            parts.append(escape(one))
        elif len(one) == len(another) == 4 and one[:2] == another[:2]:
            parts.append(_marked(one, another))
        else:
            parts.append(Markup("<mark>{}</mark>").format(one))
    return Markup(" ").join(parts)


def _marked(mine: str, other: str) -> Markup:
    text = Markup("")
    for kind, start, end, _, _ in SequenceMatcher(None, mine, other, autojunk=False).get_opcodes():
        part = escape(mine[start:end])
        text += part if kind == "equal" or not part.strip() else Markup("<mark>{}</mark>").format(part)
    return text


def _marked_words(mine: str, other: str) -> Markup:
    """Whole words, since a name that differs in one letter is another name."""
    theirs = set(_words(other.casefold()))
    marked = [
        escape(word) if word.strip(",").casefold() in theirs else Markup("<mark>{}</mark>").format(word)
        for word in mine.replace("^", " ").split()
    ]
    return Markup(" ").join(marked)


def _words(name: str) -> list[str]:
    return [word.strip(",") for word in name.replace("^", " ").split()]


def person_on(line: Line | None) -> Patient | None:
    """The patient of that line, as the launch named them; never asked of the chart, which may be what is silent."""
    kept = line.context.get("patient") if line is not None else None
    return patient_from(kept) if kept else None


def site_on(line: Line | None) -> Site | None:
    """The hospital of that line, else the installation's first one."""
    sites = ports().directory.sites
    named = line.site if line is not None else ""
    return next((site for site in sites if site.id == named), sites[0] if sites else None)


def install(app: Flask) -> None:
    """For the templates."""
    app.jinja_env.globals.update(person_on=person_on, site_on=site_on, differing=differing, band_of=band_of)
