"""The contract of `Chart`, kept by a real HAPI: the same tests as the practice's open server, on the same people.

So the practice's open hospital is proven to answer as a real open server does.
"""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from fhir.chart import Chart, FhirChart
from fhir.errors import ChartConflict, ChartRefused, ChartUnclear, NotInChart
from fhir.wire import Wire
from smart_app.sandbox import people
from smart_app.sandbox.access import EVERYTHING, Access
from smart_app.sandbox.personality import OPEN
from smart_app.sandbox.records import Records
from tests.contract.practice_charts import Bench
from tests.contract.test_chart import (  # noqa: F401  the contract, run here on another server
    test_a_conditional_create_answers_with_what_stands_there,
    test_a_long_list_comes_whole_and_each_entry_once,
    test_a_patient_is_read_and_found,
    test_a_repeated_transaction_finds_what_it_made,
    test_a_transaction_that_fails_leaves_nothing,
    test_an_attachment_outside_the_chart_is_never_fetched,
    test_an_open_server_lets_a_client_choose_the_id,
    test_an_open_server_minds_the_version,
    test_an_open_server_names_the_place_of_the_pictures,
    test_an_open_server_refuses_a_reference_to_nothing,
    test_an_open_server_takes_a_report_and_its_observation_together,
    test_an_open_server_takes_what_the_others_refuse,
    test_an_unknown_id_is_not_in_the_chart,
    test_pictures_are_listed_except_where_the_resource_does_not_exist,
    test_the_capability_statement_is_readable,
    test_the_first_reading_is_there_with_its_words,
)

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

OPENED = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@dataclass
class HapiBench(Bench):
    """The practice's people in a real HAPI."""

    hapi: str = ""

    def chart(self, access: Access = EVERYTHING) -> Chart:
        """HAPI as it comes asks nobody for a token."""
        return FhirChart(self.hapi, requests.Session(), timeout=60)


@pytest.fixture(scope="module")
def bench(hapi: str) -> HapiBench:
    """Everything the practice's open hospital starts with, put there under its own ids."""
    entries = [
        {"resource": resource, "request": {"method": "PUT", "url": f"{resource['resourceType']}/{resource['id']}"}}
        for resource in people.chart(OPEN, OPENED, hapi)
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    Wire(hapi, requests.Session(), 120).write("POST", "", bundle)
    return HapiBench("open", Records(OPEN), hapi=hapi)


@pytest.fixture
def any_chart(bench: HapiBench) -> Bench:
    return bench


@pytest.fixture
def open_chart(bench: HapiBench) -> Bench:
    return bench


# ---- what only a real server shows


def order(bench: Bench, **changed: Any) -> dict[str, Any]:
    """An order that carries a key of its own."""
    key = {"system": "https://second-opinion.example/fhir/referral-id", "value": str(uuid.uuid4())}
    subject = {"reference": bench.patient("pemberton")}
    plain = {"resourceType": "ServiceRequest", "identifier": [key], "status": "active", "intent": "order"}
    return {**plain, "subject": subject, **changed}


def query(resource: dict[str, Any]) -> str:
    """The search that finds it by its key."""
    key = resource["identifier"][0]
    return f"identifier={key['system']}|{key['value']}"


def test_many_writers_of_the_same_thing_make_one(bench: HapiBench) -> None:
    """Conditional create when eight come at once: one stands there, and nobody is told of a second one."""
    for _ in range(3):
        wanted = order(bench)
        token = query(wanted).partition("=")[2]

        def write(_: int, resource: dict[str, Any] = wanted) -> str:
            try:
                return bench.chart().create(resource, if_none_exist=query(resource)).reference
            except (ChartConflict, ChartUnclear) as lost:
                return type(lost).__name__

        with ThreadPoolExecutor(8) as pool:
            told = list(pool.map(write, range(8)))
        standing = bench.chart().search("ServiceRequest", identifier=token).entries
        assert len(standing) == 1, told
        assert {one for one in told if "/" in one} == {f"ServiceRequest/{standing[0]['id']}"}


def test_its_own_next_links_bring_every_match_once(bench: HapiBench) -> None:
    """HAPI pages by `?_getpages=…` on its base, an address that no client could guess."""
    code = str(uuid.uuid4())
    chart = bench.chart()
    for number in range(45):
        chart.create(order(bench, note=[{"text": str(number)}], code={"coding": [{"system": "urn:t", "code": code}]}))
    followed: list[str] = []
    watched = requests.Session()
    watched.hooks["response"].append(lambda answer, **_: followed.append(answer.url))
    page = FhirChart(bench.hapi, watched, timeout=60).search("ServiceRequest", {"_count": "10"}, code=f"urn:t|{code}")
    assert page.complete
    assert sorted(int(entry["note"][0]["text"]) for entry in page.entries) == list(range(45))
    assert len(followed) == 5
    assert all("_getpages=" in address for address in followed[1:])


def test_a_search_by_what_the_server_does_not_know_is_refused_and_never_answers_with_everybody(
    bench: HapiBench,
) -> None:
    with pytest.raises(ChartRefused):
        bench.chart().search("Patient", nonsense="x")


def test_what_was_taken_out_is_no_longer_in_the_chart(bench: HapiBench) -> None:
    chart = FhirChart(bench.hapi, requests.Session(), timeout=60)
    made = chart.create(order(bench))
    chart.remove(made.reference)
    with pytest.raises(NotInChart) as gone:
        chart.read(made.reference)
    assert gone.value.status == 410


def test_what_is_not_r4_is_refused_in_words(bench: HapiBench) -> None:
    """Sent past our own gate."""
    with pytest.raises(ChartRefused) as refused:
        Wire(bench.hapi, requests.Session(), 60).write(
            "POST", "Task", {"resourceType": "Task", "status": "waiting", "intent": "order"}
        )
    assert refused.value.status in (400, 422)
    assert "waiting" in str(refused.value)


def test_a_document_kept_apart_is_read_as_it_was_written(bench: HapiBench) -> None:
    chart = bench.chart()
    made = chart.create({"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERi0xLjcK"})
    assert chart.read_binary(made.reference) == (b"%PDF-1.7\n", "application/pdf")
