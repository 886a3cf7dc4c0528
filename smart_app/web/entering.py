"""Between the EHR and the line: how the browser is sent to sign in, and what a launch said beside the patient."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from flask import redirect
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from launch.authorize import Begun, Grant
from launch.context import user_kind
from launch.errors import IdentityRejected, LaunchRefused
from launch.issuers import Issuer
from smart_app.store import Line
from smart_app.web.answers import page
from smart_app.web.charted import Charted
from smart_app.web.headers import POLICY, frame_ancestors

COMES_BY = {
    "clinician": ("Practitioner", "PractitionerRole", "Person"),
    "patient": ("Patient", "RelatedPerson", "Person"),
}
"""Which kinds of person a door is for (`fhirUser`)."""


def onward(begun: Begun) -> Response:
    """Send the browser to sign in: by a redirect, or by a form where the launch is too long for an address."""
    if begun.form is None:
        return redirect(begun.url, 303)
    action, fields = begun.form
    state = {"action": action, "fields": dict(fields)}
    said = page("signin/onward.html", state, action=action, fields=fields)
    # Browsers hold `form-action` against every redirect that follows, and a hospital's own sign-in may be anywhere.
    policy = POLICY.format(ancestors=frame_ancestors())
    anywhere = f"form-action 'self' https: {urlsplit(action).scheme}:"
    said.headers["Content-Security-Policy"] = policy.replace("form-action 'self'", anywhere)
    return said


def once(parameters: MultiDict[str, str]) -> MultiDict[str, str]:
    """The parameters that came back, none of them twice (RFC 6749 section 3.1). Raises LaunchRefused."""
    if any(len(values) > 1 for values in parameters.listvalues()):
        raise LaunchRefused("The answer says the same thing twice.", reason="repeated_parameter")
    return parameters


def must_fit_door(kind: str, user: str) -> None:
    """Staff come by one door, patients and who acts for them by the other. Raises IdentityRejected."""
    found = user_kind(user)
    if found and found not in COMES_BY[kind]:
        raise IdentityRejected(f"A {found} cannot come in by the door for a {kind} (fhirUser).")


def acts_for_another(user: str, patient: str) -> bool:
    """Is the person who signed in another than the patient? Some portals name a parent as a Patient of their own."""
    return user_kind(user) in ("RelatedPerson", "Person") or (user_kind(user) == "Patient" and user != patient)


def said_by(grant: Grant, issuer: Issuer) -> dict[str, Any]:
    """What the line keeps of the launch context, beside patient and encounter; and a name for the grant, since a window
    of its own shares it.
    """
    context = grant.context
    opened = {kind: list(context.references(kind, issuer.iss)) for kind in ("ImagingStudy", "ServiceRequest")}
    named = [value.removeprefix("urn:oid:") for _, value in context.identifiers("ImagingStudy")]
    card = carried_by(context.raw.get("appContext"))
    named += [card["study"]] if "study" in card else []
    said = {
        "grant": secrets.token_urlsafe(16),
        "missing": list(grant.missing),
        "banner": context.need_patient_banner,
        "style": context.smart_style_url or "",
        "intent": context.intent or "",
        "tenant": context.tenant or "",
        "appointment": context.appointment or "",
        "opened": {**opened, "studies_by_identifier": named},
        "referral": card.get("referral", ""),
        "messaging": messaging_of(context.raw),
    }
    return {name: value for name, value in said.items() if value or name in ("missing", "banner")}


def messaging_of(raw: Mapping[str, Any]) -> dict[str, str]:
    """How the EHR's window takes messages of ours (SMART Web Messaging); empty where it does not say both parts."""
    handle, origin = raw.get("smart_web_messaging_handle"), raw.get("smart_web_messaging_origin")
    if not isinstance(handle, str) or not isinstance(origin, str) or not handle or len(handle) > LONGEST_HANDLE:
        return {}
    return {"handle": handle, "origin": origin.rstrip("/")}


LONGEST_HANDLE = 4096


def carried_by(app_context: object) -> dict[str, str]:
    """What a card of ours sent along: `referral` or `study` (CDS Hooks 2.0, `appContext`). Empty for anything else."""
    try:
        said = json.loads(app_context) if isinstance(app_context, str) else None
    except (ValueError, RecursionError):
        said = None
    words = said if isinstance(said, dict) else {}
    return {name: value for name in ("referral", "study") if isinstance(value := words.get(name), str) and value}


def opened_form(line: Line, found: Charted) -> MultiDict[str, str]:
    """The question's form as the chart opened it: its study ticked, its order chosen."""
    opened = line.context.get("opened", {})
    by_name, by_identifier = opened.get("ImagingStudy", []), set(opened.get("studies_by_identifier", []))
    form: MultiDict[str, str] = MultiDict()
    for study in found.studies:
        if study.reference in by_name or (
            by_identifier and {study.study_instance_uid, study.accession} & set(by_identifier)
        ):
            form.add("chart_studies", study.reference)
    for order in found.orders:
        if order.reference in opened.get("ServiceRequest", []):
            form["chart_order"] = order.reference
            break
    return form
