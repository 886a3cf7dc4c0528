"""CDS Hooks, called by the practice EHR over HTTP: who may call, which cards come, and when none does."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from joserfc import jwt
from joserfc.jwk import RSAKey

from smart_app.app import utc_now
from smart_app.case import Patient
from smart_app.sandbox import cards
from smart_app.sandbox.control import make_patient
from tests.staged import Town, staged

USER = "Practitioner/anybody"
OPENING, ORDERING = "second-opinion-waiting", "second-opinion-while-ordering"


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The app beside the practice EHR."""
    with Town(tmp_path_factory.mktemp("town")) as running:
        yield running


def _referral(town: Town, status: str) -> tuple[str, str]:
    """A referral in the open chart that has come that far; its id and its patient's."""
    made = make_patient(town.practice.houses["open"], {"family": "Hook", "given": "Hana", "birth_date": "1980-02-03"})
    patient = Patient(f"Patient/{made['id']}", "Hook", ("Hana",), "1980-02-03", "female", "H-1")
    referral = replace(staged(status, utc_now() - timedelta(days=3), id=uuid.uuid4().hex, patient=patient), site="open")
    with town.ports.store.transaction() as tx:
        tx.referrals.add(referral)
    return referral.id, made["id"]


def _token(town: Town, service: str, ehr: str = "open", **changed: Any) -> str:
    now = int(time.time())
    house = town.practice.houses[ehr]
    claims = {
        "iss": house.face("clinician").fhir_base,
        "aud": f"{town.base}/cds-services/{service}",
        "iat": now,
        "exp": now + 240,
        "jti": uuid.uuid4().hex,
    }
    return house.key.sign({**claims, **changed})


def _call(town: Town, service: str, body: dict[str, Any], token: str | None = None) -> requests.Response:
    shown = _token(town, service) if token is None else token
    return requests.post(
        f"{town.base}/cds-services/{service}", json=body, headers={"Authorization": f"Bearer {shown}"}, timeout=10
    )


def _opening(patient: str, user: str = USER) -> dict[str, Any]:
    return {"hook": "patient-view", "hookInstance": "1", "context": {"userId": user, "patientId": patient}}


def test_discovery_names_each_service(town: Town) -> None:
    """Open to everybody, with the prefetch each can use."""
    services = requests.get(f"{town.base}/cds-services", timeout=10).json()["services"]
    assert {service["hook"] for service in services} == {"patient-view", "order-select", "order-sign"}
    assert all({"id", "title", "description"} <= service.keys() for service in services)


@pytest.mark.parametrize(("status", "says"), [("delivered", "nobody has said"), ("question", "has a question")])
def test_a_chart_is_told_what_waits_in_it(town: Town, status: str, says: str) -> None:
    """The card leads to the very referral and holds no finding."""
    referral, patient = _referral(town, status)
    (card,) = _call(town, OPENING, _opening(patient)).json()["cards"]
    assert says in card["summary"]
    assert len(card["summary"]) <= 140
    assert referral in card["links"][0]["appContext"]
    assert card["links"][0]["type"] == "smart"
    assert "sclerosis" not in str(card).lower()


@pytest.mark.parametrize("status", ["gathering", "sent", "signed", "seen", "withdrawn", "quarantined"])
def test_nothing_is_said_where_nobody_has_to_do_anything(town: Town, status: str) -> None:
    """A card that nags is worse than none."""
    _, patient = _referral(town, status)
    assert _call(town, OPENING, _opening(patient)).json() == {"cards": []}


def test_a_card_put_aside_stays_quiet_for_that_person_only(town: Town) -> None:
    """Feedback is kept (CDS Hooks 2.0, Feedback); a colleague still sees the card."""
    _, patient = _referral(town, "delivered")
    (card,) = _call(town, OPENING, _opening(patient)).json()["cards"]
    said = {"feedback": [{"card": card["uuid"], "outcome": "overridden"}]}
    url = f"{OPENING}/feedback"
    assert _call(town, url, said, _token(town, url)).ok
    assert _call(town, OPENING, _opening(patient)).json()["cards"] == []
    assert len(_call(town, OPENING, _opening(patient, "Practitioner/other")).json()["cards"]) == 1


def _ordering(patient: str, text: str, studies: list[dict[str, Any]] | None) -> dict[str, Any]:
    order = {"resourceType": "ServiceRequest", "id": "draft", "status": "draft", "code": {"text": text}}
    context = {
        "userId": USER,
        "patientId": patient,
        "selections": ["ServiceRequest/draft"],
        "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": order}]},
    }
    body: dict[str, Any] = {"hook": "order-select", "hookInstance": "1", "context": context}
    if studies is not None:
        body["prefetch"] = {"studies": {"resourceType": "Bundle", "entry": [{"resource": one} for one in studies]}}
    return body


def _study(description: str, modality: str, days_ago: int) -> dict[str, Any]:
    return {
        "resourceType": "ImagingStudy",
        "id": "s1",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:2.25.77"}],
        "started": (utc_now() - timedelta(days=days_ago)).isoformat(),
        "modality": [{"code": modality}],
        "description": description,
        "subject": {"reference": "Patient/x"},
    }


@pytest.mark.parametrize(
    ("text", "study", "cards_wanted"),
    [
        ("MRI brain with contrast", _study("MRI Brain w/o contrast", "MR", 10), 1),
        ("Computed tomography of chest", _study("CT thorax", "CT", 80), 1),
        ("MRI brain with contrast", _study("MRI Brain w/o contrast", "MR", 120), 0),
        ("MRI knee", _study("MRI Brain w/o contrast", "MR", 10), 0),
        ("CT head", _study("MRI Brain w/o contrast", "MR", 10), 0),
        ("Metabolic panel", _study("MRI Brain w/o contrast", "MR", 10), 0),
        ("", _study("", "MR", 10), 0),
    ],
)
def test_an_order_is_met_by_a_card_only_where_recent_images_show_the_same(
    town: Town, text: str, study: dict[str, Any], cards_wanted: int
) -> None:
    """Same kind, same region, within 90 days; anything less certain is silence."""
    _, patient = _referral(town, "seen")
    found = _call(town, ORDERING, _ordering(patient, text, [study])).json()["cards"]
    assert len(found) == cards_wanted
    if found:
        assert "2.25.77" in found[0]["links"][0]["appContext"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"hook": "patient-view"},
        {"hook": "patient-view", "context": None},
        {"hook": "patient-view", "context": {"userId": "", "patientId": ""}},
        {"hook": "order-sign", "context": {"userId": USER, "patientId": "1"}},
        _opening("nobody"),
    ],
)
def test_whatever_is_missing_is_silence(town: Town, body: dict[str, Any]) -> None:
    """Never an error in somebody's chart."""
    answer = _call(town, OPENING, body)
    assert (answer.status_code, answer.json()) == (200, {"cards": []})


def test_without_prefetch_and_without_a_token_an_order_gets_no_card(town: Town) -> None:
    """Prefetch is the EHR's choice."""
    assert _call(town, ORDERING, _ordering("x", "MRI brain", None)).json() == {"cards": []}


def _forged(town: Town, **changed: Any) -> str:
    key = RSAKey.generate_key(2048, auto_kid=True)
    now = int(time.time())
    claims = {
        "iss": town.practice.houses["open"].face("clinician").fhir_base,
        "aud": f"{town.base}/cds-services/{OPENING}",
        "iat": now,
        "exp": now + 240,
        "jti": "1",
    }
    jku = {"jku": f"{town.base}/.well-known/jwks.json"} if changed.pop("jku", False) else {}
    return jwt.encode({"alg": "RS256", "kid": key.kid, **jku}, {**claims, **changed}, key)


@pytest.mark.parametrize(
    ("token", "check"),
    [
        (lambda town: "", "Authorization"),
        (lambda town: "not.a.token", "form"),
        (lambda town: _token(town, OPENING, iss="https://elsewhere.example/fhir"), "iss"),
        (lambda town: _token(town, ORDERING), "aud"),
        (lambda town: _token(town, OPENING, exp=int(time.time()) - 120), "exp"),
        (lambda town: _token(town, OPENING, exp=int(time.time()) + 7200), "iat"),
        (lambda town: _token(town, OPENING, iat=int(time.time()) + 600), "iat"),
        (lambda town: _token(town, OPENING, jti=None), "jti"),
        (lambda town: _forged(town), "signature"),
        (lambda town: _forged(town, jku=True), "jku"),
    ],
)
def test_a_call_that_is_not_proven_is_refused(town: Town, token: Any, check: str) -> None:
    """401, and nothing is said about any patient."""
    _, patient = _referral(town, "delivered")
    answer = _call(town, OPENING, _opening(patient), token(town))
    assert answer.status_code == 401
    assert "cards" not in answer.text


def test_a_token_is_good_for_one_call(town: Town) -> None:
    """Replay."""
    _, patient = _referral(town, "delivered")
    token = _token(town, OPENING)
    assert _call(town, OPENING, _opening(patient), token).ok
    assert _call(town, OPENING, _opening(patient), token).status_code == 401


def test_the_practice_chart_shows_the_card_and_opens_that_referral(town: Town) -> None:
    """As a clinician sees it: the card on the chart page, its button, the referral."""
    referral, patient = _referral(town, "delivered")
    origin = town.practice.origin
    page = requests.get(f"{origin}/open/patients/{patient}/", timeout=10).text
    assert "nobody has said that it was read" in page
    house = town.practice.houses["open"]
    (card,) = cards.on_opening(house, town.base, "Practitioner/other", patient)
    assert referral in card.app_context
    frame = requests.get(
        f"{origin}/open/patients/{patient}/second-opinion", params={"card": card.app_context}, timeout=10
    ).text
    launch_url = frame.partition('src="')[2].partition('"')[0].replace("&amp;", "&")
    from smart_app.played import Browser

    browser = Browser()
    assert browser.open(launch_url)["id"] == referral
