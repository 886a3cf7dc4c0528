"""Reports of other systems that do not fit the case they name: kept, shown with both sides, closed by a person."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, insert, select, update

from smart_app.store.beside import strays as rows
from smart_app.store.errors import NoSuchRow


@dataclass(frozen=True)
class Stray:
    """One report that was not taken. `differs` is (what, ours, theirs) for each thing that does not agree."""

    id: str
    system: str
    referral_id: str
    received: datetime
    differs: tuple[tuple[str, str, str], ...]
    document: dict[str, Any]


class Strays:
    """Every report that was not taken."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def keep(
        self,
        system: str,
        referral_id: str,
        differs: tuple[tuple[str, str, str], ...],
        document: dict[str, Any],
        at: datetime,
    ) -> str:
        """Keep it as it came; answers its number."""
        stray_id = str(uuid.uuid4())
        self._connection.execute(
            insert(rows).values(
                id=stray_id,
                system=system,
                referral_id=referral_id,
                received=at,
                differs=json.dumps(differs, ensure_ascii=False),
                document=json.dumps(document, ensure_ascii=False),
            )
        )
        return stray_id

    def open(self) -> list[Stray]:
        """Those nobody has closed, oldest first."""
        query = select(rows).where(rows.c.closed.is_(None)).order_by(rows.c.received, rows.c.id)
        return [
            Stray(
                row.id,
                row.system,
                row.referral_id,
                row.received,
                tuple((a, b, c) for a, b, c in json.loads(row.differs)),
                json.loads(row.document),
            )
            for row in self._connection.execute(query)
        ]

    def close(self, stray_id: str, by: str, reason: str, at: datetime) -> None:
        """A named person has seen to it. Raises NoSuchRow where it is not open."""
        done = self._connection.execute(
            update(rows)
            .where(rows.c.id == stray_id, rows.c.closed.is_(None))
            .values(closed=at, closed_by=by, reason=reason)
        )
        if done.rowcount != 1:
            raise NoSuchRow("This report is not waiting any more.")
