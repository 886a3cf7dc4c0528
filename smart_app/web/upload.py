"""The patient's pages: tell us, show us, check and send; then where it stands, and the opinion in plain words."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from smart_app import refer, upload, worklists
from smart_app.case import Ask, Side, Upload
from smart_app.referral import NoSuchReferral, Referral, Status, Unfinished
from smart_app.sites import Organisation
from smart_app.status import Stopped
from smart_app.store import Line
from smart_app.web.answers import moved, page
from smart_app.web.errors import error_state, wants_json
from smart_app.web.phrases import STATUS_PLAIN
from smart_app.web.progress import patient_steps
from smart_app.web.sessions import current_line, patient_of, ports

blueprint = Blueprint("upload", __name__, url_prefix="/line/<line_id>")

SHOWN_WHEN = frozenset({Status.DELIVERED, Status.SEEN, Status.REVISED})


@blueprint.get("/tell")
def tell() -> Response:
    """Step 1: the question, in the patient's words, or the doctor's own question and the agreement."""
    line = current_line("patient")
    referral = referral_of(line)
    if referral is not None and (referral.status is not Status.GATHERING or upload_of(referral) is not None):
        return redirect(url_for("upload.show" if referral.status is Status.GATHERING else "upload.status"))
    return _page("tell", line, _state(referral, None), referral=referral, form={}, faults={}, reader=_reader(referral))


@blueprint.post("/tell")
def told() -> Response:
    """Keep the answers. Feeling very ill right now stops everything, and says where to call."""
    line = current_line("patient")
    form = request.form
    if form.get("very_ill") == "yes":
        return redirect(url_for("upload.emergency"))
    referral = referral_of(line)
    try:
        referral = _asked(line, referral)
        upload.begin(ports(), line.party, referral.id)
    except Unfinished as unfinished:
        state = _state(referral, None) | {"error": error_state(unfinished)}
        context = {"referral": referral, "form": form, "faults": unfinished.fields, "reader": _reader(referral)}
        return _page("tell", line, state, status=422, **context)
    return redirect(url_for("upload.show"), 303)


def _page(name: str, line: Line, state: dict[str, Any], **context: Any) -> Response:
    site = ports().directory.site(line.site)
    return page(f"patient/{name}.html", state, patient=patient_of(line), site=site, line=line, **context)


def _reader(referral: Referral | None) -> str:
    """The reading organisation that the pictures will go to."""
    directory = ports().directory
    return directory.organisation(referral.organisation).name if referral else _first_reader().name


def _first_reader() -> Organisation:
    return next(o for o in ports().directory.organisations if o.role == "expert")


def _asked(line: Line, referral: Referral | None) -> Referral:
    """The referral that waits for images: the doctor's, or a new one in the patient's own words."""
    form = request.form
    faults = {}
    if form.get("agree") != "yes":
        faults["agree"] = "missing"
    if referral is None and not form.get("question", "").strip():
        faults["question"] = "missing"
    if faults:
        raise Unfinished(_("Please fill in what is marked below."), **faults)
    if referral is not None:
        return referral
    side = form.get("side", "none")
    ask = Ask(
        question=form["question"].strip(),
        side=Side(side) if side in set(Side) else Side.NONE,
        body_part=form.get("body_part", "").strip(),
        history=form.get("history", "").strip(),
        doctor=form.get("doctor", "").strip(),
        copy_to_doctor=form.get("copy_to_doctor") == "yes",
    )
    patient, reader = patient_of(line), _first_reader()
    return refer.open_referral(ports(), line.party, site=line.site, patient=patient, ask=ask, organisation=reader.id)


@blueprint.get("/emergency")
def emergency() -> Response:
    """Not for emergencies: whom to call."""
    line = current_line("patient")
    return _page("emergency", line, {})


@blueprint.get("/show")
def show() -> Response:
    """Step 2: pictures and reports, each file with its verdict; and the question whether they are theirs."""
    line = current_line("patient")
    referral, given = _gathering(line)
    if given.step == "sent":
        return redirect(url_for("upload.status"))
    return _page("show", line, _state(referral, given), referral=referral, **_given(given))


@blueprint.post("/show/files")
def give() -> Response:
    """Take a batch. A ZIP counts as the files in it."""
    line = current_line("patient")
    referral, _given_before = _gathering(line)
    files = [(file.filename or "file", file.stream) for file in request.files.getlist("files") if file.filename]
    if not files:
        raise Unfinished(_("Choose your pictures first: a folder, single files or a ZIP."), files="missing")
    upload.add_files(ports(), line.party, referral.id, files)  # type: ignore[arg-type]
    return redirect(url_for("upload.show"), 303)


@blueprint.post("/show/mine")
def mine() -> Response:
    """ "Are these yours?" """
    line = current_line("patient")
    referral, _before = _gathering(line)
    try:
        upload.confirm(ports(), line.party, referral.id, mine=request.form.get("mine") == "yes")
    except Stopped:
        if wants_json():
            raise
    return redirect(url_for("upload.show"), 303)


@blueprint.post("/show/leave-out")
def leave_out() -> Response:
    """Somebody else's pictures are left out."""
    line = current_line("patient")
    referral, given = _gathering(line)
    person = request.form.get("person", "")
    if not person.isdigit() or int(person) >= len(given.people):
        raise Unfinished(_("Say whose pictures to leave out."), person="missing")
    upload.leave_out(ports(), line.party, referral.id, int(person))
    return redirect(url_for("upload.show"), 303)


@blueprint.get("/check")
def check() -> Response:
    """Step 3: what we have, what is missing, what happens now."""
    line = current_line("patient")
    referral, given = _gathering(line)
    if given.step == "sent":
        return redirect(url_for("upload.status"))
    return _page("check", line, _state(referral, given), referral=referral, **_given(given))


@blueprint.post("/send")
def send() -> Response:
    """Pass every gate, and send. A stop is a page of its own, calm and with nothing sent."""
    line = current_line("patient")
    referral, _before = _gathering(line)
    try:
        upload.send(ports(), line.party, referral.id)
    except Stopped:
        if wants_json():
            raise
        return redirect(url_for("upload.show"), 303)
    return moved("upload.status", wakes=referral.id)


@blueprint.get("/status")
def status() -> Response:
    """Where it stands, in plain words; the opinion once it is in the chart."""
    line = current_line("patient")
    referral = referral_of(line)
    if referral is None:
        return redirect(url_for("upload.tell"))
    given = upload_of(referral)
    arrived = referral.status is Status.GATHERING and given is not None and given.step == "sent"
    headline = _("Your pictures arrived. We are checking them") if arrived else STATUS_PLAIN[referral.status.value]
    context = {"referral": referral, "given": given, "headline": headline, "patient_steps": patient_steps}
    return _page("status", line, _state(referral, given), **context)


@blueprint.post("/answer")
def answer() -> Response:
    """The patient answers the expert's question on a case they started."""
    line = current_line("patient")
    referral = referral_of(line)
    if referral is None or referral.requester.role != "patient":
        raise NoSuchReferral("There is no question for you.")
    refer.answer(ports(), line.party, referral.id, request.form.get("text", ""))
    return moved("upload.status", wakes=referral.id)


@blueprint.get("/opinion")
def opinion() -> Response:
    """The opinion: the expert's plain words first, then the full text."""
    line = current_line("patient")
    referral = referral_of(line)
    if referral is None or referral.status not in SHOWN_WHEN or referral.opinion is None:
        return redirect(url_for("upload.status"))
    return _page("opinion", line, _state(referral, None), referral=referral, opinion=referral.opinion)


def referral_of(line: Line) -> Referral | None:
    """The one this line was invited to; else the newest that waits for images; else the newest."""
    if line.referral_id:
        with ports().store.reading() as tx:
            return tx.referrals.get(line.referral_id)
    waiting = worklists.waiting_for_images(ports(), line.site, line.patient)
    if waiting is not None:
        return waiting
    every = worklists.of_patient(ports(), line.site, line.patient)
    return every[0] if every else None


def upload_of(referral: Referral) -> Upload | None:
    """What was given for it so far."""
    with ports().store.reading() as tx:
        return tx.uploads.of_referral(referral.id)


def _gathering(line: Line) -> tuple[Referral, Upload]:
    referral = referral_of(line)
    given = upload_of(referral) if referral is not None else None
    if referral is None or given is None:
        raise Unfinished(_("Tell us first what you want to know."), question="missing")
    return referral, given


def _given(given: Upload) -> dict[str, Any]:
    return {"given": given, "summary": upload.summary(given)}


def _state(referral: Referral | None, given: Upload | None) -> dict[str, Any]:
    """The page's state for programs. It holds what stands on the images, and nothing of the chart's side."""
    state: dict[str, Any] = {
        "referral_id": referral.id if referral else "",
        "case_number": referral.case_number if referral else "",
        "status": referral.status.value if referral else "",
    }
    if given is not None:
        found = upload.summary(given)
        state |= {
            "step": given.step,
            "counts": found.counts,
            "given": found.given,
            "studies": found.studies,
            "series": found.series,
            "people": [_person(p) for p in found.people],
            "everybody": [_person(p) for p in given.people],
            "gaps": list(found.gaps),
            "stopped": given.stopped,
            "confirmed": given.confirmed is not None,
        }
    if referral is not None and referral.status in SHOWN_WHEN and referral.opinion is not None:
        shown = referral.opinion
        state["opinion"] = {"version": shown.version, "plain_words": shown.plain_words, "answer": shown.answer}
    return state


def _person(seen: Any) -> dict[str, str]:
    return {"name": seen.name, "birth_date": seen.birth_date, "sex": seen.sex, "id": seen.id}
