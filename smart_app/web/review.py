"""The expert's pages: a worklist, and one case with its question, its images and the opinion as it is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

from flask import Blueprint, g, request, send_file
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from smart_app import review, worklists
from smart_app.access import actor, may
from smart_app.referral import NoSuchReferral, Referral, ReferralError, Status, Unfinished, WrongStatus
from smart_app.store import Line
from smart_app.web import reading
from smart_app.web.answers import moved, page
from smart_app.web.errors import ProveFirst, error_state, wants_json
from smart_app.web.progress import clocks
from smart_app.web.sessions import current_line, polled, ports, referral_on
from smart_app.web.stepup import must_prove
from smart_app.web.told import beside, changes, standing

blueprint = Blueprint("review", __name__, url_prefix="/line/<line_id>")

LIVE = frozenset({Status.SENT, Status.QUESTION, Status.SIGNED, Status.DELIVERED, Status.REVISED, Status.SEEN})
"""Where the page looks by itself for news. Never while somebody reads: nothing may move beside the images."""
SIGNED = frozenset({Status.SIGNED, Status.DELIVERED, Status.SEEN, Status.REVISED, Status.IN_ERROR})


@blueprint.get("/worklist")
def worklist() -> Response:
    """What waits for this expert, the most urgent promise first."""
    line = current_line()
    now, wanted = ports().now(), request.args.get("q", "").strip()
    cases = worklists.of_expert(ports(), line)
    rows = [reading.row(referral, now) for referral in cases if reading.named(referral, wanted)]
    return page(
        "expert/worklist.html",
        {"cases": [reading.row_state(row.referral, now) for row in rows]},
        groups=[(name, [row for row in rows if row.group == name]) for name in reading.GROUPS],
        reader=ports().directory.organisation(line.organisation),
        who=line.party,
        wanted=wanted,
        now=now,
        any_case=bool(cases),
    )


@blueprint.get("/cases/<referral_id>")
def case(referral_id: str) -> Response:
    """One case: question left, images in the viewer, opinion right."""
    line, referral = _case(referral_id)
    _note_look(line, referral)
    return _case_page(line, referral)


@blueprint.get("/cases/<referral_id>/revise")
def revision(referral_id: str) -> Response:
    """The signed words, open for the next version. Raises WrongStatus where nothing is signed."""
    line, referral = _case(referral_id)
    if not referral.may("revise"):
        raise WrongStatus("There is no signed opinion to revise.")
    return _case_page(line, referral, revising=True)


@blueprint.post("/cases/<referral_id>/accept")
def accept(referral_id: str) -> Response:
    """Take the case, and begin to read where that is asked too."""
    line, _referral = _case(referral_id)
    review.accept(ports(), line.party, referral_id)
    if request.form.get("begin") == "yes":
        review.begin_reading(ports(), line.party, referral_id)
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
    """Give it back with a reason: one of the usual ones, words of one's own, or both."""
    line, referral = _case(referral_id)
    said = (request.form.get("usual", "").strip(), request.form.get("reason", "").strip())
    try:
        review.decline(ports(), line.party, referral_id, ". ".join(part for part in said if part))
    except Unfinished as unfinished:
        return _case_page(line, referral, error=unfinished, faults={"return": "missing"})
    return moved("review.worklist", wakes=referral_id)


@blueprint.post("/cases/<referral_id>/ask")
def ask(referral_id: str) -> Response:
    """A question to the asker; the clock stops."""
    return _with_words(referral_id, "ask", review.ask, request.form.get("text", ""))


@blueprint.post("/cases/<referral_id>/hold")
def hold(referral_id: str) -> Response:
    """A wrong patient is suspected: hide everything now."""
    return _with_words(referral_id, "hold", review.hold, request.form.get("reason", ""))


@blueprint.post("/cases/<referral_id>/retract")
def retract(referral_id: str) -> Response:
    """Entered in error."""
    return _with_words(referral_id, "retract", review.retract, request.form.get("reason", ""))


@blueprint.post("/cases/<referral_id>/told")
def told(referral_id: str) -> Response:
    """A person was told of the critical finding: six facts, or nobody was."""
    line, referral = _case(referral_id)
    try:
        review.tell(ports(), line.party, referral_id, request.form.to_dict())
    except Unfinished as unfinished:
        return _case_page(line, referral, error=unfinished)
    return _back(referral_id)


def _with_words(referral_id: str, name: str, act: Callable[..., Referral], words: str) -> Response:
    line, referral = _case(referral_id)
    try:
        act(ports(), line.party, referral_id, words)
    except Unfinished as unfinished:
        return _case_page(line, referral, error=unfinished, faults={name: "missing"})
    return _back(referral_id)


@blueprint.post("/cases/<referral_id>/draft")
def draft(referral_id: str) -> Response:
    """Keep the words as they are."""
    line, _referral = _case(referral_id)
    review.save_draft(ports(), line.party, referral_id, request.form.to_dict())
    if request.form.get("of") == "revision":
        return moved("review.revision", referral_id=referral_id)
    return moved("review.case", referral_id=referral_id)


@blueprint.post("/cases/<referral_id>/sign")
def sign(referral_id: str) -> Response:
    """Sign version 1."""
    return _sign(referral_id, review.sign)


@blueprint.post("/cases/<referral_id>/revise")
def revise(referral_id: str) -> Response:
    """Sign the next version."""
    return _sign(referral_id, review.revise)


def _sign(referral_id: str, act: Callable[..., Referral]) -> Response:
    """Sign, or come back with what is missing. Words that cannot be signed are kept as a draft in any case."""
    line, referral = _case(referral_id)
    words, ticked = request.form.to_dict(), set(request.form.getlist("confirm"))
    if must_prove(line):
        return _prove_first(line, referral_id, words, revising=act is review.revise)
    try:
        act(ports(), line.party, referral_id, words, ticked)
    except ReferralError as refused:
        with suppress(ReferralError):
            referral = review.save_draft(ports(), line.party, referral_id, words)
        if not isinstance(refused, Unfinished):
            raise
        if "side" in refused.fields:
            ticked.discard("side")
        revising = act is review.revise
        return _case_page(line, referral, error=refused, words=words, ticked=ticked, revising=revising)
    return _back(referral_id)


def _prove_first(line: Line, referral_id: str, words: dict[str, str], *, revising: bool) -> Response:
    """The words are kept, and the person proves who they are. A program is told so."""
    with suppress(ReferralError):
        review.save_draft(ports(), line.party, referral_id, words)
    if wants_json():
        raise ProveFirst("Sign in again before you sign: GET prove/go.")
    return moved("stepup.ask", to=f"cases/{referral_id}" + ("/revise" if revising else ""))


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
    suffix = {"application/pdf": "pdf", "image/jpeg": "jpg", "image/png": "png", "text/plain": "txt"}.get(kind, "bin")
    name = _("first-report-%(number)s", number=number)
    return send_file(path, mimetype=kind, as_attachment=True, download_name=f"{name}.{suffix}", max_age=0)


# -- the page of a case ------------------------------------------------------------------------------------------


def _case_page(
    line: Line,
    referral: Referral,
    *,
    error: Unfinished | None = None,
    faults: dict[str, str] | None = None,
    words: Mapping[str, str] | None = None,
    ticked: set[str] | None = None,
    revising: bool = False,
) -> Response:
    now, found = ports().now(), beside(referral)
    given = dict(words or referral.draft or (_words_of(referral) if revising else {}))
    state: dict[str, Any] = reading.case_state(referral, now, tuple(row.action for row in found.parked))
    if error is not None:
        state["error"] = error_state(error)
    newest = referral.opinion
    values = {
        "faults": (faults or error.fields) if error else {},
        "given": given,
        "form": request.form,
        "ticked": ticked or set(),
        "revising": revising,
        "checks": reading.checks(referral),
        "side": reading.side_evidence(referral),
        "doubt": reading.side_doubt(referral, given) if error and "side" in error.fields else "",
        "gaps": reading.gaps(referral),
        "clocks_of": clocks(referral, now),
        "saved": _moment_of((referral.draft or {}).get("saved_at", "")),
        "earlier": changes(referral.opinions[-2], newest) if newest and len(referral.opinions) > 1 else [],
        "parked": found.parked,
        "stands": standing(referral, found.parked, reader=True),
        "looking": may(actor(line), referral, "images") and bool(referral.studies) and referral.status in _WITH_IMAGES,
        "site": ports().directory.site(referral.site),
        "reader": ports().directory.organisation(referral.organisation),
        "who": line.party,
        "mine": referral.expert is not None and referral.expert.reference == line.party.reference,
        "prove_first": must_prove(line),
        "proven": request.args.get("proven") == "1" and not must_prove(line),
        "live": referral.status in LIVE and not revising,
        "signed": referral.status in SIGNED and newest is not None and may(actor(line), referral, "opinion"),
    }
    return page("expert/case.html", state, status=422 if error else 200, referral=referral, **values)


_WITH_IMAGES = SIGNED - {Status.IN_ERROR} | {Status.SENT, Status.QUESTION, Status.ACCEPTED, Status.READING}


def _moment_of(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _words_of(referral: Referral) -> dict[str, str]:
    """A revision starts from the words that are signed."""
    signed = referral.opinion
    if signed is None:
        return {}
    words = {name: getattr(signed, name) for name in review.WORDS}
    tier = str(signed.tier or 1) if signed.critical else "no"
    kept = {"agreement": signed.agreement.value, "critical": tier}
    return {**words, **kept, "first_report_read": signed.first_report_read}


def _case(referral_id: str) -> tuple[Line, Referral]:
    line = current_line()
    referral = referral_on(line, referral_id)
    g.site = referral.site
    return line, referral


def _back(referral_id: str) -> Response:
    return moved("review.case", wakes=referral_id, referral_id=referral_id)


def _note_look(line: Line, referral: Referral) -> None:
    """Write to the audit, once per line, that this person opened this case."""
    if polled():
        return
    with ports().store.transaction() as tx:
        noted = any(
            row.verb == "view" and row.what == "case" and row.who == line.party and row.at >= line.created
            for row in tx.audit.of_referral(referral.id)
        )
        if not noted:
            tx.audit.write(ports().now(), line.party, "view", referral.id, "case")
