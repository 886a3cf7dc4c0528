"""A critical finding is told to a person in time, with six facts; where nobody was told, the desk hears of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from smart_app import refer, review
from smart_app.case import NextStep, Party
from smart_app.deliver import Done, Parked
from smart_app.referral import NotYours, Referral, Unfinished, WrongStatus
from smart_app.telling import WITHIN, faults_of
from tests.world import EXPERT, TICKED, WORDS, World

FACTS = {"finding": "LEFT subdural collection", "heard": "Dr Rowan Proxy, ward 3", "how": "phone", "read_back": "yes"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def _critical(world: World, tier: int) -> Referral:
    referral = world.reading("open")
    return review.sign(world.ports, EXPERT, referral.id, {**WORDS, "critical": str(tier)}, TICKED)


@pytest.mark.parametrize(
    ("tier", "without", "fault"),
    [
        (1, "finding", "finding"),
        (1, "heard", "heard"),
        (1, "how", "how"),
        (1, "read_back", "read_back"),
        (2, "heard", "heard"),
        (3, "finding", "finding"),
    ],
)
def test_each_of_the_facts_is_needed(tier: int, without: str, fault: str) -> None:
    given = {name: value for name, value in FACTS.items() if name != without}
    assert fault in faults_of(tier, given)
    assert faults_of(tier, FACTS) == {}


@pytest.mark.parametrize(("tier", "how", "fits"), [(1, "fax", False), (1, "secure-message", False), (2, "fax", True)])
def test_what_cannot_wait_is_spoken(tier: int, how: str, fits: bool) -> None:
    assert (faults_of(tier, {**FACTS, "how": how, "read_back": ""}) == {}) is fits


@pytest.mark.parametrize("tier", sorted(WITHIN))
def test_when_the_time_is_over_and_nobody_was_told_a_person_is(world: World, tier: int) -> None:
    """Not before; then the desk gets a letter without a clinical word, and the row stays until somebody acts."""
    referral = _critical(world, tier)
    world.now += WITHIN[tier] - timedelta(minutes=1)
    assert "chase_critical" not in dict(world.work())
    world.now += timedelta(minutes=2)
    outcome = dict(world.work())["chase_critical"]
    assert isinstance(outcome, Parked)
    assert f"tier {tier}" in outcome.reason
    letter = next(one for one in world.letters if one.subject == "A critical finding reached nobody")
    assert "Sclerosis" not in letter.text
    assert world.owed(referral, "chase_critical").state == "parked"


def test_a_recorded_call_ends_the_chase_before_and_after_it_parked(world: World) -> None:
    early = _critical(world, 1)
    review.tell(world.ports, EXPERT, early.id, FACTS)
    world.now += WITHIN[1]
    assert isinstance(dict(world.work())["chase_critical"], Done)
    late = _critical(world, 1)
    world.now += WITHIN[1]
    world.work()
    review.tell(world.ports, EXPERT, late.id, FACTS)
    assert world.owed(late, "chase_critical").state == "done"
    told = world.get(late).told[-1]
    assert (told.heard, told.read_back, told.by.name) == (FACTS["heard"], True, EXPERT.name)


def test_half_a_call_is_none(world: World) -> None:
    referral = _critical(world, 1)
    with pytest.raises(Unfinished) as missing:
        review.tell(world.ports, EXPERT, referral.id, {**FACTS, "read_back": ""})
    assert missing.value.fields == {"read_back": "missing"}
    assert world.get(referral).told == ()


def test_only_the_reader_records_it_and_only_of_what_is_critical(world: World) -> None:
    referral = _critical(world, 2)
    with pytest.raises(NotYours):
        review.tell(world.ports, Party("expert", "Somebody", "idp|else", "northlight"), referral.id, FACTS)
    plain = world.signed("open")
    with pytest.raises(WrongStatus):
        review.tell(world.ports, EXPERT, plain.id, FACTS)


def test_a_corrected_version_starts_a_time_of_its_own(world: World) -> None:
    """What was told of version 1 does not count for a version 2 that is critical again."""
    referral = _critical(world, 1)
    review.tell(world.ports, EXPERT, referral.id, FACTS)
    words = {**WORDS, "critical": "1", "change": "corrected", "change_reason": "Side of the collection."}
    review.revise(world.ports, EXPERT, referral.id, words, TICKED)
    world.now += WITHIN[1]
    outcomes = [outcome for action, outcome in world.work() if action == "chase_critical"]
    assert any(isinstance(outcome, Parked) for outcome in outcomes)


@pytest.mark.parametrize(("agreement", "chased"), [("1", False), ("2", False), ("3", False), ("4", True), ("5", True)])
def test_a_difference_that_changes_care_is_chased_until_somebody_has_read_it(
    world: World, agreement: str, chased: bool
) -> None:
    """Not routine, critical or not (rule 16); reading ends it, as it does not end what must be spoken."""
    referral = world.reading("open")
    review.sign(world.ports, EXPERT, referral.id, {**WORDS, "agreement": agreement}, TICKED)
    world.now += WITHIN[3]
    outcome = dict(world.work()).get("chase_critical")
    assert isinstance(outcome, Parked) is chased
    if chased:
        assert "changes care" in world.owed(referral, "chase_critical").reason


def test_reading_ends_the_chase_of_what_need_not_be_spoken(world: World) -> None:
    for critical, ends in (("no", Done), ("2", Done), ("1", Parked)):
        referral = world.reading("open")
        review.sign(world.ports, EXPERT, referral.id, {**WORDS, "agreement": "5", "critical": critical}, TICKED)
        world.work()
        doctor = Party("clinician", "Dr Ines Mockford", "Practitioner/1")
        refer.acknowledge(world.ports, doctor, referral.id, 1, NextStep.PLAN_STAYS, "")
        world.now += WITHIN[3]
        assert isinstance(dict(world.work())["chase_critical"], ends), critical
