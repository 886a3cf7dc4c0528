"""May this line look at this referral's images? Asked on every request, and every first look is written to the audit.

A no is always the same 404, whether the case is another's, is hidden, or does not exist.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from datetime import datetime

from flask import current_app, g
from werkzeug.exceptions import NotFound

from imaging.archive import Shelf
from smart_app.access import actor, may
from smart_app.case import StudyNote
from smart_app.ports import Ports
from smart_app.referral import NoSuchReferral, Referral
from smart_app.store import Line
from smart_app.web import refused
from smart_app.web.sessions import TOUCH_EVERY, find_line, ports

LOOKED = "look"
REMEMBERED = 10_000
CASES = 64


@dataclass(frozen=True)
class Look:
    """One person's right to look at one referral's images, for the length of one request."""

    line: Line
    referral: Referral
    shelf: Shelf

    def note(self, study_instance_uid: str) -> StudyNote:
        """That study of the referral; 404 where it has none such, whatever else is on the shelf."""
        for study in self.referral.studies:
            if study.study_instance_uid == study_instance_uid:
                return study
        raise NotFound


def look(line_id: str, referral_id: str) -> Look:
    """The right to look, or 404."""
    line = g.line = _open_line(line_id)
    cases: Cases = current_app.extensions.setdefault("second-opinion-cases", Cases())
    try:
        referral = cases.read(ports(), referral_id)
    except NoSuchReferral:
        refused.right(line, referral_id)
        raise NotFound from None
    if not may(actor(line), referral, "images"):
        refused.right(line, referral_id)
        raise NotFound
    return Look(line, referral, ports().archive.shelf(referral.id))


class Cases:
    """Referrals as last read. A case of thousands of pictures is taken apart once, not for every picture of it.

    Each time the store is asked whether it has changed, so nobody looks by a right that has ended.
    """

    def __init__(self) -> None:
        self._known: dict[str, tuple[tuple[int, datetime | None], Referral]] = {}

    def read(self, ports: Ports, referral_id: str) -> Referral:
        """That referral as it stands now. Raises NoSuchReferral."""
        with ports.store.reading() as tx:
            stand = tx.referrals.stand(referral_id)
            known = self._known.get(referral_id)
            if known is not None and known[0] == stand:
                return known[1]
            referral = tx.referrals.get(referral_id)
        if len(self._known) >= CASES:
            self._known.clear()
        self._known[referral_id] = (stand, referral)
        return referral


def _open_line(line_id: str) -> Line:
    """The line of that id in this browser. Reading images keeps it in use, noted now and then and not per frame."""
    line = find_line(line_id)
    if line is None:
        raise NotFound
    if ports().now() - line.used >= TOUCH_EVERY:
        with ports().store.transaction() as tx:
            tx.sessions.touch(line.id)
    return line


class Looks:
    """Writes one audit line per line and study. What this process has written already is remembered."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._written: set[tuple[str, str]] = set()

    def write(self, found: Look, study_instance_uid: str) -> None:
        """Write that this person looked at this study. Where it cannot be written, nobody looks: the error goes up."""
        key = (found.line.id, study_instance_uid)
        with self._lock:
            if key in self._written:
                return
            _write(ports(), found, study_instance_uid)
            if len(self._written) >= REMEMBERED:
                self._written.clear()
            self._written.add(key)


def _write(ports: Ports, found: Look, study_instance_uid: str) -> None:
    who, what = found.line.party, f"images of study {study_instance_uid}"
    with ports.store.transaction() as tx:
        written = any(
            row.verb == LOOKED and row.what == what and row.who == who and row.at >= found.line.created
            for row in tx.audit.of_referral(found.referral.id)
        )
        if not written:
            tx.audit.write(ports.now(), who, LOOKED, found.referral.id, what)


def looked(found: Look, study_instance_uid: str) -> StudyNote:
    """That study of the referral, after the look was written down; 404 where the referral has none such."""
    note = found.note(study_instance_uid)
    looks: Looks = current_app.extensions.setdefault("second-opinion-looks", Looks())
    looks.write(found, study_instance_uid)
    return note
