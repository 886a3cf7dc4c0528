"""The audit: who did what to which case, when and why. Lines are only added; the database refuses anything else."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select

from smart_app.case import Party
from smart_app.store.tables import audit as rows


@dataclass(frozen=True)
class AuditLine:
    """One line. `sequence` counts upwards over the whole installation."""

    sequence: int
    at: datetime
    who: Party
    verb: str
    referral_id: str
    what: str
    why: str


class Audit:
    """Written in the same transaction as the act itself."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def write(self, at: datetime, who: Party, verb: str, referral_id: str, what: str, why: str = "") -> None:
        """Add one line. `referral_id` may be empty for an act on no case."""
        self._connection.execute(
            insert(rows).values(
                at=at,
                role=who.role,
                name=who.name,
                reference=who.reference,
                organisation=who.organisation,
                verb=verb,
                referral_id=referral_id,
                what=what,
                why=why,
            )
        )

    def of_referral(self, referral_id: str) -> list[AuditLine]:
        """Every line of that case, oldest first."""
        return self._read(select(rows).where(rows.c.referral_id == referral_id).order_by(rows.c.sequence))

    def latest(self, limit: int = 200) -> list[AuditLine]:
        """The newest lines of the installation, newest first."""
        return self._read(select(rows).order_by(rows.c.sequence.desc()).limit(limit))

    def after(self, sequence: int, limit: int = 1_000, *, referral_id: str = "") -> list[AuditLine]:
        """The next lines behind that number, oldest first; of one case where it is named."""
        query = select(rows).where(rows.c.sequence > sequence).order_by(rows.c.sequence).limit(limit)
        return self._read(query.where(rows.c.referral_id == referral_id) if referral_id else query)

    def _read(self, query: Select[Any]) -> list[AuditLine]:
        return [_line(row) for row in self._connection.execute(query)]


def _line(row: Row[Any]) -> AuditLine:
    who = Party(row.role, row.name, row.reference, row.organisation)
    return AuditLine(row.sequence, row.at, who, row.verb, row.referral_id, row.what, row.why)
