"""Before signing, an expert proves again who they are: signed words go into a chart under their name.

Their own organisation asks them (OpenID Connect Core 1.0 section 3.1.2.1: `prompt=login`, `max_age=0`, `acr_values`);
we ask that the answer names the same person, that it is fresh, and that it is as strong as their organisation set.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, request, url_for
from werkzeug.wrappers import Response

from launch.errors import IdentityRejected
from launch.identity import Identity
from smart_app.sites import Organisation
from smart_app.sites.roles import role_of
from smart_app.store import Line
from smart_app.web.answers import page
from smart_app.web.away import send_to_sign_in
from smart_app.web.errors import LineEnded
from smart_app.web.readers import SKEW, proof_of, reference_of
from smart_app.web.sessions import current_line, find_line, ports
from smart_app.web.windows import PLACE, place_on

blueprint = Blueprint("stepup", __name__, url_prefix="/line/<line_id>")


def must_prove(line: Line) -> bool:
    """Must the person on this line prove again who they are before they sign?"""
    organisation = ports().directory.organisation(line.organisation)
    if not organisation.step_up:
        return False
    proven = str(line.context.get("proven", ""))
    if not proven or (organisation.acr_values and line.context.get("acr") not in organisation.acr_values):
        return True
    age = ports().now() - datetime.fromisoformat(proven)
    return not timedelta(seconds=-SKEW) <= age <= timedelta(seconds=organisation.step_up_seconds)


@blueprint.get("/prove")
def ask() -> Response:
    """Say why, and lead to the organisation's sign-in. A page between, since a form may not lead to another site."""
    line, to = current_line(), _to()
    organisation = ports().directory.organisation(line.organisation)
    url = url_for("stepup.go", to=to or None)
    return page("signin/prove.html", {"url": url}, organisation=organisation, who=line.party, back=place_on(line, to))


@blueprint.get("/prove/go")
def go() -> Response:
    """Off to the organisation's sign-in service."""
    line = current_line()
    organisation = ports().directory.organisation(line.organisation)
    return send_to_sign_in(organisation, asking(organisation, line), {"line": line.id, "to": _to()})


def asking(organisation: Organisation, line: Line) -> dict[str, str]:
    """What the authorisation request adds for this."""
    added = {"prompt": "login", "max_age": "0", "acr_values": " ".join(organisation.acr_values)}
    added["login_hint"] = str(line.context.get("login_hint", ""))
    return {name: value for name, value in added.items() if value}


def proven_again(organisation: Organisation, person: Identity, kept: dict[str, str]) -> str:
    """The answer came back: where to go on. Raises LineEnded, IdentityRejected."""
    line = find_line(kept["line"])
    if line is None:
        raise LineEnded("This page has ended.")
    if reference_of(person) != line.party.reference:
        raise IdentityRejected("Somebody else signed in than the one who works here. Nothing was signed.")
    if role_of(organisation, person.claims) != line.party.role:
        raise IdentityRejected("The sign-in service gives this person another part now. Nothing was signed.")
    proof: dict[str, Any] = proof_of(person)
    if not proof["proven"]:
        raise IdentityRejected("The sign-in service does not say when this person signed in (auth_time).")
    if organisation.acr_values and proof["acr"] not in organisation.acr_values:
        raise IdentityRejected("The sign-in was not as strong as this organisation asks for (acr).")
    with ports().store.transaction() as tx:
        tx.sessions.keep_context(line.id, {**line.context, **proof})
        tx.audit.write(ports().now(), line.party, "prove-again", "", "signing", proof["acr"])
    query = urlencode({"proven": "1"})
    return f"{place_on(line, kept['to'])}?{query}"


def _to() -> str:
    to = request.args.get("to", "")
    return to if PLACE.fullmatch(to) else ""
