"""What the patient agreed to acts: an answer that is kept reaches no doctor and no chart until it is let go."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smart_app import agree, refer, review
from smart_app.case import Ask, Party
from smart_app.consent import WORDING, copy_to_doctor, kept_from_doctor
from smart_app.referral import Referral, Status, WrongStatus
from tests.world import EXPERT, TICKED, WORDS, World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.ports.store.close()


def asked(world: World, site: str = "open", *, copy: bool = False, role: str = "patient") -> Referral:
    """A question of the patient's own, or of who acts for them."""
    patient = world.patient(site, email="marisol@mail.example")
    who = Party(role, patient.name, patient.reference if role == "patient" else "RelatedPerson/mother")
    question = Ask("Do I need it?", copy_to_doctor=copy)
    referral = refer.open_referral(
        world.ports, who, site=site, patient=patient, ask=question, organisation="northlight"
    )
    world.before[referral.id] = set(world.documents(site, patient.reference))
    return referral


def signed(world: World, referral: Referral, **words: str) -> Referral:
    world.give(referral)
    world.send(referral)
    world.work()
    review.accept(world.ports, EXPERT, referral.id)
    review.begin_reading(world.ports, EXPERT, referral.id)
    review.sign(world.ports, EXPERT, referral.id, {**WORDS, **words}, TICKED)
    world.work()
    return world.get(referral)


@pytest.mark.parametrize(("site", "role"), [("open", "proxy"), ("oracle", "patient"), ("epic", "patient")])
def test_a_kept_answer_is_written_into_no_chart_and_the_patient_is_told_that_it_is_here(
    world: World, site: str, role: str
) -> None:
    referral = signed(world, asked(world, site, role=role))
    assert kept_from_doctor(referral)
    assert referral.status is Status.SIGNED
    assert world.opinions_in(referral) == []
    assert [letter.subject for letter in world.letters if letter.to == "marisol@mail.example"][-1] == (
        "Your opinion is here"
    )
    with world.ports.store.reading() as tx:
        assert tx.outbox.parked() == []


def test_nothing_of_a_kept_case_is_mirrored_into_an_open_chart(world: World) -> None:
    referral = signed(world, asked(world))
    chart = world.charts.records["open"]
    for kind in ("ServiceRequest", "Task", "ImagingStudy"):
        found = chart.search(kind, patient=referral.patient.reference).entries
        assert not [e for e in found if referral.id in str(e.get("identifier"))], kind


@pytest.mark.parametrize("site", ["open", "oracle"])
def test_let_go_it_is_filed_once(world: World, site: str) -> None:
    referral = signed(world, asked(world, site))
    for _ in range(2):
        agree.choose_readers(world.ports, referral.requester, referral.id, copy=True)
        world.work()
    after = world.get(referral)
    assert (after.status, len(after.filings)) == (Status.DELIVERED, 1)
    assert len(world.opinions_in(after)) == 1
    assert [said.copy_to_doctor for said in after.consents] == [True]


def test_what_the_expert_calls_critical_reaches_the_chart_whatever_was_chosen(world: World) -> None:
    """Safety rule 11: a person who can act must hear of it."""
    referral = signed(world, asked(world), critical="yes")
    assert referral.status is Status.DELIVERED
    assert len(world.opinions_in(referral)) == 1


def test_a_correction_that_turns_out_critical_ends_the_keeping(world: World) -> None:
    referral = signed(world, asked(world))
    words = {**WORDS, "critical": "yes", "change": "corrected", "change_reason": "A second nodule."}
    review.revise(world.ports, EXPERT, referral.id, words, TICKED)
    world.work()
    assert not kept_from_doctor(world.get(referral))
    assert [filing.version for filing in world.get(referral).filings] == [2]


def test_before_it_is_signed_the_choice_can_be_changed_both_ways(world: World) -> None:
    referral = asked(world, copy=True)
    agree.choose_readers(world.ports, referral.requester, referral.id, copy=False)
    assert kept_from_doctor(world.get(referral))
    agree.choose_readers(world.ports, referral.requester, referral.id, copy=True)
    assert not kept_from_doctor(world.get(referral))
    with world.ports.store.reading() as tx:
        verbs = [(row.verb, row.why) for row in tx.audit.of_referral(referral.id) if row.verb == "choose-readers"]
    assert len({why for _, why in verbs}) == 2


def test_what_is_signed_for_the_chart_cannot_be_held_back_any_more(world: World) -> None:
    referral = signed(world, asked(world, copy=True))
    with pytest.raises(WrongStatus):
        agree.choose_readers(world.ports, referral.requester, referral.id, copy=False)


def test_a_doctors_own_question_is_answered_to_the_doctor(world: World) -> None:
    referral = world.ask()
    with pytest.raises(WrongStatus):
        agree.choose_readers(world.ports, referral.requester, referral.id, copy=False)


def test_who_agreed_to_which_words_and_when_is_kept_once(world: World) -> None:
    referral = asked(world, role="proxy")
    for _ in range(2):
        agree.agree(world.ports, referral.requester, referral.id, copy=False)
    world.later(days=1)
    agree.agree(world.ports, Party("patient", "Marisol", "Patient/p1"), referral.id, copy=True)
    first, second = world.get(referral).consents
    assert (first.by, first.wording, first.copy_to_doctor) == (referral.requester, WORDING, False)
    assert second.at - first.at > second.at - second.at
    assert copy_to_doctor(world.get(referral))
