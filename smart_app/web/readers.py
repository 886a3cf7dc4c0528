"""The people of a reading organisation or of the desk, as their own sign-in service proves them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from launch.authorize import Grant
from launch.errors import IdentityRejected
from launch.identity import Identity
from smart_app.case import Party
from smart_app.sites import Organisation
from smart_app.sites.roles import role_of
from smart_app.store import Line
from smart_app.web.errors import NoPart
from smart_app.web.seats import sit_down
from smart_app.web.sessions import LASTS, ports

SKEW = 60
"""Seconds by which clocks may differ."""


def identity_of(grant: Grant) -> Identity:
    """Who signed in. Raises IdentityRejected."""
    if grant.identity is None:
        raise IdentityRejected("The sign-in service sent no id_token.")
    return grant.identity


def seat(organisation: Organisation, person: Identity) -> Line:
    """A line for them, with the part their organisation gave them. Raises NoPart, once it was written down."""
    role = role_of(organisation, person.claims)
    party = Party(role or "unknown", person.name or person.sub, reference_of(person), organisation.name)
    if not role:
        with ports().store.transaction() as tx:
            tx.audit.write(ports().now(), party, "refuse-sign-in", "", organisation.id, "no part by its claims")
        raise NoPart("No claim of the sign-in service gives this person a part.")
    kind = "operator" if role == "operator" else "expert"
    return sit_down(kind, party, expires=ports().now() + LASTS, organisation=organisation.id, context=proof_of(person))


def reference_of(person: Identity) -> str:
    """How we name them: `iss` and `sub` together (OpenID Connect Core 1.0 section 5.7)."""
    return f"{person.iss}|{person.sub}"


def proof_of(person: Identity) -> dict[str, Any]:
    """When and how strongly they have proven who they are, for the line to remember; and what to greet them by."""
    at = person.claims.get("auth_time")
    said = isinstance(at, int | float) and not isinstance(at, bool)
    when = datetime.fromtimestamp(at, UTC).isoformat() if said and at is not None else ""
    hint = next((v for n in ("email", "preferred_username") if isinstance(v := person.claims.get(n), str)), "")
    acr = person.claims.get("acr")
    return {"proven": when, "acr": acr if isinstance(acr, str) else "", "login_hint": hint[:100]}
