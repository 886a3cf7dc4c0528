"""`second-opinion play --base`: a referral all the way round in the chart of a real HAPI, our sign-in in front of it.

And that sign-in itself: what a token opens of somebody else's server, and what it does not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from fhir.chart import FhirChart
from fhir.errors import ChartRefused, ChartUnavailable, ChartUnclear, NotInChart
from imaging.phantom import ct_study
from imaging.study import Person
from smart_app.checking import check_server
from smart_app.sandbox import Elsewhere, Practice
from smart_app.sandbox.access import Access
from smart_app.sandbox.control import make_launch, make_patient, written

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

PERSON = Person("Okonkwo-Lind^Ada", "1957-08-30", "F", "H-77")
STUDY: dict[str, Any] = {"study_date": "2026-11-03", "description": "Head CT", "series": 1, "slices": 3, "size": 32}


def played(base: str, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Play it as an integrator does: exit status and the object on standard output."""
    images = folder / "disc"
    images.mkdir()
    for number, content in enumerate(ct_study(PERSON, **STUDY)):
        (images / f"IM{number}").write_bytes(content)
    command = [sys.executable, "-m", "smart_app.cli", "play", "--base", base, "--dicom", str(images), "--json", *more]
    run = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert run.stdout, run.stderr
    return run.returncode, json.loads(run.stdout)


@pytest.mark.parametrize("scenario", [None, "answer-lost", "ehr-down"])
def test_the_opinion_is_in_the_servers_chart_once_and_read(hapi: str, tmp_path: Path, scenario: str | None) -> None:
    status, told = played(hapi, tmp_path, *(("--scenario", scenario) if scenario else ()))
    assert status == 0, told.get("stopped")
    assert (told["ehr"], told["status"]) == ("open", "seen")
    chart = FhirChart(hapi, requests.Session(), timeout=60)
    report = chart.read(told["chart_resource"])
    patient = report["subject"]["reference"].rpartition("/")[2]
    assert chart.read(f"Patient/{patient}")["name"][0]["family"] == "Okonkwo-Lind"
    assert len(chart.search("DiagnosticReport", patient=patient).entries) == 1
    for kind in () if scenario == "ehr-down" else ("ServiceRequest", "Task", "ImagingStudy"):  # copies may wait longer
        assert len(chart.search(kind, patient=patient).entries) == 1, kind
    assert {"service_request", "imaging_study", "task", "diagnostic_report", "steps"} <= set(told)


def test_somebody_elses_images_stop_there_too(hapi: str, tmp_path: Path) -> None:
    status, told = played(hapi, tmp_path, "--scenario", "wrong-patient")
    assert status == 3
    assert told["stopped"]["step"] == "check and send"


def test_a_server_that_is_none_is_told_before_anything_starts(tmp_path: Path) -> None:
    status, told = played("http://127.0.0.1:9/fhir", tmp_path)
    assert status == 1
    assert told["stopped"]["step"] == "ask the server"
    assert "cannot be reached" in told["stopped"]["text"]


# ---- the sign-in in front


@pytest.fixture(scope="module")
def practice(hapi: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = tmp_path_factory.mktemp("elsewhere")
    with Practice(folder, app_base="http://localhost:9", elsewhere=Elsewhere(hapi)) as running:
        yield running


def seen(practice: Practice, access: Access) -> FhirChart:
    """That server through the practice, with a token of those rights."""
    house = practice.houses["open"]
    session = requests.Session()
    face = house.faces[0]
    session.headers["Authorization"] = f"Bearer {house.grants.give_token(face.key, access, 300).value}"
    return FhirChart(face.fhir_base, session, timeout=30)


ALL = Access("system", ("system/*.cruds",), client_id="trial")


@pytest.fixture
def patient(practice: Practice) -> str:
    """The id of somebody new there, made on the practice's own page."""
    made = make_patient(practice.houses["open"], {"family": "Behind", "given": "Bea", "birth_date": "1960-01-01"})
    assert made["encounter"]
    return made["id"]


def test_the_statement_is_theirs_with_our_way_in(practice: Practice, hapi: str) -> None:
    report = check_server(practice.houses["open"].faces[0].fhir_base)
    assert report.smart["launch_ehr"] is True
    assert report.smart["backend_services"] is True
    assert report.chosen == "DiagnosticReport"
    assert hapi not in json.dumps(report.as_json())


def test_without_a_token_nothing_passes(practice: Practice, hapi: str, patient: str) -> None:
    base = practice.houses["open"].faces[0].fhir_base
    assert requests.get(f"{base}/Patient/{patient}", timeout=30).status_code == 401
    assert requests.get(f"{hapi}/Patient/{patient}", timeout=30).status_code == 200


def test_what_is_written_through_it_stands_there_and_its_addresses_are_ours(
    practice: Practice, hapi: str, patient: str
) -> None:
    chart = seen(practice, ALL)
    subject = {"reference": f"{chart.base}/Patient/{patient}"}
    made = chart.create({"resourceType": "Task", "status": "draft", "intent": "order", "for": subject})
    assert made.etag == 'W/"1"'
    assert FhirChart(hapi, requests.Session()).read(made.reference)["for"]["reference"] == f"Patient/{patient}"
    changed = {**chart.read(made.reference), "status": "requested"}
    assert chart.update(changed, if_match=made.etag).etag == 'W/"2"'
    assert [row["by"] for row in written(practice.houses["open"], patient, every=True)] == ["trial"]


def test_its_pages_are_followed_through_us(practice: Practice, patient: str) -> None:
    chart = seen(practice, ALL)
    subject = {"reference": f"Patient/{patient}"}
    for _ in range(7):
        chart.create({"resourceType": "Task", "status": "draft", "intent": "order", "for": subject})
    page = chart.search("Task", {"_count": "2"}, patient=patient)
    assert page.complete
    assert len(page.entries) == 7


def test_a_patients_token_sees_that_patient_only(practice: Practice, patient: str) -> None:
    house = practice.houses["open"]
    other = make_patient(house, {"family": "Other"})["id"]
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}}
    everybody = seen(practice, ALL)
    theirs = everybody.create({**report, "subject": {"reference": f"Patient/{other}"}}).reference
    mine = everybody.create({**report, "subject": {"reference": f"Patient/{patient}"}}).reference
    chart = seen(practice, Access("patient", ("patient/*.rs",), patient, f"Patient/{patient}", "portal"))
    assert chart.read(f"Patient/{patient}")["id"] == patient
    assert [e["id"] for e in chart.search("DiagnosticReport").entries] == [mine.rpartition("/")[2]]
    assert [e["id"] for e in chart.search("Patient").entries] == [patient]
    for forbidden in (
        lambda: chart.read(f"Patient/{other}"),
        lambda: chart.read(theirs),
        lambda: chart.search("DiagnosticReport", patient=other),
        lambda: chart.create({**report, "subject": {"reference": f"Patient/{patient}"}}),
        lambda: chart.read("Patient/../Patient/" + other),
    ):
        with pytest.raises((ChartRefused, NotInChart)):
            forbidden()


def test_a_patient_who_may_write_writes_over_nobody_elses_record(practice: Practice, patient: str) -> None:
    house = practice.houses["open"]
    other = make_patient(house, {"family": "Other"})["id"]
    plain = {"resourceType": "Task", "status": "draft", "intent": "order"}
    theirs = seen(practice, ALL).create({**plain, "for": {"reference": f"Patient/{other}"}}).reference
    chart = seen(practice, Access("patient", ("patient/*.cruds",), patient, f"Patient/{patient}", "portal"))
    taken = {**plain, "for": {"reference": f"Patient/{patient}"}, "id": theirs.rpartition("/")[2]}
    with pytest.raises(ChartRefused):
        chart.update(taken)
    assert chart.create({**plain, "for": {"reference": f"Patient/{patient}"}}).status == 201


def test_scopes_hold_there_too(practice: Practice, patient: str) -> None:
    chart = seen(practice, Access("system", ("system/Patient.rs",), client_id="narrow"))
    assert chart.read(f"Patient/{patient}")
    with pytest.raises(ChartRefused):
        chart.search("DiagnosticReport", patient=patient)
    with pytest.raises(ChartRefused):
        chart.transaction(
            {
                "resourceType": "Bundle",
                "type": "transaction",
                "entry": [
                    {
                        "resource": {"resourceType": "Task", "status": "draft", "intent": "order"},
                        "request": {"method": "POST", "url": "Task"},
                    }
                ],
            }
        )


def test_trouble_is_to_be_had_in_front_of_any_server(practice: Practice, patient: str) -> None:
    house = practice.houses["open"]
    chart = seen(practice, ALL)
    house.records.scenarios.set(patient, "ehr-down")
    with pytest.raises(ChartUnavailable):
        chart.read(f"Patient/{patient}")
    house.records.scenarios.set(patient, "answer-lost")
    report = {"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}}
    with pytest.raises(ChartUnclear):
        chart.create({**report, "subject": {"reference": f"Patient/{patient}"}})
    assert len(chart.search("DiagnosticReport", patient=patient).entries) == 1


def test_somebody_can_sign_in_and_launch(practice: Practice, patient: str) -> None:
    house = practice.houses["open"]
    made = make_launch(practice, house, {"patient": patient, "audience": "clinician"})
    assert made["iss"] == house.faces[0].fhir_base
    page = requests.get(f"{practice.origin}/open/patients/{patient}/", timeout=30)
    assert page.status_code == 200
    assert "Bea Behind" in page.text
