"""The opinion as DiagnosticReport, Observation, DocumentReference and Communication."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fhir import codes
from fhir.chart import is_clean
from fhir.check import check
from fhir.invariants import sha1
from fhir.profiles import EPIC, OPEN, ORACLE
from fhir.report import (
    OpinionFacts,
    agreement_observation,
    communication,
    diagnostic_report,
    document_reference,
    note_text,
    observation_url,
    reference_line,
)

UID = "1.2.826.0.1.3680043.8.498.1"
REFERRAL = "3f1c1d0e-6a3b-4c55-9f0a-0d6f1c2b7a11"
SIGNED = datetime(2026, 3, 4, 15, 58, tzinfo=UTC)
FACTS = OpinionFacts(
    referral_id=REFERRAL,
    version=1,
    status="final",
    subject="Patient/p",
    subject_display="RUIZ, María",
    answer="Yes, it is new.",
    findings="Tear of 9 mm.",
    impression="New tear <9 mm & stable otherwise.",
    agreement="4",
    agreement_words="Important difference, detection",
    affects_management=True,
    signed_at=SIGNED,
    expert_name="Dr. Ines Vidal",
    expert_reference="",
    organisation_name="Cedar Readers",
    acquired="2024-05-08T14:02:00-05:00",
    study_instance_uids=(UID,),
    service_request=None,
    imaging_study=None,
    encounter=None,
    pdf=b"%PDF-1.7 opinion",
    text="Second opinion\n\nNew tear.",
)
LATER = replace(
    FACTS,
    version=2,
    status="corrected",
    change_line="Version 2 replaces version 1: the side was wrong.",
    replaces="DocumentReference/n1",
)


def reported(facts: OpinionFacts = FACTS, **more: Any) -> dict[str, Any]:
    resource = diagnostic_report(facts, **more)
    check(resource)
    assert is_clean(resource)  # fhirclient reads it strictly: a second opinion on our shape
    return resource


def test_effective_is_the_acquisition_and_issued_the_signature() -> None:
    """With "now" as effective time the report would stand at the wrong place in the chart."""
    resource = reported()
    assert resource["effectiveDateTime"] == "2024-05-08T14:02:00-05:00"
    assert resource["issued"] == "2026-03-04T15:58:00+00:00"


def test_an_unknown_acquisition_time_is_said_to_be_unknown() -> None:
    resource = reported(replace(FACTS, acquired=""))
    assert "effectiveDateTime" not in resource
    assert resource["_effectiveDateTime"]["extension"][0]["valueCode"] == "unknown"


def test_the_report_is_a_us_core_radiology_note() -> None:
    resource = reported()
    assert resource["meta"]["profile"] == [codes.US_CORE_REPORT_NOTE]
    assert [c["coding"][0]["code"] for c in resource["category"]] == ["LP29684-5", "RAD"]
    assert resource["code"]["coding"][0]["code"] == "18748-4"


def test_the_report_names_opinion_version_and_referral() -> None:
    systems = {i["system"]: i["value"] for i in reported(LATER)["identifier"]}
    assert systems == {
        codes.OPINION_ID: REFERRAL,
        codes.OPINION_VERSION: f"{REFERRAL}/2",
        codes.REFERRAL_ID: REFERRAL,
    }
    assert reported()["identifier"][0] == reported(LATER)["identifier"][0]


def test_pdf_and_text_carry_size_and_sha1_of_their_own_bytes() -> None:
    """R4: Attachment.hash is SHA-1, base64, of the decoded bytes."""
    pdf, text = reported()["presentedForm"]
    assert (pdf["contentType"], base64.b64decode(pdf["data"])) == ("application/pdf", FACTS.pdf)
    assert (pdf["size"], pdf["hash"]) == (len(FACTS.pdf), sha1(FACTS.pdf))
    assert base64.b64decode(text["data"]).decode() == note_text(FACTS)


def test_the_referrer_is_neither_performer_nor_interpreter() -> None:
    resource = reported()
    assert resource["performer"] == [{"type": "Organization", "display": "Cedar Readers"}]
    assert resource["resultsInterpreter"] == [{"type": "Practitioner", "display": "Dr. Ines Vidal"}]


def test_the_agreement_travels_contained_or_beside() -> None:
    inside = reported()
    assert inside["result"] == [{"reference": "#agreement"}]
    assert inside["contained"][0]["id"] == "agreement"
    beside = reported(agreement=observation_url(FACTS))
    assert "contained" not in beside
    assert beside["result"][0]["reference"].startswith("urn:uuid:")


@pytest.mark.parametrize(
    ("grade", "translation"),
    [("1", ["122775"]), ("2", ["122776"]), ("5", ["122776"]), ("cannot-compare", [])],
)
def test_the_grade_is_ours_and_dicoms_code_only_a_translation(grade: str, translation: list[str]) -> None:
    resource = agreement_observation(replace(FACTS, agreement=grade))
    check(resource)
    own, *others = resource["valueCodeableConcept"]["coding"]
    assert (own["system"], own["code"]) == (codes.AGREEMENT, grade)
    assert [c["code"] for c in others] == translation


def test_whether_it_changes_care_is_a_component_and_left_out_where_nobody_knows() -> None:
    assert agreement_observation(FACTS)["component"][0]["valueBoolean"] is True
    assert agreement_observation(replace(FACTS, affects_management=False))["component"][0]["valueBoolean"] is False
    assert "component" not in agreement_observation(replace(FACTS, affects_management=None))


@pytest.mark.parametrize(("status", "said"), [("final", "final"), ("corrected", "corrected"), ("appended", "amended")])
def test_an_observation_has_no_status_appended(status: str, said: str) -> None:
    """R4 observation-status knows amended and corrected only."""
    resource = agreement_observation(replace(FACTS, status=status))
    check(resource)
    assert resource["status"] == said


def test_a_later_version_opens_with_what_changed() -> None:
    assert reported(LATER)["conclusion"].startswith(LATER.change_line)
    assert note_text(LATER).startswith(LATER.change_line)
    assert note_text(LATER).count(LATER.change_line) == 1
    told = replace(LATER, text="CORRECTED, version 2: the side\nIt replaces version 1, signed on 4 March.\n\nWords")
    assert note_text(told).startswith("CORRECTED, version 2")


def test_a_note_ends_with_our_reference_exactly_once() -> None:
    line = reference_line(REFERRAL, 1)
    assert note_text(FACTS).endswith(f"\n{line}\n")
    assert note_text(replace(FACTS, text=f"Words\n{line}")).count(line) == 1


def test_the_narrative_is_escaped_and_has_no_control_characters() -> None:
    div = reported(replace(FACTS, text="a <b> & c\x0b"))["text"]["div"]
    assert "a &lt;b&gt; &amp; c" in div
    assert "\x0b" not in div


def test_what_a_paste_brings_along_never_parks_an_opinion() -> None:
    """Control characters and halves of characters are no FHIR text."""
    for odd in ("a\x0bb", "a\x00b", "a\ud83db", "a\x9bb"):
        assert reported(replace(FACTS, impression=odd, text=odd))["conclusion"].endswith("ab")


def test_a_name_that_is_missing_is_left_out() -> None:
    resource = reported(replace(FACTS, organisation_name="", expert_name=""))
    assert resource["performer"] == [{"type": "Organization"}]


def test_epic_gets_one_plain_text_note_in_a_visit_and_nothing_it_may_refuse() -> None:
    """Specification 1046: text/plain, one attachment, encounter, explicit docStatus; unknown elements may fail it."""
    resource = document_reference(replace(FACTS, encounter="Encounter/e"), EPIC)
    check(resource)
    assert set(resource) == {"resourceType", "status", "docStatus", "type", "subject", "content", "context"}
    assert (resource["status"], resource["docStatus"]) == ("current", "preliminary")
    assert resource["type"]["coding"][0]["code"] == "11488-4"
    (content,) = resource["content"]
    assert set(content["attachment"]) == {"contentType", "data"}
    assert content["attachment"]["contentType"] == "text/plain"
    assert resource["context"] == {"encounter": [{"reference": "Encounter/e"}]}
    assert document_reference(FACTS, replace(EPIC, doc_status="final"))["docStatus"] == "final"


def test_oracle_gets_a_pdf_with_the_signing_time_and_no_author() -> None:
    """context.period.end is required, with a time part; the system persona omits author."""
    resource = document_reference(FACTS, ORACLE)
    check(resource)
    assert "author" not in resource
    assert "authenticator" not in resource
    assert resource["docStatus"] == "final"
    assert resource["context"]["period"]["end"] == "2026-03-04T15:58:00+00:00"
    attachment = resource["content"][0]["attachment"]
    assert attachment["contentType"] == "application/pdf"
    assert f"{REFERRAL}/1" in attachment["title"]


def test_oracle_gets_a_later_version_as_amended() -> None:
    assert document_reference(LATER, ORACLE)["docStatus"] == "amended"
    assert document_reference(replace(LATER, replaces=None), ORACLE)["docStatus"] == "final"


def test_an_open_server_gets_identifier_and_what_is_replaced() -> None:
    resource = document_reference(LATER, replace(OPEN, resource="DocumentReference"))
    check(resource)
    assert resource["identifier"][0]["value"] == f"{REFERRAL}/2"
    assert resource["relatesTo"] == [{"code": "replaces", "target": {"reference": "DocumentReference/n1"}}]
    assert resource["meta"]["profile"] == [codes.US_CORE_DOCUMENT_REFERENCE]


def test_a_message_carries_words_and_pdf() -> None:
    resource = communication(FACTS)
    check(resource)
    assert resource["status"] == "completed"
    assert resource["payload"][0]["contentString"] == note_text(FACTS).strip()


@pytest.mark.parametrize("profile", [EPIC, ORACLE, OPEN], ids=lambda p: p.name)
def test_what_was_filed_by_mistake_is_marked_so(profile: Any) -> None:
    mistake = replace(FACTS, status="entered-in-error")
    for resource in (document_reference(mistake, profile), diagnostic_report(mistake), communication(mistake)):
        check(resource)
        assert resource["status"] == "entered-in-error"


def test_the_same_facts_make_the_same_bytes() -> None:
    """The look after a crash compares what is built again with what stands there."""
    made = [json.dumps((diagnostic_report(f), document_reference(f, ORACLE), communication(f))) for f in (FACTS, FACTS)]
    assert made[0] == made[1]
    assert observation_url(FACTS) == observation_url(FACTS) != observation_url(LATER)
