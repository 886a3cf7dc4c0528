"""The operator's page: what waits for a person and why, one button that frees it, and who did what.

Whatever is decided here is decided on a page of its own that says first what it will do. Nothing here shows an image.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, request
from flask_babel import lazy_gettext as _
from werkzeug.wrappers import Response

from fhir.errors import ChartError, NotInChart
from fhir.visits import visits
from launch.errors import LaunchError
from smart_app import review, worklists
from smart_app.consent import kept_from_doctor
from smart_app.deliver import settle
from smart_app.deliver.visit import asks_for_visit
from smart_app.profile import profile_of
from smart_app.referral import NoSuchReferral, Referral, ReferralError, Status, Unfinished, WrongStatus
from smart_app.store import Owed
from smart_app.web.answers import moved, page
from smart_app.web.errors import Notice, error_state, notice_of
from smart_app.web.filed import visit_options
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("operate", __name__, url_prefix="/line/<line_id>")

NEWEST = 60
COUNTED = 1_000
ACTS = ("retry", "there", "close", "visit")
NOT_THERE = Notice(
    404,
    _("The chart has nothing of this name"),
    _("Nothing was recorded. Check type and number, or go back and have it sent again."),
)


@blueprint.get("/operate")
def operate() -> Response:
    """Everything parked, oldest first; cases held for a check; the newest lines of the audit, or those of one case."""
    line = current_line()
    parked, wanted = worklists.parked(ports()), request.args.get("case", "")
    with ports().store.reading() as tx:
        held = tx.referrals.find(statuses=(Status.QUARANTINED,), limit=COUNTED)
        strays = len(tx.strays.open())
        signed = [r for r in tx.referrals.find(statuses=(Status.SIGNED,), limit=COUNTED) if not kept_from_doctor(r)]
        unread = tx.referrals.find(statuses=(Status.DELIVERED, Status.REVISED), limit=COUNTED)
        one = tx.referrals.get(wanted) if wanted else None
        audit = list(reversed(tx.audit.of_referral(one.id))) if one else tx.audit.latest(NEWEST)
        numbers = {key: _number(tx.referrals.get, key) for key in {row.referral_id for row in audit}}
    state = {
        "parked": [_row(owed, referral) for owed, referral in parked],
        "held": [{"id": referral.id, "case_number": referral.case_number} for referral in held],
    }
    return page(
        "operator/operate.html",
        state,
        parked=parked,
        asks_for_visit=asks_for_visit,
        held=held,
        strays=strays,
        signed=signed,
        unread=unread,
        audit=audit,
        numbers=numbers,
        one=one,
        who=line.party,
        now=ports().now(),
        settled=request.args.get("settled", ""),
        sites=[(site, profile_of(site)) for site in ports().directory.sites],
        site_names={site.id: site.name for site in ports().directory.sites},
    )


def _row(owed: Owed, referral: Referral) -> dict[str, Any]:
    return {
        "id": owed.id,
        "action": owed.action,
        "reason": owed.reason,
        "referral_id": referral.id,
        "case_number": referral.case_number,
    }


def _number(get: Callable[[str], Referral], referral_id: str) -> str:
    """The case number, empty for an act on no case."""
    try:
        return get(referral_id).case_number if referral_id else ""
    except NoSuchReferral:
        return ""


# -- one parked row ----------------------------------------------------------------------------------------------


@blueprint.get("/operate/<row_id>/<act>")
def decide(row_id: str, act: str) -> Response:
    """What this decision does, before it is taken. Raises NoSuchRow, or NoSuchReferral for an act that is none."""
    owed, referral = _parked(row_id)
    fits = {"retry": True, "visit": asks_for_visit(owed)}
    if act not in ACTS or not fits.get(act, (act == "there") == (owed.action == "file_opinion")):
        raise NoSuchReferral("There is no such decision here.")
    return _decide_page(owed, referral, act)


@blueprint.post("/operate/<row_id>/retry")
def retry(row_id: str) -> Response:
    """It is not there: send again."""
    line = current_line()
    return _settle(row_id, "retry", lambda: settle.send_again(ports(), line.party, row_id))


@blueprint.post("/operate/<row_id>/there")
def there(row_id: str) -> Response:
    """It stands in the chart, as the person saw."""
    line = current_line()
    named = request.form.get("resource", "")
    return _settle(row_id, "there", lambda: settle.it_is_there(ports(), line.party, row_id, named))


@blueprint.post("/operate/<row_id>/visit")
def visit(row_id: str) -> Response:
    """The note goes into that visit."""
    line = current_line()
    named = request.form.get("other", "").strip() or request.form.get("encounter", "")
    return _settle(row_id, "visit", lambda: settle.use_visit(ports(), line.party, row_id, named))


@blueprint.post("/operate/<row_id>/close")
def close(row_id: str) -> Response:
    """It was done by hand."""
    line = current_line()
    what = request.form.get("what", "")
    return _settle(row_id, "close", lambda: settle.close(ports(), line.party, row_id, what))


def _settle(row_id: str, act: str, decided: Callable[[], None]) -> Response:
    """Do it, or come back to the same page with what is wrong: a wrong number, or a chart that does not answer."""
    owed, referral = _parked(row_id)
    try:
        decided()
    except WrongStatus:
        raise
    except (ReferralError, ChartError, LaunchError) as problem:
        return _decide_page(owed, referral, act, problem)
    return moved("operate.operate", wakes=owed.referral_id, settled=act)


def _decide_page(owed: Owed, referral: Referral, act: str, problem: Exception | None = None) -> Response:
    state: dict[str, Any] = _row(owed, referral)
    notice = (NOT_THERE if isinstance(problem, NotInChart) else notice_of(problem)) if problem else None
    if problem is not None:
        state["error"] = error_state(problem)
    return page(
        "operator/decide.html",
        state,
        status=notice.status if notice else 200,
        who=current_line().party,
        owed=owed,
        referral=referral,
        act=act,
        visits=_visits(referral) if act == "visit" else [],
        site=ports().directory.site(referral.site),
        faults=problem.fields if isinstance(problem, Unfinished) else {},
        notice_said=notice if notice and not isinstance(problem, Unfinished) else None,
        spoken=str(problem) if notice and notice.spoken else "",
        form=request.form,
    )


def _visits(referral: Referral) -> list[tuple[str, str, str]]:
    """What the chart lets us see of this patient's visits, the best first; nothing where it does not answer."""
    try:
        return visit_options(visits(ports().charts.system(referral.site), referral.patient.reference))
    except (ChartError, LaunchError):
        return []


def _parked(row_id: str) -> tuple[Owed, Referral]:
    with ports().store.reading() as tx:
        owed = tx.outbox.get(row_id)
        if owed.state != "parked":
            raise WrongStatus("This is not waiting for anybody any more.")
        return owed, tx.referrals.get(owed.referral_id)


# -- cases held for a check --------------------------------------------------------------------------------------


@blueprint.get("/operate/held/<referral_id>/release")
def held(referral_id: str) -> Response:
    """Who held it and why, what chart and images say, and the form that closes the check."""
    return _held_page(_held(referral_id))


@blueprint.post("/operate/held/<referral_id>/release")
def release(referral_id: str) -> Response:
    """The check is closed by this person, who says how."""
    line = current_line()
    try:
        review.release(ports(), line.party, referral_id, request.form.get("reason", ""))
    except Unfinished as unfinished:
        return _held_page(_held(referral_id), unfinished)
    return moved("operate.operate", wakes=referral_id, settled="release")


def _held(referral_id: str) -> Referral:
    with ports().store.reading() as tx:
        referral = tx.referrals.get(referral_id)
    if not referral.hidden:
        raise WrongStatus("This case is not held.")
    return referral


def _held_page(referral: Referral, error: Unfinished | None = None) -> Response:
    state: dict[str, Any] = {"id": referral.id, "case_number": referral.case_number}
    if error is not None:
        state["error"] = error_state(error)
    return page(
        "operator/held.html",
        state,
        status=422 if error else 200,
        who=current_line().party,
        referral=referral,
        site=ports().directory.site(referral.site),
        faults={"settled": "missing"} if error else {},
    )
