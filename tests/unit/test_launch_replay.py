"""Real documents of real EHRs, replayed: nothing in them may trip a launch."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st

from launch.client import read_token
from launch.context import read_context
from launch.discovery import read_configuration
from launch.errors import LaunchError, LaunchRefused
from launch.identity import _fhir_user
from launch.scopes import covers, granted_scopes, missing_scopes

NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


def answered(body: object, status: int = 200) -> requests.Response:
    """A response as it would have come over the wire."""
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps(body).encode()
    return response


def documents(shared: Path, pattern: str) -> list[tuple[str, Any]]:
    found = [(str(path), json.loads(path.read_text("utf-8"))) for path in sorted((shared / "data/ehr").glob(pattern))]
    assert found, f"no {pattern} among the third-party documents"
    return found


def test_every_real_configuration_gives_its_endpoints(shared: Path) -> None:
    """Nulls, nested lists, missing issuers and 300 scopes included."""
    for name, raw in documents(shared, "*/smart-configuration*.json") + documents(
        shared, "*/openid-configuration.json"
    ):
        found = read_configuration("https://ehr.example.org/r4", "https://ehr.example.org/r4/.well-known/x", raw)
        assert found.token_endpoint == raw["token_endpoint"], name
        assert found.authorization_endpoint == raw.get("authorization_endpoint", ""), name
        assert not found.issuer.endswith("openid-configuration"), name
        assert all(isinstance(scope, str) and " " not in scope for scope in found.scopes), name
        assert bool(found.scopes) == bool(raw.get("scopes_supported")), name


def test_every_real_token_answer_becomes_a_token_and_a_context(shared: Path) -> None:
    """String booleans, trailing blanks in scope, lower-case bearer, vendor extras."""
    answers = [(name, raw) for name, raw in documents(shared, "*/token-response*.json") if "access_token" in raw]
    assert len(answers) >= 10
    for name, raw in answers:
        token = read_token(answered(raw), NOW)
        context = read_context(token)
        assert token["token_type"] == "Bearer", name
        assert context.patient == raw.get("patient"), name
        assert context.encounter == raw.get("encounter"), name
        assert context.need_patient_banner is (raw.get("need_patient_banner") not in (False, "false")), name
        if "expires_in" in raw:
            assert token["expires_at"] == int(NOW.timestamp()) + raw["expires_in"], name
        assert "access_token" not in context.raw, name
        assert not missing_scopes(granted_scopes(token, ()), granted_scopes(token, ())), name


def test_every_real_refusal_carries_its_reason_and_its_page(shared: Path) -> None:
    for name, raw in documents(shared, "*/token-error*.json"):
        with pytest.raises(LaunchRefused) as caught:
            read_token(answered(raw, 400), NOW)
        assert caught.value.reason == raw["error"], name
        assert caught.value.error_uri == raw["error_uri"], name


def test_every_real_set_of_claims_names_its_fhir_user(shared: Path) -> None:
    for name, raw in documents(shared, "*/id-token-claims*.json"):
        assert _fhir_user(raw, "https://ehr.example.org/r4") == raw.get("fhirUser"), name


def test_a_relative_fhir_user_is_read_against_the_fhir_base() -> None:
    base = "https://ehr.example.org/r4/"
    assert _fhir_user({"fhirUser": "Practitioner/1"}, base) == "https://ehr.example.org/r4/Practitioner/1"
    assert _fhir_user({"profile": "Patient/1"}, base) == "https://ehr.example.org/r4/Patient/1"
    assert _fhir_user({"profile": "https://me.example/"}, base) is None
    assert _fhir_user({"fhirUser": "javascript:alert(1)"}, base) is None


@pytest.mark.parametrize(
    ("answer", "lifetime"),
    [
        ("3600", 3600),
        (3600.0, 3600),
        ("soon", None),
        (None, None),
        (-1, None),
        (True, None),
        ("nan", None),
        ("inf", None),
    ],
)
def test_a_lifetime_is_read_however_it_is_written(answer: object, lifetime: int | None) -> None:
    token = read_token(answered({"access_token": "x", "expires_in": answer, "expires_at": "1999"}), NOW)
    assert token.get("expires_at") == (None if lifetime is None else int(NOW.timestamp()) + lifetime)


def test_a_token_of_any_length_and_form_is_kept_whole() -> None:
    for text in ("x", "a.b.c" * 20_000, "ü/+=~ blank"):
        answer = {"access_token": text, "refresh_token": text, "vendor": {"deep": [1]}}
        token = read_token(answered(answer), NOW)
        assert (token["access_token"], token["refresh_token"], token["vendor"]) == (text, text, {"deep": [1]})


def test_context_is_read_in_every_spelling() -> None:
    context = read_context(
        {
            "patient": "Patient/p.1-A",
            "encounter": 42,
            "need_patient_banner": "TRUE",
            "fhirContext": ["ImagingStudy/1", {"reference": "ServiceRequest/2", "role": "x"}, None, 5],
            "intent": "reconcile",
            "tenant": {"odd": 1},
        }
    )
    assert (context.patient, context.encounter, context.need_patient_banner) == ("p.1-A", "42", True)
    assert context.fhir_context == ({"reference": "ImagingStudy/1"}, {"reference": "ServiceRequest/2", "role": "x"})
    assert (context.intent, context.tenant) == ("reconcile", None)
    assert read_context({}).patient is None


@pytest.mark.parametrize("patient", ["../x", "a/b", "a b", "..", "x" * 300, ["p"], {"id": "p"}, True, "p?x=1"])
def test_a_patient_that_is_no_id_is_refused(patient: object) -> None:
    """It would become part of an address in the chart."""
    with pytest.raises(LaunchRefused):
        read_context({"patient": patient})


@pytest.mark.parametrize(
    ("granted", "wanted", "covered"),
    [
        ("user/Patient.rs", "user/Patient.read", True),
        ("user/Patient.Read", "user/Patient.rs", True),
        ("user/Patient.read user/Patient.write", "user/Patient.cruds", True),
        ("user/Patient.r user/Patient.s", "user/Patient.rs", True),
        ("user/*.*", "user/ImagingStudy.cruds", True),
        ("user/*.rs", "user/Patient.cu", False),
        ("patient/Patient.rs", "user/Patient.rs", False),
        ("user/Observation.rs?category=x", "user/Observation.rs", False),
        ("user/Observation.rs", "user/Observation.rs?category=x", True),
        ("launch", "launch/patient", False),
        ("openid,fhirUser", "fhirUser", True),
    ],
)
def test_scopes_are_compared_by_what_they_allow(granted: str, wanted: str, covered: bool) -> None:
    """SMART 2.2: `.read` is `.rs`, `.write` is `.cud`, and real servers mix both and the letter case."""
    assert covers(granted_scopes({"scope": granted}, ()), wanted) is covered


def test_an_answer_without_scope_grants_what_was_asked() -> None:
    """RFC 6749 section 5.1."""
    assert granted_scopes({}, ("a", "b")) == ("a", "b")
    assert granted_scopes({"scope": ""}, ("a",)) == ()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
MEMBERS = st.sampled_from(
    [
        *(
            "access_token",
            "token_type",
            "expires_in",
            "scope",
            "refresh_token",
            "error",
            "error_description",
            "error_uri",
        ),
        *("patient", "encounter", "need_patient_banner", "fhirContext", "issuer", "token_endpoint", "jwks_uri"),
        *("authorization_endpoint", "capabilities", "scopes_supported"),
    ]
)


@settings(max_examples=300, deadline=None)
@given(
    answer=st.dictionaries(MEMBERS, JSON | st.just("https://ehr.example.org/x"), max_size=8),
    status=st.integers(200, 599),
)
def test_whatever_a_server_answers_only_our_own_errors_come_out(answer: dict, status: int) -> None:
    """Nothing an EHR can send may end in a page that says "internal error"."""
    with suppress(LaunchError):
        token = read_token(answered(answer, status), NOW)
        read_context(token)
        missing_scopes(("openid", "user/Patient.rs"), granted_scopes(token, ("openid",)))
        assert isinstance(token["access_token"], str)
    with suppress(LaunchError):
        found = read_configuration("https://ehr.example.org", "https://ehr.example.org/x", answer)
        assert found.token_endpoint.startswith("https://")
