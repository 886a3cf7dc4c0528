"""The operator's page: what waits for a person and why, one button that frees it, and who did what."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from smart_app import review, worklists
from smart_app.deliver import settle
from smart_app.referral import Status
from smart_app.web.answers import page
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("operate", __name__, url_prefix="/line/<line_id>")


@blueprint.get("/operate")
def operate() -> Response:
    """Everything parked, oldest first; cases held for a check; the newest lines of the audit."""
    current_line("operator")
    parked = worklists.parked(ports())
    with ports().store.reading() as tx:
        held = tx.referrals.find(statuses=(Status.QUARANTINED,))
        audit = tx.audit.latest(60)
    rows = [
        {
            "id": owed.id,
            "action": owed.action,
            "reason": owed.reason,
            "referral_id": referral.id,
            "case_number": referral.case_number,
        }
        for owed, referral in parked
    ]
    return page("operator/operate.html", {"parked": rows}, parked=parked, held=held, audit=audit)


@blueprint.post("/operate/<row_id>/retry")
def retry(row_id: str) -> Response:
    """It is not there: send again."""
    line = current_line("operator")
    settle.send_again(ports(), line.party, row_id)
    return redirect(url_for("operate.operate"), 303)


@blueprint.post("/operate/<row_id>/there")
def there(row_id: str) -> Response:
    """It stands in the chart, as the person saw."""
    line = current_line("operator")
    settle.it_is_there(ports(), line.party, row_id, request.form.get("resource", ""))
    return redirect(url_for("operate.operate"), 303)


@blueprint.post("/operate/<row_id>/close")
def close(row_id: str) -> Response:
    """It was done by hand."""
    line = current_line("operator")
    settle.close(ports(), line.party, row_id, request.form.get("what", ""))
    return redirect(url_for("operate.operate"), 303)


@blueprint.post("/operate/held/<referral_id>/release")
def release(referral_id: str) -> Response:
    """The check is closed by this person, who says how."""
    line = current_line("operator")
    review.release(ports(), line.party, referral_id, request.form.get("reason", ""))
    return redirect(url_for("operate.operate"), 303)
