"""The gates between given images and anybody else's eyes: whose they are, of how many people, and which side.

A conflict stops; a spelling asks a person; nothing passes because something is missing.
"""

from __future__ import annotations

from imaging.media import Verdict
from imaging.reconcile import Claim, Comparison, distinct, worst
from imaging.study import Person
from smart_app.case import Patient, PersonSeen, Upload
from smart_app.referral import Referral, Status, Unfinished, WrongStatus
from smart_app.side import images_disagree
from smart_app.status import Stopped

TWO_PEOPLE = "There are pictures of more than one person here. Leave out the ones that are not yours."


def everybody_present(upload: Upload) -> tuple[PersonSeen, ...]:
    """Every spelling on the pictures that would be sent, as their headers name them."""
    present = sorted({f.person for f in upload.files if f.verdict == Verdict.IMAGE and f.person >= 0})
    return tuple(upload.people[index] for index in present)


def people_present(upload: Upload) -> tuple[PersonSeen, ...]:
    """The human beings among them, the fullest header of each. In doubt there are two."""
    seen = everybody_present(upload)
    by_person = {_person_of(one): one for one in seen}
    return tuple(by_person[person] for person in distinct(by_person))


def same_person(one: PersonSeen, other: PersonSeen) -> bool:
    """Could both headers name one human being?"""
    return len(distinct((_person_of(one), _person_of(other)))) == 1


def identify(patient: Patient, upload: Upload) -> Comparison:
    """The chart's patient, and whoever on these pictures agrees least (safety rule 1)."""
    ids = (patient.mrn,) if patient.mrn else ()
    claim = Claim(patient.family, " ".join(patient.given), patient.birth_date, patient.sex, ids)
    return worst(claim, [_person_of(one) for one in everybody_present(upload)])


def _person_of(seen: PersonSeen) -> Person:
    return Person(
        name=seen.name,
        birth_date=seen.birth_date,
        sex=seen.sex,
        id=seen.id,
        name_groups=seen.name_groups,
        other_ids=seen.other_ids,
    )


def comparison_rows(referral: Referral, upload: Upload) -> tuple[dict[str, str], ...]:
    """Chart and images, field by field, for staff and for the record."""
    return identify(referral.patient, upload).as_rows() if everybody_present(upload) else ()


def gate(referral: Referral, upload: Upload) -> Stopped | None:
    """The first reason not to go on. Raises Unfinished for what the sender can still add."""
    if referral.status is not Status.GATHERING:
        raise WrongStatus("The images of this referral were sent already.")
    if not any(f.verdict == Verdict.IMAGE for f in upload.files):
        raise Unfinished("There are no pictures to send yet.", files="missing")
    present = people_present(upload)
    if len(present) > 1:
        return Stopped(TWO_PEOPLE, "two-people")
    if identify(referral.patient, upload).outcome == "conflict":
        return Stopped("These pictures seem to belong to somebody else. Nothing was sent.", "wrong-patient")
    if images_disagree(referral.ask.side, [f.laterality for f in upload.files if f.verdict == Verdict.IMAGE]):
        side = referral.ask.side.value.upper()
        return Stopped(f"The question is about the {side} side, and the pictures show the other one.", "wrong-side")
    if upload.confirmed != present[0]:
        raise Unfinished("Tell us whether these pictures are yours.", confirm="missing")
    return None
