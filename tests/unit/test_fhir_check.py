"""The gate before sending: right examples pass, and every single defect is refused with its path."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fhir.check import check, faults
from fhir.errors import InvalidResource

EXAMPLES = Path(__file__).parents[2].parent / "shared/data/fhir-examples"
WRONG_AS_PUBLISHED = {
    "DiagnosticReport-example-pgx.json",  # hash is not that of the data
    "Observation-clinical-gender.json",  # performer is an Encounter
    "Bundle-ex-StoreMultimediaReportBundle.json",  # hash
    "Bundle-ex-findMultimediaReportResponse.json",  # hash
    "DiagnosticReport-ex-DiagnosticReport-Using-Observation.json",  # hash
    "DiagnosticReport-ex-DiagnosticReport.json",  # hash
}

Resource = dict[str, Any]
Change = Callable[[Resource], object]


def examples(*folders: str) -> list[Path]:
    return [path for folder in folders for path in sorted((EXAMPLES / folder).glob("*.json"))]


def test_every_correct_published_example_passes() -> None:
    """R4, US Core, BALP, IMR, MADO and CDex examples: a false alarm would park an opinion."""
    if not EXAMPLES.is_dir():
        pytest.skip("the published examples are not on this machine")
    folders = ("hl7-r4-examples", "us-core-6.1.0", "us-core-8.0.0", "ihe-balp", "ihe-imr", "ihe-mado", "cdex")
    wrong = {path.name: found for path in examples(*folders) if (found := faults(json.loads(path.read_text("utf-8"))))}
    assert set(wrong) == WRONG_AS_PUBLISHED, wrong


def test_the_whole_proposed_model_passes() -> None:
    """Twenty resources and their bundle: the shape this project emits."""
    if not EXAMPLES.is_dir():
        pytest.skip("the proposed model is not on this machine")
    found = examples("proposed-model")
    assert len(found) == 21
    assert {path.name: faults(json.loads(path.read_text("utf-8"))) for path in found} == {p.name: [] for p in found}


UID = "1.2.826.0.1.3680043.8.498.1"
CONCEPT = {"coding": [{"system": "http://loinc.org", "code": "18748-4"}]}

STUDY: Resource = {
    "resourceType": "ImagingStudy",
    "status": "available",
    "subject": {"reference": "Patient/p"},
    "started": "2024-05-08T14:02:00-05:00",
    "endpoint": [{"reference": "#wado"}],
    "contained": [
        {
            "resourceType": "Endpoint",
            "id": "wado",
            "status": "active",
            "connectionType": {"code": "dicom-wado-rs"},
            "payloadType": [{"text": "DICOM WADO-RS"}],
            "address": "https://imaging.example.org/dicom-web",
        }
    ],
    "series": [{"uid": UID, "modality": {"code": "CT"}, "instance": [{"uid": f"{UID}.1", "sopClass": {"code": "x"}}]}],
}
REQUEST: Resource = {
    "resourceType": "ServiceRequest",
    "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-servicerequest"]},
    "status": "active",
    "intent": "order",
    "priority": "routine",
    "code": CONCEPT,
    "orderDetail": [{"text": "CT chest"}],
    "subject": {"reference": "Patient/p"},
    "authoredOn": "2024-05-10T09:05:00-05:00",
    "requester": {"reference": "Practitioner/r"},
    "identifier": [{"use": "official", "system": "urn:x", "value": "1"}],
}
REPORT: Resource = {
    "resourceType": "DiagnosticReport",
    "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-diagnosticreport-note"]},
    "status": "final",
    "category": [CONCEPT],
    "code": CONCEPT,
    "subject": {"reference": "Patient/p"},
    "effectiveDateTime": "2024-05-08",
    "issued": "2024-05-12T15:58:00-05:00",
    "result": [{"reference": "Observation/o"}],
    "imagingStudy": [{"reference": "https://chart.example.org/r4/ImagingStudy/i"}],
    "presentedForm": [
        {"contentType": "text/plain", "data": "aGVsbG8=", "size": 5, "hash": "qvTGHdzF6KLavt4PO0gs2a6pQ00="}
    ],
}
TASK: Resource = {
    "resourceType": "Task",
    "status": "requested",
    "intent": "order",
    "focus": {"reference": "ServiceRequest/s"},
    "authoredOn": "2024-05-10T09:06:00-05:00",
    "lastModified": "2024-05-10T09:06:00-05:00",
    "owner": {"type": "Organization", "display": "Readers"},
    "partOf": [{"reference": "Task/t"}],
    "restriction": {"period": {"start": "2024-05-10T09:06:00Z", "end": "2024-05-17T09:06:00Z"}},
    "input": [{"type": {"text": "question"}, "valueString": "New?"}],
}
CONSENT: Resource = {
    "resourceType": "Consent",
    "status": "active",
    "scope": {"coding": [{"code": "patient-privacy"}]},
    "category": [CONCEPT],
    "patient": {"reference": "Patient/p"},
    "policyRule": {"coding": [{"code": "OPTIN"}]},
}
OBSERVATION: Resource = {
    "resourceType": "Observation",
    "status": "final",
    "code": CONCEPT,
    "valueString": "agrees",
    "component": [{"code": {"coding": [{"system": "urn:x", "code": "affects"}]}, "valueBoolean": True}],
}
DOCUMENT: Resource = {
    "resourceType": "DocumentReference",
    "meta": {"profile": ["http://hl7.org/fhir/us/core/StructureDefinition/us-core-documentreference"]},
    "status": "current",
    "docStatus": "final",
    "type": CONCEPT,
    "category": [CONCEPT],
    "subject": {"reference": "Patient/p"},
    "content": [{"attachment": {"contentType": "text/plain", "data": "aGVsbG8="}}],
}
BUNDLE: Resource = {
    "resourceType": "Bundle",
    "type": "transaction",
    "entry": [
        {"fullUrl": "urn:uuid:1", "resource": OBSERVATION, "request": {"method": "POST", "url": "Observation"}},
        {
            "fullUrl": "urn:uuid:2",
            "resource": {**REPORT, "result": [{"reference": "urn:uuid:1"}]},
            "request": {"method": "POST", "url": "DiagnosticReport"},
        },
    ],
}
RIGHT = (STUDY, REQUEST, REPORT, TASK, CONSENT, OBSERVATION, DOCUMENT, BUNDLE)


@pytest.mark.parametrize("resource", RIGHT, ids=lambda r: r["resourceType"])
def test_the_resources_the_defects_are_made_from_are_right(resource: Resource) -> None:
    """Otherwise a refusal below would prove nothing."""
    assert faults(resource) == []


def put(path: str, value: object) -> Change:
    """A change that sets the element at a dotted path; the value `...` takes it away."""

    def change(resource: Resource) -> None:
        *way, last = path.split(".")
        node: Any = resource
        for step in way:
            node = node[int(step)] if step.isdecimal() else node[step]
        if value is ...:
            del node[last]
        else:
            node[last] = value

    return change


DEFECTS: list[tuple[Resource, Change, str]] = [
    # shape
    (STUDY, put("status", ...), "ImagingStudy.status"),
    (STUDY, put("numberOfSeries", -1), "ImagingStudy.numberOfSeries"),
    (STUDY, put("started", "2024-05-08T14:02:00"), "ImagingStudy.started"),
    (STUDY, put("patient", {"reference": "Patient/p"}), "ImagingStudy.patient"),
    (STUDY, put("series.0.uid", "urn:oid:1.2"), "ImagingStudy.series[0].uid"),
    (STUDY, put("contained.0.payloadType", ...), "ImagingStudy.contained[0].payloadType"),
    (REQUEST, put("code", [CONCEPT]), "ServiceRequest.code"),
    (REPORT, put("issued", "2024-05-12"), "DiagnosticReport.issued"),
    (TASK, put("input.0.valueBoolean", value=True), "Task.input[0]"),
    (TASK, put("authoredOn", "2024-13-01"), "Task.authoredOn"),
    # emptiness
    (TASK, put("description", ""), "Task.description"),
    (TASK, put("note", []), "Task.note"),
    (TASK, put("owner.display", None), "Task.owner.display"),
    # required codes
    (STUDY, put("status", "ready"), "ImagingStudy.status"),
    (REQUEST, put("status", "foo"), "ServiceRequest.status"),
    (REQUEST, put("intent", "wish"), "ServiceRequest.intent"),
    (REQUEST, put("priority", "soon"), "ServiceRequest.priority"),
    (REQUEST, put("identifier.0.use", "mine"), "ServiceRequest.identifier[0].use"),
    (REPORT, put("status", "signed"), "DiagnosticReport.status"),
    (TASK, put("status", "waiting"), "Task.status"),
    (DOCUMENT, put("docStatus", "signed"), "DocumentReference.docStatus"),
    (BUNDLE, put("entry.0.request.method", "SEND"), "Bundle.entry[0].request.method"),
    (BUNDLE, put("entry.0.resource.status", "done"), "Bundle.entry[0].resource.status"),
    # reference targets (narrower in R4 than in R4B)
    (STUDY, put("subject.reference", "Practitioner/p"), "ImagingStudy.subject"),
    (STUDY, put("endpoint.0.reference", "Location/l"), "ImagingStudy.endpoint[0]"),
    (REQUEST, put("requester.reference", "Encounter/e"), "ServiceRequest.requester"),
    (REPORT, put("subject.reference", "Organization/o"), "DiagnosticReport.subject"),
    (REPORT, put("imagingStudy.0.reference", "https://x.example/r4/Media/i"), "DiagnosticReport.imagingStudy[0]"),
    (TASK, put("partOf.0.reference", "ServiceRequest/s"), "Task.partOf[0]"),
    (TASK, put("owner.type", "Encounter"), "Task.owner"),
    (BUNDLE, put("entry.1.resource.result.0.reference", "urn:uuid:2"), "Bundle.entry[1].resource.result[0]"),
    # invariants
    (REQUEST, put("code", ...), "ServiceRequest.orderDetail: prr-1"),
    (TASK, put("lastModified", "2024-05-10T09:05:00-05:00"), "Task.lastModified: inv-1"),
    (TASK, put("restriction.period.end", "2024-05-01T00:00:00Z"), "Task.restriction.period: per-1"),
    (CONSENT, put("policyRule", ...), "Consent: ppc-1"),
    (CONSENT, put("patient", ...), "Consent.patient: ppc-2"),
    (REPORT, put("effectiveDateTime", ...), "DiagnosticReport: us-core-10"),
    (OBSERVATION, put("dataAbsentReason", {"text": "x"}), "Observation.dataAbsentReason: obs-6"),
    (OBSERVATION, put("component.0.code", CONCEPT), "Observation.component[0].code: obs-7"),
    (BUNDLE, put("entry.1.fullUrl", "urn:uuid:1"), "Bundle.entry[1].fullUrl: bdl-7"),
    (BUNDLE, put("entry.0.request", ...), "Bundle.entry[0].request: bdl-3"),
    (BUNDLE, put("entry.0.response", {"status": "200"}), "Bundle.entry[0].response: bdl-4"),
    (STUDY, put("endpoint", ...), "ImagingStudy.contained[0]: dom-3"),
    (STUDY, put("endpoint.0.reference", "#other"), "ImagingStudy: ref-1"),
    (STUDY, put("contained.0.meta", {"versionId": "1"}), "ImagingStudy.contained[0].meta: dom-4"),
    (STUDY, put("id", "x" * 65), "ImagingStudy.id"),
    # attachments
    (
        DOCUMENT,
        put("content.0.attachment.contentType", ...),
        "DocumentReference.content[0].attachment.contentType: att-1",
    ),
    (REPORT, put("presentedForm.0.hash", "RXtMCJO9cd9QLKQm5FZvSQUSGJk="), "DiagnosticReport.presentedForm[0].hash"),
    (REPORT, put("presentedForm.0.data", "aGVsbG8"), "DiagnosticReport.presentedForm[0].data"),
    (REPORT, put("text", {"status": "generated", "div": "plain"}), "DiagnosticReport.text.div"),
    (STUDY, put("contained.0.meta", {"security": [{"code": "R"}]}), "ImagingStudy.contained[0].meta.security: dom-5"),
    (
        STUDY,
        put("contained.0.contained", [{"resourceType": "Patient", "id": "x"}]),
        "ImagingStudy.contained[0].contained",
    ),
    (REQUEST, put("identifier", [{}]), "ServiceRequest.identifier[0]"),
    (REPORT, put("presentedForm.0.size", 6), "DiagnosticReport.presentedForm[0].size"),
    # what the claimed profile demands
    (REPORT, put("category", ...), "DiagnosticReport.category: is demanded"),
    (DOCUMENT, put("type", ...), "DocumentReference.type: is demanded"),
]


@pytest.mark.parametrize(("right", "defect", "named"), DEFECTS, ids=[d[2] for d in DEFECTS])
def test_a_single_defect_is_refused_and_its_path_is_named(right: Resource, defect: Change, named: str) -> None:
    resource = copy.deepcopy(right)
    defect(resource)
    with pytest.raises(InvalidResource) as caught:
        check(resource)
    assert named in str(caught.value)


@pytest.mark.parametrize(
    "resource", [{}, {"resourceType": "NoSuch"}, {"resourceType": "Task", "contained": [{"resourceType": "No"}]}]
)
def test_what_is_no_resource_at_all_is_refused_in_the_same_way(resource: Resource) -> None:
    """The library raises a bare KeyError for some of these."""
    with pytest.raises(InvalidResource):
        check(resource)


def test_nulls_beside_primitive_extensions_are_legal() -> None:
    """R4 section 2.6.1 (JSON): an array of primitives is padded with null where only an extension stands."""
    name = {"given": [None, "Ana"], "_given": [{"extension": [{"url": "urn:x", "valueCode": "unknown"}]}, None]}
    check({"resourceType": "Patient", "name": [name]})
