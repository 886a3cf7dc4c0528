"""What a launch says beside the patient: who, which study, how the screen should look; and what was not granted."""

from __future__ import annotations

import pytest

from launch.context import local_reference, read_context, user_kind
from launch.scopes import Gap, gaps, missing_scopes

BASE = "https://ehr.example.org/fhir"


def test_the_study_and_the_order_of_a_launch_are_found_in_its_fhir_context() -> None:
    """SMART App Launch 2.2: references relative or absolute, identifiers, roles; other servers' are left out."""
    context = read_context(
        {
            "fhirContext": [
                {"reference": "ImagingStudy/1"},
                {"reference": f"{BASE}/ImagingStudy/2", "role": "launch"},
                {"reference": "https://elsewhere.example/fhir/ImagingStudy/3"},
                {"reference": "ImagingStudy/1"},
                {"reference": "ServiceRequest/9/_history/1"},
                {"reference": "../ServiceRequest/9"},
                {"reference": "ServiceRequest/.."},
                {"reference": ["ServiceRequest/8"]},
                "ServiceRequest/7",
                {"type": "ImagingStudy", "identifier": {"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}},
                {"type": "ImagingStudy", "identifier": {"value": 5}},
                {"type": "ServiceRequest", "identifier": {"value": "ORD-1"}},
                {"canonical": "https://x.example/Questionnaire/1"},
            ]
        }
    )
    assert context.references("ImagingStudy", BASE + "/") == ("ImagingStudy/1", "ImagingStudy/2")
    assert context.references("ServiceRequest", BASE) == ("ServiceRequest/7",)
    assert context.identifiers("ImagingStudy") == (("urn:dicom:uid", "urn:oid:1.2.3"),)
    assert context.identifiers("ServiceRequest") == (("", "ORD-1"),)
    assert context.fhir_context[-1] == {"canonical": "https://x.example/Questionnaire/1"}
    assert read_context({"fhirContext": {"reference": "ImagingStudy/1"}}).fhir_context == ()


@pytest.mark.parametrize(
    ("user", "kind"),
    [
        ("Practitioner/1", "Practitioner"),
        (f"{BASE}/PractitionerRole/1", "PractitionerRole"),
        (f"{BASE}/Patient/1", "Patient"),
        ("RelatedPerson/1", "RelatedPerson"),
        ("Person/1", "Person"),
        ("Device/1", ""),
        ("javascript:alert(1)//Patient/1", ""),
        ("Patient", ""),
        ("", ""),
        (None, ""),
        (["Patient/1"], ""),
    ],
)
def test_a_user_is_one_of_five_kinds_of_person(user: object, kind: str) -> None:
    context = read_context({"fhirUser": user})
    assert user_kind(context.fhir_user) == kind
    assert bool(context.fhir_user) is bool(kind)


def test_members_of_a_vendors_own_are_kept_and_the_tokens_are_not() -> None:
    answer = {
        "access_token": "a",
        "refresh_token": "r",
        "id_token": "i",
        "state": "s",
        "appointment": "ap1",
        "loginDepartment": "d1",
        "__epic.dstu2.patient": "T1",
        "smart_style_url": "https://ehr.example.org/style.json",
        "intent": "review",
        "tenant": "t1",
    }
    context = read_context(answer)
    assert context.raw.keys() == answer.keys() - {"access_token", "refresh_token", "id_token", "state"}
    assert (context.appointment, context.intent, context.tenant) == ("ap1", "review", "t1")
    assert context.smart_style_url == "https://ehr.example.org/style.json"


@pytest.mark.parametrize(
    "reference",
    ["Patient/a b", "patient/1", "Patient/", "/Patient/1", "//evil/Patient/1", "Patient/1#x", "Patient/1?x"],
)
def test_a_reference_that_is_none_is_nothing(reference: str) -> None:
    assert local_reference(reference, BASE) == ""


# -- what was not granted --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "granted", "expected"),
    [
        ("user/Patient.rs", "user/Patient.read", []),
        ("user/ImagingStudy.rs", "user/Patient.rs", [("user", "ImagingStudy", "rs", ())]),
        ("user/ImagingStudy.read", "user/imagingstudy.r", [("user", "ImagingStudy", "s", ())]),
        ("user/DocumentReference.write", "user/DocumentReference.c", [("user", "DocumentReference", "ud", ())]),
        ("user/Observation.rs", "user/Observation.rs?category=lab", [("user", "Observation", "rs", ("category=lab",))]),
        ("patient/*.rs", "patient/Patient.rs", [("patient", "*", "rs", ())]),
        ("offline_access", "openid", [("", "", "", ())]),
    ],
)
def test_what_is_missing_is_taken_apart_for_a_screen(
    asked: str, granted: str, expected: list[tuple[str, str, str, tuple[str, ...]]]
) -> None:
    found = gaps([asked], granted.split())
    assert found == tuple(Gap(asked, *parts) for parts in expected)
    assert tuple(gap.scope for gap in found) == missing_scopes([asked], granted.split())
