"""The desk names a visit over HTTP, among those the chart shows; staff read why the note stands where it does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from smart_app.case import Filing, PassedOver
from smart_app.deliver.visit import NO_VISIT
from smart_app.store import Line
from tests.staged import OPERATOR
from tests.webdesk import Desk
from tests.world import Charts


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path / "app")
    yield made
    made.close()


def waiting(desk: Desk) -> tuple[Line, FlaskClient, str]:
    """A signed opinion about the staged patient that waits for a visit; two visits are in the chart."""
    referral, charts = desk.referral("signed"), Charts()
    desk.app.extensions["second-opinion-ports"] = replace(desk.ports, charts=charts)
    subject = {"reference": referral.patient.reference}
    shelf = charts.records[referral.site].shelf
    for key, status, start in (("now", "in-progress", "2026-11-24T08:00:00Z"), ("old", "finished", "2026-11-01")):
        visit = {"resourceType": "Encounter", "id": key, "status": status, "subject": subject}
        shelf.put([{**visit, "type": [{"text": f"Visit {key}"}], "period": {"start": start}}], "chart")
    with desk.ports.store.transaction() as tx:
        row = tx.outbox.owe(referral.id, "file_opinion", version=1)
        tx.outbox.park(row, NO_VISIT)
    line = desk.web.line("operator", desk.browser, party=OPERATOR)
    return line, desk.client(), row


def test_the_desk_chooses_among_the_visits_of_the_chart(desk: Desk) -> None:
    line, client, row = waiting(desk)
    assert f"operate/{row}/visit" in client.get(f"/line/{line.id}/operate").text
    page = client.get(f"/line/{line.id}/operate/{row}/visit").text
    assert page.index("Visit now") < page.index("Visit old")
    assert 'value="Encounter/now"' in page
    form = {"csrf": desk.web.csrf(client, line), "encounter": "Encounter/now", "other": ""}
    bad = client.post(f"/line/{line.id}/operate/{row}/visit", data={**form, "other": "room 7"})
    assert bad.status_code == 422
    assert "for example Encounter/123" in bad.text
    assert 'value="room 7"' in bad.text
    none = client.post(f"/line/{line.id}/operate/{row}/visit", data={**form, "other": "Encounter/elsewhere"})
    assert "no visit of this patient" in none.text
    assert client.post(f"/line/{line.id}/operate/{row}/visit", data=form).status_code == 303
    with desk.ports.store.reading() as tx:
        owed = tx.outbox.get(row)
    assert (owed.state, owed.arguments["encounter"]) == ("owed", "Encounter/now")


def test_a_visit_is_asked_for_only_where_one_is_missing(desk: Desk) -> None:
    line, client, row = waiting(desk)
    with desk.ports.store.transaction() as tx:
        tx.outbox.retry(row, OPERATOR)
        tx.outbox.park(row, "The chart refused version 1.")
    assert f"operate/{row}/visit" not in client.get(f"/line/{line.id}/operate").text
    assert client.get(f"/line/{line.id}/operate/{row}/visit").status_code == 404


def test_the_asker_reads_why_it_went_that_way(desk: Desk) -> None:
    referral = desk.referral("delivered")
    passed = (PassedOver("DiagnosticReport", "refused", "No radiology here."),)
    filing = Filing(1, "DocumentReference/5", desk.now, "DocumentReference", passed=passed, visit="Encounter/1")
    with desk.ports.store.transaction() as tx:
        kept = tx.referrals.get(referral.id)
        tx.referrals.save(replace(kept, filings=(replace(filing, visit_why="latest"),)))
    line, client = desk.line(), desk.client()
    page = client.get(f"/line/{line.id}/referrals/{referral.id}")
    assert "It refused a diagnostic report: No radiology here." in page.text
    assert "In the patient’s latest visit." in page.text
    told = client.get(f"/line/{line.id}/referrals/{referral.id}", headers={"Accept": "application/json"}).get_json()
    assert told["filings"][0]["visit"] == "Encounter/1"
    assert len(told["filings"][0]["why"]) == 2
