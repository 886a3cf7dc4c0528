"""`second-opinion check` at the practice hospitals, over HTTP: each is known by its manner, and its rung is proven."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from smart_app.checking import Report, check_server, prove
from smart_app.sandbox import Practice
from smart_app.sandbox.access import EVERYTHING, Access
from smart_app.sandbox.control import written
from tests.contract.practice_charts import Bench


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = tmp_path_factory.mktemp("practice")
    with Practice(folder, app_base="http://localhost:9", port=0, patient_port=0) as running:
        yield running


def checked(practice: Practice, ehr: str, access: Access = EVERYTHING, **more: str) -> tuple[Report, str]:
    """The report, and the token it was made with."""
    house = practice.houses[ehr]
    face = house.face("clinician")
    token = house.grants.give_token(face.key, access, 300).value
    return check_server(face.fhir_base, token=token, **more), token


def said(report: Report) -> str:
    return " ".join(text for _, text in report.findings)


@pytest.mark.parametrize(
    ("ehr", "chosen"), [("epic", "DocumentReference"), ("oracle", "DocumentReference"), ("open", "DiagnosticReport")]
)
def test_each_manner_is_recognised(practice: Practice, ehr: str, chosen: str) -> None:
    report, _ = checked(practice, ehr)
    assert report.profile is not None
    assert (report.profile.name, report.chosen, report.failed) == (ehr, chosen, False)
    assert report.smart["launch_ehr"] is True
    assert report.smart["backend_services"] is True


@pytest.mark.parametrize("ehr", ["epic", "oracle"])
def test_the_way_back_is_proven_with_a_test_patient_of_theirs(practice: Practice, ehr: str) -> None:
    """One document, compared; and where nothing can be deleted, what stays is named."""
    bench = Bench(ehr, practice.houses[ehr].records, practice)
    before = len(written(practice.houses[ehr], bench.patient()))
    report, token = checked(practice, ehr)
    prove(report, token=token, patient=bench.patient())
    assert not report.failed, said(report)
    assert "Proven: DocumentReference/" in said(report)
    assert "This stays on the server" in said(report)
    assert len(written(practice.houses[ehr], bench.patient())) == before + 1


def test_where_no_patient_can_be_made_one_is_asked_for_and_nothing_is_written(practice: Practice) -> None:
    report, token = checked(practice, "epic")
    prove(report, token=token)
    assert report.failed
    assert "--patient" in said(report)


def test_an_open_server_is_left_as_it_was(practice: Practice) -> None:
    house = practice.houses["open"]
    before = len(house.records.shelf.present("Patient"))
    report, token = checked(practice, "open")
    prove(report, token=token)
    assert "Proven: DiagnosticReport/" in said(report)
    assert "Removed again" in said(report)
    assert len(house.records.shelf.present("Patient")) == before
    assert not [row for row in written(house, "") if row["by"] == "practice"]


def test_what_is_declared_and_refused_is_taken_off_the_ladder(practice: Practice) -> None:
    """Oracle's manner taken for an open server: it declares the report, and its rules refuse a radiology one."""
    bench = Bench("oracle", practice.houses["oracle"].records, practice)
    report, token = checked(practice, "oracle", profile="open")
    assert report.chosen == "DiagnosticReport"
    prove(report, token=token, patient=bench.patient())
    assert not report.rungs[0].possible
    assert report.chosen != "DiagnosticReport"
    assert "declared and was refused when tried" in said(report)


def test_without_the_right_to_write_the_proof_says_so(practice: Practice) -> None:
    bench = Bench("epic", practice.houses["epic"].records, practice)
    reading = Access("system", ("system/*.rs",), client_id="reader")
    report, token = checked(practice, "epic", reading)
    prove(report, token=token, patient=bench.patient())
    assert report.chosen == "held"
    assert "refused when tried" in said(report)
