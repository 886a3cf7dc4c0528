"""The patient's three steps: tell us, show us, check and send. Nothing leaves before the last press."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from imaging.errors import UnsafeMedia
from smart_app import agree, refer, upload, worklists
from smart_app.case import Ask, Side, Upload
from smart_app.consent import copy_to_doctor
from smart_app.gates import vouched_for, whose_stop
from smart_app.referral import Referral, ReferralError, Status, Unfinished
from smart_app.sites import Organisation
from smart_app.status import Stopped
from smart_app.store import Line
from smart_app.web.answers import moved
from smart_app.web.errors import error_state, wants_json
from smart_app.web.plainly import patient_page, referral_of, started_by_themselves, state_of, upload_of
from smart_app.web.sessions import current_line, patient_of, ports
from smart_app.web.whys import in_words

blueprint = Blueprint("upload", __name__, url_prefix="/line/<line_id>")

TROUBLE = ("unreadable", "locked", "too-large")


# -- 1: tell us ------------------------------------------------------------------------------------------------------


@blueprint.get("/tell")
def tell() -> Response:
    """The question in the patient's words, or the doctor's own question; and the agreement."""
    line = current_line()
    referral = referral_of(line)
    if referral is not None and referral.status is not Status.GATHERING:
        return redirect(url_for("outcome.status"))
    if referral is not None and upload_of(referral) is not None:
        return redirect(url_for("upload.show"))
    return _tell(line, referral)


def _tell(line: Line, referral: Referral | None, unfinished: Unfinished | None = None) -> Response:
    directory = ports().directory
    reader = directory.organisation(referral.organisation) if referral else _first_reader(line)
    return patient_page(
        "tell",
        line,
        state_of(referral, None) | _error(unfinished),
        status=422 if unfinished else 200,
        referral=referral,
        form=request.form,
        faults=unfinished.fields if unfinished else {},
        reader=reader.name,
    )


@blueprint.post("/tell")
def told() -> Response:
    """Keep the answers. Feeling very ill right now stops everything, and says where to call."""
    line = current_line()
    if request.form.get("very_ill") == "yes":
        return redirect(url_for("upload.emergency"), 303)
    referral = referral_of(line)
    try:
        referral = _asked(line, referral)
        agree.agree(ports(), line.party, referral.id, copy=copy_to_doctor(referral))
        upload.begin(ports(), line.party, referral.id)
    except Unfinished as unfinished:
        return _tell(line, referral, unfinished)
    return redirect(url_for("upload.show"), 303)


def _first_reader(line: Line) -> Organisation:
    """Who reads for that hospital. Raises ReferralError where nobody does."""
    readers = ports().directory.readers_for(line.site)
    if not readers:
        raise ReferralError(_("Nobody reads for this hospital at present. Please call it."))
    return readers[0]


def _asked(line: Line, referral: Referral | None) -> Referral:
    """The referral that waits for images: the doctor's, or a new one in the patient's own words. Raises Unfinished.

    Nobody goes on without having said that they do not feel very ill (safety rule 18): silence is no "no".
    """
    form = request.form
    faults = {}
    if form.get("very_ill") != "no":
        faults["very_ill"] = "missing"
    if referral is None and not form.get("question", "").strip():
        faults["question"] = "missing"
    if form.get("agree") != "yes":
        faults["agree"] = "missing"
    if faults:
        raise Unfinished(_("Please fill in what is marked below."), **faults)
    return referral or refer.open_referral(
        ports(),
        line.party,
        site=line.site,
        patient=patient_of(line),
        ask=_ask(),
        organisation=_first_reader(line).id,
    )


def _ask() -> Ask:
    form = request.form
    side = form.get("side", "none")
    return Ask(
        question=form["question"].strip(),
        side=Side(side) if side in set(Side) else Side.NONE,
        body_part=form.get("body_part", "").strip(),
        history=form.get("history", "").strip(),
        doctor=form.get("doctor", "").strip(),
        copy_to_doctor=form.get("copy_to_doctor") == "yes",
    )


@blueprint.get("/emergency")
def emergency() -> Response:
    """Not for emergencies: whom to call."""
    return patient_page("emergency", current_line(), {})


# -- 2: show us ------------------------------------------------------------------------------------------------------


@blueprint.get("/show")
def show() -> Response:
    """Pictures and reports, each file with its verdict; and the question whether they are theirs."""
    line = current_line()
    begun = _begun(line)
    if begun is None:
        return redirect(url_for("upload.tell"))
    if begun[1].step == "sent":
        return redirect(url_for("outcome.status"))
    return _show(line, *begun)


def _show(line: Line, referral: Referral, given: Upload, unfinished: Unfinished | None = None) -> Response:
    found = upload.summary(given)
    stopped = bool(given.stopped) and bool(found.people)
    return patient_page(
        "stopped" if stopped and not unfinished else "show",
        line,
        state_of(referral, given) | _error(unfinished),
        status=422 if unfinished else 200,
        referral=referral,
        given=given,
        summary=found,
        faults=_faults(unfinished),
        let_in=given.vouch if vouched_for(given) and not whose_stop(referral.patient, given) else None,
        trouble={name: [(f.name, in_words(f.why)) for f in given.files if f.verdict == name] for name in TROUBLE},
        ready=bool(found.people) and len(found.people) == 1 and given.confirmed is not None and not given.stopped,
    )


def _faults(unfinished: Unfinished | None) -> dict[str, str]:
    """For the page: a limit that was met is named in the person's language."""
    faults = dict(unfinished.fields) if unfinished else {}
    if unfinished and faults.get("files") == "unsafe":
        faults["files"] = in_words(str(unfinished))
    return faults


@blueprint.post("/show/files")
def give() -> Response:
    """Take a batch. A ZIP counts as the files in it."""
    line = current_line()
    referral, given = _must_be_begun(line)
    files = [(file.filename or "file", file.stream) for file in request.files.getlist("files") if file.filename]
    try:
        if not files:
            raise Unfinished(_("Choose your pictures first: a folder, single files or a ZIP."), files="missing")
        upload.add_files(ports(), line.party, referral.id, files)  # type: ignore[arg-type]
    except Unfinished as unfinished:
        return _show(line, referral, given, unfinished)
    except UnsafeMedia as unsafe:
        return _show(line, referral, given, Unfinished(str(unsafe), files="unsafe"))
    return redirect(url_for("upload.show"), 303)


@blueprint.post("/show/mine")
def mine() -> Response:
    """ "Are these yours?" """
    line = current_line()
    referral, given = _must_be_begun(line)
    try:
        upload.confirm(ports(), line.party, referral.id, mine=request.form.get("mine") == "yes")
    except Unfinished as unfinished:
        return _show(line, referral, given, unfinished)
    except Stopped:
        if wants_json():
            raise
    return redirect(url_for("upload.show"), 303)


@blueprint.post("/show/leave-out")
def leave_out() -> Response:
    """Somebody else's pictures are left out."""
    line = current_line()
    referral, given = _must_be_begun(line)
    person = request.form.get("person", "")
    if not person.isdecimal() or int(person) >= len(given.people):
        raise Unfinished(_("Say whose pictures to leave out."), person="missing")
    upload.leave_out(ports(), line.party, referral.id, int(person))
    return redirect(url_for("upload.show"), 303)


# -- 3: check and send -----------------------------------------------------------------------------------------------


@blueprint.get("/check")
def check() -> Response:
    """What we have, what is missing, what happens then."""
    line = current_line()
    begun = _begun(line)
    if begun is None:
        return redirect(url_for("upload.tell"))
    referral, given = begun
    if given.step == "sent":
        return redirect(url_for("outcome.status"))
    if given.stopped:
        return redirect(url_for("upload.show"))
    return _check(line, referral, given)


def _check(line: Line, referral: Referral, given: Upload, unfinished: Unfinished | None = None) -> Response:
    return patient_page(
        "check",
        line,
        state_of(referral, given) | _error(unfinished),
        status=422 if unfinished else 200,
        referral=referral,
        given=given,
        summary=upload.summary(given),
        own=started_by_themselves(referral),
        reader=ports().directory.organisation(referral.organisation).name,
        hours=int(worklists.ACCEPT_WITHIN.total_seconds() // 3600),
        days=worklists.READ_WITHIN_DAYS,
    )


@blueprint.post("/send")
def send() -> Response:
    """Pass every gate, and send. A stop is a page of its own, calm and with nothing sent."""
    line = current_line()
    referral, given = _must_be_begun(line)
    try:
        upload.send(ports(), line.party, referral.id)
    except Unfinished as unfinished:
        return _check(line, referral, given, unfinished)
    except Stopped:
        if wants_json():
            raise
        return redirect(url_for("upload.show"), 303)
    return moved("outcome.status", wakes=referral.id)


def _begun(line: Line) -> tuple[Referral, Upload] | None:
    """The referral and its upload; None before the first step is done."""
    referral = referral_of(line)
    given = upload_of(referral) if referral is not None else None
    return (referral, given) if referral is not None and given is not None else None


def _must_be_begun(line: Line) -> tuple[Referral, Upload]:
    begun = _begun(line)
    if begun is None:
        raise Unfinished(_("Tell us first what you want to know."), question="missing")
    return begun


def _error(unfinished: Unfinished | None) -> dict[str, Any]:
    return {"error": error_state(unfinished)} if unfinished else {}
