"""ServiceRequest and Task of one referral."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir import codes
from fhir.chart import is_clean
from fhir.check import check
from fhir.errors import InvalidResource
from fhir.order import OrderFacts, read_service_request, service_request, task

ASKED = datetime(2026, 3, 1, 9, 5, tzinfo=UTC)
UID = "1.2.826.0.1.3680043.8.498.1"
FACTS = OrderFacts(
    referral_id="3f1c1d0e-6a3b-4c55-9f0a-0d6f1c2b7a11",
    subject="Patient/p",
    subject_display="RUIZ, María",
    status="active",
    task_status="requested",
    business_status="received",
    authored_on=ASKED,
    requester_reference="Practitioner/r",
    requester_display="Dr. Ada Okafor",
    organisation_display="Cedar Readers",
    priority="urgent",
    question="Is the tear new?",
    subspecialty="msk",
    side="left",
    body_part="knee",
    decision="surgery on Friday",
    encounter="Encounter/e",
    chart_order="ServiceRequest/own",
    study_references=(f"urn:dicom:uid|urn:oid:{UID}",),
    comparison_references=("ImagingStudy/cmp",),
    report_references=("DocumentReference/prior",),
    last_modified=ASKED + timedelta(hours=1),
    output_references=("DiagnosticReport/d", "DocumentReference/n"),
)


def asked(**changes: Any) -> dict[str, Any]:
    resource = service_request(replace(FACTS, **changes))
    check(resource)
    assert is_clean(resource)  # fhirclient reads it strictly: a second opinion on our shape
    return resource


def tracked(**changes: Any) -> dict[str, Any]:
    resource = task(replace(FACTS, **changes))
    check(resource)
    assert is_clean(resource)  # fhirclient reads it strictly: a second opinion on our shape
    return resource


def test_request_and_task_carry_the_loop_key() -> None:
    """One UUID per referral, by which a reader's answer finds its way back."""
    for resource in (asked(), tracked()):
        key = resource["identifier"][0]
        assert (key["system"], key["value"]) == (codes.REFERRAL_ID, FACTS.referral_id)
        assert key["type"]["coding"][0]["code"] == "PLAC"
    assert asked()["requisition"]["value"] == tracked()["groupIdentifier"]["value"] == FACTS.referral_id


def test_the_request_is_a_us_core_imaging_order_with_the_question_as_its_reason() -> None:
    resource = asked()
    assert resource["meta"]["profile"] == [codes.US_CORE_SERVICE_REQUEST]
    assert resource["category"][0]["coding"][0]["code"] == "363679005"
    assert resource["reasonCode"][0]["text"] == "Is the tear new?"
    assert resource["reasonCode"][0]["coding"][0]["code"] == "111418"
    assert resource["basedOn"] == [{"reference": "ServiceRequest/own"}]
    assert resource["note"][0]["text"].endswith("surgery on Friday")
    assert resource["authoredOn"] == "2026-03-01T09:05:00+00:00"


@pytest.mark.parametrize(
    ("side", "part", "text", "code"),
    [
        ("left", "knee", "Left knee", "72696002"),
        ("bilateral", "BREAST", "Bilateral breast", "76752008"),
        ("", "Chest", "Chest", "816094009"),
        ("right", "", "Right", None),
        ("right", "big toe nail", "Right big toe nail", None),
    ],
)
def test_the_side_stands_in_words_written_in_full(side: str, part: str, text: str, code: str | None) -> None:
    """A side is never dropped and never a letter."""
    site = asked(side=side, body_part=part)["bodySite"][0]
    assert site["text"] == text
    assert [c["code"] for c in site.get("coding", [])] == ([code] if code else [])


def test_without_side_and_part_there_is_no_body_site() -> None:
    assert "bodySite" not in asked(side="", body_part="")


def test_studies_outside_this_chart_are_named_by_their_uid() -> None:
    """A logical reference resolves nowhere and is still exact."""
    first, second, third = asked()["supportingInfo"]
    assert first == {
        "type": "ImagingStudy",
        "identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{UID}"},
    }
    assert (second["reference"], third["reference"]) == ("ImagingStudy/cmp", "DocumentReference/prior")


@pytest.mark.parametrize("reference", ["", "Person/1", "odd"])
def test_an_asker_without_a_place_in_the_chart_is_named_and_not_invented(reference: str) -> None:
    assert asked(requester_reference=reference)["requester"] == {"display": "Dr. Ada Okafor"}


def test_a_patient_may_be_the_asker() -> None:
    assert asked(requester_reference="Patient/p")["requester"]["reference"] == "Patient/p"


def test_the_task_coordinates_the_request() -> None:
    """HL7 Clinical Order Workflows: code fulfill, intent order, focus a request, owner the fulfiller."""
    resource = tracked()
    assert resource["code"]["coding"][0]["code"] == "fulfill"
    assert resource["intent"] == "order"
    assert resource["focus"]["identifier"]["value"] == FACTS.referral_id
    assert resource["for"]["reference"] == "Patient/p"
    assert resource["owner"]["display"] == "Cedar Readers"
    assert tracked(service_request="ServiceRequest/9")["focus"] == {"reference": "ServiceRequest/9"}


def test_the_task_lists_what_goes_in_and_what_came_out() -> None:
    resource = tracked()
    given = [i["type"]["coding"][0]["code"] for i in resource["input"]]
    assert given == ["index-study", "comparison-study", "prior-report", "clinical-question", "purpose-of-use"]
    came = [(o["type"]["coding"][0]["code"], o["valueReference"]["reference"]) for o in resource["output"]]
    assert came == [("final-report", "DiagnosticReport/d"), ("report-document", "DocumentReference/n")]


@pytest.mark.parametrize("code", sorted(codes.BUSINESS_STATUSES))
def test_every_business_status_of_ours_has_words(code: str) -> None:
    status = tracked(business_status=code)["businessStatus"]
    assert status["coding"][0]["code"] == code
    assert status["text"]


def test_a_business_status_that_nobody_agreed_on_is_an_error() -> None:
    with pytest.raises(KeyError):
        task(replace(FACTS, business_status="sent-off"))


@pytest.mark.parametrize("status", ["rejected", "cancelled", "on-hold"])
def test_a_stopped_task_says_why(status: str) -> None:
    assert tracked(task_status=status, reason="Wrong side")["statusReason"] == {"text": "Wrong side"}


def test_a_running_task_carries_no_old_reason() -> None:
    assert "statusReason" not in tracked(task_status="accepted", reason="Wrong side")


def test_the_task_is_never_modified_before_it_was_authored() -> None:
    """inv-1."""
    resource = tracked(last_modified=ASKED - timedelta(days=1))
    assert resource["lastModified"] == resource["authoredOn"]


def test_the_next_reader_gets_a_task_of_its_own_on_the_same_request() -> None:
    """A task that was given back stays closed."""
    second = tracked(attempt=2)
    assert second["identifier"][0]["value"] == f"{FACTS.referral_id}/2"
    assert second["groupIdentifier"]["value"] == FACTS.referral_id


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(InvalidResource):
        service_request(replace(FACTS, authored_on=datetime(2026, 3, 1)))  # noqa: DTZ001


def test_the_same_facts_make_the_same_resources() -> None:
    assert json.dumps([asked(), tracked()]) == json.dumps([asked(), tracked()])


def test_a_clinicians_own_order_is_read() -> None:
    order = read_service_request(
        {
            "resourceType": "ServiceRequest",
            "id": "o",
            "status": "active",
            "priority": "routine",
            "authoredOn": "2026-02-27T10:00:00Z",
            "code": {"coding": [{"display": "Referral to radiology"}]},
            "requester": {"display": "Dr. Ada Okafor"},
            "reasonCode": [{"coding": [{}]}, {"text": "Knee pain"}],
        }
    )
    assert (order.reference, order.text, order.status) == ("ServiceRequest/o", "Referral to radiology", "active")
    assert (order.requester, order.reason, order.authored_on) == ("Dr. Ada Okafor", "Knee pain", "2026-02-27T10:00:00Z")
    assert not order.partly_readable


@pytest.mark.parametrize("odd", [{}, {"code": 3, "requester": [], "reasonCode": {"text": "x"}, "status": None}])
def test_nothing_a_chart_sends_makes_reading_an_order_fail(odd: dict[str, Any]) -> None:
    assert read_service_request(odd).partly_readable
