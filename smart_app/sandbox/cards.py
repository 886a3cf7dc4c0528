"""Cards of the app on a chart page: the practice EHR as a CDS client (CDS Hooks 2.0).

Rule: a service that is slow, silent or refuses leaves no trace on the page; the chart never waits for it long.
"""

from __future__ import annotations

import time
import uuid
from dataclasses import dataclass
from typing import Any

import requests

from smart_app.sandbox.house import House

PATIENCE = 2.0
"""Seconds the chart waits for a card."""

SERVICE = "second-opinion-waiting"


@dataclass(frozen=True)
class Shown:
    """One card as the page shows it."""

    uuid: str
    summary: str
    detail: str
    urgent: bool
    label: str
    app_context: str
    reasons: tuple[tuple[str, str], ...]


def on_opening(house: House, app_base: str, user: str, patient: str) -> list[Shown]:
    """What the app has to say when this person opens this chart."""
    body = {
        "hook": "patient-view",
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": house.face("clinician").fhir_base,
        "context": {"userId": user, "patientId": patient},
    }
    answer = _call(house, f"{app_base}/cds-services/{SERVICE}", body)
    cards = answer.get("cards")
    return [card for card in map(_shown, cards if isinstance(cards, list) else []) if card]


def answered(house: House, app_base: str, card: str, outcome: str) -> None:
    """Tell the app what became of a card."""
    said = {"card": card, "outcome": outcome, "outcomeTimestamp": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    _call(house, f"{app_base}/cds-services/{SERVICE}/feedback", {"feedback": [said]})


def _call(house: House, url: str, body: dict[str, Any]) -> dict[str, Any]:
    now = int(time.time())
    claims = {
        "iss": house.face("clinician").fhir_base,
        "sub": "second-opinion-clinician",
        "aud": url,
        "iat": now,
        "exp": now + 240,
        "jti": str(uuid.uuid4()),
    }
    headers = {"Authorization": f"Bearer {house.key.sign(claims)}", "Accept": "application/json"}
    try:
        answer = requests.post(url, json=body, headers=headers, timeout=PATIENCE)
        said = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError):
        said = {}
    return said if isinstance(said, dict) else {}


def _shown(card: Any) -> Shown | None:
    """A card with one link of the app; anything else is not shown."""
    if not isinstance(card, dict):
        return None
    link = next((one for one in card.get("links", []) if one.get("type") == "smart"), None)
    if link is None or not card.get("summary"):
        return None
    reasons = [reason.get("code", {}) for reason in card.get("overrideReasons", [])]
    return Shown(
        str(card.get("uuid", "")),
        str(card["summary"]),
        str(card.get("detail", "")),
        card.get("indicator") in ("warning", "critical"),
        str(link.get("label", "Open")),
        str(link.get("appContext", "")),
        tuple((str(code.get("code", "")), str(code.get("display", ""))) for code in reasons),
    )
