"""The signed opinion into the chart exactly once, and what a person decides where nobody can know."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir.errors import ChartUnavailable
from smart_app import refer, review
from smart_app.case import NextStep, Party
from smart_app.deliver import Done, Later, Parked, settle
from smart_app.deliver.chart import ledger_key
from smart_app.referral import Status, Unfinished, WrongStatus
from tests.world import DESK, EXPERT, TICKED, WORDS, World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A product without network."""
    return World(tmp_path)


@pytest.mark.parametrize("site", ["oracle", "open"])
def test_an_opinion_is_filed_and_read_back(world: World, site: str) -> None:
    """Signed is not delivered; delivered names the resource."""
    referral = world.signed(site)
    assert world.get(referral).status is Status.SIGNED
    world.work()
    after = world.get(referral)
    assert after.status is Status.DELIVERED
    assert len(world.opinions_in(referral)) == 1
    assert after.filings[0].resource.endswith(str(world.opinions_in(referral)[0]["id"]))


def test_an_epic_note_waits_for_its_signature_in_the_chart(world: World) -> None:
    """In the chart, unsigned: not delivered until a named clinician says that it is signed there."""
    referral = world.signed("epic")
    world.work()
    assert world.get(referral).status is Status.SIGNED
    waiting = world.get(referral).waiting_note(1)
    assert waiting is not None
    doctor = Party("clinician", "Dr Ines Mockford", "")
    after = refer.signed_in_chart(world.ports, doctor, referral.id, 1)
    assert after.status is Status.DELIVERED
    assert after.filings[0].confirmed_by == "Dr Ines Mockford"


def _dies_after_writing(world: World, referral_id: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As kill -9 between “written in the chart” and “marked done”: the intent stands, the outcome does not."""
    import smart_app.deliver.chart as chart

    class Killed(BaseException):
        pass

    def killed(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(chart, "record_filing", killed)
        with world.ports.store.reading() as tx:
            owed = [r for r in tx.outbox.of_referral(referral_id) if r.action == "file_opinion"][-1]
        with pytest.raises(Killed):
            chart.file_opinion(world.ports, owed)


@pytest.mark.parametrize("site", ["oracle", "open"])
def test_a_write_whose_end_was_never_recorded_is_found_and_not_repeated(
    world: World, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where we can look, we look, and leave one opinion."""
    referral = world.signed(site)
    _dies_after_writing(world, referral.id, monkeypatch)
    assert len(world.opinions_in(referral)) == 1
    world.work()
    assert world.get(referral).status is Status.DELIVERED
    assert len(world.opinions_in(referral)) == 1


def test_where_nobody_can_look_a_person_decides(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Epic: parked at once, nothing written again; the person names what they saw."""
    referral = world.signed("epic")
    _dies_after_writing(world, referral.id, monkeypatch)
    assert isinstance(dict(world.work())["file_opinion"], Parked)
    standing = world.opinions_in(referral)
    assert len(standing) == 1
    row = world.owed(referral, "file_opinion")
    settle.it_is_there(world.ports, DESK, row.id, f"DocumentReference/{standing[0]['id']}")
    world.work()
    waiting = world.get(referral).waiting_note(1)
    assert waiting is not None
    assert waiting.confirmed_by == "Olga Desk"
    assert len(world.opinions_in(referral)) == 1


def test_a_person_who_saw_nothing_sends_again(world: World) -> None:
    """The intent was written and the request never arrived: after a person looked, one note is filed."""
    referral = world.signed("epic")
    row = world.owed(referral, "file_opinion")
    with world.ports.store.transaction() as tx:
        tx.ledger.intend(ledger_key(referral.id, 1), row.id, "0" * 64, world.now)
    world.work()
    assert world.opinions_in(referral) == []
    assert world.owed(referral, "file_opinion").state == "parked"
    settle.send_again(world.ports, DESK, row.id)
    world.work()
    assert len(world.opinions_in(referral)) == 1


def test_a_document_of_another_patient_is_not_taken_for_ours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the person names is read, and its patient compared."""
    referral = world.signed("epic")
    _dies_after_writing(world, referral.id, monkeypatch)
    world.work()
    chart = world.charts.records["epic"]
    people = [f"Patient/{e['id']}" for e in chart.search("Patient").entries]
    other = next(
        document
        for person in people
        if person != referral.patient.reference
        for document in world.documents("epic", person).values()
        if document["resourceType"] == "DiagnosticReport"
    )
    row = world.owed(referral, "file_opinion")
    with pytest.raises(settle.AnotherPatient):
        settle.it_is_there(world.ports, DESK, row.id, f"DiagnosticReport/{other['id']}")
    with pytest.raises(Unfinished):
        settle.it_is_there(world.ports, DESK, row.id, "somewhere")
    assert world.owed(referral, "file_opinion").state == "parked"


@pytest.mark.parametrize("site", ["epic", "oracle", "open"])
def test_a_chart_that_is_down_costs_time_and_nothing_else(world: World, site: str) -> None:
    """Surely not written: no intent stays open, and the next attempt files one."""
    referral = world.signed(site)
    chart = world.charts.records[site]
    chart.scenarios.set(referral.patient.reference.partition("/")[2], "ehr-down")
    owed = world.owed(referral, "file_opinion")
    with pytest.raises(ChartUnavailable):
        world.act(owed)
    with world.ports.store.reading() as tx:
        entry = tx.ledger.get(ledger_key(referral.id, 1))
    assert entry is None or entry.state == "refused"
    chart.scenarios.set(referral.patient.reference.partition("/")[2], None)
    world.work()
    assert len(world.opinions_in(referral)) == 1


@pytest.mark.parametrize("site", ["epic", "oracle", "open"])
def test_a_lost_answer_leaves_one_opinion(world: World, site: str) -> None:
    """Found again where one can look; parked where one cannot."""
    referral = world.signed(site)
    chart = world.charts.records[site]
    chart.scenarios.set(referral.patient.reference.partition("/")[2], "answer-lost")
    outcome = dict(world.work())["file_opinion"]
    chart.scenarios.set(referral.patient.reference.partition("/")[2], None)
    assert isinstance(outcome, Parked if site == "epic" else Later)
    world.later(seconds=30)
    world.work()
    assert len(world.opinions_in(referral)) == 1
    assert world.get(referral).status is (Status.SIGNED if site == "epic" else Status.DELIVERED)


@pytest.mark.parametrize(("site", "ends"), [("oracle", Done), ("open", Done), ("epic", Parked)])
def test_an_answer_that_named_the_wrong_place_is_settled_by_a_search_or_a_person(
    world: World, monkeypatch: pytest.MonkeyPatch, site: str, ends: type
) -> None:
    """The chart has written and said a place where nothing stands: found where one can search, never written again."""
    referral = world.signed(site)
    _dies_after_writing(world, referral.id, monkeypatch)
    with world.ports.store.transaction() as tx:
        tx.ledger.outcome(ledger_key(referral.id, 1), "unclear", "DocumentReference/99999999", world.now)
    monkeypatch.setattr("fhir.filing._sleep", lambda _: None)
    assert isinstance(dict(world.work())["file_opinion"], ends)
    assert len(world.opinions_in(referral)) == 1
    if ends is Parked:
        assert "DocumentReference/99999999" in world.owed(referral, "file_opinion").reason


def test_a_version_that_was_replaced_before_filing_never_reaches_the_chart(world: World) -> None:
    """Nobody files words that are known to be wrong."""
    referral = world.signed()
    review.revise(
        world.ports, EXPERT, referral.id, {**WORDS, "change": "corrected", "change_reason": "Wrong word"}, TICKED
    )
    world.work()
    after = world.get(referral)
    assert [f.version for f in after.filings] == [2]
    assert after.status is Status.DELIVERED


def test_a_held_case_is_not_filed_until_the_check_is_closed(world: World) -> None:
    """A suspicion stops the way to the chart."""
    referral = world.signed()
    review.hold(world.ports, EXPERT, referral.id, "another name on one picture")
    world.work()
    assert world.opinions_in(referral) == []
    review.release(world.ports, DESK, referral.id, "settled by telephone")
    world.later(minutes=2)
    world.work()
    assert world.get(referral).status is Status.DELIVERED


def test_an_opinion_that_was_taken_back_is_marked_in_the_chart(world: World) -> None:
    """Where the chart lets us; elsewhere a person is asked to."""
    referral = world.signed("open")
    world.work()
    review.retract(world.ports, EXPERT, referral.id, "wrong patient")
    assert isinstance(dict(world.work())["file_retraction"], Done)
    assert [e["status"] for e in world.opinions_in(referral)] == ["entered-in-error"]
    epic = world.signed("epic")
    world.work()
    review.retract(world.ports, EXPERT, epic.id, "wrong patient")
    assert isinstance(dict(world.work())["file_retraction"], Parked)


def test_an_unread_opinion_comes_back_to_a_person(world: World) -> None:
    """Delivered is not read; read is not asked again."""
    unread, read = world.signed(), world.signed("oracle")
    world.work()
    doctor = Party("clinician", "Dr Ines Mockford", "")
    refer.acknowledge(world.ports, doctor, read.id, 1, NextStep.PLAN_STAYS)
    world.later(days=3)
    outcomes = [outcome for action, outcome in world.work() if action == "remind"]
    assert sorted(type(o).__name__ for o in outcomes) == ["Done", "Parked"]
    row = world.owed(unread, "remind")
    settle.close(world.ports, DESK, row.id, "Called Dr Mockford, who will read it today")
    with pytest.raises(WrongStatus):
        settle.close(world.ports, DESK, row.id, "again")


def test_the_open_chart_keeps_our_request_in_step(world: World) -> None:
    """One ServiceRequest, one Task and one ImagingStudy, whatever happens how often."""
    referral = world.signed("open")
    world.work()
    refer.acknowledge(world.ports, Party("clinician", "Dr Ines Mockford", ""), referral.id, 1, NextStep.PLAN_STAYS)
    world.work()
    chart = world.charts.records["open"]
    mirrored = world.get(referral).mirrored
    assert mirrored is not None
    assert chart.read(mirrored["ServiceRequest"])["status"] == "completed"
    task = chart.read(mirrored["Task"])
    assert task["status"] == "completed"
    assert task["businessStatus"]["coding"][0]["code"] == "seen"
    assert len([k for k in mirrored if k.startswith("ImagingStudy:")]) == 1


def test_letters_carry_nothing_clinical(world: World) -> None:
    """A letter says that something waits; the rest is behind a sign-in."""
    referral = world.signed(email="m@example.org")
    world.work()
    assert world.letters
    everything = " ".join(letter.subject + letter.text for letter in world.letters)
    for secret in (referral.patient.family, "glioma", "clerosis", "Head", referral.patient.birth_date, "1.2."):
        assert secret not in everything
