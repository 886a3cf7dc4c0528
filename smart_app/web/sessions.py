"""Who is on the line: the browser's one cookie, the lines it holds, and the proof that a form is ours.

The cookie names a browser and nothing else; a line is named by the address of its pages and opens only in the browser
it was given to. Every address with a `line_id` is guarded before its view runs, so no view can forget it.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, current_app, g, request
from werkzeug.wrappers import Response

from fhir.people import must_be, read_patient
from smart_app.access import actor, must
from smart_app.case import Patient
from smart_app.ports import Ports
from smart_app.referral import Referral
from smart_app.store import Line, Transaction
from smart_app.web.errors import FormNotOurs, LineEnded, NoPatient

COOKIE = "__Host-second-opinion"
PORTS = "second-opinion-ports"
IDLE = {
    "clinician": timedelta(hours=1),
    "patient": timedelta(hours=2),
    "expert": timedelta(hours=2),
    "operator": timedelta(hours=1),
}
IDLE_OTHERWISE = timedelta(hours=1)
LASTS = timedelta(hours=12)
"""A line ends after this time whatever happens."""
TOUCH_EVERY = timedelta(seconds=60)
POLL = "Second-Opinion-Poll"
"""Header of a page that looks by itself: no sign of a person, so it keeps no line open and is not audited as a look."""
OWN_GUARD = ("images", "viewer")
"""Blueprints that answer a closed line in their own way (`looking`)."""
FORM_LIMIT = 2_000_000
"""Bytes of a form that brings no files."""
BRINGS_FILES = ("upload.give",)
SAFE = ("GET", "HEAD", "OPTIONS")


def ports() -> Ports:
    """The outside world of this application."""
    given: Ports = current_app.extensions[PORTS]
    return given


# -- the browser -----------------------------------------------------------------------------------------------------


def browser() -> str:
    """What the cookie says; empty where there is none."""
    return request.cookies.get(COOKIE, "")


def known_browser() -> str:
    """The id of this browser, given now where it has none that we know. Writes to the store."""
    found = str(g.get("given_browser", "") or browser())
    with ports().store.transaction() as tx:
        if found and tx.sessions.knows_browser(found):
            return found
        g.given_browser = tx.sessions.open_browser(ports().now())
    return str(g.given_browser)


def new_browser(tx: Transaction) -> str:
    """A new id for this browser, in place of one that somebody may have put there or used before."""
    g.given_browser = tx.sessions.open_browser(ports().now())
    return str(g.given_browser)


def framed() -> bool:
    """Does this answer go into a frame? Then only a partitioned cookie survives."""
    return request.headers.get("Sec-Fetch-Dest", "document") != "document"


def alone() -> bool:
    """Is this certainly a window of its own, so that our cookie, had we given it here, would be with us?"""
    return request.headers.get("Sec-Fetch-Dest") == "document"


def _keep_cookie(answer: Response) -> Response:
    """Give a new browser its id. At top level `Lax` is enough: it comes along when an EHR sends the browser back."""
    given = g.get("given_browser")
    if given:
        answer.set_cookie(
            COOKIE,
            given,
            secure=True,
            httponly=True,
            path="/",
            samesite="None" if framed() else "Lax",
            partitioned=framed(),
        )
    return answer


# -- the line --------------------------------------------------------------------------------------------------------


def find_line(line_id: str) -> Line | None:
    """That line, where it is this browser's and still open; None otherwise."""
    with ports().store.reading() as tx:
        line = tx.sessions.line(line_id, browser())
    if line is None or line.used + idle_limit(line) <= ports().now():
        return None
    return line


def current_line() -> Line:
    """The line of this page. Whether the page is for its person was asked before (`rights`)."""
    line: Line = g.line
    return line


def _name_line(_endpoint: str | None, values: dict[str, Any] | None) -> None:
    """The views of a line get it from `current_line`, not from the address."""
    if values and "line_id" in values and request.blueprint not in OWN_GUARD:
        g.line_id = values.pop("line_id")


def _bound_form() -> None:
    """A stranger fills no disk of ours: only the patient's form of files may be long."""
    if request.endpoint not in BRINGS_FILES:
        request.max_content_length = FORM_LIMIT


def _open_line() -> None:
    """Before each view of a line: find it, note that it is in use, and take only forms that are ours."""
    line_id = g.get("line_id")
    if line_id is None:
        return
    line = find_line(line_id)
    if line is None:
        raise LineEnded("This page has ended.", cookie=bool(browser()))
    g.line = line
    if not polled() and ports().now() - line.used >= TOUCH_EVERY:
        with ports().store.transaction() as tx:
            tx.sessions.touch(line.id)
    if request.method not in SAFE:
        must_be_our_form(line.id)


def idle_limit(line: Line) -> timedelta:
    """How long the line stays open when nobody uses it."""
    return IDLE.get(line.kind, IDLE_OTHERWISE)


def idle_seconds(line: Line) -> int:
    """The same, for the page."""
    return int(idle_limit(line).total_seconds())


def polled() -> bool:
    """Did the page look by itself, with nobody asking?"""
    return POLL in request.headers


def patient_of(line: Line) -> Patient:
    """The patient of the launch, as the chart named them then; read now where it did not answer then.

    Raises NoPatient, ChartError, LaunchError.
    """
    if not line.patient:
        raise NoPatient("The launch named no patient.")
    kept: dict[str, Any] = line.context.get("patient") or {}
    if kept:
        return patient_from(kept)
    return patient_from(read_patient(must_be(ports().charts.line(line.id).read(line.patient), line.patient)).__dict__)


def patient_from(facts: dict[str, Any]) -> Patient:
    """Our record of the person, from what was read in the chart; more members than ours are passed over."""
    named = {name: facts[name] for name in Patient.__dataclass_fields__ if name in facts}
    others = tuple((family, given) for family, given in facts.get("other_names", ()))
    return Patient(**{**named, "given": tuple(facts.get("given", ())), "other_names": others})


def referral_on(line: Line, referral_id: str) -> Referral:
    """The referral, for somebody who may know of it. Raises NoSuchReferral."""
    with ports().store.reading() as tx:
        return must(actor(line), tx.referrals.get(referral_id), "see")


# -- forms -----------------------------------------------------------------------------------------------------------


def csrf_token(scope: str = "") -> str:
    """The proof that a form of this line (or of `scope`) was made by us for this browser."""
    line: Line | None = g.get("line")
    named = scope or (line.id if line is not None else "")
    key = ports().settings.secret.encode()
    return hmac.new(key, f"form {named} {browser()}".encode(), hashlib.sha256).hexdigest()[:43]


def must_be_our_form(scope: str = "") -> None:
    """Raises FormNotOurs unless the request comes from our own page and carries its proof.

    A page without a referrer sends `Origin: null` with its own forms (Fetch, "append a request Origin header"), so
    `Sec-Fetch-Site` decides where there is one.
    """
    site, origin = request.headers.get("Sec-Fetch-Site"), request.headers.get("Origin", "null")
    if site is not None and site != "same-origin":
        raise FormNotOurs("The form was sent from another site.")
    if site is None and origin not in ("null", _origin(ports().settings.base_url)):
        raise FormNotOurs("The form was sent from another site.")
    given = request.headers.get("X-CSRF-Token") or request.form.get("csrf", "")
    if not hmac.compare_digest(given.encode(), csrf_token(scope).encode()):
        raise FormNotOurs("The form is too old or was not made for this browser.")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def install(app: Flask) -> None:
    """Guard every address of a line, and keep the cookie."""
    app.url_value_preprocessor(_name_line)
    app.before_request(_bound_form)
    app.before_request(_open_line)
    app.after_request(_keep_cookie)
