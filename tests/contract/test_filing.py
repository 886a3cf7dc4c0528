"""Filing over HTTP into each kind of practice chart, and the one break that matters: written, and the answer lost."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from fhir.chart import Chart
from fhir.errors import ChartUnclear
from fhir.filing import PROFILES, Filed, choose_encounter, confirm, file, look, note_is_signed
from fhir.report import OpinionFacts
from smart_app.sandbox import Practice
from tests.contract.practice_charts import Bench


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = tmp_path_factory.mktemp("practice")
    with Practice(folder, app_base="http://localhost:9", port=0, patient_port=0) as running:
        yield running


@pytest.fixture(params=["epic", "oracle", "open"])
def bench(request: pytest.FixtureRequest, practice: Practice) -> Bench:
    return Bench(request.param, practice.houses[request.param].records, practice)


def opinion(bench: Bench, slug: str) -> OpinionFacts:
    return OpinionFacts(
        referral_id=str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{bench.ehr}.{slug}")),
        version=1,
        status="final",
        subject=bench.patient(slug),
        subject_display="",
        answer="Yes.",
        findings="Tear of 9 mm.",
        impression="New tear.",
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
        pdf=b"%PDF-1.7 over http",
        text="Second opinion\n\nNew tear. Größe 9 mm.",
    )


def filed(chart: Chart, bench: Bench, facts: OpinionFacts) -> Filed:
    return file(chart, PROFILES[bench.ehr], facts, choose_encounter(chart, facts.subject, None))


def held(bench: Bench, facts: OpinionFacts) -> int:
    """How many reports or documents of ours the chart really holds, whatever it lets us search."""
    records = bench.records
    kind = PROFILES[bench.ehr].resource
    found = records.search(kind, patient=facts.subject.rpartition("/")[2]).entries
    return sum(1 for e in found if str(e.get("date") or e.get("issued") or "") >= "2026")


def test_an_opinion_is_filed_and_seen_over_http(bench: Bench) -> None:
    chart = bench.chart()
    facts = opinion(bench, "holloway")
    found = filed(chart, bench, facts)
    assert confirm(chart, PROFILES[bench.ehr], facts, found.resource) == found
    assert note_is_signed(chart, found.resource) is not found.unsigned or bench.ehr == "open"


def test_an_answer_lost_on_the_wire_never_makes_a_second_document(bench: Bench) -> None:
    """Where one can look, the next attempt finds it; where not, nothing is guessed."""
    chart = bench.chart()
    facts = opinion(bench, "perrault")
    encounter = choose_encounter(chart, facts.subject, None)
    before = held(bench, facts)
    bench.records.scenarios.set(facts.subject.rpartition("/")[2], "answer-lost")
    with pytest.raises(ChartUnclear):
        file(chart, PROFILES[bench.ehr], facts, encounter)
    assert held(bench, facts) == before + 1
    if PROFILES[bench.ehr].can_look:
        found = look(chart, PROFILES[bench.ehr], facts)
        assert found is not None
        assert file(chart, PROFILES[bench.ehr], facts, encounter) == found
        assert held(bench, facts) == before + 1
