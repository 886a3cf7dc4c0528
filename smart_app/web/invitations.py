"""A patient comes by the link we sent them: it is exchanged at once, and opens one referral after the birth date fits.

The secret of the link is in no page and no second address. Five wrong birth dates and the invitation is over.
"""

from __future__ import annotations

import hmac
import json
from dataclasses import asdict
from datetime import date, timedelta

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from smart_app.case import Party
from smart_app.referral import Referral
from smart_app.store import Line, digest
from smart_app.web.answers import page
from smart_app.web.errors import InvitationOver
from smart_app.web.seats import sit_down
from smart_app.web.sessions import LASTS, browser, csrf_token, known_browser, must_be_our_form, ports
from smart_app.web.windows import home_of

blueprint = Blueprint("invitations", __name__)
PATIENCE = timedelta(minutes=15)
TRIES = 5


@blueprint.get("/invitation/<secret>")
def exchange(secret: str) -> AnyResponse:
    """Exchange the secret for a place in this browser, and leave its address."""
    token = digest(secret)
    with ports().store.reading() as tx:
        if tx.sessions.invitation(token) is None:
            raise InvitationOver("No such invitation.")
    here = known_browser()
    with ports().store.transaction() as tx:
        tx.sessions.take_pending(_place(here))
        tx.sessions.keep_pending(_place(here), json.dumps({"invitation": token}), ports().now() + PATIENCE)
    return redirect(url_for(".ask"), 303)


@blueprint.get("/invitation")
def ask() -> AnyResponse:
    """Who are you? The birth date, and nothing of the case before it fits."""
    _, referral = _invited()
    site = ports().directory.site(referral.site)
    state = {"site": site.name, "csrf": csrf_token("invitation")}
    return page("signin/invitation.html", state, site=site, errors={}, known=bool(referral.patient.birth_date))


@blueprint.post("/invitation")
def enter() -> AnyResponse:
    """A birth date that fits opens the referral; one that does not is counted."""
    must_be_our_form("invitation")
    token, referral = _invited()
    said = _birth_date()
    known = referral.patient.birth_date
    if said and known and hmac.compare_digest(said[: len(known)].encode(), known.encode()):
        return redirect(home_of(_line(referral)), 303)
    fault = "wrong" if said else "missing"
    if said:
        _count(token)
    site = ports().directory.site(referral.site)
    state = {"site": site.name, "error": {"message": fault, "fields": {"birth_date": fault}}}
    errors = {"birth_date": fault}
    return page("signin/invitation.html", state, 422, site=site, errors=errors, known=bool(known), said=request.form)


def _place(here: str) -> str:
    return f"invitation of {here}"


def _invited() -> tuple[str, Referral]:
    """The invitation this browser holds. Raises InvitationOver."""
    here = browser()
    with ports().store.transaction() as tx:
        kept = tx.sessions.take_pending(_place(here)) if here else None
        token = str(json.loads(kept)["invitation"]) if kept else ""
        if not kept or tx.sessions.invitation(token) is None:
            raise InvitationOver("No invitation is open in this browser.")
        tx.sessions.keep_pending(_place(here), kept, ports().now() + PATIENCE)
        return token, tx.referrals.get(tx.sessions.invitation(token).referral_id)  # type: ignore[union-attr]


def _birth_date() -> str:
    """ISO, from three fields or one; empty where it is no date."""
    form = request.form
    text = form.get("birth_date") or "-".join(form.get(part, "").strip() for part in ("year", "month", "day"))
    try:
        year, month, day = (int(part) for part in text.split("-"))
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def _count(token: str) -> None:
    with ports().store.transaction() as tx:
        if tx.sessions.count_attempt(token) >= TRIES:
            tx.sessions.revoke(token)


def _line(referral: Referral) -> Line:
    patient = referral.patient
    party = Party("patient", patient.name, patient.reference)
    here = known_browser()
    with ports().store.transaction() as tx:
        tx.sessions.take_pending(_place(here))
        tx.audit.write(ports().now(), party, "enter-by-invitation", referral.id, "invitation")
    return sit_down(
        "patient",
        party,
        expires=ports().now() + LASTS,
        site=referral.site,
        patient=patient.reference,
        referral_id=referral.id,
        context={"language": patient.language, "patient": asdict(patient)},
    )
