"""Which way an opinion went into the chart, into which visit, and why; and the visit that a person names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fhir.filing import choose_visit
from smart_app.case import PassedOver, Patient
from smart_app.deliver import Parked, settle
from smart_app.deliver.visit import NO_VISIT, asks_for_visit
from smart_app.referral import Referral, Unfinished, WrongStatus
from smart_app.sandbox.people import patient_resource
from smart_app.sandbox.personality import EPIC, OPEN, READ
from smart_app.sandbox.records import Records
from smart_app.store import Owed
from tests.world import DESK, World


@pytest.fixture
def world(tmp_path: Path, epic: Records) -> Iterator[World]:
    made = World(tmp_path)
    made.charts.records["epic"] = epic
    yield made
    made.ports.store.close()


@pytest.fixture
def epic() -> Records:
    """An Epic-like chart, in memory."""
    return Records(EPIC)


@pytest.fixture
def stranger(epic: Records) -> Patient:
    """Somebody in the Epic chart who was never there."""
    about = {"family": "Novisit", "given": ("Nora",), "birth_date": "1950-05-05", "sex": "female", "mrn": "N-1"}
    epic.shelf.put([patient_resource(EPIC, "nora-3", **about)], "chart")  # type: ignore[arg-type]
    return Patient("Patient/nora-3", "Novisit", ("Nora",), "1950-05-05", "female")


def visit(chart: Records, key: str, patient: str = "Patient/nora-3", **changed: object) -> str:
    """A visit in that chart."""
    plain = {"resourceType": "Encounter", "id": key, "status": "finished", "subject": {"reference": patient}}
    chart.shelf.put([{**plain, "period": {"start": "2026-11-01T09:00:00Z"}, **changed}], "chart")
    return f"Encounter/{key}"


def parked(world: World, stranger: Patient) -> tuple[Referral, Owed]:
    referral = world.signed("epic", patient=stranger)
    outcomes = dict(world.work())
    assert outcomes["file_opinion"] == Parked(NO_VISIT)
    owed = world.owed(referral, "file_opinion")
    assert asks_for_visit(owed)
    return referral, owed


def test_where_no_rule_gives_a_visit_a_person_names_one_and_the_note_goes_there(
    world: World, epic: Records, stranger: Patient
) -> None:
    referral, owed = parked(world, stranger)
    settle.use_visit(world.ports, DESK, owed.id, visit(epic, "old-visit"))
    world.work()
    note = world.get(referral).unsigned[-1]
    assert (note.visit, note.visit_why) == ("Encounter/old-visit", "named")
    assert epic.read(note.resource)["context"]["encounter"][0]["reference"].endswith("Encounter/old-visit")
    with world.ports.store.reading() as tx:
        rows = [row for row in tx.audit.of_referral(referral.id) if row.verb in ("name-visit", "file")]
    assert [(row.verb, row.what) for row in rows] == [("name-visit", "Encounter/old-visit"), ("file", note.resource)]
    assert rows[-1].why == "version 1; visit Encounter/old-visit (named)"


def test_what_is_no_visit_of_this_patient_is_not_taken(world: World, epic: Records, stranger: Patient) -> None:
    _, owed = parked(world, stranger)
    visit(epic, "other", patient=world.patient("epic").reference)
    wrong = {"": "malformed", "Patient/nora-3": "malformed", "Encounter/no": "unknown", "Encounter/other": "unknown"}
    for named, fault in wrong.items():
        with pytest.raises(Unfinished) as refused:
            settle.use_visit(world.ports, DESK, owed.id, named)
        assert refused.value.fields == {"encounter": fault}


def test_a_note_that_may_stand_there_already_is_not_sent_into_another_visit(
    world: World, epic: Records, stranger: Patient
) -> None:
    referral = world.signed("epic")
    patient = referral.patient.reference
    epic.scenarios.set(patient.rpartition("/")[2], "answer-lost")
    world.work()
    owed = world.owed(referral, "file_opinion")
    assert owed.state == "parked"
    assert not asks_for_visit(owed)
    with pytest.raises(WrongStatus):
        settle.use_visit(world.ports, DESK, owed.id, visit(epic, "another", patient=patient))


@pytest.mark.parametrize(
    ("status", "why"),
    [("in-progress", "current"), ("arrived", "arrived"), ("finished", "latest"), ("planned", "planned")],
)
def test_the_reason_for_a_visit_is_kept(epic: Records, stranger: Patient, status: str, why: str) -> None:
    wanted = visit(epic, "one", status=status)
    found = choose_visit(epic, stranger.reference, None)
    assert found is not None
    assert (found.reference, found.why, found.start) == (wanted, why, "2026-11-01T09:00:00Z")
    launched = choose_visit(epic, stranger.reference, wanted)
    assert launched is not None
    assert launched.why == "launch"


def test_a_cancelled_launch_visit_is_passed_over(epic: Records, stranger: Patient) -> None:
    cancelled, good = visit(epic, "gone", status="cancelled"), visit(epic, "good")
    found = choose_visit(epic, stranger.reference, cancelled, named=cancelled)
    assert found is not None
    assert (found.reference, found.why) == (good, "latest")


def test_a_better_way_that_was_not_taken_is_told_with_its_reason(world: World) -> None:
    """The open chart declares no new reports: a document it is. The usual way needs no reason."""
    usual = world.signed("open")
    world.work()
    assert (world.get(usual).filings[-1].passed, world.get(usual).filings[-1].visit_why) == ((), "")
    world.charts.records["open"] = Records(replace(OPEN, declared={**OPEN.declared, "DiagnosticReport": READ}))
    referral = world.signed("open")
    world.work()
    filing = world.get(referral).filings[-1]
    assert filing.rung == "DocumentReference"
    assert filing.passed == (PassedOver("DiagnosticReport", "not-taken"),)


def test_a_way_that_was_refused_is_told_in_the_charts_words(world: World) -> None:
    world.charts.records["open"] = Records(replace(OPEN, refused=frozenset({("DiagnosticReport", "create")})))
    referral = world.signed("open")
    world.work()
    filing = world.get(referral).filings[-1]
    assert filing.rung == "DocumentReference"
    assert [(one.way, one.code) for one in filing.passed] == [("DiagnosticReport", "refused")]
    assert "do not allow" in filing.passed[0].words


def test_a_way_that_was_not_granted_is_not_tried(world: World) -> None:
    """The token's own scopes take a step away, as a statement does."""
    chart = world.charts.records["open"]
    kinds = ("DocumentReference", "ServiceRequest", "ImagingStudy", "Task")
    scopes = ("system/*.rs", *(f"system/{kind}.cu" for kind in kinds))
    world.charts.records["open"] = chart.seen_by(replace(chart.answers.access, scopes=scopes))
    referral = world.signed("open")
    world.work()
    filing = world.get(referral).filings[-1]
    assert filing.passed == (PassedOver("DiagnosticReport", "not-granted"),)
