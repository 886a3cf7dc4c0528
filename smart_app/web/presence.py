"""Where one is signed in, in every browser; and leaving one of those places, or all of them at once."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from werkzeug.wrappers import Response

from smart_app.referral import NoSuchReferral
from smart_app.store import Line
from smart_app.web.answers import moved, page
from smart_app.web.seats import end, hand_back
from smart_app.web.sessions import current_line, idle_limit, ports
from smart_app.web.windows import goodbye

blueprint = Blueprint("presence", __name__, url_prefix="/line/<line_id>")


@blueprint.get("/signed-in")
def listed() -> Response:
    """Every open line of this person: since when, last used, in what kind of browser. No patient is named."""
    line = current_line()
    places = [_place(found, line) for found in _lines(line)]
    return page("signin/places.html", {"places": places}, places=places, who=line.party)


@blueprint.post("/signed-in/<place>/end")
def leave_one(place: str) -> Response:
    """End one of them."""
    line = current_line()
    chosen = [found for found in _lines(line) if found.id == place]
    if not chosen:
        raise NoSuchReferral("There is no such place.")
    _end(line, chosen, "one place")
    return goodbye(line) if chosen[0].id == line.id else moved("presence.listed")


@blueprint.post("/signed-in/end")
def leave_all() -> Response:
    """Sign out everywhere, here too."""
    line = current_line()
    _end(line, _lines(line), "every place")
    return goodbye(line)


def _lines(line: Line) -> list[Line]:
    with ports().store.reading() as tx:
        return tx.sessions.lines_of_person(line, idle=idle_limit(line))


def _end(line: Line, lines: list[Line], what: str) -> None:
    with ports().store.transaction() as tx:
        left = end(tx, lines)
        tx.audit.write(ports().now(), line.party, "sign-out", "", what)
    hand_back(left)


def _place(found: Line, here: Line) -> dict[str, Any]:
    return {
        "id": found.id,
        "here": found.id == here.id,
        "browser": str(found.context.get("browser", "")),
        "since": found.created,
        "used": found.used,
    }
