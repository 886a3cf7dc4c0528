"""A launch or sign-in that was refused is written to the audit: what a hospital asks for after an incident.

Rule: the row names the check that failed and never a code, state, token or name. Whoever floods the door fills no disk:
past a number of rows a minute only their count is written.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from flask import Blueprint, current_app, request
from werkzeug.wrappers import Response

from launch.errors import LaunchError
from smart_app.case import Party
from smart_app.store.errors import StoreUnavailable
from smart_app.web.errors import BegunElsewhere, error_answer
from smart_app.web.sessions import ports

log = logging.getLogger(__name__)
EXTENSION = "second-opinion-refusals"
MOST = 60
"""Rows in one minute of one process."""
VERB = "refuse-launch"
STRANGER = Party("unknown", "", "")


class Refusals:
    """Counts the rows of this minute."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._began: datetime | None = None
        self._count = 0

    def note(self, now: datetime) -> int | None:
        """May a row be written? None for no; else how many were passed over since the last one."""
        with self._lock:
            passed = 0
            if self._began is None or now - self._began >= timedelta(minutes=1):
                passed, self._began, self._count = max(0, self._count - MOST), now, 0
            self._count += 1
            return passed if self._count <= MOST else None


def audited(problem: LaunchError | BegunElsewhere) -> Response:
    """The page of the refusal, once it was written down. A server that does not answer has refused nobody."""
    refusals: Refusals = current_app.extensions.setdefault(EXTENSION, Refusals())
    if not getattr(problem, "retry", False):
        passed = refusals.note(ports().now())
        if passed is not None:
            _write(problem, passed)
    return error_answer(problem)


def _write(problem: Exception, passed: int) -> None:
    route = request.url_rule.rule if request.url_rule is not None else ""
    # What a server said in its own words may hold anything; its code, and our own sentences, hold no secret.
    why = f"{type(problem).__name__}: {getattr(problem, 'reason', '') or problem}"
    if passed:
        why += f" ({passed} more before it)"
    try:
        with ports().store.transaction() as tx:
            tx.audit.write(ports().now(), STRANGER, VERB, "", route, why)
    except StoreUnavailable:
        log.exception("A refused launch could not be written to the audit.")


def watch(blueprint: Blueprint) -> None:
    """Write down every launch that these pages refuse."""
    for kind in (LaunchError, BegunElsewhere):
        blueprint.register_error_handler(kind, audited)
