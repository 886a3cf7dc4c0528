"""The gates between given images and anybody else's eyes: whose they are, of how many people, and which side.

A conflict stops; a spelling asks a person; nothing passes because something is missing.
"""

from __future__ import annotations

from datetime import date

from imaging.media import Verdict
from imaging.reconcile import MATCH, Claim, Comparison, compare, distinct, worst
from imaging.study import Person
from smart_app.case import FoundFile, Patient, PersonSeen, Side, Upload
from smart_app.completeness import gaps, overrides
from smart_app.referral import Referral, Status, Unfinished, WrongStatus
from smart_app.side import disagreement, sides_asked, sides_in_headers
from smart_app.status import Stopped

TWO_PEOPLE = "There are pictures of more than one person here. Leave out the ones that are not yours."


def everybody_present(upload: Upload) -> tuple[PersonSeen, ...]:
    """Every spelling on the pictures that would be sent, as their headers name them."""
    present = sorted({f.person for f in upload.files if f.verdict == Verdict.IMAGE and f.person >= 0})
    return tuple(upload.people[index] for index in present)


def people_present(upload: Upload) -> tuple[PersonSeen, ...]:
    """The human beings among them, the fullest header of each. In doubt there are two; a clinician's word makes one."""
    seen, known = everybody_present(upload), vouched_for(upload)
    by_person = {_person_of(one): one for one in seen if one not in known}
    others = tuple(by_person[person] for person in distinct(by_person))
    return (max(known, key=_fullness), *others) if known else others


def vouched_for(upload: Upload) -> tuple[PersonSeen, ...]:
    """Whoever on these pictures a clinician said is the chart's patient."""
    said = upload.vouch.people if upload.vouch is not None else ()
    return tuple(one for one in everybody_present(upload) if one in said)


def _fullness(seen: PersonSeen) -> int:
    return sum(bool(value) for value in (seen.name, seen.birth_date, seen.sex, seen.id))


def same_person(one: PersonSeen, other: PersonSeen) -> bool:
    """Could both headers name one human being?"""
    return len(distinct((_person_of(one), _person_of(other)))) == 1


def identify(patient: Patient, upload: Upload) -> Comparison:
    """The chart's patient, and whoever on these pictures agrees least (safety rule 1)."""
    return worst(_claim(patient), [_person_of(one) for one in everybody_present(upload)])


def each_compared(patient: Patient, upload: Upload) -> tuple[Comparison, ...]:
    """The chart's patient and each header on these pictures, for a person who must look at all of them."""
    return tuple(compare(_claim(patient), _person_of(one)) for one in everybody_present(upload))


def _claim(patient: Patient) -> Claim:
    ids = (patient.mrn,) if patient.mrn else ()
    given = " ".join(patient.given)
    return Claim(patient.family, given, patient.birth_date, patient.sex, ids, patient.other_names)


def _person_of(seen: PersonSeen) -> Person:
    return Person(
        name=seen.name,
        birth_date=seen.birth_date,
        sex=seen.sex,
        id=seen.id,
        name_groups=seen.name_groups,
        other_ids=seen.other_ids,
        other_names=seen.other_names,
    )


def comparison_rows(referral: Referral, upload: Upload) -> tuple[dict[str, str], ...]:
    """Chart and images, field by field, for staff and for the record."""
    return identify(referral.patient, upload).as_rows() if everybody_present(upload) else ()


def whose_stop(patient: Patient, upload: Upload) -> Stopped | None:
    """Why the pictures cannot be taken for this patient's: of more than one person, or of somebody else.

    A clinician's word opens it for exactly the headers they were shown, and never against a birth date.
    """
    if len(people_present(upload)) > 1:
        return Stopped(TWO_PEOPLE, "two-people")
    known = vouched_for(upload)
    compared = zip(everybody_present(upload), each_compared(patient, upload), strict=True)
    if any(c.outcome == "conflict" and not (one in known and _born_alike(c)) for one, c in compared):
        return Stopped("These pictures seem to belong to somebody else. Nothing was sent.", "wrong-patient")
    return None


def may_be_vouched_for(patient: Patient, upload: Upload) -> bool:
    """Could a clinician let them in? Only where each header names the chart's whole birth date (safety rule 1)."""
    compared = each_compared(patient, upload)
    return whose_stop(patient, upload) is not None and all(_born_alike(one) for one in compared)


def _born_alike(compared: Comparison) -> bool:
    return compared.result("birth_date") == MATCH


REPORT_SIDE = "report-side"
"""What a clinician overrules where the first report has the side wrong (`Referral.override`)."""


def side_stop(referral: Referral, upload: Upload) -> Stopped | None:
    """Why question, headers and first report cannot be of one side (safety rule 10).

    The headers are those of the newest study that names a side: an earlier one may be of the other knee.
    """
    overruled = REPORT_SIDE in overrides(referral)
    said = {
        "question": sides_asked(referral.ask.side),
        "headers": sides_in_headers(letters_of_newest(upload)),
        "report": frozenset() if overruled else frozenset(Side(s) for f in reports_given(upload) for s in f.sides),
    }
    pair = disagreement(said)
    if pair is None:
        return None
    named = {name: " and ".join(sorted(side.value.upper() for side in sides)) for name, sides in said.items()}
    if pair == ("question", "headers"):
        return Stopped(
            f"The question is about the {named['question']} side, and the pictures show the other one.", "wrong-side"
        )
    one, other = pair
    words = {"question": "The question is about", "headers": "The pictures are marked", "report": "the report says"}
    return Stopped(f"{words[one]} {named[one]}, and {words[other]} {named[other]}.", REPORT_SIDE)


def reports_given(upload: Upload) -> list[FoundFile]:
    """Every file that is a first report, among them the pictures whose giver said so."""
    return [
        f for f in upload.files if f.verdict == Verdict.REPORT or (f.offer == "taken" and f.verdict == Verdict.IMAGE)
    ]


def letters_of_newest(upload: Upload) -> list[str]:
    """The lateralities of the newest study whose pictures name any; of all where no study has a date."""
    present = {f.series_instance_uid for f in upload.files if f.verdict == Verdict.IMAGE}
    sided = [one for one in upload.series if one.series_instance_uid in present and one.letters]
    if not sided:
        return [f.laterality for f in upload.files if f.verdict == Verdict.IMAGE]
    newest = max(sided, key=lambda one: one.study_date)
    return [letter for one in sided if one.study_instance_uid == newest.study_instance_uid for letter in one.letters]


def gate(referral: Referral, upload: Upload, today: date) -> Stopped | None:
    """The first reason not to go on. Raises Unfinished for what the sender can still add."""
    if referral.status is not Status.GATHERING:
        raise WrongStatus("The images of this referral were sent already.")
    if not any(f.verdict == Verdict.IMAGE for f in upload.files):
        raise Unfinished("There are no pictures to send yet.", files="missing")
    stop = whose_stop(referral.patient, upload)
    if stop is not None:
        return stop
    stop = side_stop(referral, upload)
    if stop is not None:
        return stop
    if upload.confirmed != people_present(upload)[0]:
        raise Unfinished("Tell us whether these pictures are yours.", confirm="missing")
    if any(gap.blocks for gap in gaps(referral, upload, today)):
        raise Unfinished("Something is missing that the expert cannot do without.", complete="missing")
    return None
