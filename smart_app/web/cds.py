"""The CDS Hooks 2.0 face: what we offer, cards for a chart, and what became of a card. JSON only, no cookies.

Rule: a caller that does not prove itself is refused; for one that does, whatever is missing means no card, never an
error in somebody's chart.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, request
from werkzeug.exceptions import NotFound

from fhir.chart import Chart, FhirChart
from fhir.errors import ChartError
from fhir.study import ChartStudy, read_imaging_study
from launch.callers import Caller, Used, caller_of
from launch.errors import LaunchError
from launch.issuers import normalised
from launch.outbound import Outbound, protect
from smart_app.hooks import Card, DraftOrder, answered, on_opening, on_ordering
from smart_app.sites import Site
from smart_app.web.doors import Doors
from smart_app.web.sessions import ports

blueprint = Blueprint("cds", __name__, url_prefix="/cds-services")
log = logging.getLogger(__name__)
DOORS = "second-opinion-doors"
USED = Used()

STUDIES = "ImagingStudy?patient={{context.patientId}}&_count=50"
SERVICES: dict[str, tuple[str, str, str]] = {
    "second-opinion-waiting": (
        "patient-view",
        "A second opinion waits",
        "Says when an outside opinion in this chart has not been read, or its reader has a question.",
    ),
    "second-opinion-while-ordering": (
        "order-select",
        "Images that are there already",
        "Says when recent images of the same region could be read again instead of being repeated.",
    ),
    "second-opinion-before-signing": (
        "order-sign",
        "Images that are there already",
        "Says when recent images of the same region could be read again instead of being repeated.",
    ),
}
ANSWERED_WITHIN = 0.8  # seconds for one question to the chart; the clinician's screen waits for us
LARGEST = 1_000_000  # bytes


@blueprint.get("")
def discovery() -> Response:
    """What we offer (CDS Hooks 2.0, Discovery). Open to everybody, as the standard has it."""
    offered = []
    for name, (hook, title, description) in SERVICES.items():
        service: dict[str, Any] = {"hook": hook, "id": name, "title": title, "description": description}
        if hook != "patient-view":
            service["prefetch"] = {"studies": STUDIES}
        offered.append(service)
    said = jsonify(services=offered)
    said.headers["Access-Control-Allow-Origin"] = "*"
    return said


@blueprint.post("/<service>")
def cards(service: str) -> Response:
    """Cards for this moment in that chart."""
    if service not in SERVICES:
        raise NotFound
    site = _proven_site(f"{ports().settings.base_url}/cds-services/{service}")
    body = _body()
    hook = SERVICES[service][0]
    if body.get("hook") != hook:
        return _silent()
    try:
        found = list(_cards(site, hook, body))
    except (LaunchError, ChartError, KeyError, TypeError, ValueError) as missing:
        log.info("no card for %s: %s", hook, type(missing).__name__)
        return _silent()
    return jsonify(cards=[_shown(card) for card in found])


@blueprint.post("/<service>/feedback")
def feedback(service: str) -> Response:
    """What the clinician did with cards of ours (CDS Hooks 2.0, Feedback)."""
    if service not in SERVICES:
        raise NotFound
    _proven_site(f"{ports().settings.base_url}/cds-services/{service}/feedback")
    listed = _body().get("feedback")
    for one in listed if isinstance(listed, list) else []:
        if isinstance(one, dict) and one.get("outcome") in ("accepted", "overridden"):
            answered(ports(), str(one.get("card", "")), one["outcome"])
    return jsonify({})


def _cards(site: Site, hook: str, body: dict[str, Any]) -> list[Card]:
    context = body["context"]
    user, patient = str(context["userId"]), f"Patient/{context['patientId']}"
    if not user or not context["patientId"]:
        return []
    if hook == "patient-view":
        return on_opening(ports(), site, user, patient)
    orders = list(_orders(context))
    return on_ordering(ports(), site, user, patient, orders, _studies(site, body)) if orders else []


def _orders(context: dict[str, Any]) -> Iterator[DraftOrder]:
    """The imaging orders being written; in `order-select` only those just chosen."""
    chosen = {str(name).rpartition("/")[2] for name in context.get("selections", [])}
    for entry in context["draftOrders"].get("entry", []):
        order = entry.get("resource", {})
        if order.get("resourceType") != "ServiceRequest" or (chosen and order.get("id") not in chosen):
            continue
        code = order.get("code") or {}
        codings = [coding for coding in code.get("coding", []) if isinstance(coding, dict)]
        words = [str(code.get("text", "")), *(str(coding.get("display", "")) for coding in codings)]
        yield DraftOrder(" ".join(words), tuple(f"{c.get('system', '')}|{c.get('code', '')}" for c in codings))


def _studies(site: Site, body: dict[str, Any]) -> list[ChartStudy]:
    """From what came along, else asked of the chart with the token that came along, quickly or not at all."""
    given = (body.get("prefetch") or {}).get("studies")
    if not isinstance(given, dict):
        chart = _chart(site, body)
        found: list[Any] = (
            list(chart.search("ImagingStudy", patient=str(body["context"]["patientId"])).entries) if chart else []
        )
    else:
        found = [entry.get("resource") for entry in given.get("entry", []) if isinstance(entry, dict)]
    return [read_imaging_study(e) for e in found if isinstance(e, dict) and e.get("resourceType") == "ImagingStudy"]


def _chart(site: Site, body: dict[str, Any]) -> Chart | None:
    """The chart behind the token of this call. Only at an address that is the site's own."""
    token = (body.get("fhirAuthorization") or {}).get("access_token")
    server = body.get("fhirServer")
    own = {normalised(persona.iss) for persona in site.personas}
    if not isinstance(token, str) or not isinstance(server, str) or normalised(server) not in own:
        return None
    session = Outbound(practice=ports().settings.practice, timeout=ANSWERED_WITHIN)
    protect(session, practice=ports().settings.practice, timeout=ANSWERED_WITHIN)
    session.headers["Authorization"] = f"Bearer {token}"
    return FhirChart(server, session, timeout=ANSWERED_WITHIN)


def _shown(card: Card) -> dict[str, Any]:
    """As the standard spells it. The EHR opens the link as a launch and hands `appContext` back to us."""
    link = {
        "label": card.label,
        "url": f"{ports().settings.base_url}/launch",
        "type": "smart",
        "appContext": json.dumps(card.opens),
    }
    return {
        "uuid": card.uuid,
        "summary": card.summary[:140],
        "detail": card.detail,
        "indicator": "warning" if card.urgent else "info",
        "source": {"label": "Second Opinion", "url": ports().settings.base_url},
        "links": [link],
        "overrideReasons": [
            {"code": {"code": "known", "display": "I know about it"}},
            {"code": {"code": "not-mine", "display": "Not my patient's question"}},
        ],
    }


def _proven_site(address: str) -> Site:
    """The hospital this call comes from, proven. Raises CallerRejected."""
    callers: dict[str, Caller] = {}
    sites: dict[str, Site] = {}
    for site in ports().directory.sites:
        for persona in site.personas:
            if site.hooks_jwks and persona.audience == "clinician":
                callers[normalised(persona.iss)] = Caller(persona.iss, site.hooks_jwks)
                sites[persona.iss] = site
    found: Doors = current_app.extensions[DOORS]
    shown = request.headers.get("Authorization", "")
    caller = caller_of(shown, address, callers, http=found.http, now=ports().now, used=USED)
    g.site = sites[caller.iss].id
    return sites[caller.iss]


def _body() -> dict[str, Any]:
    if (request.content_length or 0) > LARGEST:
        return {}
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}


def _silent() -> Response:
    return jsonify(cards=[])
