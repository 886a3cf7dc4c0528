"""The clinician's pages: ask from the chart, follow, answer, read, stop. A mismatch is shown whole, to staff only."""

from __future__ import annotations

from functools import partial
from io import BytesIO
from typing import Any

from flask import Blueprint, Response, jsonify, redirect, request, send_file
from werkzeug.wrappers import Response as AnyResponse

from smart_app import letter, refer, review, vouching, worklists
from smart_app.access import actor, may
from smart_app.case import Ask, NextStep, Side, Urgency
from smart_app.referral import Referral, Status, Unfinished
from smart_app.store import Line
from smart_app.web.allowed import not_allowed
from smart_app.web.answers import moved, page
from smart_app.web.bundle import bundle
from smart_app.web.charted import PATIENT, PROMPT, charted
from smart_app.web.entering import opened_form
from smart_app.web.errors import error_state, wants_json
from smart_app.web.here import doors, registration
from smart_app.web.inviting import invitation_state
from smart_app.web.progress import clocks, staff_steps
from smart_app.web.review import report_file
from smart_app.web.sessions import current_line, patient_of, polled, ports, referral_on
from smart_app.web.told import beside, changes, doubt_of, mismatch, referral_state, standing, write_view
from smart_app.web.windows import home_of

blueprint = Blueprint("refer", __name__, url_prefix="/line/<line_id>")


# -- ask -------------------------------------------------------------------------------------------------------------


@blueprint.get("/")
def home() -> AnyResponse:
    """This patient's chart: its studies, orders and referrals, and one question to ask."""
    line = current_line()
    if line.kind != "clinician":
        return redirect(home_of(line), 303)
    return _home(line, {}, patience=PATIENT if request.args.get("wait") else PROMPT)


@blueprint.post("/ask")
def ask() -> AnyResponse:
    """Ask the question; the patient is invited to bring the images."""
    line = current_line()
    try:
        referral = refer.open_referral(
            ports(),
            line.party,
            site=line.site,
            patient=patient_of(line),
            ask=_asked(),
            organisation=request.form.get("organisation", ""),
            chart_studies=tuple(request.form.getlist("chart_studies")),
            chart_order=request.form.get("chart_order", ""),
            encounter=line.encounter,
        )
    except Unfinished as unfinished:
        return _home(line, unfinished.fields, unfinished)
    return moved(".follow", wakes=referral.id, referral_id=referral.id)


def _asked() -> Ask:
    """The question of the form. Raises Unfinished naming every field at once."""
    form = request.form
    faults = {name: "missing" for name in ("question", "side", "organisation") if not form.get(name, "").strip()}
    if faults:
        raise Unfinished("The question is not finished.", **faults)
    side, urgency = form["side"], form.get("urgency", "")
    return Ask(
        question=form["question"].strip(),
        urgency=Urgency(urgency) if urgency in set(Urgency) else Urgency.ROUTINE,
        subspecialty=form.get("subspecialty", "") or "general",
        side=Side(side) if side in set(Side) else Side.NONE,
        body_part=form.get("body_part", "").strip(),
        decision=form.get("decision", "").strip(),
        history=form.get("history", "").strip(),
    )


def _home(line: Line, faults: dict[str, str], error: Unfinished | None = None, *, patience: float = PROMPT) -> Response:
    patient, found = patient_of(line), charted(line, patience=PATIENT if wants_json() else patience)
    referrals = worklists.of_patient(ports(), line.site, line.patient)
    organisations = list(ports().directory.readers_for(line.site))
    form = request.form if request.method == "POST" else opened_form(line, found)
    state: dict[str, Any] = {
        "patient": {
            "reference": patient.reference,
            "name": patient.formal_name,
            "birth_date": patient.birth_date,
            "sex": patient.sex,
            "mrn": patient.mrn,
        },
        "studies": [
            {"reference": s.reference, "description": s.description, "started": s.started, "modalities": s.modalities}
            for s in found.studies
        ],
        "orders": [{"reference": o.reference, "text": o.text} for o in found.orders],
        "referrals": [_row(referral) for referral in referrals],
        "organisations": [{"id": o.id, "name": o.name} for o in organisations],
        "opened": {"studies": form.getlist("chart_studies"), "order": form.get("chart_order", "")},
    }
    if error is not None:
        state["error"] = error_state(error)
    return page(
        "refer/home.html",
        state,
        422 if error else 200,
        line=line,
        patient=patient,
        found=found,
        refused=not_allowed(line, registration(line), doors().vault),
        referrals=referrals,
        organisations=organisations,
        site=ports().directory.site(line.site),
        faults=faults,
        form=form,
        opened=bool(form) and request.method == "GET",
    )


def _row(referral: Referral) -> dict[str, str]:
    return {
        "id": referral.id,
        "case_number": referral.case_number,
        "status": referral.status.value,
        "question": referral.ask.question,
    }


# -- follow and read -------------------------------------------------------------------------------------------------


@blueprint.get("/referrals/<referral_id>")
def follow(referral_id: str) -> Response:
    """Where one referral stands; the opinion once it is signed, its answer first."""
    line = current_line()
    return _follow(line, referral_on(line, referral_id), {})


def _follow(line: Line, referral: Referral, faults: dict[str, str], error: Unfinished | None = None) -> Response:
    found = beside(referral)
    shown = _shown(len(referral.opinions))
    opinion = referral.opinion_version(shown) if shown and may(actor(line), referral, "opinion") else None
    if opinion is not None and not polled():
        write_view(line, referral, opinion.version)
    state = referral_state(line, referral, found)
    if may(actor(line), referral, "invite") and referral.status is Status.GATHERING:
        state["invitation"] = invitation_state(referral)
    if error is not None:
        state["error"] = error_state(error)
    return page(
        "refer/follow.html",
        state,
        422 if error else 200,
        line=line,
        referral=referral,
        opinion=opinion,
        earlier=changes(referral.opinion_version(shown - 1), opinion) if opinion and shown > 1 else [],
        upload=found.upload,
        parked=found.parked,
        rows=mismatch(referral, found.upload),
        doubt=doubt_of(referral, found.upload),
        steps=staff_steps(referral, stuck=any(row.action == "file_opinion" for row in found.parked)),
        stands=standing(referral, found.parked),
        clocks_of=clocks(referral, ports().now()),
        reader=_organisation(referral),
        organisations=list(ports().directory.readers_for(line.site)),
        site=ports().directory.site(line.site),
        faults=faults,
        form=request.form,
    )


def _shown(newest: int) -> int:
    """The version that was asked for, else the newest; a program is always told the newest."""
    asked = request.args.get("version", newest, type=int)
    return asked if 0 < asked < newest and not wants_json() else newest


def _organisation(referral: Referral) -> Any:
    organisations = ports().directory.organisations
    return next((o for o in organisations if o.id == referral.organisation), None)


@blueprint.post("/referrals/<referral_id>/acknowledge")
def acknowledge(referral_id: str) -> AnyResponse:
    """ "I have read this", of exactly the version that was shown."""
    line = current_line()
    referral, form = referral_on(line, referral_id), request.form
    step, version = form.get("next_step", ""), form.get("version", 0, type=int)
    if step not in set(NextStep):
        return _follow(
            line, referral, {"next_step": "missing"}, Unfinished("Say what happens next.", next_step="missing")
        )
    refer.acknowledge(ports(), line.party, referral_id, version, NextStep(step), form.get("note", ""))
    return moved(".follow", wakes=referral_id, referral_id=referral_id)


@blueprint.post("/referrals/<referral_id>/answer")
def answer(referral_id: str) -> AnyResponse:
    """The expert's question is answered; the clock goes on."""
    return _act(referral_id, refer.answer, request.form.get("text", ""))


@blueprint.post("/referrals/<referral_id>/withdraw")
def withdraw(referral_id: str) -> AnyResponse:
    """Stopped by the asker, who says why."""
    return _act(referral_id, refer.withdraw, request.form.get("reason", ""))


@blueprint.post("/referrals/<referral_id>/resend")
def resend(referral_id: str) -> AnyResponse:
    """A returned referral goes to the next reader."""
    return _act(referral_id, refer.resend, request.form.get("organisation", ""))


@blueprint.post("/referrals/<referral_id>/hold")
def hold(referral_id: str) -> AnyResponse:
    """A wrong patient is suspected: images and opinion are hidden until one named person closes the check."""
    return _act(referral_id, review.hold, request.form.get("reason", ""))


@blueprint.post("/referrals/<referral_id>/vouch")
def vouch(referral_id: str) -> AnyResponse:
    """Pictures under another name are this patient's, says this person of what they were shown."""
    said = partial(vouching.vouch, seen=request.form.get("seen", -1, type=int))
    return _act(referral_id, said, request.form.get("reason", ""))


@blueprint.post("/referrals/<referral_id>/signed-in-chart")
def signed_in_chart(referral_id: str) -> AnyResponse:
    """The note that waited in the chart is signed there now, says this person."""
    return _act(referral_id, refer.signed_in_chart, request.form.get("version", 0, type=int))


def _act(referral_id: str, act: Any, said: str | int) -> AnyResponse:
    line = current_line()
    referral = referral_on(line, referral_id)
    try:
        act(ports(), line.party, referral_id, said)
    except Unfinished as unfinished:
        return _follow(line, referral, unfinished.fields, unfinished)
    return moved(".follow", wakes=referral_id, referral_id=referral_id)


# -- take along ------------------------------------------------------------------------------------------------------


@blueprint.get("/referrals/<referral_id>/record")
def record(referral_id: str) -> Response:
    """The referral as a FHIR Bundle. An opinion in it counts as opened."""
    line = current_line()
    referral = referral_on(line, referral_id)
    readable = may(actor(line), referral, "opinion")
    if referral.opinion is not None and readable:
        write_view(line, referral, referral.opinion.version)
    said = jsonify(bundle(referral, opinion=readable))
    said.headers["Content-Type"] = "application/fhir+json"
    return said


@blueprint.get("/referrals/<referral_id>/letter/<int:version>")
def signed_letter(referral_id: str, version: int) -> Response:
    """One signed version as the PDF that goes into the chart."""
    line = current_line()
    return letter_file(line, referral_on(line, referral_id), version)


def letter_file(line: Line, referral: Referral, version: int) -> Response:
    """The letter as a download. Writes to the audit. Raises NoSuchReferral for a version that was never signed."""
    reader = _organisation(referral)
    site = ports().directory.site(referral.site)
    pdf = letter.pdf(referral, version, organisation=reader.name if reader else "", site=site.name)
    with ports().store.transaction() as tx:
        tx.audit.write(ports().now(), line.party, "download", referral.id, f"opinion version {version}")
    name = f"{referral.case_number}-v{version}.pdf"
    return send_file(BytesIO(pdf), mimetype="application/pdf", as_attachment=True, download_name=name, max_age=0)


@blueprint.get("/referrals/<referral_id>/reports/<int:number>")
def first_report(referral_id: str, number: int) -> AnyResponse:
    """The first reading, as its giver gave it."""
    line = current_line()
    return report_file(line, referral_on(line, referral_id), number)
