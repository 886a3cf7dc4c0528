"""What real charts publish and answer, replayed: their statements, their refusals, their search results."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from requests.structures import CaseInsensitiveDict

from fhir.answers import refusal
from fhir.chart import is_clean
from fhir.errors import ChartRefused, ChartUnavailable, ChartUnclear
from fhir.filing import EPIC, OPEN, ORACLE, Profile, rungs
from fhir.order import read_service_request
from fhir.pages import Gathered
from fhir.standing import attachments, same_patient
from fhir.statement import interactions

VENDORS = Path(__file__).parents[2].parent / "shared/data/ehr"

pytestmark = pytest.mark.skipif(not VENDORS.is_dir(), reason="the vendors' published documents are not on this machine")


def published(name: str) -> Any:
    return json.loads((VENDORS / name).read_text("utf-8"))


@pytest.mark.parametrize(
    ("statement", "profile", "possible"),
    [
        ("epic/capabilitystatement-r4.json", EPIC, ["DocumentReference", "by-hand"]),
        ("epic/capabilitystatement-r4.json", OPEN, ["DocumentReference", "Communication", "by-hand"]),
        ("oracle/capabilitystatement-r4-secure.json", ORACLE, ["DocumentReference", "by-hand"]),
        ("oracle/capabilitystatement-r4-open.json", ORACLE, ["by-hand"]),
        (
            "smart-launcher/capabilitystatement-r4-smilecdr-2019.json",
            OPEN,
            ["DiagnosticReport", "DocumentReference", "Communication", "by-hand"],
        ),
    ],
)
def test_the_ladder_of_real_statements(statement: str, profile: Profile, possible: list[str]) -> None:
    """Oracle's statement says that it takes a DiagnosticReport; its profile knows that radiology is refused."""
    assert [rung.name for rung in rungs(profile, published(statement), None) if rung.possible] == possible


def test_only_the_open_family_has_transactions() -> None:
    system = {
        name: interactions(published(name), "")
        for name in (
            "epic/capabilitystatement-r4.json",
            "oracle/capabilitystatement-r4-secure.json",
            "smart-launcher/capabilitystatement-r4-smilecdr-2019.json",
        )
    }
    assert [("transaction" in found) for found in system.values()] == [False, False, True]


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (400, "operationoutcome-400-invalid-request.json", ChartRefused, "Invalid request"),
        (422, "operationoutcome-422-unprocessable.json", ChartRefused, "Unprocessable entity"),
        (429, "operationoutcome-429-throttled.json", ChartUnavailable, "Too Many Requests"),
        (500, "operationoutcome-500-required.json", ChartUnclear, "may or may not"),
        (403, "resource-error-insufficient-scope-403.json", ChartRefused, "not granted the permission"),
    ],
)
def test_oracles_refusals_of_a_write_are_told_apart(status: int, body: str, error: type[Exception], words: str) -> None:
    """The last one is not FHIR at all."""
    content = (VENDORS / "oracle" / body).read_bytes()
    found = refusal(status, CaseInsensitiveDict(), content, writing=True)
    assert type(found) is error
    assert words in str(found)


@pytest.mark.parametrize(
    "name", ["example-documentreference-search-bundle.json", "example-servicerequest-search-bundle.json"]
)
def test_nothing_of_a_real_search_result_is_lost(name: str) -> None:
    bundle = published(f"oracle/{name}")
    gathered = Gathered(is_clean)
    gathered.take(bundle)
    page = gathered.page()
    assert page.entries
    shown = [e["resource"]["id"] for e in bundle["entry"] if "resource" in e]
    assert [e["id"] for e in page.entries] == list(dict.fromkeys(shown))
    assert bool(page.notes) == (len(shown) < len(bundle["entry"]))


def test_a_real_document_shows_its_patient_and_attachment() -> None:
    document = published("oracle/example-documentreference-read.json")
    assert same_patient(document, document["subject"]["reference"])
    assert not same_patient(document, "Patient/1")
    assert attachments(document)[0]["url"].startswith("https://")


def test_a_real_order_is_readable() -> None:
    order = read_service_request(published("oracle/example-servicerequest-read.json"))
    assert order.text
    assert order.status
    assert not order.partly_readable
