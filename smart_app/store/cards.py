"""Cards that were shown in a chart, and what became of them: so that one that was put aside stays quiet."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, insert, select, update

from smart_app.store.beside import cards


class Cards:
    """Every card of the last months."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def shown(self, uuid: str, site: str, person: str, patient: str, topic: str, at: datetime) -> None:
        """Remember that it was shown to that person."""
        row = {"uuid": uuid, "site": site, "person": person, "patient": patient, "topic": topic, "shown": at}
        self._connection.execute(insert(cards).values(**row, outcome=""))

    def answered(self, uuid: str, outcome: str, at: datetime) -> bool:
        """Keep what the person did with it: "accepted" or "overridden". False where it was never shown."""
        done = self._connection.execute(update(cards).where(cards.c.uuid == uuid).values(outcome=outcome, answered=at))
        return bool(done.rowcount)

    def overridden(self, site: str, person: str, patient: str, *, since: datetime) -> set[str]:
        """The topics that person has put aside in that patient's chart since then."""
        query = select(cards.c.topic).where(
            cards.c.site == site,
            cards.c.person == person,
            cards.c.patient == patient,
            cards.c.outcome == "overridden",
            cards.c.answered >= since,
        )
        return set(self._connection.execute(query).scalars())

    def forget(self, before: datetime) -> None:
        """Drop what was shown before then."""
        self._connection.execute(delete(cards).where(cards.c.shown < before))
