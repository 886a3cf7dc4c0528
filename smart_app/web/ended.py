"""A line is over: what its person can do now, told only in the browser the line belonged to.

A page of a dead launch never shows another patient. It leads to the same patient's newer page of the same person, where
one is open here, or says where to begin again.
"""

from __future__ import annotations

from typing import NamedTuple

from flask import Flask, g, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from launch.errors import GrantEnded
from smart_app.store import Line
from smart_app.web.errors import error_answer
from smart_app.web.seats import end, hand_back
from smart_app.web.sessions import browser, find_line, ports
from smart_app.web.windows import home_of


class Way(NamedTuple):
    """Where to go on, and what is written on the link; no address where only the chart can open us again."""

    url: str
    words: str
    text: str = ""


def way_back() -> Way | None:
    """How the person of the line that this address names comes back; None where it was never this browser's."""
    line_id = g.get("line_id")
    if not line_id or g.get("line") is not None:
        return None
    with ports().store.reading() as tx:
        line = tx.sessions.ended_line(line_id, browser())
        here = tx.sessions.lines_of(browser()) if line is not None else []
    if line is None:
        return None
    newer = next((found for found in reversed(here) if _same_case(found, line) and find_line(found.id)), None)
    if newer is not None:
        return Way(home_of(newer), gettext("Go on with the same patient"), gettext("It is open in a newer page."))
    return _begin_again(line)


def _same_case(found: Line, line: Line) -> bool:
    return (found.kind, found.site, found.organisation, found.patient, found.referral_id, found.party.reference) == (
        line.kind,
        line.site,
        line.organisation,
        line.patient,
        line.referral_id,
        line.party.reference,
    )


def _begin_again(line: Line) -> Way:
    if line.referral_id:
        return Way("", "", gettext("Open the link in your letter again."))
    if line.kind == "patient":
        return Way(url_for("signin.start_at", site_id=line.site, audience="patient"), gettext("Sign in again"))
    if line.kind == "clinician":
        return Way("", "", gettext("Open the patient’s chart, and start Second Opinion from there."))
    return Way(url_for("signin.sign_in", organisation_id=line.organisation), gettext("Sign in again"))


def chart_has_ended(problem: GrantEnded) -> Response:
    """The EHR has taken the grant back: its session is over, and so is ours, in every window of it."""
    line = g.get("line")
    if problem.by_chart and line is not None:
        with ports().store.transaction() as tx:
            left = end(tx, tx.sessions.windows_of(line.id))
        hand_back(left)
        g.pop("line")
        g.site = line.site
    return error_answer(problem)


def install(app: Flask) -> None:
    """For the page that says that something has ended."""
    app.register_error_handler(GrantEnded, chart_has_ended)
    app.jinja_env.globals["way_back"] = way_back
