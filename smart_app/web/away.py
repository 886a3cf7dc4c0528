"""Off to somebody's sign-in: what we need when the browser comes back is kept here, under the state, never in it."""

from __future__ import annotations

import json

from werkzeug.wrappers import Response as AnyResponse

from launch.authorize import PATIENCE, begin
from launch.issuers import Issuer
from smart_app.sites import Organisation
from smart_app.web.entering import onward
from smart_app.web.here import doors
from smart_app.web.sessions import known_browser, ports


def away(
    issuer: Issuer,
    *,
    launch: str | None,
    redirect_uri: str,
    added: dict[str, str] | None = None,
    kept: dict[str, str] | None = None,
) -> AnyResponse:
    """Send the browser to sign in, and keep what we need when it comes back. `kept` is given for a sign-in only."""
    begun = begin(
        issuer,
        launch=launch,
        redirect_uri=redirect_uri,
        http=doors().http,
        now=ports().now,
        openid=kept is not None,
        extra=added,
    )
    kept = {
        **(kept or {}),
        "pending": begun.pending.to_json(),
        "audience": issuer.audience,
        "browser": known_browser(),
    }
    with ports().store.transaction() as tx:
        tx.sessions.keep_pending(begun.pending.state, doors().vault.seal(json.dumps(kept)), ports().now() + PATIENCE)
    return onward(begun)


def send_to_sign_in(organisation: Organisation, added: dict[str, str], kept: dict[str, str]) -> AnyResponse:
    """Off to that organisation's sign-in service, with `added` in the request; `kept` comes back with the person."""
    _, issuer = doors().sign_in(organisation.id)
    kept = {"organisation": organisation.id, **kept}
    return away(issuer, launch=None, redirect_uri=doors().sign_in_callback, added=added, kept=kept)
