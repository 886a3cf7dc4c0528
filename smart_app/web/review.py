"""The expert's pages: a worklist, and one case with its question, its images and the opinion as it is written."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, send_file, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from smart_app import review, worklists
from smart_app.access import may_see_images, seen_by
from smart_app.referral import NoSuchReferral, Referral, Status, Unfinished
from smart_app.store import Line
from smart_app.web.answers import page
from smart_app.web.sessions import current_line, ports
from smart_app.web.upload import error_of

blueprint = Blueprint("review", __name__, url_prefix="/line/<line_id>")


@blueprint.get("/worklist")
def worklist() -> Response:
    """What waits for this expert, the most urgent promise first."""
    line = current_line("expert")
    now = ports().now()
    cases = [(r, worklists.clock(r, now)) for r in worklists.of_expert(ports(), line)]
    state = {"cases": [_row(referral, clock) for referral, clock in cases]}
    return page("expert/worklist.html", state, cases=cases, now=now)


def _row(referral: Referral, clock: worklists.Clock | None) -> dict[str, Any]:
    due = clock and {"name": clock.name, "due": clock.due.isoformat(), "paused": clock.paused, "overdue": clock.overdue}
    return {
        "id": referral.id,
        "case_number": referral.case_number,
        "status": referral.status.value,
        "question": referral.ask.question,
        "clock": due,
    }


@blueprint.get("/cases/<referral_id>")
def case(referral_id: str) -> Response:
    """One case: question left, images in the viewer, opinion right."""
    line, referral = _case(referral_id)
    return _case_page(line, referral, referral.draft or _words_of(referral), {})


def _case_page(
    line: Line, referral: Referral, words: dict[str, str], faults: dict[str, str], error: Unfinished | None = None
) -> Response:
    now = ports().now()
    state = _row(referral, worklists.clock(referral, now)) | {
        "version": len(referral.opinions),
        "messages": [{"kind": m.kind, "by": m.by.name, "text": m.text} for m in referral.messages],
    }
    if error is not None:
        state["error"] = error_of(error)
    return page(
        "expert/case.html",
        state,
        status=422 if error else 200,
        referral=referral,
        words=words,
        faults=faults,
        error=error,
        clock=worklists.clock(referral, now),
        site=ports().directory.site(referral.site),
        now=now,
        looking=may_see_images(line, referral) and bool(referral.studies),
    )


def _words_of(referral: Referral) -> dict[str, str]:
    """A revision starts from the words that are signed."""
    signed = referral.opinion
    if signed is None:
        return {}
    words = {name: getattr(signed, name) for name in review.WORDS}
    return {**words, "agreement": signed.agreement.value, "critical": "yes" if signed.critical else "no"}


def _case(referral_id: str) -> tuple[Line, Referral]:
    line = current_line("expert")
    with ports().store.reading() as tx:
        return line, seen_by(line, tx.referrals.get(referral_id))


def _back(referral_id: str) -> Response:
    return redirect(url_for("review.case", referral_id=referral_id), 303)


@blueprint.post("/cases/<referral_id>/accept")
def accept(referral_id: str) -> Response:
    """Take the case."""
    line, _referral = _case(referral_id)
    review.accept(ports(), line.party, referral_id)
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/begin")
def begin(referral_id: str) -> Response:
    """Open the images, and start reading."""
    line, referral = _case(referral_id)
    if referral.status is Status.ACCEPTED:
        review.begin_reading(ports(), line.party, referral_id)
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/return")
def give_back(referral_id: str) -> Response:
    """Give it back with a reason."""
    line, _referral = _case(referral_id)
    review.decline(ports(), line.party, referral_id, request.form.get("reason", ""))
    return redirect(url_for("review.worklist"), 303)


@blueprint.post("/cases/<referral_id>/ask")
def ask(referral_id: str) -> Response:
    """A question to the asker; the clock stops."""
    line, _referral = _case(referral_id)
    review.ask(ports(), line.party, referral_id, request.form.get("text", ""))
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/hold")
def hold(referral_id: str) -> Response:
    """A wrong patient is suspected: hide everything now."""
    line, _referral = _case(referral_id)
    review.hold(ports(), line.party, referral_id, request.form.get("reason", ""))
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/retract")
def retract(referral_id: str) -> Response:
    """Entered in error."""
    line, _referral = _case(referral_id)
    review.retract(ports(), line.party, referral_id, request.form.get("reason", ""))
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/draft")
def draft(referral_id: str) -> Response:
    """Keep the words as they are."""
    line, _referral = _case(referral_id)
    review.save_draft(ports(), line.party, referral_id, request.form.to_dict())
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/sign")
def sign(referral_id: str) -> Response:
    """Sign version 1."""
    return _sign(referral_id, review.sign)


@blueprint.post("/cases/<referral_id>/revise")
def revise(referral_id: str) -> Response:
    """Sign the next version."""
    return _sign(referral_id, review.revise)


def _sign(referral_id: str, act: Any) -> Response:
    line, referral = _case(referral_id)
    words = request.form.to_dict()
    try:
        act(ports(), line.party, referral_id, words, set(request.form.getlist("confirm")))
    except Unfinished as unfinished:
        return _case_page(line, referral, words, unfinished.fields, unfinished)
    return _back(referral_id)


@blueprint.get("/cases/<referral_id>/reports/<int:number>")
def first_report(referral_id: str, number: int) -> Response:
    """The first reading, as its giver gave it. Opening it is written to the audit."""
    line, referral = _case(referral_id)
    return report_file(line, referral, number)


def report_file(line: Line, referral: Referral, number: int) -> Response:
    """One report as a download that no browser runs. Raises NoSuchReferral where there is none."""
    if referral.hidden or not 1 <= number <= len(referral.prior_reports):
        raise NoSuchReferral("There is no such report.")
    report = referral.prior_reports[number - 1]
    path, kind, title = ports().archive.shelf(referral.id).document(report.sha256)
    with ports().store.transaction() as tx:
        tx.audit.write(ports().now(), line.party, "open-report", referral.id, title)
    suffix = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png"}.get(kind, "bin")
    name = _("first-report-%(number)s", number=number)
    return send_file(path, mimetype=kind, as_attachment=True, download_name=f"{name}.{suffix}", max_age=0)
