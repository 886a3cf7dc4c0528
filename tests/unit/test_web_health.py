"""What a watcher is told, and the audit as a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smart_app.case import Party
from tests.staged import OPERATOR
from tests.webdesk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    desk = Desk(tmp_path / "desk")
    yield desk
    desk.close()


def _samples(text: str) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *(v for _, v in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_alive_and_ready_are_two_questions(desk: Desk) -> None:
    """Without a worker people can still work, and it is told."""
    client = desk.client()
    assert client.get("/healthz").json == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.json["parts"]["worker"] != "ok"
    with desk.ports.store.transaction() as tx:
        tx.figures.beat("worker-0", desk.now)
    assert client.get("/readyz").json["parts"]["worker"] == "ok"
    with desk.ports.store.transaction() as tx:
        tx.figures.beat("worker-0", desk.now - timedelta(minutes=5))
    assert client.get("/readyz").json["parts"]["worker"] != "ok"


def test_a_full_disk_is_not_ready(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_app.web.health.LEAST_FREE", 10**18)
    answer = desk.client().get("/readyz")
    assert answer.status_code == 503
    assert "MB free" in answer.json["parts"]["disk"]


def test_a_database_of_another_version_is_not_ready(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from smart_app.store import StoreOutdated

    def outdated(_: object) -> None:
        raise StoreOutdated("older")

    monkeypatch.setattr(type(desk.ports.store), "must_be_current", outdated)
    answer = desk.client().get("/readyz")
    assert answer.status_code == 503
    assert "StoreOutdated" in answer.json["parts"]["store"]


def test_the_numbers_say_what_is_kept_and_owed_and_name_nobody(desk: Desk) -> None:
    delivered = desk.referral("delivered")
    with desk.ports.store.transaction() as tx:
        row = tx.outbox.owe(delivered.id, "file_opinion", version=1)
        tx.outbox.park(row, "Somebody must look.")
        tx.outbox.owe(delivered.id, "remind", version=1)
    client = desk.client()
    client.get("/healthz")
    text = client.get("/metrics").get_data(as_text=True)
    found = _samples(text)
    assert found["second_opinion_referrals", "open", "delivered"] == 1
    assert found["second_opinion_outbox_rows", "file_opinion", "parked"] == 1
    assert found["second_opinion_outbox_rows", "remind", "owed"] == 1
    assert found["second_opinion_answers_total", "GET", "/healthz", "200"] == 1
    for word in (delivered.id, delivered.patient.family, delivered.patient.mrn, delivered.patient.reference):
        assert word not in text


@pytest.mark.parametrize(
    ("token", "shown", "status"), [("t" * 20, "t" * 20, 200), ("t" * 20, "x", 404), ("t", "", 404)]
)
def test_the_numbers_ask_for_their_token(desk: Desk, token: str, shown: str, status: int) -> None:
    ports = replace(desk.ports, settings=replace(desk.ports.settings, metrics_token=token))
    desk.app.extensions["second-opinion-ports"] = ports
    headers = {"Authorization": f"Bearer {shown}"}
    assert desk.client().get("/metrics", headers=headers).status_code == status


def test_without_a_token_the_numbers_are_closed_outside_the_practice(desk: Desk) -> None:
    ports = replace(desk.ports, settings=replace(desk.ports.settings, practice=False))
    desk.app.extensions["second-opinion-ports"] = ports
    assert desk.client().get("/metrics").status_code == 404


def _export(desk: Desk, name: str) -> str:
    line = desk.web.line("operator", desk.browser, party=OPERATOR)
    answer = desk.client().get(f"/line/{line.id}/operate/{name}")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return answer.get_data(as_text=True)


def test_the_audit_is_a_file_with_every_line_and_its_own_export(desk: Desk) -> None:
    """More lines than one reading holds; a cell that a spreadsheet would run is defused."""
    evil = Party("clinician", "=HYPERLINK(1)", "Practitioner/1", "Cedar")
    with desk.ports.store.transaction() as tx:
        for number in range(1_200):
            tx.audit.write(desk.now, evil, "look", "case-1", f"page {number}")
    rows = list(csv.DictReader(io.StringIO(_export(desk, "audit.csv"))))
    assert [row["what"] for row in rows if row["verb"] == "look"] == [f"page {n}" for n in range(1_200)]
    assert rows[0]["name"] == "'=HYPERLINK(1)"
    lines = [json.loads(line) for line in _export(desk, "audit.ndjson?case=case-1").splitlines()]
    assert {line["case"] for line in lines} == {"case-1"}
    assert sum(line["verb"] == "export-audit" for line in lines) == 1


def test_only_an_operator_takes_the_audit_away(desk: Desk) -> None:
    assert desk.client().get(f"/line/{desk.line().id}/operate/audit.csv").status_code == 403
