"""The practice charts: who is in them, and what a restart remembers."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from fhir.check import check
from fhir.people import read_patient
from smart_app.sandbox.cast import PEOPLE
from smart_app.sandbox.people import seed_id
from smart_app.sandbox.personality import OPEN, PERSONALITIES, Personality
from smart_app.sandbox.records import Records

ALL = pytest.mark.parametrize("personality", PERSONALITIES.values(), ids=PERSONALITIES)


def an_order(records: Records) -> dict:
    return {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": f"Patient/{seed_id(records.personality, 'holloway')}"},
    }


@ALL
def test_everything_in_the_chart_is_valid_r4(personality: Personality) -> None:
    records = Records(personality)
    for kind in records.shelf.types():
        for version in records.shelf.present(kind):
            check(version.resource)


@ALL
def test_every_invented_person_can_be_read_by_the_product(personality: Personality) -> None:
    """Accents, hyphens, particles, one name only: family, birth date and hospital number are all there."""
    records = Records(personality)
    for person in PEOPLE:
        patient = read_patient(records.read(f"Patient/{seed_id(personality, person.slug)}"))
        assert (patient.family, patient.given, patient.birth_date) == (person.family, person.given, person.birth_date)
        assert patient.mrn
        assert patient.email.endswith("@post.example")


def test_the_cast_holds_what_goes_wrong_in_real_charts() -> None:
    """Twins, a child with a parent, other scripts, one name, no visit at all."""
    births = [person.birth_date for person in PEOPLE]
    assert len(births) > len(set(births))
    assert any(person.proxy for person in PEOPLE)
    assert any(person.other_names for person in PEOPLE)
    assert any(not person.given for person in PEOPLE)
    assert any(not person.visits for person in PEOPLE)


@ALL
def test_the_same_start_day_gives_the_same_ids(personality: Personality) -> None:
    one, two = Records(personality), Records(personality)
    for kind in one.shelf.types():
        ids = [version.resource["id"] for version in one.shelf.present(kind)]
        assert ids == [version.resource["id"] for version in two.shelf.present(kind)]
        assert len(ids) == len(set(ids))


def test_a_restarted_chart_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was written, its versions, the trouble chosen and the day it was opened all come back."""
    journal = tmp_path / "open.jsonl"
    first = Records(OPEN, journal, now=lambda: datetime(2026, 3, 2, 10, tzinfo=UTC))
    written = first.create(an_order(first))
    changed = {**first.read(written.reference), "status": "completed"}
    first.update(changed, if_match=written.etag)
    first.scenarios.set("a-patient", "slow")
    second = Records(OPEN, journal, now=lambda: datetime(2026, 5, 2, 10, tzinfo=UTC))
    assert second.read(written.reference)["status"] == "completed"
    assert second.read(written.reference)["meta"]["versionId"] == "2"
    assert second.scenarios.of("a-patient") == "slow"
    visits = [
        records.search("Encounter", patient=seed_id(OPEN, "holloway")).entries[0]["period"]["start"]
        for records in (first, second)
    ]
    assert visits[0] == visits[1] == "2026-03-02T09:00:00.000Z"


def test_a_line_torn_by_a_power_cut_is_passed_over(tmp_path: Path) -> None:
    """The whole lines before it count, and the next line starts clean."""
    journal = tmp_path / "open.jsonl"
    first = Records(OPEN, journal)
    kept = first.create(an_order(first)).reference
    with journal.open("ab") as file:
        file.write(b'{"kind":"write","versions":[{"resou')
    second = Records(OPEN, journal)
    assert second.read(kept)
    later = second.create(an_order(second)).reference
    third = Records(OPEN, journal)
    assert third.read(kept)
    assert third.read(later)


def test_a_written_line_is_on_the_disk_before_the_answer(tmp_path: Path) -> None:
    journal = tmp_path / "open.jsonl"
    records = Records(OPEN, journal)
    reference = records.create(an_order(records)).reference
    assert reference.partition("/")[2] in journal.read_text("utf-8")


def test_what_the_chart_hands_out_cannot_be_changed_from_outside() -> None:
    records = Records(OPEN)
    reference = records.create(an_order(records)).reference
    records.read(reference)["status"] = "revoked"
    assert records.read(reference)["status"] == "active"


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(ValueError, match="no scenario"):
        Records(OPEN).scenarios.set("a-patient", "meteor")
