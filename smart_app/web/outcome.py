"""The patient's pages after sending: where it stands, the expert's question, and the opinion in plain words."""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from smart_app import agree, refer
from smart_app.access import readable_by_patient
from smart_app.case import Opinion
from smart_app.referral import NoSuchReferral, Referral, Unfinished
from smart_app.store import Line
from smart_app.web.answers import moved
from smart_app.web.errors import error_state
from smart_app.web.plainly import (
    headline,
    patient_page,
    referral_of,
    started_by_themselves,
    state_of,
    upload_of,
)
from smart_app.web.progress import patient_steps
from smart_app.web.refer import letter_file
from smart_app.web.review import report_file
from smart_app.web.sessions import current_line, polled, ports
from smart_app.web.told import write_view

blueprint = Blueprint("outcome", __name__, url_prefix="/line/<line_id>")

NO_REASON = "Stopped by the patient."


@blueprint.get("/status")
def status() -> Response:
    """Where it stands, in plain words; the way to the opinion once it is in the chart."""
    line = current_line()
    referral = referral_of(line)
    if referral is None:
        return redirect(url_for("upload.tell"))
    return _status(line, referral)


def _status(line: Line, referral: Referral, unfinished: Unfinished | None = None) -> Response:
    given = upload_of(referral)
    state = state_of(referral, given) | ({"error": error_state(unfinished)} if unfinished else {})
    return patient_page(
        "status",
        line,
        state,
        status=422 if unfinished else 200,
        faults=unfinished.fields if unfinished else {},
        referral=referral,
        given=given,
        headline=headline(referral, given),
        steps=patient_steps(referral),
        own=started_by_themselves(referral),
        shown=readable_by_patient(referral),
    )


@blueprint.post("/answer")
def answer() -> Response:
    """The patient answers the expert's question on a case they started."""
    line = current_line()
    referral = _theirs(line)
    try:
        refer.answer(ports(), line.party, referral.id, request.form.get("text", ""))
    except Unfinished as unfinished:
        return _status(line, referral, unfinished)
    return moved("outcome.status", wakes=referral.id)


@blueprint.post("/stop")
def stop() -> Response:
    """The patient stops a case they started."""
    line = current_line()
    referral = _theirs(line)
    refer.withdraw(ports(), line.party, referral.id, request.form.get("reason", "").strip() or NO_REASON)
    return moved("outcome.status", wakes=referral.id)


@blueprint.post("/share")
def share() -> Response:
    """The patient lets their doctors read the answer, or not; on a case they started."""
    line = current_line()
    referral = _theirs(line)
    copy = request.form.get("copy_to_doctor", "")
    if copy not in ("yes", "no"):
        unfinished = Unfinished(_("Please fill in what is marked below."), copy_to_doctor="missing")
        return _status(line, referral, unfinished)
    agree.choose_readers(ports(), line.party, referral.id, copy=copy == "yes")
    return moved("outcome.status", wakes=referral.id)


@blueprint.get("/opinion")
def opinion() -> Response:
    """The opinion: the expert's plain words first, then the full text. `version` asks for an earlier one."""
    line = current_line()
    referral = referral_of(line)
    if referral is None or not readable_by_patient(referral):
        return redirect(url_for("outcome.status"))
    shown = _version(referral, request.args.get("version", type=int))
    if not polled():
        write_view(line, referral, shown.version)
    return patient_page("opinion", line, state_of(referral, None), referral=referral, opinion=shown)


@blueprint.get("/opinion/letter/<int:version>")
def letter(version: int) -> Response:
    """One signed version as a PDF to keep."""
    line = current_line()
    return letter_file(line, _readable(line), version)


@blueprint.get("/opinion/reports/<int:number>")
def first_report(number: int) -> Response:
    """The first report, as it was given to us."""
    line = current_line()
    return report_file(line, _readable(line), number)


def _version(referral: Referral, version: int | None) -> Opinion:
    assert referral.opinion is not None
    return referral.opinion if version is None else referral.opinion_version(version)


def _readable(line: Line) -> Referral:
    """The referral whose opinion is theirs to read now. Raises NoSuchReferral."""
    referral = referral_of(line)
    if referral is None or not readable_by_patient(referral):
        raise NoSuchReferral("There is no opinion to read.")
    return referral


def _theirs(line: Line) -> Referral:
    """The referral of these pages. That it is theirs to change was asked before (`rights`)."""
    referral = referral_of(line)
    if referral is None:
        raise NoSuchReferral("There is no case here.")
    return referral
