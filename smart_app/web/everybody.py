"""The desk sees who is signed in, and ends the sessions of one person or of everybody: after a theft, or an incident.

Names stand here of people who work or are cared for, since that is whom somebody calls about; no case and no chart.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from flask import Blueprint, request
from werkzeug.wrappers import Response

from smart_app.case import Party
from smart_app.referral import NoSuchReferral
from smart_app.store import Line
from smart_app.web.answers import moved, page
from smart_app.web.seats import end, hand_back
from smart_app.web.sessions import current_line, idle_limit, ports

blueprint = Blueprint("everybody", __name__, url_prefix="/line/<line_id>")


@dataclass(frozen=True)
class Present:
    """One person who is signed in. `key` names them in a form and says nothing by itself."""

    key: str
    party: Party
    place: str
    lines: tuple[Line, ...]

    @property
    def used(self) -> datetime:
        """When they were last there."""
        return max(line.used for line in self.lines)


@blueprint.get("/everybody")
def listed() -> Response:
    """Who is signed in, by place and name."""
    line, people = current_line(), _present()
    state = {"people": [{"key": p.key, "role": p.party.role, "place": p.place, "lines": len(p.lines)} for p in people]}
    return page("operator/everybody.html", state, people=people, who=line.party)


@blueprint.post("/everybody/end")
def end_one() -> Response:
    """Sign one person out everywhere."""
    chosen = [found for found in _present() if found.key == request.form.get("person", "")]
    if not chosen:
        raise NoSuchReferral("Nobody of this kind is signed in.")
    return _end([line for found in chosen for line in found.lines], chosen[0].party.reference)


@blueprint.post("/everybody/end-all")
def end_all() -> Response:
    """Sign everybody out but this person, who is needed here."""
    return _end([line for found in _present() for line in found.lines], "everybody")


def _end(lines: list[Line], what: str) -> Response:
    here = current_line()
    with ports().store.transaction() as tx:
        left = end(tx, [line for line in lines if line.id != here.id])
        tx.audit.write(ports().now(), here.party, "sign-out-others", "", what, f"{len(left)} sessions")
    hand_back(left)
    return moved("everybody.listed")


def _present() -> list[Present]:
    with ports().store.reading() as tx:
        lines = [line for line in tx.sessions.open_lines() if line.used + idle_limit(line) > ports().now()]
    ordered = sorted(lines, key=_whose)
    return [_one(whose, tuple(found)) for whose, found in groupby(ordered, key=_whose)]


def _whose(line: Line) -> tuple[str, str, str, str]:
    return (line.site or line.organisation, line.kind, line.party.name, line.party.reference)


def _one(whose: tuple[str, str, str, str], lines: tuple[Line, ...]) -> Present:
    key = hashlib.sha256("\n".join(whose).encode()).hexdigest()[:24]
    return Present(key, lines[0].party, lines[0].party.organisation or whose[0], lines)
