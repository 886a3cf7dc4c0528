"""The clinician invites the patient anew, or takes the invitation back; and sees the code to tell them."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from smart_app import refer
from smart_app.invitation import code_for
from smart_app.referral import Referral
from smart_app.store.invitations import MOST
from smart_app.web.answers import moved
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("inviting", __name__, url_prefix="/line/<line_id>")


@blueprint.post("/referrals/<referral_id>/invite")
def invite(referral_id: str) -> Response:
    """A new link, and with it a new code; earlier ones open nothing any more."""
    refer.invite(ports(), current_line().party, referral_id)
    return moved("refer.follow", wakes=referral_id, referral_id=referral_id)


@blueprint.post("/referrals/<referral_id>/uninvite")
def uninvite(referral_id: str) -> Response:
    """Take every link to this referral back."""
    refer.uninvite(ports(), current_line().party, referral_id)
    return moved("refer.follow", referral_id=referral_id)


def invitation_state(referral: Referral) -> dict[str, Any] | None:
    """How the newest invitation stands, with its code, for somebody who may invite; None where nobody was invited."""
    with ports().store.reading() as tx:
        found, generation = tx.invitations.newest(referral.id), tx.invitations.generation(referral.id)
    if found is None:
        return None
    opens = found.opens(ports().now())
    stands = "open" if opens else "revoked" if found.revoked else "locked" if found.attempts >= MOST else "expired"
    return {
        "stands": stands,
        "sent": found.created.isoformat(),
        "until": found.expires.isoformat(),
        "code": code_for(ports().settings.secret, referral.id, generation) if opens else "",
    }
