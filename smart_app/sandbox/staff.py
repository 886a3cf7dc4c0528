"""Who can sign in at a practice hospital: its doctors, its patients, and parents for their children."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from smart_app.sandbox.cast import PEOPLE
from smart_app.sandbox.house import House
from smart_app.sandbox.people import seed_id


@dataclass(frozen=True)
class Signed:
    """Somebody at the keyboard. `patient` is the id of the record they may open, their own or their child's."""

    reference: str
    name: str
    patient: str = ""
    note: str = ""
    slug: str = ""


def doctors(house: House) -> list[Signed]:
    """Every practitioner who can sign in."""
    found = [version.resource for version in house.records.shelf.present("Practitioner")]
    return [
        Signed(f"Practitioner/{resource['id']}", display(resource), note="clinician")
        for resource in found
        if resource["id"] != "background"
    ]


def portal_people(house: House) -> list[Signed]:
    """Every patient, and every person who acts for one."""
    slugs = {seed_id(house.personality, person.slug): person.slug for person in PEOPLE}
    people = []
    for version in house.records.shelf.present("Patient"):
        resource = version.resource
        note = f"born {resource.get('birthDate', 'unknown')}"
        slug = slugs.get(resource["id"], "")
        people.append(Signed(f"Patient/{resource['id']}", display(resource), resource["id"], note, slug))
    for version in house.records.shelf.present("RelatedPerson"):
        resource = version.resource
        patient = resource["patient"]["reference"].rpartition("/")[2]
        child = house.records.shelf.newest("Patient", patient)
        note = f"acts for {display(child.resource)}" if child else ""
        people.append(Signed(f"RelatedPerson/{resource['id']}", display(resource), patient, note))
    return people


def patient_person(house: House, patient_id: str) -> Signed | None:
    """One patient by id, also where the list of them is too long to be shown whole."""
    found = house.records.shelf.newest("Patient", patient_id)
    if found is None or found.deleted:
        return None
    return Signed(f"Patient/{patient_id}", display(found.resource), patient_id)


def find(people: Iterable[Signed], wanted: str) -> Signed | None:
    """The person meant by a reference, an id, a name of the cast, or part of a displayed name; None if unsure."""
    if not wanted:
        return None
    listed = list(people)
    for person in listed:
        if wanted in (person.reference, person.reference.rpartition("/")[2], person.slug, person.name):
            return person
    close = [person for person in listed if wanted.casefold() in person.name.casefold()]
    return close[0] if len(close) == 1 else None


def display(resource: dict[str, Any]) -> str:
    """A name as a screen shows it."""
    names = resource.get("name") or [{}]
    name = names[0]
    return str(name.get("text") or " ".join((*name.get("given", ()), name.get("family", ""))).strip())
