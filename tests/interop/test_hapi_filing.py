"""The way back into a real HAPI: every rung, every version, a lost answer, two workers; the check's own proof."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import requests
from click.testing import CliRunner

from fhir import codes
from fhir.chart import FhirChart
from fhir.errors import ChartConflict, ChartUnclear
from fhir.filing import OPEN, Filed, file, look
from fhir.report import OpinionFacts
from fhir.statement import interactions
from smart_app.cli import main

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]


@pytest.fixture
def chart(hapi: str) -> Iterator[FhirChart]:
    with requests.Session() as session:
        yield FhirChart(hapi, session, timeout=60)


@pytest.fixture
def facts(chart: FhirChart) -> OpinionFacts:
    """An opinion about somebody new."""
    patient = chart.create({"resourceType": "Patient", "name": [{"family": "Ruiz", "given": ["Zoë"]}]}).reference
    return OpinionFacts(
        referral_id=str(uuid.uuid4()),
        version=1,
        status="final",
        subject=patient,
        subject_display="",
        answer="Yes.",
        findings="Tear of 9 mm.",
        impression="New tear <9 mm & stable otherwise.",
        agreement="1",
        agreement_words="No difference",
        affects_management=False,
        signed_at=datetime(2026, 3, 4, 15, 58, tzinfo=UTC),
        expert_name="Dr. Ines Vidal",
        expert_reference="",
        organisation_name="Cedar Readers",
        acquired="2024-05-08T14:02:00-05:00",
        study_instance_uids=("1.2.826.0.1.3680043.8.498.1",),
        service_request=None,
        imaging_study=None,
        encounter=None,
        pdf=b"%PDF-1.7 for a real server",
        text="Second opinion\n\nNew tear. Größe 9 mm.",
    )


def held(chart: FhirChart, facts: OpinionFacts) -> list[dict[str, Any]]:
    """Every report, document and message about that patient."""
    patient = facts.subject.partition("/")[2]
    kinds = ("DiagnosticReport", "DocumentReference", "Communication")
    return [entry for kind in kinds for entry in chart.search(kind, patient=patient).entries]


def test_the_statement_leaves_every_rung(chart: FhirChart) -> None:
    statement = chart.capability()
    assert statement is not None
    assert "transaction" in interactions(statement, "")
    assert all("create" in interactions(statement, kind) for kind in OPEN.rungs)


@pytest.mark.parametrize("rung", OPEN.rungs)
def test_an_opinion_is_filed_once_and_seen_on_each_rung(chart: FhirChart, facts: OpinionFacts, rung: str) -> None:
    profile = replace(OPEN, rungs=(rung,))
    assert look(chart, profile, facts) is None
    filed = file(chart, profile, facts, None)
    assert filed == Filed(f"{rung}/{filed.resource.partition('/')[2]}", rung)
    assert look(chart, profile, facts) == filed
    assert file(chart, profile, facts, None) == filed
    assert len(held(chart, facts)) == 1


@pytest.mark.parametrize("transaction", [True, False])
def test_a_corrected_version_goes_over_the_first_with_its_grade(
    chart: FhirChart, facts: OpinionFacts, transaction: bool
) -> None:
    profile = replace(OPEN, transaction=transaction)
    first = file(chart, profile, facts, None)
    corrected = replace(
        facts,
        version=2,
        status="corrected",
        agreement="4",
        agreement_words="Important difference, detection",
        change_line="Version 2 replaces version 1: the side.",
        replaces=first.resource,
        text="Version 2 replaces version 1: the side.\n\nNew tear.",
        pdf=b"%PDF-1.7 corrected",
    )
    second = file(chart, profile, corrected, None)
    assert second.resource == first.resource
    standing = chart.read(second.resource)
    assert (standing["status"], standing["meta"]["versionId"]) == ("corrected", "2")
    assert len(held(chart, facts)) == 1
    result = standing["result"][0]["reference"]
    grade = chart.read(result) if result.startswith("Observation/") else standing["contained"][0]
    assert {c["code"] for c in grade["valueCodeableConcept"]["coding"] if c["system"] == codes.AGREEMENT} == {"4"}
    with pytest.raises(ChartConflict):
        file(chart, profile, facts, None)


def test_an_opinion_taken_back_is_marked_where_it_stands(chart: FhirChart, facts: OpinionFacts) -> None:
    filed = file(chart, OPEN, facts, None)
    back = file(chart, OPEN, replace(facts, status="entered-in-error"), None)
    assert back.resource == filed.resource
    assert chart.read(filed.resource)["status"] == "entered-in-error"


class LosesOneAnswer(requests.Session):
    """Sends everything; of the first write it never hears the answer."""

    lost = False

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """As a session does, until the answer that breaks off."""
        answer = super().request(method, url, *args, **kwargs)
        if method in ("POST", "PUT") and not self.lost:
            self.lost = True
            answer.close()
            raise requests.ConnectionError("Remote end closed connection without response")
        return answer


def test_a_lost_answer_never_makes_a_second_one(hapi: str, chart: FhirChart, facts: OpinionFacts) -> None:
    with pytest.raises(ChartUnclear):
        file(FhirChart(hapi, LosesOneAnswer(), timeout=60), OPEN, facts, None)
    found = look(chart, OPEN, facts)
    assert found is not None
    assert file(chart, OPEN, facts, None) == found
    assert len(held(chart, facts)) == 1


def test_two_workers_at_once_leave_one(hapi: str, chart: FhirChart, facts: OpinionFacts) -> None:
    """Against every rule of ours two file the same version at once: the chart's own precondition is the second net."""

    def run(_: int) -> str:
        try:
            return file(FhirChart(hapi, requests.Session(), timeout=60), OPEN, facts, None).resource
        except (ChartConflict, ChartUnclear) as lost:
            return type(lost).__name__

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(run, range(4)))
    standing = held(chart, facts)
    assert len(standing) == 1, told
    assert {one for one in told if "/" in one} == {f"DiagnosticReport/{standing[0]['id']}"}


# ---- the check


def test_the_check_proves_the_first_rung_and_leaves_nothing(hapi: str, chart: FhirChart) -> None:
    before = _counts(chart)
    ran = CliRunner().invoke(main, ["check", hapi, "--write", "--json"])
    assert ran.exit_code == 0, ran.stderr
    found = json.loads(ran.stdout)
    said = " ".join(finding["text"] for finding in found["findings"])
    assert (found["chosen"], found["fhir_version"]) == ("DiagnosticReport", "4.0.1")
    assert "Proven: DiagnosticReport/" in said
    assert "Removed again" in said
    assert _counts(chart) == before


def _counts(chart: FhirChart) -> list[int]:
    kinds = ("Patient", "DiagnosticReport", "Observation", "DocumentReference", "Communication")
    where = {"_summary": "count", "_lastUpdated": "gt2000-01-01"}
    answers = (requests.get(f"{chart.base}/{kind}", params=where, timeout=60) for kind in kinds)
    return [answer.json()["total"] for answer in answers]
