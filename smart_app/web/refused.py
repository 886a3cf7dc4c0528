"""Who was refused is written to the audit, at the door or at a page: what a hospital asks for after an incident.

Rule: the row of a launch names the check that failed and never a code, state, token or name; the row of a page names
the person and the route. Whoever floods us fills no disk: past a number of rows a minute only their count is written,
and one refusal that comes again within the minute is one row.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Hashable
from datetime import datetime, timedelta

from flask import Blueprint, current_app, request
from werkzeug.wrappers import Response

from launch.errors import LaunchError
from smart_app.case import Party
from smart_app.store import Line
from smart_app.store.errors import StoreUnavailable
from smart_app.web.errors import BegunElsewhere, error_answer
from smart_app.web.sessions import ports

log = logging.getLogger(__name__)
EXTENSION, RIGHTS = "second-opinion-refusals", "second-opinion-refused-rights"
MOST = 60
"""Rows in one minute of one process."""
VERB = "refuse-launch"
ID = re.compile("[A-Za-z0-9-]{1,64}")
STRANGER = Party("unknown", "", "")


class Refusals:
    """Counts the rows of this minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: datetime | None = None
        self._count = 0
        self._known: set[Hashable] = set()

    def note(self, now: datetime, what: Hashable = None) -> int | None:
        """May a row be written? None for no; else how many were passed over since the last one."""
        with self._lock:
            passed = 0
            if self._began is None or now - self._began >= timedelta(minutes=1):
                passed, self._began, self._count = max(0, self._count - MOST), now, 0
                self._known.clear()
            if what is not None and what in self._known:
                return None
            self._count += 1
            if self._count <= MOST:
                self._known.add(what)
            return passed if self._count <= MOST else None


def audited(problem: LaunchError | BegunElsewhere) -> Response:
    """The page of the refusal, once it was written down. A server that does not answer has refused nobody."""
    if not getattr(problem, "retry", False):
        # What a server said in its own words may hold anything; its code, and our own sentences, hold no secret.
        why = f"{type(problem).__name__}: {getattr(problem, 'reason', '') or problem}"
        passed = _counted(EXTENSION).note(ports().now())
        if passed is not None:
            _write(STRANGER, VERB, "", why, passed)
    return error_answer(problem)


def right(line: Line, referral_id: str) -> None:
    """Write down that this person asked for what is not theirs. What does not exist was asked for all the same."""
    named = referral_id if ID.fullmatch(referral_id) else ""
    passed = _counted(RIGHTS).note(ports().now(), (line.id, named, request.endpoint))
    if passed is not None:
        _write(line.party, "refuse-right", named, "", passed)


def _counted(where: str) -> Refusals:
    counted: Refusals = current_app.extensions.setdefault(where, Refusals())
    return counted


def _write(who: Party, verb: str, referral_id: str, why: str, passed: int) -> None:
    route = request.url_rule.rule if request.url_rule is not None else ""
    if passed:
        why = f"{why} ({passed} more before it)".strip()
    try:
        with ports().store.transaction() as tx:
            tx.audit.write(ports().now(), who, verb, referral_id, route, why)
    except StoreUnavailable:
        log.exception("A refusal could not be written to the audit.")


def watch(blueprint: Blueprint) -> None:
    """Write down every launch that these pages refuse."""
    for kind in (LaunchError, BegunElsewhere):
        blueprint.register_error_handler(kind, audited)
