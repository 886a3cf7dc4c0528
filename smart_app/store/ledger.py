"""The write ledger: what we meant to write into a chart, before we wrote it, and what came of it after.

Lines are only added. An intent whose outcome is missing means that somebody died, or an answer was lost, in between.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert, select

from smart_app.store.errors import LedgerClosed
from smart_app.store.tables import ledger as rows

OUTCOMES = ("written", "refused", "unclear")


@dataclass(frozen=True)
class Entry:
    """The newest line of one write. `state` is "intended", "written", "refused" or "unclear"."""

    key: str
    row_id: str
    sha256: str
    state: str
    resource: str
    at: datetime


class Ledger:
    """One key per thing that may be written once. Commit the intent before the request leaves us."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def intend(self, key: str, row_id: str, sha256: str, at: datetime) -> None:
        """We are about to write. Raises LedgerClosed where it was written already."""
        newest = self._newest(key)
        if newest is not None and newest[1].state == "written":
            raise LedgerClosed(f"{key} was written already")
        self._append(newest[0] + 1 if newest else 1, Entry(key, row_id, sha256, "intended", "", at))

    def outcome(self, key: str, outcome: str, resource: str, at: datetime) -> None:
        """What came of the newest intent: "written", "refused" or "unclear". Saying it again changes nothing.

        Raises LedgerClosed where nothing was intended, or it stands written and would become something else.
        """
        if outcome not in OUTCOMES:
            raise ValueError(f"{outcome!r} is not an outcome of a write")
        newest = self._newest(key)
        if newest is None:
            raise LedgerClosed(f"nothing was intended under {key}")
        line, entry = newest
        if (entry.state, entry.resource) == (outcome, resource):
            return
        if entry.state == "written":
            raise LedgerClosed(f"{key} was written already")
        self._append(line + 1, Entry(key, entry.row_id, entry.sha256, outcome, resource, at))

    def get(self, key: str) -> Entry | None:
        """Where this write stands; None where it was never intended."""
        newest = self._newest(key)
        return newest[1] if newest else None

    def lines(self, key: str) -> list[Entry]:
        """Its whole history, oldest first."""
        found = self._connection.execute(select(rows).where(rows.c.key == key).order_by(rows.c.line))
        return [Entry(r.key, r.row_id, r.sha256, r.state, r.resource, r.at) for r in found]

    def _newest(self, key: str) -> tuple[int, Entry] | None:
        query = select(rows).where(rows.c.key == key).order_by(rows.c.line.desc()).limit(1)
        r = self._connection.execute(query).one_or_none()
        return None if r is None else (r.line, Entry(r.key, r.row_id, r.sha256, r.state, r.resource, r.at))

    def _append(self, line: int, entry: Entry) -> None:
        # Two who intend at once compute the same line number; the key of the table lets one of them through.
        self._connection.execute(
            insert(rows).values(
                key=entry.key,
                line=line,
                row_id=entry.row_id,
                sha256=entry.sha256,
                state=entry.state,
                resource=entry.resource,
                at=entry.at,
            )
        )
