"""The chart seam keeps one contract: the practice chart in memory and the product's chart over HTTP answer alike.

What the real ones refuse is refused here, with that kind of answer; each refusal is one row.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests

from fhir.errors import ChartConflict, ChartRefused, ChartUnavailable, ChartUnclear, NotInChart
from smart_app.sandbox import Practice
from smart_app.sandbox.access import Access
from smart_app.sandbox.documents import CODE_SET
from smart_app.sandbox.personality import PERSONALITIES
from smart_app.sandbox.records import Records
from tests.contract.practice_charts import (
    IMAGING,
    PDF,
    Bench,
    attachment,
    encoded,
    epic_note,
    oracle_document,
)

KINDS = ("memory", "http")


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    folder = tmp_path_factory.mktemp("practice")
    with Practice(folder, app_base="http://localhost:9", port=0, patient_port=0) as running:
        yield running


@pytest.fixture(params=KINDS)
def bench_of(request: pytest.FixtureRequest, practice: Practice) -> Callable[[str], Bench]:
    """A practice hospital by name, in memory or over HTTP."""

    def make(ehr: str) -> Bench:
        if request.param == "memory":
            return Bench(ehr, Records(PERSONALITIES[ehr]))
        return Bench(ehr, practice.houses[ehr].records, practice)

    return make


@pytest.fixture
def epic(bench_of: Callable[[str], Bench]) -> Bench:
    return bench_of("epic")


@pytest.fixture
def oracle(bench_of: Callable[[str], Bench]) -> Bench:
    return bench_of("oracle")


@pytest.fixture
def open_chart(bench_of: Callable[[str], Bench]) -> Bench:
    return bench_of("open")


@pytest.fixture(params=["epic", "oracle", "open"])
def any_chart(request: pytest.FixtureRequest, bench_of: Callable[[str], Bench]) -> Bench:
    return bench_of(request.param)


# ---- what all of them do


def test_a_patient_is_read_and_found(any_chart: Bench) -> None:
    chart = any_chart.chart()
    patient = chart.read(any_chart.patient("perrault"))
    assert patient["name"][0]["given"] == ["Zoé"]
    found = chart.search("Patient", family="Perrault").entries
    assert [entry["id"] for entry in found] == [patient["id"]]


def test_an_unknown_id_is_not_in_the_chart(any_chart: Bench) -> None:
    with pytest.raises(NotInChart):
        any_chart.chart().read("Patient/nobody-at-all")


def test_the_first_reading_is_there_with_its_words(any_chart: Bench) -> None:
    chart = any_chart.chart()
    found = chart.search("DiagnosticReport", patient=any_chart.id("holloway")).entries
    reports = [report for report in found if report.get("presentedForm")]  # other tests may have written there
    assert len(reports) == 2
    form = reports[0]["presentedForm"][0]
    if "url" in form:
        words, kind = chart.read_binary(form["url"])
        assert kind == "text/plain"
        assert b"CONCLUSION" in words
    else:
        assert form["data"]


def test_pictures_are_listed_except_where_the_resource_does_not_exist(any_chart: Bench) -> None:
    """Oracle has no ImagingStudy at all."""
    chart = any_chart.chart()
    if any_chart.ehr == "oracle":
        with pytest.raises(NotInChart):
            chart.search("ImagingStudy", patient=any_chart.id("holloway"))
        return
    studies = chart.search("ImagingStudy", patient=any_chart.id("holloway")).entries
    assert [study["numberOfInstances"] for study in studies] == [28]


def test_the_capability_statement_is_readable(any_chart: Bench) -> None:
    statement = any_chart.chart().capability()
    assert statement is not None
    assert statement["fhirVersion"] == "4.0.1"
    listed = {entry["type"]: {i["code"] for i in entry["interaction"]} for entry in statement["rest"][0]["resource"]}
    assert ("create" in listed["DiagnosticReport"]) == (any_chart.ehr != "epic")
    assert "create" in listed["DocumentReference"]


def test_a_long_list_comes_whole_and_each_entry_once(any_chart: Bench) -> None:
    """Oracle repeats an entry across pages."""
    chart = any_chart.chart()
    found = chart.search("Encounter", {"_count": "1"}, patient=any_chart.id("pemberton")).entries
    assert len(found) == len({entry["id"] for entry in found}) == 2


def test_an_attachment_outside_the_chart_is_never_fetched(any_chart: Bench) -> None:
    with pytest.raises(ChartRefused):
        any_chart.chart().read_binary("https://elsewhere.example/Binary/1")


def test_a_patient_sees_their_own_record_only(any_chart: Bench) -> None:
    chart = any_chart.chart(any_chart.as_patient())
    assert chart.read(any_chart.patient())["gender"] == "female"
    with pytest.raises((ChartRefused, NotInChart)):
        chart.read(any_chart.patient("perrault"))
    with pytest.raises((ChartRefused, NotInChart)):
        chart.search("DiagnosticReport", patient=any_chart.id("perrault"))


def test_a_patient_reads_the_words_of_their_own_report(any_chart: Bench) -> None:
    """The address of the attachment is one this patient's token opens, whichever host their persona has."""
    chart = any_chart.chart(any_chart.as_patient())
    form = chart.search("DiagnosticReport", patient=any_chart.id("holloway")).entries[0]["presentedForm"][0]
    if "url" in form:
        assert b"CONCLUSION" in chart.read_binary(form["url"])[0]
        with pytest.raises((ChartRefused, NotInChart)):
            any_chart.chart(any_chart.as_patient("perrault")).read_binary(form["url"])
    else:
        assert form["data"]


def test_a_patient_writes_nothing(any_chart: Bench) -> None:
    body = epic_note(any_chart) if any_chart.ehr == "epic" else oracle_document(any_chart)
    with pytest.raises(ChartRefused):
        any_chart.chart(any_chart.as_patient()).create(body)


def test_a_token_without_the_scope_is_refused(any_chart: Bench) -> None:
    chart = any_chart.chart(Access("system", ("system/Patient.rs",)))
    assert chart.read(any_chart.patient())
    with pytest.raises(ChartRefused) as refused:
        chart.search("DocumentReference", patient=any_chart.id("holloway"))
    assert refused.value.status == 403


def test_while_the_ehr_is_down_only_that_patient_is_out_of_reach(any_chart: Bench) -> None:
    chart = any_chart.chart()
    any_chart.records.scenarios.set(any_chart.id("odwyer"), "ehr-down")
    try:
        with pytest.raises(ChartUnavailable):
            chart.read(any_chart.patient("odwyer"))
        with pytest.raises(ChartUnavailable):
            chart.search("DiagnosticReport", patient=any_chart.id("odwyer"))
        assert chart.read(any_chart.patient())
    finally:
        any_chart.records.scenarios.set(any_chart.id("odwyer"), None)
    assert chart.read(any_chart.patient("odwyer"))


def test_a_write_whose_answer_is_lost_was_really_written_once(any_chart: Bench) -> None:
    patient = any_chart.id("holloway")
    body = epic_note(any_chart) if any_chart.ehr == "epic" else oracle_document(any_chart)
    chart = any_chart.chart()
    before = len(chart.search("DocumentReference", patient=patient).entries)
    any_chart.records.scenarios.set(patient, "answer-lost")
    with pytest.raises(ChartUnclear):
        chart.create(body)
    assert len(chart.search("DocumentReference", patient=patient).entries) == before + 1
    assert any_chart.records.scenarios.of(patient) == ""


# ---- Epic


def test_epic_keeps_a_note_and_drops_what_is_ours(epic: Bench) -> None:
    """201 with a relative Location and no ETag; filed under the background user, as a clinical note."""
    chart = epic.chart()
    written = chart.create(epic_note(epic))
    assert written.etag is None
    note = chart.read(written.reference)
    assert note["docStatus"] == "preliminary"
    assert "description" not in note
    assert "second-opinion" not in str(note.get("identifier"))
    assert note["category"][0]["coding"][0]["code"] == "clinical-note"
    assert note["author"][0]["reference"] == "Practitioner/background"
    form = note["content"][0]["attachment"]
    assert form["url"].startswith("Binary/")
    assert "hash" not in form
    assert chart.read_binary(form["url"]) == (b"SECOND OPINION", "text/plain")


def test_epic_keeps_only_the_first_attachment(epic: Bench) -> None:
    chart = epic.chart()
    both = attachment(contentType="text/plain", data=encoded(b"first")) + attachment()
    note = chart.read(chart.create(epic_note(epic, content=both)).reference)
    assert len(note["content"]) == 1
    assert chart.read_binary(note["content"][0]["attachment"]["url"])[0] == b"first"


def test_epic_files_a_replayed_note_twice(epic: Bench) -> None:
    """No duplicate check, and no conditional create: the header changes nothing."""
    chart = epic.chart()
    note = epic_note(epic)
    first = chart.create(note)
    key = note["identifier"][0]
    second = chart.create(note, if_none_exist=f"identifier={key['system']}|{key['value']}")
    assert first.reference != second.reference
    assert second.status == 201


def test_epic_takes_a_note_into_a_finished_stay(epic: Bench) -> None:
    stay = {"encounter": [{"reference": epic.visit("pemberton", 0)}]}
    note = epic_note(epic, subject={"reference": epic.patient("pemberton")}, context=stay, docStatus="final")
    assert epic.chart().create(note).status == 201


EPIC_REFUSES: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "a PDF": lambda b: epic_note(b, content=attachment()),
    "HTML": lambda b: epic_note(b, content=attachment(contentType="text/html", data=encoded(b"<p>x</p>"))),
    "no docStatus": lambda b: epic_note(b, docStatus=None),
    "an amended docStatus": lambda b: epic_note(b, docStatus="amended"),
    "a superseded document": lambda b: epic_note(b, status="superseded"),
    "no encounter": lambda b: epic_note(b, context=None),
    "somebody else's encounter": lambda b: epic_note(b, context={"encounter": [{"reference": b.visit("perrault")}]}),
    "an unknown encounter": lambda b: epic_note(b, context={"encounter": [{"reference": "Encounter/e0"}]}),
    "an unknown patient": lambda b: epic_note(b, subject={"reference": "Patient/e0"}),
    "a discharge summary": lambda b: epic_note(b, type={"coding": [{"system": "http://loinc.org", "code": "18842-5"}]}),
    "an unknown note type": lambda b: epic_note(b, type={"coding": [{"system": "http://loinc.org", "code": "1-8"}]}),
    "a signed note before the visit": lambda b: epic_note(
        b,
        docStatus="final",
        subject={"reference": b.patient("pemberton")},
        context={"encounter": [{"reference": b.visit("pemberton", 1)}]},
    ),
    "a modifier it does not know": lambda b: epic_note(
        b, modifierExtension=[{"url": "https://second-opinion.example/x", "valueBoolean": True}]
    ),
    "a Binary": lambda b: {"resourceType": "Binary", "contentType": "application/pdf", "data": encoded(PDF)},
    "an ImagingStudy": lambda b: {
        "resourceType": "ImagingStudy",
        "status": "available",
        "subject": {"reference": b.patient()},
    },
    "a DiagnosticReport": lambda b: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": IMAGING,
        "subject": {"reference": b.patient()},
    },
    "an order": lambda b: {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": b.patient()},
    },
    "a Task": lambda b: {"resourceType": "Task", "status": "requested", "intent": "order"},
    "a message": lambda b: {"resourceType": "Communication", "status": "completed"},
    "an Observation": lambda b: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Agreement with the first reading"},
        "subject": {"reference": b.patient()},
    },
    "an Endpoint": lambda b: {
        "resourceType": "Endpoint",
        "status": "active",
        "connectionType": {"code": "dicom-wado-rs"},
        "payloadType": [{"text": "DICOM"}],
        "address": "https://second-opinion.example/wado",
    },
    "an Encounter": lambda b: {
        "resourceType": "Encounter",
        "status": "finished",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": b.patient()},
    },
}


@pytest.mark.parametrize("what", EPIC_REFUSES)
def test_epic_refuses(epic: Bench, what: str) -> None:
    chart = epic.chart()
    before = len(chart.search("DocumentReference", patient=epic.id("holloway")).entries)
    with pytest.raises(ChartRefused):
        chart.create(EPIC_REFUSES[what](epic))
    assert len(chart.search("DocumentReference", patient=epic.id("holloway")).entries) == before


@pytest.mark.parametrize(
    ("what", "words"),
    [("no encounter", "Valid encounter required"), ("an unknown patient", "Invalid subject received")],
)
def test_epic_says_why_in_its_own_words(epic: Bench, what: str, words: str) -> None:
    with pytest.raises(ChartRefused, match=words):
        epic.chart().create(EPIC_REFUSES[what](epic))


def test_epic_declares_more_than_it_takes(epic: Bench) -> None:
    """Update of reports, orders and notes is in the statement and refused with an empty 403 all the same."""
    chart = epic.chart()
    report = chart.search("DiagnosticReport", patient=epic.id("holloway")).entries[0]
    with pytest.raises(ChartRefused) as refused:
        chart.update(report)
    assert refused.value.status == 403
    note = chart.read(chart.create(epic_note(epic)).reference)
    with pytest.raises(ChartRefused):
        chart.update(note)


def test_epic_has_no_transaction(epic: Bench) -> None:
    with pytest.raises(ChartRefused):
        epic.chart().transaction(transaction(epic))


def test_epic_notes_that_nothing_was_found(epic: Bench) -> None:
    """The remark is an entry of the bundle and no match."""
    page = epic.chart().search("DocumentReference", patient=epic.id("wulandari"))
    assert page.entries == ()
    assert any("no results" in note for note in page.notes)


def test_epic_will_not_search_notes_without_a_patient(epic: Bench) -> None:
    with pytest.raises(ChartRefused):
        epic.chart().search("DocumentReference")


def test_a_patient_does_not_see_an_unsigned_note(epic: Bench) -> None:
    written = epic.chart().create(epic_note(epic))
    mine = epic.chart(epic.as_patient())
    with pytest.raises(NotInChart):
        mine.read(written.reference)
    assert written.reference not in [
        f"DocumentReference/{e['id']}" for e in mine.search("DocumentReference", patient=epic.id("holloway")).entries
    ]


# ---- Oracle


def test_oracle_keeps_a_pdf_and_drops_what_it_does_not_know(oracle: Bench) -> None:
    """201, an ETag, an absolute address of the attachment; our identifier and description are gone, the title stays."""
    chart = oracle.chart()
    written = chart.create(oracle_document(oracle))
    assert written.etag == 'W/"1"'
    kept = chart.read(written.reference)
    assert "description" not in kept
    assert "second-opinion" not in str(kept.get("identifier"))
    form = kept["content"][0]["attachment"]
    assert form["title"] == "Second opinion r-1/1"
    assert form["url"].startswith(chart.base + "/Binary/XR-")
    assert chart.read_binary(form["url"]) == (PDF, "application/pdf")


def test_oracle_files_a_retried_document_twice(oracle: Bench) -> None:
    chart = oracle.chart()
    document = oracle_document(oracle)
    key = document["identifier"][0]
    first = chart.create(document)
    second = chart.create(document, if_none_exist=f"identifier={key['system']}|{key['value']}")
    assert first.reference != second.reference


def test_oracle_renders_xhtml_again(oracle: Bench) -> None:
    """Scripts and styles vanish, so the bytes are no longer those that were sent."""
    page = b"<html><head><style>p{}</style></head><body><script>x()</script><p>Opinion r-1/1</p></body></html>"
    content = attachment(contentType="application/xhtml+xml;charset=utf-8", data=encoded(page))
    chart = oracle.chart()
    kept = chart.read(chart.create(oracle_document(oracle, content=content)).reference)
    raw, _ = chart.read_binary(kept["content"][0]["attachment"]["url"])
    assert b"Opinion r-1/1" in raw
    assert b"script" not in raw
    assert raw != page


def test_a_provider_writes_as_themselves(oracle: Bench) -> None:
    chart = oracle.chart(oracle.provider())
    kept = chart.create(oracle_document(oracle, author=[{"reference": oracle.doctor()}]))
    assert chart.read(kept.reference)["author"][0]["reference"] == oracle.doctor()


def test_the_system_may_name_an_authenticator_or_nobody(oracle: Bench) -> None:
    chart = oracle.chart()
    assert "author" not in chart.read(chart.create(oracle_document(oracle)).reference)
    named = oracle_document(oracle, authenticator={"reference": oracle.doctor()})
    assert chart.read(chart.create(named).reference)["authenticator"]


def test_oracle_takes_exactly_one_code_of_its_own_code_set(oracle: Bench) -> None:
    own = {"coding": [{"system": CODE_SET, "code": "2820507", "display": "Consultation"}]}
    kept = oracle.chart().create(oracle_document(oracle, type=own))
    assert oracle.chart().read(kept.reference)["type"]["text"] == "Consultation"


@pytest.mark.parametrize("kind", ["text/plain;charset=utf-8", "text/html; charset=utf-8", "text/rtf;charset=utf-8"])
def test_oracle_takes_text_that_names_its_charset(oracle: Bench, kind: str) -> None:
    content = attachment(contentType=kind, data=encoded("Ein Zweitbefund für Zoé".encode()))
    assert oracle.chart().create(oracle_document(oracle, content=content)).status == 201


def test_only_the_system_may_write_an_amended_document(oracle: Bench) -> None:
    assert oracle.chart().create(oracle_document(oracle, docStatus="amended")).status == 201
    amended = oracle_document(oracle, docStatus="amended", author=[{"reference": oracle.doctor()}])
    with pytest.raises(ChartRefused):
        oracle.chart(oracle.provider()).create(amended)


@pytest.mark.parametrize("category", ["LP29708-2", "LP7839-6"])
def test_oracle_takes_reports_of_two_disciplines(oracle: Bench, category: str) -> None:
    report = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "https://practice.example/report", "value": "1"}],
        "status": "final",
        "category": [{"coding": [{"system": "http://loinc.org", "code": category}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "8328-7"}]},
        "subject": {"reference": oracle.patient()},
        "effectiveDateTime": "2026-03-02T09:00:00Z",
        "performer": [{"reference": oracle.doctor()}],
        "presentedForm": [{"contentType": "application/pdf", "data": encoded(PDF)}],
    }
    assert oracle.chart().create(report).status == 201


def _context(bench: Bench, **changed: Any) -> dict[str, Any]:
    return {**oracle_document(bench)["context"], **changed}


ORACLE_REFUSES: dict[str, Callable[[Bench], dict[str, Any]]] = {
    "no docStatus": lambda b: oracle_document(b, docStatus=None),
    "a draft": lambda b: oracle_document(b, docStatus="preliminary"),
    "no end of the period": lambda b: oracle_document(b, context=_context(b, period={"start": "2026-03-02T08:00:00Z"})),
    "a date without a time": lambda b: oracle_document(b, context=_context(b, period={"end": "2026-03-02"})),
    "two encounters": lambda b: oracle_document(
        b, context=_context(b, encounter=[{"reference": b.visit()}, {"reference": b.visit("holloway", 1)}])
    ),
    "somebody else's encounter": lambda b: oracle_document(
        b, context=_context(b, encounter=[{"reference": b.visit("perrault")}])
    ),
    "two contents": lambda b: oracle_document(b, content=attachment() + attachment()),
    "text without its charset": lambda b: oracle_document(b, content=attachment(contentType="text/plain")),
    "a picture": lambda b: oracle_document(b, content=attachment(contentType="image/jpeg")),
    "another tenant's code set": lambda b: oracle_document(
        b, type={"coding": [{"system": "https://practice.example/elsewhere/codeSet/72", "code": "1"}]}
    ),
    "two codes of its own code set": lambda b: oracle_document(
        b, type={"coding": [{"system": CODE_SET, "code": "1"}, {"system": CODE_SET, "code": "2"}]}
    ),
    "a code of no known system": lambda b: oracle_document(b, type={"coding": [{"system": "urn:x", "code": "1"}]}),
    "an unknown patient": lambda b: oracle_document(b, subject={"reference": "Patient/1"}),
    "a modifier extension": lambda b: oracle_document(
        b, modifierExtension=[{"url": "https://second-opinion.example/x", "valueBoolean": True}]
    ),
    "a radiology report": lambda b: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "category": [{"coding": [{"system": "http://loinc.org", "code": "LP29684-5"}]}],
        "code": IMAGING,
        "subject": {"reference": b.patient()},
    },
    "an imaging observation": lambda b: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "agreement"},
        "subject": {"reference": b.patient()},
    },
    "an order": lambda b: {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": b.patient()},
    },
    "a message to a patient": lambda b: {
        "resourceType": "Communication",
        "status": "completed",
        "subject": {"reference": b.patient()},
        "recipient": [{"reference": b.patient()}],
    },
    "a Binary": lambda b: {"resourceType": "Binary", "contentType": "application/pdf", "data": encoded(PDF)},
}


@pytest.mark.parametrize("what", ORACLE_REFUSES)
def test_oracle_refuses(oracle: Bench, what: str) -> None:
    chart = oracle.chart()
    before = len(chart.search("DocumentReference", patient=oracle.id("holloway")).entries)
    with pytest.raises(ChartRefused):
        chart.create(ORACLE_REFUSES[what](oracle))
    assert len(chart.search("DocumentReference", patient=oracle.id("holloway")).entries) == before


@pytest.mark.parametrize("kind", ["ImagingStudy", "Task"])
def test_oracle_does_not_know_the_resource(oracle: Bench, kind: str) -> None:
    body: dict[str, Any] = {"resourceType": kind, "status": "available", "subject": {"reference": oracle.patient()}}
    if kind == "Task":
        body = {"resourceType": "Task", "status": "requested", "intent": "order"}
    with pytest.raises(NotInChart):
        oracle.chart().create(body)


@pytest.mark.parametrize("who", ["nobody", "another", "authenticator"])
def test_oracle_refuses_a_provider_who_does_not_write_as_themselves(oracle: Bench, who: str) -> None:
    chart = oracle.chart(oracle.provider())
    other = f"Practitioner/{oracle.id('lindqvist')}"
    changed: dict[str, Any] = {"nobody": {}, "another": {"author": [{"reference": other}]}}.get(
        who, {"author": [{"reference": oracle.doctor()}], "authenticator": {"reference": oracle.doctor()}}
    )
    with pytest.raises(ChartRefused):
        chart.create(oracle_document(oracle, **changed))


def test_oracle_updates_under_the_version_it_was_read_at(oracle: Bench) -> None:
    """PUT of the whole resource with If-Match; a stale version is a conflict, no version is refused."""
    chart = oracle.chart()
    written = chart.create(oracle_document(oracle))
    changed = {**oracle_document(oracle, docStatus="amended"), "id": written.reference.partition("/")[2]}
    with pytest.raises(ChartRefused):
        chart.update(changed)
    again = chart.update(changed, if_match=written.etag)
    assert (again.reference, again.etag) == (written.reference, 'W/"2"')
    with pytest.raises(ChartConflict):
        chart.update(changed, if_match=written.etag)
    assert chart.read(written.reference)["docStatus"] == "amended"


def test_oracle_keeps_a_document_in_its_own_visit(oracle: Bench) -> None:
    chart = oracle.chart()
    written = chart.create(oracle_document(oracle))
    moved = oracle_document(oracle, context=_context(oracle, encounter=[{"reference": oracle.visit("holloway", 1)}]))
    with pytest.raises(ChartRefused):
        chart.update({**moved, "id": written.reference.partition("/")[2]}, if_match=written.etag)


def test_oracle_takes_no_plain_text_for_an_update(oracle: Bench) -> None:
    text = attachment(contentType="text/plain;charset=utf-8", data=encoded(b"words"))
    chart = oracle.chart()
    written = chart.create(oracle_document(oracle, content=text))
    again = {**oracle_document(oracle, content=text), "id": written.reference.partition("/")[2]}
    with pytest.raises(ChartRefused):
        chart.update(again, if_match=written.etag)


def test_oracle_updates_only_for_a_token_that_may_also_read(oracle: Bench) -> None:
    written = oracle.chart().create(oracle_document(oracle))
    blind = oracle.chart(Access("system", ("system/DocumentReference.write",)))
    again = {**oracle_document(oracle), "id": written.reference.partition("/")[2]}
    with pytest.raises(ChartRefused):
        blind.update(again, if_match=written.etag)


def test_oracle_says_which_scope_is_missing_in_json_of_its_own(oracle: Bench) -> None:
    with pytest.raises(ChartRefused) as refused:
        oracle.chart(Access("system", ("system/Patient.read",))).create(oracle_document(oracle))
    assert refused.value.status == 403
    assert "scope" in str(refused.value) + str(refused.value.support)


def test_oracle_has_no_transaction(oracle: Bench) -> None:
    with pytest.raises(ChartRefused):
        oracle.chart().transaction(transaction(oracle))


def test_oracle_masks_from_the_patient_what_was_entered_in_error(oracle: Bench) -> None:
    chart = oracle.chart()
    written = chart.create(oracle_document(oracle))
    wrong = oracle_document(oracle, status="entered-in-error", docStatus="entered-in-error")
    chart.update({**wrong, "id": written.reference.partition("/")[2]}, if_match=written.etag)
    with pytest.raises(NotInChart):
        oracle.chart(oracle.as_patient()).read(written.reference)


# ---- an open server


def transaction(bench: Bench, key: str = "") -> dict[str, Any]:
    """A report with the observation it cites, in one transaction."""
    value = key or str(uuid.uuid4())
    observation = {
        "resourceType": "Observation",
        "identifier": [{"system": "https://second-opinion.example/fhir/agreement", "value": value}],
        "status": "final",
        "code": {"text": "Agreement with the first reading"},
        "subject": {"reference": bench.patient()},
    }
    report = {
        "resourceType": "DiagnosticReport",
        "identifier": [{"system": "https://second-opinion.example/fhir/opinion", "value": value}],
        "status": "final",
        "code": IMAGING,
        "subject": {"reference": bench.patient()},
        "result": [{"reference": "urn:uuid:5d3a1f06-6f2b-4a75-9d0c-6a5e7d2c1b34"}],
    }
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            {
                "fullUrl": "urn:uuid:5d3a1f06-6f2b-4a75-9d0c-6a5e7d2c1b34",
                "resource": observation,
                "request": _post(observation),
            },
            {"resource": report, "request": _post(report)},
        ],
    }


def _post(resource: dict[str, Any]) -> dict[str, str]:
    key = resource["identifier"][0]
    return {
        "method": "POST",
        "url": resource["resourceType"],
        "ifNoneExist": f"identifier={key['system']}|{key['value']}",
    }


def test_an_open_server_takes_a_report_and_its_observation_together(open_chart: Bench) -> None:
    chart = open_chart.chart()
    observation, report = chart.transaction(transaction(open_chart))
    assert chart.read(report.reference)["result"] == [{"reference": observation.reference}]
    assert (observation.status, report.etag) == (201, 'W/"1"')


def test_a_repeated_transaction_finds_what_it_made(open_chart: Bench) -> None:
    """Conditional create: the second time nothing new is made."""
    chart = open_chart.chart()
    key = str(uuid.uuid4())
    first = chart.transaction(transaction(open_chart, key))
    second = chart.transaction(transaction(open_chart, key))
    assert [w.reference for w in first] == [w.reference for w in second]
    assert [w.status for w in second] == [200, 200]


def test_a_transaction_that_fails_leaves_nothing(open_chart: Bench) -> None:
    chart = open_chart.chart()
    bundle = transaction(open_chart)
    bundle["entry"][1]["resource"]["basedOn"] = [{"reference": "ServiceRequest/not-here"}]
    with pytest.raises(ChartRefused, match="not-here"):
        chart.transaction(bundle)
    key = bundle["entry"][0]["resource"]["identifier"][0]
    assert chart.search("Observation", identifier=f"{key['system']}|{key['value']}").entries == ()


def test_a_conditional_create_answers_with_what_stands_there(open_chart: Bench) -> None:
    chart = open_chart.chart()
    report = transaction(open_chart)["entry"][1]["resource"]
    del report["result"]
    key = report["identifier"][0]
    query = f"identifier={key['system']}|{key['value']}"
    first = chart.create(report, if_none_exist=query)
    second = chart.create(report, if_none_exist=query)
    assert (second.reference, second.status) == (first.reference, 200)
    chart.create(report)
    with pytest.raises(ChartConflict):
        chart.create(report, if_none_exist=query)


def test_two_writers_of_the_same_thing_make_one(open_chart: Bench) -> None:
    """Conditional create holds when both come at once."""
    report = transaction(open_chart)["entry"][1]["resource"]
    del report["result"]
    key = report["identifier"][0]
    query = f"identifier={key['system']}|{key['value']}"
    charts = [open_chart.chart() for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        written = list(pool.map(lambda chart: chart.create(report, if_none_exist=query).reference, charts))
    assert len(set(written)) == 1


def test_an_open_server_refuses_a_reference_to_nothing(open_chart: Bench) -> None:
    report = transaction(open_chart)["entry"][1]["resource"]
    report["result"] = [{"reference": "Observation/not-here"}]
    with pytest.raises(ChartRefused):
        open_chart.chart().create(report)


def test_an_open_server_minds_the_version(open_chart: Bench) -> None:
    chart = open_chart.chart()
    order = {
        "resourceType": "ServiceRequest",
        "status": "active",
        "intent": "order",
        "subject": {"reference": open_chart.patient()},
    }
    written = chart.create(order)
    changed = {**order, "id": written.reference.partition("/")[2], "status": "completed"}
    assert chart.update(changed, if_match=written.etag).etag == 'W/"2"'
    with pytest.raises(ChartConflict):
        chart.update(changed, if_match=written.etag)


def test_an_open_server_names_the_place_of_the_pictures(open_chart: Bench) -> None:
    """`_include` brings the Endpoint beside the study (SMART Imaging Access)."""
    page = open_chart.chart().search(
        "ImagingStudy", {"_include": "ImagingStudy:endpoint"}, patient=open_chart.id("holloway")
    )
    endpoints = [entry for entry in page.entries if entry["resourceType"] == "Endpoint"]
    assert len(endpoints) == 1
    assert endpoints[0]["address"].endswith("/wado")


def test_an_open_server_takes_what_the_others_refuse(open_chart: Bench) -> None:
    chart = open_chart.chart()
    for what in ("a Binary", "an order", "a Task", "a message", "an Observation", "an Endpoint", "an Encounter"):
        assert chart.create(EPIC_REFUSES[what](open_chart)).status == 201, what


def test_an_open_server_lets_a_client_choose_the_id(open_chart: Bench) -> None:
    """Update as create."""
    task = {"resourceType": "Task", "id": "chosen-by-us", "status": "draft", "intent": "order"}
    assert open_chart.chart().update(task).reference == "Task/chosen-by-us"


@pytest.mark.parametrize("ehr", ["epic", "oracle"])
def test_the_others_do_not_let_a_client_choose_the_id(bench_of: Callable[[str], Bench], ehr: str) -> None:
    bench = bench_of(ehr)
    body = epic_note(bench) if ehr == "epic" else oracle_document(bench)
    with pytest.raises((NotInChart, ChartRefused)):
        bench.chart().update({**body, "id": "chosen-by-us"}, if_match='W/"1"')


# ---- only on the wire


def test_a_token_that_has_expired_is_refused_until_it_is_renewed(practice: Practice) -> None:
    """401 for the first token a client shows for that patient, and only for that patient."""
    bench = Bench("epic", practice.houses["epic"].records, practice)
    old, new = bench.chart(), bench.chart()
    bench.records.scenarios.set(bench.id("odwyer"), "token-expired")
    with pytest.raises(ChartRefused) as refused:
        old.read(bench.patient("odwyer"))
    assert refused.value.status == 401
    assert old.read(bench.patient())
    assert new.read(bench.patient("odwyer"))
    bench.records.scenarios.set(bench.id("odwyer"), None)


def _raw(practice: Practice, ehr: str, path: str, method: str = "GET", **more: Any) -> requests.Response:
    house = practice.houses[ehr]
    face = house.face("clinician")
    token = house.grants.give_token(face.key, Access("system", ("system/*.cruds",), client_id="raw"), 60).value
    headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json", **more.pop("headers", {})}
    return requests.request(method, f"{face.fhir_base}/{path}", headers=headers, timeout=10, **more)


def test_the_answers_to_a_create_look_like_the_real_ones(practice: Practice) -> None:
    """Epic: relative Location, nothing else. Oracle: absolute Location, ETag, empty body. Open: the resource."""
    sent = {"Content-Type": "application/fhir+json"}
    bench = Bench("epic", practice.houses["epic"].records, practice)
    answer = _raw(practice, "epic", "DocumentReference", "POST", json=epic_note(bench), headers=sent)
    assert answer.status_code == 201
    assert answer.content == b""
    assert answer.headers["Location"].startswith("DocumentReference/")
    assert "ETag" not in answer.headers
    bench = Bench("oracle", practice.houses["oracle"].records, practice)
    answer = _raw(practice, "oracle", "DocumentReference", "POST", json=oracle_document(bench), headers=sent)
    assert (answer.status_code, answer.content) == (201, b"")
    assert answer.headers["Location"].startswith(practice.houses["oracle"].faces[0].fhir_base)
    assert answer.headers["ETag"] == 'W/"1"'
    bench = Bench("open", practice.houses["open"].records, practice)
    answer = _raw(practice, "open", "Task", "POST", json={"resourceType": "Task", "status": "draft", "intent": "order"})
    assert answer.json()["meta"]["versionId"] == "1"


def test_epic_tells_the_note_it_filed_only_when_asked(practice: Practice) -> None:
    bench = Bench("epic", practice.houses["epic"].records, practice)
    wanted = {"Prefer": "return=representation"}
    answer = _raw(practice, "epic", "DocumentReference", "POST", json=epic_note(bench), headers=wanted)
    assert answer.json()["id"] == answer.headers["Location"].partition("/")[2]


@pytest.mark.parametrize("method", ["PATCH", "DELETE"])
@pytest.mark.parametrize("ehr", ["epic", "oracle"])
def test_nothing_is_patched_or_deleted_there(practice: Practice, ehr: str, method: str) -> None:
    path = f"Patient/{Bench(ehr, practice.houses[ehr].records).id('holloway')}"
    assert _raw(practice, ehr, path, method, json=[]).status_code == 405


def test_oracle_answers_a_batch_of_writes_with_422(practice: Practice) -> None:
    batch = {"resourceType": "Bundle", "type": "batch", "entry": []}
    assert _raw(practice, "oracle", "", "POST", json=batch).status_code == 422


def test_epic_tells_a_patient_that_there_may_be_more(practice: Practice) -> None:
    """Warning 4119 stands beside the matches, as an entry that is no match."""
    bench = Bench("epic", practice.houses["epic"].records, practice)
    page = bench.chart(bench.as_patient()).search("DiagnosticReport", patient=bench.id("holloway"))
    assert len(page.entries) == 2
    assert any("Additional data may exist" in note for note in page.notes)


def test_epic_answers_403_with_an_empty_body(practice: Practice) -> None:
    order = {"resourceType": "ServiceRequest", "status": "active", "intent": "order", "subject": {"reference": "x"}}
    answer = _raw(practice, "epic", "ServiceRequest", "POST", json=order)
    assert (answer.status_code, answer.content) == (403, b"")


def test_epic_writes_its_statement_in_xml_unless_json_is_asked_for(practice: Practice) -> None:
    assert _raw(practice, "epic", "metadata", headers={"Accept": "*/*"}).text.startswith("<CapabilityStatement")
    assert _raw(practice, "epic", "metadata").json()["resourceType"] == "CapabilityStatement"


def test_oracle_answers_406_with_an_empty_body_where_json_is_not_accepted(practice: Practice) -> None:
    answer = _raw(practice, "oracle", "Patient?family=Holloway", headers={"Accept": "application/fhir+xml"})
    assert (answer.status_code, answer.content) == (406, b"")


def test_oracle_gives_a_pdf_only_as_a_pdf(practice: Practice) -> None:
    bench = Bench("oracle", practice.houses["oracle"].records, practice)
    written = bench.chart().create(oracle_document(bench)).reference.partition("/")[2]
    assert _raw(practice, "oracle", f"Binary/XR-{written}").status_code == 404
    given = _raw(practice, "oracle", f"Binary/XR-{written}", headers={"Accept": "application/pdf"})
    assert given.content == PDF


def test_oracle_has_no_such_tenant(practice: Practice) -> None:
    base = practice.houses["oracle"].faces[0].fhir_base
    elsewhere = base.rpartition("/")[0] + "/elsewhere"
    answer = requests.get(f"{elsewhere}/Patient", headers={"Accept": "application/fhir+json"}, timeout=10)
    assert answer.status_code == 403
    assert "Tenant not valid" in answer.text


def test_oracle_fails_with_500_where_a_mandatory_element_is_missing(practice: Practice) -> None:
    bench = Bench("oracle", practice.houses["oracle"].records, practice)
    body = oracle_document(bench, type=None)
    answer = _raw(practice, "oracle", "DocumentReference", "POST", json=body)
    assert answer.status_code == 500
    assert answer.json()["issue"][0] == {
        "severity": "fatal",
        "code": "required",
        "location": ["/f:DocumentReference/f:type"],
    }


def test_without_a_token_nothing_is_told(practice: Practice) -> None:
    for house in practice.houses.values():
        for face in house.faces:
            answer = requests.get(f"{face.fhir_base}/Patient", timeout=10)
            assert answer.status_code == 401
            assert answer.content == b""


def test_a_post_search_is_the_same_search(practice: Practice) -> None:
    """The query string of a POST is ignored, as Epic does since February 2026."""
    answer = _raw(practice, "epic", "Patient/_search?family=Perrault", "POST", data={"family": "Holloway"})
    names = [entry["resource"]["name"][0]["family"] for entry in answer.json()["entry"]]
    assert names == ["Holloway"]


def test_a_deleted_resource_is_gone(practice: Practice) -> None:
    made = _raw(
        practice, "open", "Task", "POST", json={"resourceType": "Task", "status": "draft", "intent": "order"}
    ).json()
    assert _raw(practice, "open", f"Task/{made['id']}", "DELETE").status_code == 204
    assert _raw(practice, "open", f"Task/{made['id']}").status_code == 410
