"""Who lets an app in: SMART App Launch 2.2, authorisation requests.

Rule: nobody is ever redirected to an address that is not registered to the letter; a launch works once; `aud` must be
this chart.

`login_hint` or `as` names a person (a reference or a name of the cast) and signs them in without hands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Response, redirect, render_template, request

from smart_app.sandbox.clients import Client
from smart_app.sandbox.grants import Code
from smart_app.sandbox.house import Face, House
from smart_app.sandbox.personality import Personality
from smart_app.sandbox.scopes import granted
from smart_app.sandbox.staff import Signed, doctors, find, portal_people


@dataclass(frozen=True)
class Request:
    """One checked authorisation request."""

    client: Client
    redirect_uri: str
    state: str
    scopes: tuple[str, ...]
    challenge: str
    nonce: str


class Refused(Exception):
    """The app is told by a redirect."""

    def __init__(self, error: str, why: str) -> None:
        super().__init__(why)
        self.error = error


def authorize(house: House, face: Face) -> Any:
    """The authorisation endpoint, GET or POST."""
    given = request.values
    client = house.register.find(given.get("client_id", ""))
    redirect_uri = given.get("redirect_uri", "")
    if client is None or redirect_uri not in client.redirect_uris:
        why = "No app with this client id and exactly this redirect address is registered here."
        return Response(render_template("refused.html", house=house.personality, why=why), 400)
    state = given.get("state", "")
    try:
        asked = _checked(given, client, face)
        if given.get("launch"):
            return _finish(house, face, asked, *_launched(house, face, asked, given["launch"]))
        return _standalone(house, face, asked, given)
    except Refused as refused:
        answer = {"error": refused.error, "error_description": str(refused), "state": state}
        if house.name == "oracle":
            answer["error_uri"] = f"{face.origin}/oracle/errors/{refused.error}/instances/practice"
        return redirect(f"{redirect_uri}?{urlencode(answer)}")


def _checked(given: Mapping[str, str], client: Client, face: Face) -> Request:
    if given.get("response_type") != "code":
        raise Refused("unsupported_response_type", "Only response_type=code is supported")
    if not given.get("state"):
        raise Refused("invalid_request", "state is missing")
    if given.get("aud", "") != face.fhir_base:
        raise Refused("invalid_request", "aud is not this FHIR server")
    if given.get("code_challenge_method") != "S256" or len(given.get("code_challenge", "")) != 43:
        raise Refused("invalid_request", "PKCE with S256 is required")
    if client.audience not in ("clinician", "patient"):
        raise Refused("unauthorized_client", "This client does not sign people in")
    if face.persona not in ("both", "patient" if client.audience == "patient" else "staff"):
        raise Refused("unauthorized_client", "This client belongs to another persona")
    scopes = tuple(given.get("scope", "").split())
    if not scopes:
        raise Refused("invalid_scope", "scope is missing")
    return Request(
        client, given["redirect_uri"], given["state"], scopes, given["code_challenge"], given.get("nonce", "")
    )


def _launched(house: House, face: Face, asked: Request, value: str) -> tuple[Signed, dict[str, str]]:
    """A launch from the chart or the portal: who is there and which patient is open is known already."""
    launch = house.grants.take_launch(value)
    if launch is None or launch.audience != asked.client.audience:
        raise Refused("invalid_request", "invalid-launch-code: unknown, used or expired")
    if "launch" not in asked.scopes:
        raise Refused("invalid_scope", "The launch scope is needed for a launch from the chart")
    del face
    context = {"patient": launch.patient}
    if launch.encounter:
        context["encounter"] = launch.encounter
    if launch.handle:
        context["smart_web_messaging_handle"] = launch.handle
        context["smart_web_messaging_origin"] = house.face(launch.audience).origin
    if launch.app_context:
        context["appContext"] = launch.app_context
    if launch.opened:
        context["opened"] = launch.opened
    return Signed(launch.user, _display(house, launch.user)), context


def _standalone(house: House, face: Face, asked: Request, given: Mapping[str, str]) -> Any:
    """Somebody came to the app first: sign in, choose the patient, agree."""
    patients = asked.client.audience == "patient"
    hint = given.get("login_hint") or given.get("as") or ""
    chosen = given.get("chosen", "")
    people = portal_people(house) if patients else doctors(house)
    person = find(people, hint or chosen)
    if person is None:
        return _page(house, "sign-in.html", people=people, action=face.authorize, given=_kept(given), unknown=hint)
    if not patients and "launch/patient" in asked.scopes and not given.get("patient"):
        kept = {**_kept(given), "chosen": person.reference}
        shown = [one for one in portal_people(house) if one.reference.startswith("Patient/")]
        return _page(house, "pick.html", people=shown, action=face.authorize, given=kept)
    context = _context(asked, person, given)
    if not hint and given.get("allow") != "yes":
        if given.get("allow") == "no":
            raise Refused("access_denied", "The person said no")
        page = {"person": person, "action": face.authorize, "given": {**_kept(given), "chosen": person.reference}}
        return _page(house, "consent.html", client=asked.client, scopes=asked.scopes, **page)
    return _finish(house, face, asked, person, context)


def _context(asked: Request, person: Signed, given: Mapping[str, str]) -> dict[str, str]:
    if person.patient:
        return {"patient": person.patient}
    wanted = given.get("patient", "")
    return {"patient": wanted.rpartition("/")[2]} if wanted and "launch/patient" in asked.scopes else {}


def _finish(house: House, face: Face, asked: Request, person: Signed, context: dict[str, str]) -> Any:
    patient_face = face.persona == "patient"
    given = granted(house.personality, asked.client.audience, asked.scopes, patient_face=patient_face)
    code = house.grants.give_code(
        Code(
            client_id=asked.client.client_id,
            redirect_uri=asked.redirect_uri,
            face=face.key,
            challenge=asked.challenge,
            nonce=asked.nonce,
            state=asked.state,
            scopes=given,
            asked=asked.scopes,
            context=context,
            user=person.reference,
            persona="patient" if asked.client.audience == "patient" else "provider",
        )
    )
    return redirect(f"{asked.redirect_uri}?{urlencode({'code': code, 'state': asked.state})}")


def _display(house: House, reference: str) -> str:
    resource_type, _, resource_id = reference.partition("/")
    found = house.records.shelf.newest(resource_type, resource_id)
    names = found.resource.get("name", []) if found else []
    return str(names[0].get("text", reference)) if names else reference


def _kept(given: Mapping[str, str]) -> dict[str, str]:
    return {name: given[name] for name in given if name not in ("chosen", "allow")}


def _page(house: House, template: str, **values: Any) -> Response:
    personality: Personality = house.personality
    return Response(render_template(template, house=personality, **values))
