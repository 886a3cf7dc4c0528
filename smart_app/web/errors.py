"""One table from what went wrong to what a person reads. Nothing below the web knows HTTP answers of ours.

Every page says what happened, what is safe, and what to do; a program gets the same as JSON, in one shape.
"""

from __future__ import annotations

import logging
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask, g, jsonify, make_response, redirect, render_template, request
from flask_babel import lazy_gettext as _
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.wrappers import Response

from fhir.errors import ChartError, ChartRefused, ChartUnavailable, NotInChart
from imaging.errors import ArchiveUnavailable, ImagingError, NotHere, UnsafeMedia
from launch.errors import (
    AnswerUnusable,
    CallerRejected,
    GrantEnded,
    IdentityRejected,
    LaunchError,
    LaunchExpired,
    LaunchRefused,
    UntrustedIssuer,
)
from smart_app.referral import NoSuchReferral, NotYours, ReferralError, StaleReferral, Unfinished, WrongStatus
from smart_app.sites import NoSuchSite, SiteError, SiteStale
from smart_app.status import Stopped
from smart_app.store.errors import NoSuchRow, StoreUnavailable

log = logging.getLogger(__name__)


class WebError(Exception):
    """A request that cannot be answered as asked, for a reason of the web's own."""


class LineEnded(WebError):
    """The line is unknown, another browser's, ended or too long unused. `cookie`: did the browser send one?"""

    def __init__(self, message: str, *, cookie: bool = True) -> None:
        super().__init__(message)
        self.cookie = cookie


class WrongDoor(WebError):
    """The line is of another kind than the page."""


class NoPatient(WebError):
    """A launch from a chart that named no patient."""


class FormNotOurs(WebError):
    """The form was not made by us for this browser."""


class BegunElsewhere(WebError):
    """What comes back was begun in another browser, or in this one, which kept no cookie of ours."""


class ProveFirst(WebError):
    """The person must sign in again before this act."""

    why = "prove-first"


class NoPart(WebError):
    """Somebody whose organisation gave them no part here."""


class NoLongerProxy(WebError):
    """The chart says that this person may not act for this patient."""


class InvitationOver(WebError):
    """An invitation that is unknown, used up or too old."""


@dataclass(frozen=True)
class Notice:
    """What a person reads: `title` what happened, `text` what is safe and what to do.

    `spoken`: the error's own message is a sentence for this person. `retry`: offer to try again. `patient`: only a
    patient meets it.
    """

    status: int
    title: Any
    text: Any
    spoken: bool = False
    retry: bool = False
    patient: bool = False


SAFE_HERE = _("What you saved is safe here. Try again in a moment.")
RELAUNCH = _("Nothing was opened. Close this page and open Second Opinion again from where you opened it.")
NOTHING_HERE = Notice(
    404, _("There is nothing here"), _("The address is not known, or what it showed is not for this page.")
)
NO_COOKIE = Notice(
    401,
    _("This window does not stay signed in"),
    _("The browser keeps no cookie for us here. Open Second Opinion again, in a window of its own if you can."),
)
NO_ANSWER = Notice(503, _("The chart does not answer"), SAFE_HERE, retry=True)
NOT_NOW = Notice(503, _("We cannot answer now"), SAFE_HERE, retry=True)
FAULT = Notice(
    500,
    _("Something went wrong on our side"),
    _("What you saved before is safe. Try again; if it stays, tell us the number below."),
    retry=True,
)

TABLE: dict[type[Exception], Notice] = {
    LineEnded: Notice(
        401,
        _("This page has ended"),
        _("Nothing was lost that was saved before. Open Second Opinion again from where you opened it."),
    ),
    WrongDoor: Notice(403, _("This page is for somebody else"), _("Go back to the page you came from.")),
    NoPatient: Notice(
        400,
        _("No patient was chosen"),
        _("Second Opinion opens for one patient. Open that patient’s chart and start it from there."),
    ),
    FormNotOurs: Notice(
        403, _("This form is too old"), _("Nothing was sent. Load the page again and send it from there.")
    ),
    BegunElsewhere: Notice(
        400,
        _("This was begun in another browser"),
        _(
            "Nothing was opened here. Go on in the window where you began, or begin again in this one. "
            "If it is the same window, it must keep our cookies."
        ),
    ),
    ProveFirst: Notice(403, _("Sign in again before you sign"), _("Your words are kept. Nothing is signed yet.")),
    NoPart: Notice(
        403,
        _("You have no part here"),
        _("You signed in, and your organisation has not named you for Second Opinion. Ask its administrator."),
    ),
    NoLongerProxy: Notice(
        403,
        _("You cannot act for this patient any more"),
        _("The hospital’s record says so. Nothing was opened. If that is wrong, ask the hospital to change it."),
    ),
    InvitationOver: Notice(
        404,
        _("This invitation does not open any more"),
        _("It was used up, taken back, or is too old. Ask the office that sent it for a new one."),
        patient=True,
    ),
    NoSuchReferral: NOTHING_HERE,
    NotYours: NOTHING_HERE,
    NotHere: NOTHING_HERE,
    StaleReferral: Notice(
        409,
        _("This was changed meanwhile"),
        _("Somebody else changed it first, so nothing of yours was saved. Open it again and look."),
        retry=True,
    ),
    WrongStatus: Notice(
        409, _("This can no longer be done"), _("The case has moved on. Open it again to see where it stands.")
    ),
    Unfinished: Notice(
        422, _("Something is missing"), _("Nothing was sent. Go back and fill in what is missing."), spoken=True
    ),
    Stopped: Notice(409, _("We stopped here"), _("Nothing was sent."), spoken=True),
    ReferralError: Notice(409, _("This cannot be done"), _("Nothing was changed."), spoken=True),
    NoSuchSite: NOTHING_HERE,
    SiteStale: Notice(409, _("This was changed meanwhile"), _("Nothing was saved."), spoken=True, retry=True),
    SiteError: Notice(409, _("This cannot be done"), _("Nothing was changed."), spoken=True),
    UntrustedIssuer: Notice(
        403,
        _("This hospital is not connected"),
        _("No call was made and nothing was sent. Ask your IT department to connect it."),
    ),
    LaunchExpired: Notice(400, _("This took too long, or was used already"), RELAUNCH),
    GrantEnded: Notice(401, _("The chart has closed this page"), _("Open Second Opinion again from the chart.")),
    LaunchRefused: Notice(403, _("The sign-in was refused"), RELAUNCH, spoken=True),
    IdentityRejected: Notice(403, _("We could not be sure who you are"), RELAUNCH, spoken=True),
    CallerRejected: Notice(401, _("The call was refused"), _("It does not prove which system it comes from.")),
    AnswerUnusable: NO_ANSWER,
    LaunchError: Notice(502, _("The sign-in did not work"), RELAUNCH),
    ChartUnavailable: NO_ANSWER,
    NotInChart: Notice(404, _("It is not in the chart"), _("Nothing was changed.")),
    ChartRefused: Notice(502, _("The chart refused"), _("What you saved is safe here."), spoken=True),
    ChartError: NO_ANSWER,
    UnsafeMedia: Notice(413, _("This is more than we can take"), _("Nothing of it was kept."), spoken=True),
    ArchiveUnavailable: NOT_NOW,
    ImagingError: Notice(422, _("These files cannot be used"), _("Nothing of them was sent."), spoken=True),
    StoreUnavailable: NOT_NOW,
    NoSuchRow: Notice(
        404,
        _("Nothing waits under this number"),
        _("The address is not complete, or is from another installation. Nothing was changed."),
    ),
}
"""The first class of an error's own line of ancestors that stands here decides."""

LINE_DEPTH = 2  # slashes in `/line/x`

CODES = {
    404: NOTHING_HERE,
    405: NOTHING_HERE,
    413: Notice(413, _("This is more than we can take"), _("Nothing of it was kept.")),
}


def notice_of(problem: Exception) -> Notice:
    """How this problem is told; FAULT for what nobody foresaw."""
    if isinstance(problem, LineEnded) and not problem.cookie:
        return NO_COOKIE
    if isinstance(problem, HTTPException):
        code = problem.code or 500
        return CODES.get(code, Notice(code, _("This cannot be answered"), _("Nothing was changed.")))
    return next((TABLE[kind] for kind in type(problem).__mro__ if kind in TABLE), FAULT)


def wants_json() -> bool:
    """Is a program asking?"""
    best = request.accept_mimetypes.best_match(["text/html", "application/json"])
    return best == "application/json"


def error_state(problem: Exception) -> dict[str, Any]:
    """A problem as JSON, in the one shape of every error."""
    notice = notice_of(problem)
    return {
        "kind": type(problem).__name__,
        "why": getattr(problem, "why", ""),
        "message": str(problem) if notice.spoken else str(notice.title),
        "fields": getattr(problem, "fields", {}),
    }


def error_answer(problem: Exception) -> Response:
    """The page, or the JSON, that says what went wrong."""
    notice = notice_of(problem)
    if isinstance(problem, HTTPException) and notice.status < 400:
        return problem.get_response()
    if isinstance(problem, MethodNotAllowed) and _looks_for_a_page():
        return redirect(_page_of_the_form(request.path), 303)
    number = _written_down(problem, notice) if notice.status >= 500 else ""
    if wants_json():
        answer = jsonify(error=error_state(problem))
    else:
        spoken = str(problem) if notice.spoken else ""
        support = getattr(problem, "error_uri", None)
        stop = {"notice": notice, "spoken": spoken, "number": number, "support": support, "line": g.get("line")}
        answer = make_response(render_template("stop.html", **stop))
    answer.status_code = notice.status
    if getattr(problem, "retry", False):
        answer.headers["Retry-After"] = "5"
    return answer


def _looks_for_a_page() -> bool:
    """Was the address of a form of a line opened as if it were a page? A form that came back leaves it behind."""
    return request.method == "GET" and request.path.startswith("/line/") and not wants_json()


def _page_of_the_form(path: str) -> str:
    """`/line/x/cases/y/return` -> `/line/x/cases/y`; of a form of the line itself, the line's first page."""
    page = path.rsplit("/", 1)[0]
    return page if page.count("/") > LINE_DEPTH else f"{page}/"


def reported(problem: Exception) -> str:
    """Write it down for the help desk; answers its number."""
    return _written_down(problem, notice_of(problem))


def _written_down(problem: Exception, notice: Notice) -> str:
    """A number for the help desk. An unforeseen error's text may quote a patient's value, so only its place is kept."""
    number = f"E-{secrets.token_hex(3).upper()}"
    place = (type(problem), Exception("(its text is left out)"), problem.__traceback__) if notice is FAULT else None
    log.error("%s: %s", number, type(problem).__name__, exc_info=place)
    return number


def install(app: Flask) -> None:
    """Answer every problem of every page by the table."""
    app.register_error_handler(Exception, error_answer)
