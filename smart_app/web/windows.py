"""From one window to the next: arriving after a launch, a window of its own, staying, and leaving.

A window opened from a chart's frame never has the frame's cookie, so it is let in by a code that works once, for one
minute, and for exactly the line it was given for.
"""

from __future__ import annotations

import re
from datetime import timedelta

from flask import Blueprint, Response, g, redirect, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from launch.errors import LaunchExpired
from smart_app.store import Line
from smart_app.web.answers import page
from smart_app.web.errors import BegunElsewhere
from smart_app.web.refused import watch
from smart_app.web.seats import end, hand_back, sit_down
from smart_app.web.sessions import alone, current_line, find_line, idle_seconds, ports

blueprint = Blueprint("windows", __name__)
watch(blueprint)
HANDOFF_LIVES = timedelta(seconds=60)
HOME = {"clinician": "", "patient": "tell", "expert": "worklist", "operator": "operate"}
PLACE = re.compile(r"(viewer/)?[A-Za-z0-9][A-Za-z0-9/_-]{0,120}|")


NAME = re.compile(r"[A-Za-z0-9-]{1,64}")


def home_of(line: Line) -> str:
    """The first page of a line; the referral that a card in the chart named, where it named one."""
    named = str(line.context.get("referral", ""))
    if line.kind == "clinician" and NAME.fullmatch(named):
        return f"/line/{line.id}/referrals/{named}"
    return f"/line/{line.id}/{HOME[line.kind]}"


def messaging() -> dict[str, str]:
    """For the templates: how the chart around this page takes messages; only an origin that may frame us anyway."""
    line: Line | None = g.get("line")
    said: dict[str, str] = line.context.get("messaging", {}) if line is not None else {}
    if line is None or not said:
        return {}
    allowed = next((site.frame_ancestors for site in ports().directory.sites if site.id == line.site), ())
    return said if said.get("origin") in allowed else {}


def send_to_arrive(line: Line) -> AnyResponse:
    """After a launch: on to the line, by way of a look whether the browser keeps our cookie."""
    with ports().store.transaction() as tx:
        code = tx.sessions.give_handoff(line.id, ports().now() + HANDOFF_LIVES)
    return redirect(url_for("windows.arrive", code=code), 303)


@blueprint.get("/arrive")
def arrive() -> AnyResponse:
    """The line's first page; or, where this frame keeps no cookie, the way to a window that does."""
    line = _taken(request.args.get("code", ""))
    g.site = line.site
    if find_line(line.id) is not None:
        return redirect(home_of(line), 303)
    if alone():
        raise BegunElsewhere("This window keeps no cookie of ours, or is not the one that began.")
    return _offer(line, "", kept=False)


@blueprint.post("/line/<line_id>/handoff")
def give() -> Response:
    """A code for a window of its own, and the link that uses it."""
    return _offer(current_line(), request.form.get("to", ""), kept=True)


@blueprint.get("/handoff")
def handoff() -> AnyResponse:
    """Open the same line in this window's own cookie jar. A link on another site opens nothing."""
    if request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
        raise BegunElsewhere("A window of its own is opened from our page only.")
    line = _taken(request.args.get("code", ""))
    opened = sit_down(
        line.kind,
        line.party,
        expires=line.expires,
        relaunch=False,
        site=line.site,
        organisation=line.organisation,
        patient=line.patient,
        encounter=line.encounter,
        context=line.context,
        referral_id=line.referral_id,
        token=line.token,
    )
    return redirect(place_on(opened, request.args.get("to", "")), 303)


@blueprint.post("/line/<line_id>/stay")
def stay() -> Response:
    """The person is still there: the line goes on."""
    line = current_line()
    with ports().store.transaction() as tx:
        tx.sessions.touch(line.id)
    return page("signin/left.html", {"idle_seconds": idle_seconds(line)})


@blueprint.post("/line/<line_id>/leave")
def sign_out() -> AnyResponse:
    """End the line. Its token is handed back to the chart and forgotten, and what a viewer kept in this browser too."""
    line = current_line()
    with ports().store.transaction() as tx:
        left = end(tx, [line])
    hand_back(left)
    return goodbye(line)


def goodbye(line: Line) -> Response:
    """The page of somebody who has left, which clears what a viewer kept in this browser."""
    g.pop("line")
    g.site = line.site
    said = page("signin/left.html", {"ended": True})
    said.headers["Clear-Site-Data"] = '"storage"'
    return said


def _taken(code: str) -> Line:
    with ports().store.transaction() as tx:
        line = tx.sessions.take_handoff(code)
    if line is None:
        raise LaunchExpired("This code was used or is too old. Open it again from the chart.")
    return line


def _offer(line: Line, to: str, *, kept: bool) -> Response:
    """The page, or JSON, with the link. `kept`: does this window keep our cookie?"""
    to = to if PLACE.fullmatch(to) else ""
    with ports().store.transaction() as tx:
        code = tx.sessions.give_handoff(line.id, ports().now() + HANDOFF_LIVES)
    url = url_for("windows.handoff", code=code, to=to or None)
    return page("signin/window.html", {"url": url}, url=url, kept=kept)


def place_on(line: Line, to: str) -> str:
    """The page asked for on that line: `referrals/…`, or `viewer/<referral>` for its images."""
    if not to or not PLACE.fullmatch(to):
        return home_of(line)
    if to.startswith("viewer/"):
        return f"/viewer/{line.id}/{to.removeprefix('viewer/')}/viewer"
    return f"/line/{line.id}/{to}"
