"""The outbox: what is owed outside, written in the same transaction as the change that owes it.

Order is kept within a lane of a referral: only its first unfinished row may run. A parked row holds up its own lane.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, and_, insert, select, update

from smart_app.case import Party
from smart_app.store.codec import encode
from smart_app.store.errors import NoSuchRow
from smart_app.store.tables import outbox as rows

LANES = {
    "file_opinion": "chart",
    "file_retraction": "chart",
    "check_note": "note:{version}",
    "mirror_referral": "mirror",
    "store_images": "images",
    "invite_patient": "notice:invite_patient",
    "notify_expert": "notice:notify_expert",
    "notify_referrer": "notice:notify_referrer",
    "notify_desk": "notice:notify_desk",
    "chase_critical": "critical:{version}",
    "remind": "notice:remind:{version}",
}
"""action -> lane. A version has a lane of its own where waiting on one version must not hold up the next:
a note that nobody has signed in the chart never delays a correction."""


@dataclass(frozen=True)
class Owed:
    """One act that is owed. It names the referral and holds none of its content.

    `attempt` counts from 1 and names one run of the worker. `failures` counts the runs since `failing_since` that
    ended in trouble which may pass.
    """

    id: str
    referral_id: str
    action: str
    arguments: dict[str, Any]
    due: datetime
    attempt: int
    state: str  # "owed", "done" or "parked"
    reason: str  # why it waits or is parked
    created: datetime
    lane: str
    outcome: str = ""  # what came of it
    failures: int = 0
    failing_since: datetime | None = None
    finished: datetime | None = None


class Outbox:
    """Every row owed for every referral."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    def owe(self, referral_id: str, action: str, *, due: datetime | None = None, **arguments: Any) -> str:
        """Owe `action` for that referral, not before `due` (now if absent); answers the id of the row.

        Raises ValueError for an action without a lane.
        """
        if action not in LANES:
            raise ValueError(f"{action!r} has no lane in the outbox")
        row_id = str(uuid.uuid4())
        now = self._now()
        self._connection.execute(
            insert(rows).values(
                id=row_id,
                referral_id=referral_id,
                action=action,
                arguments=json.dumps(arguments),
                lane=LANES[action].format_map({"version": "", **arguments}),
                state="owed",
                due=due or now,
                attempt=1,
                failures=0,
                created=now,
            )
        )
        return row_id

    def ready(self, now: datetime, limit: int = 100, *, referral_id: str | None = None) -> list[Owed]:
        """Rows that may run now, the longest due first: the first unfinished row of each lane of each referral."""
        query = select(rows).where(rows.c.state == "owed", rows.c.due <= now, _first_of_its_lane())
        if referral_id is not None:
            query = query.where(rows.c.referral_id == referral_id)
        return self._read(query.order_by(rows.c.due, rows.c.sequence).limit(limit))

    def get(self, row_id: str) -> Owed:
        """That row. Raises NoSuchRow."""
        row = self._connection.execute(select(rows).where(rows.c.id == row_id)).one_or_none()
        if row is None:
            raise NoSuchRow("Nothing of this id is owed.")
        return _owed(row)

    def its_turn(self, row_id: str) -> bool:
        """Is the row owed, and the first unfinished one of its lane?"""
        query = select(rows.c.id).where(rows.c.id == row_id, rows.c.state == "owed", _first_of_its_lane())
        return self._connection.execute(query).first() is not None

    def done(self, row_id: str, outcome: str) -> bool:
        """The act is done, whoever says so first. True where the row was unfinished."""
        return self._change(
            and_(rows.c.id == row_id, rows.c.state != "done"),
            state="done",
            outcome=outcome,
            reason="",
            finished=self._now(),
        )

    def later(
        self, row_id: str, due: datetime, why: str, *, attempt: int | None = None, failed_at: datetime | None = None
    ) -> bool:
        """Try again at `due`, under the next attempt. True where the row was owed (and still at `attempt`, if given).

        `failed_at` says that this run met trouble which may pass, and counts it; without it the count starts anew.
        """
        row = self._connection.execute(
            select(rows.c.failures, rows.c.failing_since).where(_owed_at(row_id, attempt))
        ).one_or_none()
        if row is None:
            return False
        return self._change(
            _owed_at(row_id, attempt),
            due=due,
            reason=why,
            attempt=rows.c.attempt + 1,
            failures=row.failures + 1 if failed_at else 0,
            failing_since=(row.failing_since or failed_at) if failed_at else None,
        )

    def park(self, row_id: str, reason: str, *, attempt: int | None = None) -> bool:
        """A person must decide. True where the row was owed (and still at `attempt`, if given)."""
        return self._change(_owed_at(row_id, attempt), state="parked", reason=reason)

    def renew(self, row_id: str, attempt: int) -> bool:
        """That attempt came to nothing and said nothing: the next number. True where the row was still at it."""
        return self._change(_owed_at(row_id, attempt), attempt=rows.c.attempt + 1)

    def retry(self, row_id: str, by: Party, **arguments: Any) -> bool:
        """A person says: send again, perhaps with more to go by. True where the row was parked, once."""
        if arguments:
            self._change(
                and_(rows.c.id == row_id, rows.c.state == "parked"),
                arguments=json.dumps({**self.get(row_id).arguments, **arguments}),
            )
        return self._change(
            and_(rows.c.id == row_id, rows.c.state == "parked"),
            state="owed",
            due=self._now(),
            attempt=rows.c.attempt + 1,
            failures=0,
            failing_since=None,
            decided_by=encode(by),
        )

    def settle(self, row_id: str, by: Party, outcome: str) -> bool:
        """A person says that it is done, and how. True where the row was parked; a second press changes nothing."""
        return self._change(
            and_(rows.c.id == row_id, rows.c.state == "parked"),
            state="done",
            outcome=outcome,
            reason="",
            decided_by=encode(by),
            finished=self._now(),
        )

    def parked(self) -> list[Owed]:
        """Every row that waits for a person, oldest first."""
        return self._read(select(rows).where(rows.c.state == "parked").order_by(rows.c.sequence))

    def of_referral(self, referral_id: str) -> list[Owed]:
        """Everything ever owed for that referral, oldest first."""
        return self._read(select(rows).where(rows.c.referral_id == referral_id).order_by(rows.c.sequence))

    def _read(self, query: Select[Any]) -> list[Owed]:
        return [_owed(row) for row in self._connection.execute(query)]

    def _change(self, where: ColumnElement[bool], **values: Any) -> bool:
        return self._connection.execute(update(rows).where(where).values(**values)).rowcount == 1


def _first_of_its_lane() -> ColumnElement[bool]:
    earlier = rows.alias("earlier")
    return ~(
        select(earlier.c.sequence)
        .where(
            earlier.c.referral_id == rows.c.referral_id,
            earlier.c.lane == rows.c.lane,
            earlier.c.state != "done",
            earlier.c.sequence < rows.c.sequence,
        )
        .exists()
    )


def _owed_at(row_id: str, attempt: int | None) -> ColumnElement[bool]:
    where = and_(rows.c.id == row_id, rows.c.state == "owed")
    return where if attempt is None else and_(where, rows.c.attempt == attempt)


def _owed(row: Row[Any]) -> Owed:
    return Owed(
        id=row.id,
        referral_id=row.referral_id,
        action=row.action,
        arguments=json.loads(row.arguments),
        due=row.due,
        attempt=row.attempt,
        state=row.state,
        reason=row.reason,
        created=row.created,
        lane=row.lane,
        outcome=row.outcome,
        failures=row.failures,
        failing_since=row.failing_since,
        finished=row.finished,
    )
