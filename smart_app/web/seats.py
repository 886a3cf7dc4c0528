"""Somebody sits down at a browser: whoever sat there before has left it, in every window of theirs.

A shared workstation must not show the last person's patients. What ends here ends as if its person had left: the token
is forgotten first, and the chart is told afterwards.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import request

from smart_app.case import Party
from smart_app.store import Line, Transaction
from smart_app.web.here import doors
from smart_app.web.leaving import give_back, grant_of
from smart_app.web.sessions import known_browser, new_browser, ports

Left = list[tuple[Line, dict[str, Any]]]
"""Lines that have ended, each with the grant to hand back (empty where another window still holds it)."""


def sit_down(kind: str, party: Party, *, expires: datetime, relaunch: bool = True, **place: Any) -> Line:
    """Open a line in this browser for that person.

    Another person's lines here end, with the windows that were opened from them in other cookie jars. With `relaunch`
    the same person's earlier line for the same patient ends too: a page of it says so instead of going stale.
    """
    here = known_browser()
    given = place.pop("context", None) or {}
    context = {"grant": secrets.token_urlsafe(16), **given, "browser": browser_words(request.user_agent.string)}
    with ports().store.transaction() as tx:
        left: Left = []
        for line in tx.sessions.lines_of(here):
            if _other_person(line, party, place):
                left += end(tx, tx.sessions.windows_of(line.id))
            elif relaunch and place.get("site") and _same_chart(line, kind, place):
                left += end(tx, [line])
        if _alone(place, relaunch=relaunch) and not tx.sessions.lines_of(here):
            here = new_browser(tx)  # nobody's page depends on the old id, which somebody may have put there
        opened = tx.sessions.add_line(here, kind, party, expires=expires, context=context, **place)
        where = place.get("site") or place.get("organisation") or ""
        tx.audit.write(ports().now(), party, "sign-in", "", where, kind)
    hand_back(left)
    return opened


def _alone(place: dict[str, Any], *, relaunch: bool) -> bool:
    """No EHR launch: of those two may be on their way in one browser at once, each bound to the id it began with."""
    return not place.get("site") or bool(place.get("referral_id")) or not relaunch


def browser_words(agent: str) -> str:
    """The kind of browser and system, for a person to know their own places apart; nothing finer is kept."""
    named = next((words for mark, words in BROWSERS if mark in agent), "")
    system = next((words for mark, words in SYSTEMS if mark in agent), "")
    return ", ".join(part for part in (named, system) if part)


BROWSERS = (("Edg", "Edge"), ("OPR", "Opera"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Safari", "Safari"))
"""Mark in the User-Agent -> name; the first that stands there, since many claim to be another."""
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


def _other_person(line: Line, party: Party, place: dict[str, Any]) -> bool:
    """Who one is, is the hospital's or organisation's to say: the same number elsewhere is somebody else."""
    here = (place.get("site", ""), place.get("organisation", ""), party.reference)
    return (line.site, line.organisation, line.party.reference) != here


def _same_chart(line: Line, kind: str, place: dict[str, Any]) -> bool:
    wanted = (kind, place.get("patient", ""), place.get("referral_id"))
    return (line.kind, line.patient, line.referral_id) == wanted


def end(tx: Transaction, lines: Iterable[Line]) -> Left:
    """End these lines; answers what is to be handed back once this is kept."""
    left = []
    for line in lines:
        token = grant_of(tx, line, doors())
        tx.sessions.end_line(line.id)
        left.append((line, token))
    return left


def hand_back(left: Left) -> None:
    """Tell the charts, beside the request."""
    for line, token in left:
        give_back(ports(), doors(), line, token)
