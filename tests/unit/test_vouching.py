"""Pictures under another name are let in by a clinician's word: named, on record, of what was seen, and never more."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from imaging.study import Person
from smart_app import letter, review, upload, vouching
from smart_app.case import FoundFile, Party, Patient, PersonSeen, Upload, Vouch
from smart_app.deliver.notices import PATIENT_NEWS
from smart_app.gates import may_be_vouched_for, people_present, whose_stop
from smart_app.referral import NotYours, Referral, StaleReferral, Status, Unfinished, WrongStatus
from smart_app.status import Stopped
from smart_app.web.told import doubt_of
from tests.discs import of
from tests.world import EXPERT, TICKED, WORDS, World

DOCTOR = Party("clinician", "Dr Ines Mockford", "Practitioner/mockford")
WHY = "Her name before she married in 2019; the chart's former name and the insurance card agree."


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A product without network."""
    return World(tmp_path)


def maiden(world: World, referral: Referral, **other: str) -> Person:
    """The same woman under the name she had before."""
    return replace(world.person(referral.patient), name="Formerly^Ada", **other)


def given(world: World, referral: Referral) -> Upload:
    """What was given."""
    return upload.begin(world.ports, DOCTOR, referral.id)


def stopped(world: World, person: Person | None = None) -> Referral:
    """A case that the gate holds because of the name on its pictures."""
    referral = world.ask()
    world.give(referral, person or maiden(world, referral))
    with pytest.raises(Stopped):
        world.send(referral)
    return referral


def vouch(world: World, referral: Referral, who: Party = DOCTOR, why: str = WHY, seen: int | None = None) -> None:
    """The clinician lets them in as the page showed them."""
    shown = given(world, referral).version if seen is None else seen
    vouching.vouch(world.ports, who, referral.id, why, seen=shown)


def test_a_name_before_marriage_goes_on_after_a_clinicians_word_and_the_word_goes_with_it(world: World) -> None:
    referral = stopped(world)
    doubt = doubt_of(world.get(referral), given(world, referral))
    assert doubt is not None
    assert (doubt.why, doubt.may_vouch, len(doubt.compared)) == ("wrong-patient", True, 1)
    vouch(world, referral)
    assert doubt_of(world.get(referral), given(world, referral)) is None
    assert world.get(referral).status is Status.GATHERING, "nothing is sent for the patient"
    world.send(referral)
    world.work()
    sent = world.get(referral)
    assert sent.status is Status.SENT
    assert {row["field"]: row["result"] for row in sent.identity}["name"] == "conflict", "the difference is not hidden"
    said = next(event for event in sent.history if event.verb == "vouch")
    assert (said.by, said.reason) == (DOCTOR, WHY)


def test_it_stands_in_the_audit_and_the_patient_is_told(world: World) -> None:
    referral = stopped(world)
    vouch(world, referral)
    with world.ports.store.reading() as tx:
        row = next(row for row in tx.audit.of_referral(referral.id) if row.verb == "vouch")
        owed = [(o.action, o.arguments) for o in tx.outbox.of_referral(referral.id)]
    assert (row.who, row.why) == (DOCTOR, WHY)
    assert ("notify_referrer", {"why": "vouch"}) in owed
    assert "vouch" in PATIENT_NEWS


def test_the_letter_says_who_let_another_name_in(world: World) -> None:
    referral = stopped(world)
    vouch(world, referral)
    world.send(referral)
    world.work()
    review.accept(world.ports, EXPERT, referral.id)
    review.begin_reading(world.ports, EXPERT, referral.id)
    signed = review.sign(world.ports, EXPERT, referral.id, WORDS, TICKED)
    said = " ".join(letter.text(signed, 1, organisation="Northlight", site="Here").split())
    assert "The images differ from the chart (name Formerly Ada). Dr Ines Mockford let them in" in said
    assert "Her name before she married" in said


@pytest.mark.parametrize("born", ["1901-01-01", ""])
def test_never_where_the_birth_date_is_another_or_absent(world: World, born: str) -> None:
    """Safety rule 1: a different birth date is never accepted, and without one nothing ties the names together."""
    referral = world.ask()
    other = maiden(world, referral, birth_date=born)
    world.give(referral, other)
    with pytest.raises(Stopped):
        world.send(referral)
    doubt = doubt_of(world.get(referral), given(world, referral))
    assert doubt is not None
    assert not doubt.may_vouch
    with pytest.raises(WrongStatus):
        vouch(world, referral)
    with pytest.raises(Stopped):
        world.send(referral)


@pytest.mark.parametrize(
    ("born", "may"), [("1992-03-14", True), ("1992-03", False), ("1992", False), ("1991-03-14", False)]
)
def test_a_birth_date_must_be_whole_to_speak_for_another_name(born: str, may: bool) -> None:
    patient = Patient("Patient/1", "Samplewright", ("Marisol",), "1992-03-14", "female")
    seen = PersonSeen("Formerly^Marisol", born, "F")
    held = Upload("u", "r", files=(FoundFile("IM1", "image", 9, person=0),), people=(seen,))
    assert may_be_vouched_for(patient, held) is may
    said = replace(held, vouch=Vouch(DOCTOR, datetime(2026, 11, 24, tzinfo=UTC), WHY, (seen,)))
    assert (whose_stop(patient, said) is None) is may, "a word that should never have been taken opens nothing"


def test_a_word_of_one_name_lets_no_other_in(world: World) -> None:
    """A third name that comes later stops again, although the birth date agrees."""
    referral = stopped(world)
    vouch(world, referral)
    third = world.images(replace(maiden(world, referral), name="Unheard^Of"), study_date="2025-01-01")
    upload.add_files(world.ports, DOCTOR, referral.id, third)
    with pytest.raises(Stopped) as stop:
        world.send(referral)
    assert stop.value.why == "two-people"


def test_the_word_is_of_what_was_shown(world: World) -> None:
    """Files that came between looking and pressing were seen by nobody."""
    referral = stopped(world)
    seen = given(world, referral).version
    picture = ("more", io.BytesIO(of(replace(maiden(world, referral), name="Unheard^Of"))))
    upload.add_files(world.ports, DOCTOR, referral.id, [picture])
    with pytest.raises(StaleReferral):
        vouch(world, referral, seen=seen)


@pytest.mark.parametrize("role", ["patient", "proxy", "expert", "operator", "system"])
def test_nobody_but_a_clinician_with_the_chart_can_say_it(world: World, role: str) -> None:
    referral = stopped(world)
    with pytest.raises(NotYours):
        vouch(world, referral, Party(role, "Somebody"))


def test_it_takes_a_reason_and_a_stop(world: World) -> None:
    referral = stopped(world)
    with pytest.raises(Unfinished) as unfinished:
        vouch(world, referral, why="  ")
    assert unfinished.value.fields == {"vouch": "missing"}
    well = world.ask()
    world.give(well)
    with pytest.raises(WrongStatus):
        vouch(world, well)
    vouch(world, referral)
    world.send(referral)
    with pytest.raises(WrongStatus):
        vouch(world, referral)


def test_one_woman_under_two_names_on_one_disc_is_one_after_the_word(world: World) -> None:
    """The patient confirms again, since one name is shown for both now; then everything goes."""
    referral = world.ask()
    world.give(referral)
    files = world.images(maiden(world, referral), study_date="2015-05-05")
    upload.add_files(world.ports, DOCTOR, referral.id, files)
    assert len(people_present(given(world, referral))) == 2
    doubt = doubt_of(world.get(referral), given(world, referral))
    assert doubt is not None
    assert (doubt.why, doubt.may_vouch, len(doubt.compared)) == ("two-people", True, 2)
    vouch(world, referral)
    now = given(world, referral)
    assert len(people_present(now)) == 1
    assert whose_stop(referral.patient, now) is None
    with pytest.raises(Unfinished):
        world.send(referral)
    upload.confirm(world.ports, Party("patient", "Ada"), referral.id, mine=True)
    world.send(referral)
    world.work()
    assert len(world.get(referral).studies) == 2


def test_two_people_with_different_birth_dates_stay_two(world: World) -> None:
    referral = world.ask()
    world.give(referral)
    files = world.images(maiden(world, referral, birth_date="1990-09-09"))
    upload.add_files(world.ports, DOCTOR, referral.id, files)
    with pytest.raises(WrongStatus):
        vouch(world, referral)
