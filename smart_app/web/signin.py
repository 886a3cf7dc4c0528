"""The way in: launch from an EHR, a patient's own start, and the sign-in of a reading organisation.

What a launch needs while it is under way lies in the store under its state, never in the browser, since a cookie set
in a frame may not come back. Where a cookie does come back it must be the one the launch began with.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Blueprint, Response, g, jsonify, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from fhir.chart import Chart
from fhir.errors import ChartConflict, ChartError
from fhir.people import display_name, must_be, read_patient
from launch.authorize import Grant, Pending, complete
from launch.errors import IdentityRejected, LaunchError, LaunchExpired, LaunchRefused
from launch.issuers import Issuer
from smart_app.acting import Right
from smart_app.case import Party
from smart_app.sites import Site
from smart_app.store import Line
from smart_app.web.answers import page
from smart_app.web.away import away, send_to_sign_in
from smart_app.web.choosing import hospitals
from smart_app.web.entering import acts_for_another, must_fit_door, once, said_by
from smart_app.web.errors import BegunElsewhere
from smart_app.web.here import doors
from smart_app.web.proxies import must_still_act
from smart_app.web.readers import identity_of, seat
from smart_app.web.refused import watch
from smart_app.web.seats import sit_down
from smart_app.web.sessions import LASTS, alone, browser, ports
from smart_app.web.stepup import proven_again
from smart_app.web.windows import home_of, send_to_arrive

blueprint = Blueprint("signin", __name__)
AT_ONCE = ThreadPoolExecutor(max_workers=8, thread_name_prefix="launch")
watch(blueprint)


@blueprint.get("/.well-known/jwks.json", defaults={"ring": ""})
@blueprint.get("/.well-known/jwks-sandbox.json", defaults={"ring": "sandbox"})
def jwks(ring: str) -> Response:
    """Our public keys (RFC 7517), for the EHRs that check our signature; test environments have a ring of their own."""
    said = jsonify(doors().keys.ring(ring).jwks(ports().now()))
    said.headers["Cache-Control"] = "public, max-age=300"
    return said


@blueprint.get("/")
def front() -> Response:
    """For somebody who came by the bare address: where each kind of person goes in."""
    organisations = ports().directory.organisations
    names = [{"id": o.id, "name": o.name, "role": o.role} for o in organisations]
    staffed = [site for site in ports().directory.sites if any(p.audience == "clinician" for p in site.personas)]
    return page("signin/front.html", {"organisations": names}, organisations=organisations, staffed=staffed)


# -- from an EHR ---------------------------------------------------------------------------------------------------


@blueprint.route("/launch", methods=["GET", "POST"], defaults={"audience": "clinician"})
@blueprint.route("/launch/patient", methods=["GET", "POST"], defaults={"audience": "patient"})
def launch(audience: str) -> AnyResponse:
    """The EHR opens us (SMART App Launch 2.2, EHR launch). A portal may share the chart's address: its door differs."""
    given = {name: request.values.get(name, "") for name in ("iss", "launch")}
    if request.method == "POST":  # the browser keeps its cookie from a form of another site, and shows it here
        return redirect(url_for(".launch", audience=audience, iss=given["iss"], launch=given["launch"]), 303)
    issuer = doors().chart(given["iss"], audience)
    if not given["launch"]:
        raise LaunchRefused("The chart opened us without saying for whom.", reason="no_launch")
    return away(issuer, launch=given["launch"], redirect_uri=doors().callback)


@blueprint.get("/start")
def start() -> Response:
    """A patient comes without a portal's button and finds their hospital."""
    return hospitals()


@blueprint.get("/start/<site_id>", defaults={"audience": "patient"})
@blueprint.get("/start/<site_id>/staff", defaults={"audience": "clinician"})
def start_at(site_id: str, audience: str) -> AnyResponse:
    """Sign in at that hospital's portal, or as its staff, who pick the patient there (standalone launch)."""
    try:
        persona = ports().directory.site(site_id).persona(audience)
    except KeyError:
        raise NotFound from None
    return away(doors().chart(persona.iss, audience), launch=None, redirect_uri=doors().callback)


@blueprint.get("/callback")
def callback() -> AnyResponse:
    """Back from the EHR: who is there, whose chart is open, and a line for it."""
    pending, kept = _taken()
    issuer = doors().chart(pending.iss, kept["audience"])
    grant = complete(issuer, pending, request.args, keys=doors().keys, http=doors().http, now=ports().now)
    site = doors().site(issuer.iss)
    g.site = site.id
    return send_to_arrive(_chart_line(grant, issuer, site, pending.token_endpoint))


def _taken(*, same_browser: bool = False) -> tuple[Pending, dict[str, str]]:
    """The launch under way of this state, once. Raises LaunchExpired, and BegunElsewhere where another browser did.

    Only a frame may come back without our cookie: else a link could slip a stranger's chart under somebody's hands
    (RFC 9700 section 4.7).
    """
    with ports().store.transaction() as tx:
        sealed = tx.sessions.take_pending(once(request.args).get("state", ""))
    if sealed is None:
        raise LaunchExpired("This launch is not known. Please launch again from the chart.")
    kept: dict[str, str] = json.loads(doors().vault.open(sealed))
    here = browser()
    if (here or same_browser or alone()) and here != kept["browser"]:
        raise BegunElsewhere("This was begun in another browser.")
    return Pending.from_json(kept["pending"]), kept


def _chart_line(grant: Grant, issuer: Issuer, site: Site, token_endpoint: str) -> Line:
    kind, found = issuer.audience, grant.context
    patient = f"Patient/{found.patient}" if found.patient else ""
    user = (found.fhir_user or "").removeprefix(issuer.iss.rstrip("/") + "/")
    if kind == "clinician" and not user:
        raise IdentityRejected("The chart did not say who is signed in (openid fhirUser).")
    must_fit_door(kind, user)
    chart = doors().visit(issuer, token_endpoint, grant.token, ports().now)
    acting = kind == "patient" and acts_for_another(user, patient)
    right = must_still_act(chart, user, patient, site) if acting else Right()
    named = AT_ONCE.submit(_name, chart, user, grant)  # who is there and whose chart it is, in one round trip
    person = _person(chart, patient)
    party = Party(
        role="proxy" if acting else kind,
        name=right.name or named.result() or _full_name(person),
        reference=user or patient,
        organisation=site.name,
    )
    context = {
        "iss": issuer.iss,
        **said_by(grant, issuer),
        "patient": person,
        "language": person.get("language", ""),
        "relationship": right.relationship,
    }
    return sit_down(
        kind,
        party,
        expires=ports().now() + LASTS,
        site=site.id,
        patient=patient,
        encounter=f"Encounter/{found.encounter}" if found.encounter else "",
        context=context,
        token=doors().vault.seal(json.dumps(grant.token)),
    )


def _person(chart: Chart, patient: str) -> dict[str, Any]:
    """The patient's facts as the chart gives them now; empty where it does not answer, and read again later."""
    if not patient:
        return {}
    try:
        return dict(read_patient(must_be(chart.read(patient), patient)).__dict__)
    except ChartConflict:
        raise
    except (ChartError, LaunchError):
        return {}


def _full_name(person: dict[str, Any]) -> str:
    return " ".join((*person.get("given", ()), person.get("family", ""))).strip()


def _name(chart: Chart, user: str, grant: Grant) -> str:
    """How the chart names the person who is signed in; else how their id_token does."""
    try:
        named = display_name(chart.read(user)) if user and "://" not in user else ""
    except (ChartError, LaunchError):
        named = ""
    return named or (grant.identity.name if grant.identity else "")


# -- from a reading organisation -----------------------------------------------------------------------------------


@blueprint.get("/sign-in/<organisation_id>")
def sign_in(organisation_id: str) -> AnyResponse:
    """An expert, coordinator or operator goes to sign in with their own organisation (OpenID Connect)."""
    organisation, _ = doors().sign_in(organisation_id)
    hint = request.args.get("login_hint", "")[:100]
    return send_to_sign_in(organisation, {"login_hint": hint} if hint else {}, {})


@blueprint.get("/sign-in/callback")
def signed_in() -> AnyResponse:
    """Back from the organisation: a line for its person, or a line that may sign. Only in the browser that began."""
    pending, kept = _taken(same_browser=True)
    organisation, issuer = doors().sign_in(kept.get("organisation", ""))
    grant = complete(issuer, pending, request.args, keys=doors().keys, http=doors().http, now=ports().now)
    person = identity_of(grant)
    if kept.get("line"):
        return redirect(proven_again(organisation, person, kept), 303)
    return redirect(home_of(seat(organisation, person)), 303)
