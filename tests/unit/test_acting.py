"""Who may act for a patient is the hospital's to say: read from its record, on each day anew, before each letter."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from fhir.agreement import ConsentFacts, consent, provenance
from fhir.check import check
from fhir.errors import ChartRefused, ChartUnavailable
from fhir.related import read_related_person
from smart_app import refer, review
from smart_app.acting import right_to_act
from smart_app.case import Ask, Party
from smart_app.referral import Referral
from tests.world import EXPERT, World

TODAY = date(2026, 11, 24)
MORNING = datetime(2026, 11, 24, 9, tzinfo=UTC)
MOTHER = {
    "resourceType": "RelatedPerson",
    "id": "m1",
    "patient": {"reference": "Patient/p1"},
    "relationship": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-RoleCode", "code": "MTH"}]}],
    "name": [{"family": "Castellan", "given": ["Teodora"]}],
    "telecom": [{"system": "email", "value": "teodora@post.example"}],
}


# -- the record ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "holds"),
    [
        ({}, True),
        ({"active": True}, True),
        ({"active": False}, False),
        ({"period": {"end": "2026-11-24"}}, True),
        ({"period": {"end": "2026-11-23"}}, False),
        ({"period": {"end": "2026-11"}}, True),
        ({"period": {"end": "2026"}}, True),
        ({"period": {"end": "2025"}}, False),
        ({"period": {"end": "2026-11-23T23:59:59-05:00"}}, False),
        ({"period": {"start": "2026-11-24"}}, True),
        ({"period": {"start": "2026-11-25"}}, False),
        ({"period": {"start": "2027"}}, False),
        ({"period": {"end": "soon"}}, False),
        ({"period": {"start": "?"}}, False),
        ({"period": "2020"}, True),
    ],
)
def test_a_right_holds_on_the_days_the_record_says(changed: dict[str, Any], holds: bool) -> None:
    assert read_related_person({**MOTHER, **changed}).holds(TODAY) is holds


@pytest.mark.parametrize(
    ("relationship", "read"),
    [
        (MOTHER["relationship"], "MTH"),
        (
            [{"text": "Foster mother", "coding": [{"system": "urn:x", "code": "7", "display": "Mutter"}]}],
            "Foster mother",
        ),
        ([{"coding": [{"system": "urn:x", "code": "7", "display": "Carer"}]}], "Carer"),
        ([{"coding": "odd"}], ""),
        ("odd", ""),
        (None, ""),
    ],
)
def test_what_they_are_to_the_patient_is_read_as_code_or_words(relationship: Any, read: str) -> None:
    assert read_related_person({**MOTHER, "relationship": relationship}).relationship == read


# -- the right -----------------------------------------------------------------------------------------------------


class OneChart:
    """A chart that answers one thing."""

    def __init__(self, answer: dict[str, Any] | Exception) -> None:
        self.answer = answer

    def read(self, _: str) -> dict[str, Any]:
        """That thing."""
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def right(answer: Any, person: str = "RelatedPerson/m1", patient: str = "Patient/p1") -> tuple[bool, bool]:
    found = right_to_act(OneChart(answer), person, patient, TODAY)  # type: ignore[arg-type]
    return found.ended, found.proven


def test_the_record_proves_the_right_or_ends_it() -> None:
    assert right(MOTHER) == (False, True)
    assert right({**MOTHER, "active": False}) == (True, False)
    assert right(MOTHER, patient="Patient/p2") == (True, False)
    assert right({**MOTHER, "patient": {}}) == (True, False)


def test_a_chart_that_shows_nothing_neither_proves_nor_ends_it() -> None:
    assert right(ChartRefused("no scope", status=403)) == (False, False)
    assert right(MOTHER, person="Patient/p9") == (False, False)
    with pytest.raises(ChartUnavailable):
        right(ChartUnavailable("down"))


# -- letters -------------------------------------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.ports.store.close()


def for_a_child(world: World, **changed: Any) -> Referral:
    """A mother's question for her child, taken by an expert; her record as it is by then."""
    patient = world.patient("open")
    related = {**MOTHER, "patient": {"reference": patient.reference}}
    world.charts.records["open"].shelf.put([related], "chart")
    who = Party("proxy", "Teodora Castellan", "RelatedPerson/m1")
    referral = refer.open_referral(
        world.ports, who, site="open", patient=patient, ask=Ask("Is it broken?"), organisation="northlight"
    )
    world.give(referral)
    world.send(referral)
    world.work()
    review.accept(world.ports, EXPERT, referral.id)
    if changed:
        world.charts.records["open"].shelf.put([{**related, **changed}], "chart")
    world.work()
    return referral


def test_who_asked_for_a_child_is_written_to(world: World) -> None:
    for_a_child(world)
    assert [letter.to for letter in world.letters if "expert has your case" in letter.subject] == [
        "teodora@post.example"
    ]


@pytest.mark.parametrize("changed", [{"active": False}, {"period": {"end": "2026-11-23"}}])
def test_a_right_that_has_ended_since_ends_the_letters(world: World, changed: dict[str, Any]) -> None:
    """Re-checked before each notice, and written to the audit."""
    referral = for_a_child(world, **changed)
    assert "teodora@post.example" not in [letter.to for letter in world.letters]
    with world.ports.store.reading() as tx:
        assert [row.verb for row in tx.audit.of_referral(referral.id)].count("withhold-notice") == 1


def test_while_the_chart_is_down_nobody_is_written_to_and_it_is_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    referral = for_a_child(world)
    world.letters.clear()
    monkeypatch.setattr(type(world.charts.records["open"]), "read", _down)
    with world.ports.store.transaction() as tx:
        tx.outbox.owe(referral.id, "notify_referrer", due=world.now, why="accept")
    with pytest.raises(ChartUnavailable):
        world.act(world.owed(referral, "notify_referrer"))
    assert world.letters == []


def _down(*_: Any) -> Any:
    raise ChartUnavailable("down")


# -- consent and provenance ----------------------------------------------------------------------------------------


def agreed(**changed: Any) -> dict[str, Any]:
    facts = {"referral_id": "r1", "number": 1, "patient": "Patient/p1", "patient_display": "CASTELLAN, Milo"}
    facts |= {"by_reference": "RelatedPerson/m1", "by_display": "Teodora Castellan", "at": MORNING}
    facts |= {"doctors_may_read": True, "wording": "2026-11", **changed}
    made = consent(ConsentFacts(**facts))
    check(made)
    return made


def test_a_consent_names_the_patient_and_who_gave_it() -> None:
    made = agreed()
    assert made["patient"]["reference"] == "Patient/p1"
    assert made["performer"] == [{"reference": "RelatedPerson/m1", "display": "Teodora Castellan"}]
    assert made["status"] == "active"
    assert agreed(newest=False)["status"] == "inactive"


def test_a_consent_says_that_the_doctors_may_not_read() -> None:
    assert "provision" not in agreed()["provision"]
    denied = agreed(doctors_may_read=False)["provision"]["provision"][0]
    assert denied["type"] == "deny"


def test_provenance_says_for_whom_somebody_acted() -> None:
    asked = {"recorded": MORNING, "who": "RelatedPerson/m1", "who_display": "Teodora Castellan"}
    made = provenance(("urn:uuid:1",), **asked, on_behalf_of="Patient/p1")
    check(made)
    author = made["agent"][0]
    assert author["who"]["reference"] == "RelatedPerson/m1"
    assert author["onBehalfOf"] == {"reference": "Patient/p1"}
    assert "onBehalfOf" not in provenance(("urn:uuid:1",), **asked)["agent"][0]
