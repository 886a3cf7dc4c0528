"""A patient comes by the link we sent them: it opens one referral once birth date and code fit together.

Rule: following the link changes nothing, since mail programs open every link first. Its secret moves into a cookie of
this browser alone and out of the address. Each answer uses up one of five attempts before it is judged.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from smart_app.case import Party
from smart_app.invitation import code_fits, code_for, is_ours
from smart_app.referral import Referral
from smart_app.store import Line, digest
from smart_app.web.answers import page
from smart_app.web.errors import InvitationOver
from smart_app.web.seats import sit_down
from smart_app.web.sessions import LASTS, csrf_token, must_be_our_form, ports
from smart_app.web.windows import home_of

blueprint = Blueprint("invitations", __name__)
COOKIE = "__Host-second-opinion-invitation"
PATIENCE = timedelta(minutes=15)


@blueprint.get("/invitation/<secret>")
def exchange(secret: str) -> AnyResponse:
    """Move the secret out of the address. Nothing is written anywhere but in this browser."""
    _referral_of(secret)
    answer = redirect(url_for(".ask"), 303)
    answer.set_cookie(COOKIE, secret, max_age=PATIENCE, secure=True, httponly=True, path="/", samesite="Lax")
    return answer


@blueprint.get("/invitation")
def ask() -> AnyResponse:
    """Who are you? Birth date and code, and nothing of the case before they fit."""
    _, referral = _invited()
    return _question(referral, {})


@blueprint.post("/invitation")
def enter() -> AnyResponse:
    """Both fit: the referral opens. Else one attempt is gone, and which of the two was wrong is not told."""
    token, referral = _invited()
    must_be_our_form(_scope(token))
    born, code = _birth_date(), request.form.get("code", "")
    faults = {name: "missing" for name, said in (("birth_date", born), ("code", code.strip())) if not said}
    if faults:
        return _question(referral, faults)
    with ports().store.transaction() as tx:
        if not tx.invitations.attempt(token):
            raise InvitationOver("Every attempt is used up.")
        generation = tx.invitations.generation(referral.id)
        codes = [code_for(secret, referral.id, generation) for secret in ports().settings.secrets]
        fits = any(_fits(referral, born, code, right) for right in codes)
        if fits:
            tx.invitations.entered(token)
        else:
            who = Party("unknown", "")
            tx.audit.write(ports().now(), who, "refuse-invitation", referral.id, "invitation", "a wrong answer")
    if not fits:
        return _question(referral, {"birth_date": "wrong"})
    answer = redirect(home_of(_line(referral)), 303)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="Lax")
    return answer


def _fits(referral: Referral, born: str, code: str, right: str) -> bool:
    """Both are compared whatever the first says, so that the time tells nothing either."""
    known = referral.patient.birth_date
    same_day = bool(known) and hmac.compare_digest(born[: len(known)].encode(), known.encode())
    same_code = code_fits(right, code)
    return same_day and same_code


def _question(referral: Referral, faults: dict[str, str]) -> AnyResponse:
    site = ports().directory.site(referral.site)
    scope = _scope(digest(request.cookies.get(COOKIE, "")))
    state: dict[str, Any] = {"site": site.name, "csrf": csrf_token(scope)}
    if faults:
        state["error"] = {"message": "invitation", "fields": faults}
    return page(
        "signin/invitation.html",
        state,
        422 if faults else 200,
        site=site,
        scope=scope,
        errors=faults,
        known=bool(referral.patient.birth_date),
        said=request.form,
    )


def _scope(token: str) -> str:
    return f"invitation {token}"


def _invited() -> tuple[str, Referral]:
    """The invitation this browser holds. Raises InvitationOver."""
    link = request.cookies.get(COOKIE, "")
    return digest(link), _referral_of(link)


def _referral_of(link: str) -> Referral:
    """The referral of a link that is ours and still opens. Raises InvitationOver."""
    if not any(is_ours(secret, link) for secret in ports().settings.secrets):
        raise InvitationOver("This is no link of ours.")
    with ports().store.reading() as tx:
        found = tx.invitations.get(digest(link))
        if found is None:
            raise InvitationOver("No such invitation.")
        return tx.referrals.get(found.referral_id)


def _birth_date() -> str:
    """ISO, from three fields or one; empty where it is no date."""
    form = request.form
    text = form.get("birth_date") or "-".join(form.get(part, "").strip() for part in ("year", "month", "day"))
    try:
        year, month, day = (int(part) for part in text.split("-"))
        return date(year, month, day).isoformat()
    except ValueError:
        return ""


def _line(referral: Referral) -> Line:
    patient = referral.patient
    party = Party("patient", patient.name, patient.reference)
    with ports().store.transaction() as tx:
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
