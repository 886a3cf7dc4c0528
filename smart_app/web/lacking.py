"""What an upload lacks and what was found in it, for its giver and for the clinician, who may go on without."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Flask, request
from flask_babel import get_locale
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from smart_app import offering, overruling
from smart_app.case import Upload
from smart_app.completeness import Gap, gaps, overrides, standard_rules
from smart_app.gates import REPORT_SIDE
from smart_app.referral import Referral
from smart_app.web.answers import moved
from smart_app.web.sessions import current_line, ports, referral_on

blueprint = Blueprint("lacking", __name__, url_prefix="/line/<line_id>")

ASKED_BESIDE = "first-report"  # has a place and a button of its own on the patient's pages


def lacking(referral: Referral, upload: Upload | None, audience: str) -> tuple[dict[str, Any], ...]:
    """The gaps as signs, for "patient" or "clinician": level, title, text, rule, and whoever overruled it.

    A patient is told what they can mend, or must wait for; not what their doctor left out of the question.
    """
    if upload is None or not upload.files:
        return ()
    found = gaps(referral, upload, ports().now().date())
    if audience == "patient":
        own = referral.requester.role in ("patient", "proxy")
        found = [g for g in found if g.rule.id != ASKED_BESIDE and g.rule.level != "info"]
        found = [g for g in found if own or g.rule.about == "images"]
    return tuple(_sign(gap, audience) for gap in found)


def _sign(gap: Gap, audience: str) -> dict[str, Any]:
    language = str(get_locale())[:2]
    said = gap.overruled
    return {
        "rule": gap.rule.id,
        "level": "overridden" if said else gap.rule.level,
        "title": gap.text("title", language),
        "text": gap.text(audience, language),
        "overruled": said and {"by": said.by.name, "at": said.at, "reason": said.reason.partition(": ")[2]},
    }


COVERED = frozenset({"first-report", "earlier-study", "side", "history", "study-date"})
"""What `reading.gaps` tells an expert from the case itself."""


def lacking_sent(referral: Referral) -> tuple[dict[str, Any], ...]:
    """For the expert: what the images that were sent lack, and what a clinician overruled, with name and reason."""
    with ports().store.reading() as tx:
        upload = tx.uploads.of_referral(referral.id)
    signs = [sign for sign in lacking(referral, upload, "clinician") if sign["rule"] not in COVERED]
    known = {sign["rule"] for sign in signs}
    for rule, event in overrides(referral).items():
        if rule not in known:
            said = {"by": event.by.name, "at": event.at, "reason": event.reason.partition(": ")[2]}
            signs.append({"rule": rule, "level": "overridden", "title": _title(rule), "text": "", "overruled": said})
    return tuple(signs)


def _title(rule: str) -> str:
    if rule == REPORT_SIDE:
        return str(_("The first report names the other side"))
    language = str(get_locale())[:2]
    titles = (one.words["title"] for one in standard_rules() if one.id == rule)
    return next((words.get(language, words["en"]) for words in titles), rule)


def found_state(referral: Referral, upload: Upload) -> dict[str, Any]:
    """The same for programs, with what was found among the pictures."""
    return {
        "lacking": [
            {name: sign[name] for name in ("rule", "level", "title", "text")}
            for sign in lacking(referral, upload, "patient")
        ],
        "offers": [{"key": f.key, "kind": f.offer, "name": f.name} for f in offering.offered(upload)],
        "with_text": [{"series": s.description, "why": s.risk, "key": key} for s, key in offering.with_text(upload)],
    }


@blueprint.post("/referrals/<referral_id>/override")
def override(referral_id: str) -> Response:
    """Go on without what a rule wants; a reason travels with the case."""
    line = current_line()
    referral_on(line, referral_id)
    rule, reason = request.form.get("rule", ""), request.form.get("reason", "")
    overruling.override(ports(), line.party, referral_id, rule, reason)
    return moved("refer.follow", wakes=referral_id, referral_id=referral_id)


def install(app: Flask) -> None:
    """Give the templates the gaps."""
    app.jinja_env.globals.update(
        lacking=lacking, lacking_sent=lacking_sent, offered=offering.offered, with_text=offering.with_text
    )
