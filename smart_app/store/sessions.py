"""Who is on the line: launches under way, browsers, their lines, and handoffs.

Secrets that come back to us (browser id, state, code) are kept as SHA-256 only; tokens arrive sealed and
go when their line ends. What may be used once is taken by deleting it.
"""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from smart_app.case import Party
from smart_app.store.codec import decode, encode
from smart_app.store.tables import browsers, handoffs, launches, lines


def digest(secret: str) -> str:
    """What is kept of a secret that comes back to us."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Line:
    """One person at work in one browser window: which site or organisation, whose chart, until when.

    `browser` is the SHA-256 of the browser id. `kind` is "clinician", "patient", "expert" or "operator". `token` is
    sealed. `context` holds what else the launch said. `referral_id` binds the line to one referral (an invitation).
    """

    id: str
    browser: str
    kind: str
    site: str
    organisation: str
    party: Party
    patient: str
    encounter: str
    context: dict[str, Any]
    referral_id: str | None
    token: str
    created: datetime
    used: datetime
    expires: datetime
    ended: datetime | None = None


class Sessions:
    """Every session of every browser."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    # -- launches under way ----------------------------------------------------------------------------------

    def keep_pending(self, state: str, pending: str, expires: datetime) -> None:
        """Remember a launch under way under its state."""
        self._connection.execute(insert(launches).values(state_sha256=digest(state), pending=pending, expires=expires))

    def take_pending(self, state: str) -> str | None:
        """The launch of that state, once: it is forgotten as it is taken. None if unknown, used or expired."""
        row = self._connection.execute(
            delete(launches)
            .where(launches.c.state_sha256 == digest(state))
            .returning(launches.c.pending, launches.c.expires)
        ).one_or_none()
        return row.pending if row is not None and row.expires > self._now() else None

    # -- browsers and their lines ----------------------------------------------------------------------------

    def open_browser(self, now: datetime) -> str:
        """A new browser id (256 bits), for the cookie. Only its SHA-256 is kept."""
        browser = secrets.token_urlsafe(32)
        self._connection.execute(insert(browsers).values(sha256=digest(browser), opened=now))
        return browser

    def knows_browser(self, browser: str) -> bool:
        """Did we give this id?"""
        query = select(browsers.c.sha256).where(browsers.c.sha256 == digest(browser))
        return self._connection.execute(query).first() is not None

    def add_line(
        self,
        browser: str,
        kind: str,
        party: Party,
        *,
        expires: datetime,
        site: str = "",
        organisation: str = "",
        patient: str = "",
        encounter: str = "",
        context: dict[str, Any] | None = None,
        referral_id: str | None = None,
        token: str = "",
    ) -> Line:
        """Open a line for the browser of that id (the id itself). `expires` ends it whatever happens."""
        now = self._now()
        line = Line(
            id=secrets.token_urlsafe(16),
            browser=digest(browser),
            kind=kind,
            site=site,
            organisation=organisation,
            party=party,
            patient=patient,
            encounter=encounter,
            context=context or {},
            referral_id=referral_id,
            token=token,
            created=now,
            used=now,
            expires=expires,
        )
        values = {
            **line.__dict__,
            "party": encode(party),
            "person": party.reference,
            "context": json.dumps(line.context),
        }
        self._connection.execute(insert(lines).values(values))
        return line

    def line(self, line_id: str, browser: str, *, idle: timedelta | None = None) -> Line | None:
        """That line of that browser; None if it is another's, ended, expired, or unused for longer than `idle`."""
        row = self._connection.execute(
            select(lines).where(lines.c.id == line_id, lines.c.browser == digest(browser))
        ).one_or_none()
        return self._open(row, idle)

    def lines_of(self, browser: str, *, idle: timedelta | None = None) -> list[Line]:
        """Every open line of that browser, oldest first."""
        query = select(lines).where(lines.c.browser == digest(browser)).order_by(lines.c.created)
        found = (self._open(row, idle) for row in self._connection.execute(query))
        return [line for line in found if line is not None]

    def open_lines(self) -> list[Line]:
        """Every line of everybody that has not ended or expired."""
        query = select(lines).where(lines.c.ended.is_(None), lines.c.expires > self._now())
        return [_line(row) for row in self._connection.execute(query)]

    def system_line(self, line_id: str) -> Line | None:
        """That line whatever its browser, for work that goes on after the browser was checked."""
        return self._open(self._connection.execute(select(lines).where(lines.c.id == line_id)).one_or_none(), None)

    def touch(self, line_id: str) -> None:
        """The line is in use now."""
        self._connection.execute(update(lines).where(lines.c.id == line_id).values(used=self._now()))

    def keep_context(self, line_id: str, context: dict[str, Any]) -> None:
        """What the line knows beside patient and person, anew."""
        self._connection.execute(update(lines).where(lines.c.id == line_id).values(context=json.dumps(context)))

    def save_token(self, line_id: str, sealed: str) -> None:
        """The line's newest token, sealed, for every open line on the same grant: a spent refresh token is of no use.

        An ended line keeps none.
        """
        sharing = self._sharing(line_id)
        self._connection.execute(
            update(lines).where(lines.c.id.in_(sharing), lines.c.ended.is_(None)).values(token=sealed)
        )

    def reseal(self, again: Callable[[str, str], str]) -> int:
        """Seal the token of every open line anew: `again` gets the line's id and the sealed token. Answers how many."""
        query = select(lines.c.id, lines.c.token).where(lines.c.ended.is_(None), lines.c.token != "")
        found = self._connection.execute(query).all()
        for row in found:
            values = {"token": again(row.id, row.token)}
            self._connection.execute(update(lines).where(lines.c.id == row.id).values(values))
        return len(found)

    def end_line(self, line_id: str) -> None:
        """The person left: the line and its token are gone."""
        self._connection.execute(
            update(lines).where(lines.c.id == line_id, lines.c.ended.is_(None)).values(ended=self._now(), token="")
        )

    def windows_of(self, line_id: str) -> list[Line]:
        """That line, where it is open, and every window of its own that was opened from it, in whatever browser."""
        query = select(lines).where(lines.c.id.in_(self._sharing(line_id))).order_by(lines.c.created)
        found = (self._open(row, None) for row in self._connection.execute(query))
        return [line for line in found if line is not None]

    def lines_of_person(self, line: Line, *, idle: timedelta | None = None) -> list[Line]:
        """Every open line of the person on this one, in whatever browser, newest first."""
        query = select(lines).where(
            lines.c.person == line.party.reference,
            lines.c.site == line.site,
            lines.c.organisation == line.organisation,
            lines.c.kind == line.kind,
        )
        found = (self._open(row, idle) for row in self._connection.execute(query.order_by(lines.c.created.desc())))
        return [line for line in found if line is not None]

    def ended_line(self, line_id: str, browser: str) -> Line | None:
        """That line of that browser, also where it is over: to say to its person how they come back."""
        row = self._connection.execute(
            select(lines).where(lines.c.id == line_id, lines.c.browser == digest(browser))
        ).one_or_none()
        return _line(row) if row is not None else None

    def shares_grant(self, line: Line) -> bool:
        """Does another open line hold the grant of this one (a window of its own, opened from it)?"""
        return bool(self._sharing(line.id) - {line.id})

    def _sharing(self, line_id: str) -> set[str]:
        """The open lines that hold the grant of that line, itself included: each launch gave its grant a name."""
        this = self._connection.execute(select(lines).where(lines.c.id == line_id)).one_or_none()
        grant = json.loads(this.context).get("grant") if this is not None else None
        if this is None or not grant:
            return {line_id}
        query = select(lines.c.id, lines.c.context).where(
            lines.c.site == this.site,
            lines.c.person == this.person,
            lines.c.ended.is_(None),
            lines.c.expires > self._now(),
        )
        found = self._connection.execute(query)
        return {line_id} | {row.id for row in found if json.loads(row.context).get("grant") == grant}

    def _open(self, row: Row[Any] | None, idle: timedelta | None) -> Line | None:
        now = self._now()
        if row is None or row.ended is not None or row.expires <= now:
            return None
        if idle is not None and row.used + idle <= now:
            return None
        return _line(row)

    # -- handoffs ---------------------------------------------------------------------------------------------

    def give_handoff(self, line_id: str, expires: datetime) -> str:
        """A one-time code that opens this line in a window of its own."""
        code = secrets.token_urlsafe(32)
        self._connection.execute(insert(handoffs).values(code_sha256=digest(code), line_id=line_id, expires=expires))
        return code

    def take_handoff(self, code: str) -> Line | None:
        """The open line of that code, once. None if unknown, used or expired."""
        row = self._connection.execute(
            delete(handoffs).where(handoffs.c.code_sha256 == digest(code)).returning(handoffs)
        ).one_or_none()
        return self.system_line(row.line_id) if row is not None and row.expires > self._now() else None

    def forget(self, before: datetime) -> None:
        """Remove what expired before then: launches, handoffs, lines, and browsers that have no line left."""
        self._connection.execute(delete(launches).where(launches.c.expires < before))
        self._connection.execute(delete(handoffs).where(handoffs.c.expires < before))
        old = select(lines.c.id).where(lines.c.expires < before)
        self._connection.execute(delete(handoffs).where(handoffs.c.line_id.in_(old)))
        self._connection.execute(delete(lines).where(lines.c.expires < before))
        used = select(lines.c.id).where(lines.c.browser == browsers.c.sha256).exists()
        self._connection.execute(delete(browsers).where(browsers.c.opened < before, ~used))


def _line(row: Row[Any]) -> Line:
    values = {name: value for name, value in row._mapping.items() if name != "person"}
    return Line(**{**values, "party": decode(Party, row.party), "context": json.loads(row.context)})
