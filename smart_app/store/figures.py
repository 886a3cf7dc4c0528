"""How things stand, in numbers: for whoever watches the installation. Counts and moments, never a name or an id."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, func, insert, select, update

from smart_app.store.beside import pulses, strays
from smart_app.store.tables import outbox, referrals


class Figures:
    """Counts over everything that is kept."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def referrals(self) -> dict[tuple[str, str], int]:
        """(site, status) -> how many."""
        query = select(referrals.c.site, referrals.c.status, func.count()).group_by(
            referrals.c.site, referrals.c.status
        )
        return {(site, status): count for site, status, count in self._connection.execute(query)}

    def owed(self) -> dict[tuple[str, str], int]:
        """(action, state) -> how many rows are owed or parked."""
        query = (
            select(outbox.c.action, outbox.c.state, func.count())
            .where(outbox.c.state != "done")
            .group_by(outbox.c.action, outbox.c.state)
        )
        return {(action, state): count for action, state, count in self._connection.execute(query)}

    def oldest(self, state: str) -> datetime | None:
        """Since when the oldest row in that state has been there."""
        query = select(func.min(outbox.c.created)).where(outbox.c.state == state)
        found: datetime | None = self._connection.execute(query).scalar()
        return found

    def strays(self) -> int:
        """Reports of other systems that nobody has closed."""
        query = select(func.count()).select_from(strays).where(strays.c.closed.is_(None))
        return int(self._connection.execute(query).scalar_one())

    def beat(self, worker: str, at: datetime) -> None:
        """That worker is at work now."""
        done = self._connection.execute(update(pulses).where(pulses.c.worker == worker).values(at=at))
        if done.rowcount == 0:
            self._connection.execute(insert(pulses).values(worker=worker, at=at))

    def pulses(self) -> dict[str, datetime]:
        """When each worker was seen at work last."""
        return {row.worker: row.at for row in self._connection.execute(select(pulses))}
