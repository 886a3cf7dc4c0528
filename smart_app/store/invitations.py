"""Links to one referral for people without a portal. Rule: what is kept opens nothing by itself.

Of a link only the SHA-256 stands here. An attempt is counted before it is judged, so that guessing side by side wins
nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update

from smart_app.store.tables import invitations as rows

MOST = 5
"""Wrong answers that one invitation bears."""


@dataclass(frozen=True)
class Invitation:
    """A link to one referral. `attempts` counts the answers since the last right one."""

    token_sha256: str
    referral_id: str
    created: datetime
    expires: datetime
    attempts: int
    revoked: datetime | None

    def opens(self, now: datetime) -> bool:
        """Is it good for another attempt?"""
        return self.revoked is None and self.expires > now and self.attempts < MOST


class Invitations:
    """Every invitation to every referral."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    def add(self, referral_id: str, token_sha256: str, expires: datetime) -> None:
        """Remember a link to that referral by the SHA-256 of its secret."""
        self._connection.execute(
            insert(rows).values(
                token_sha256=token_sha256, referral_id=referral_id, created=self._now(), expires=expires, attempts=0
            )
        )

    def get(self, token_sha256: str) -> Invitation | None:
        """That invitation; None if unknown, taken back, expired, or guessed at too often."""
        row = self._connection.execute(select(rows).where(rows.c.token_sha256 == token_sha256)).one_or_none()
        found = _read(row) if row is not None else None
        return found if found is not None and found.opens(self._now()) else None

    def newest(self, referral_id: str) -> Invitation | None:
        """The last one of that referral that stands, else the last taken back; None where nobody was invited."""
        query = select(rows).where(rows.c.referral_id == referral_id)
        query = query.order_by(rows.c.revoked.is_not(None), rows.c.created.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return _read(row) if row is not None else None

    def generation(self, referral_id: str) -> int:
        """How many invitations to that referral were taken back: with each the code that goes with them changes."""
        query = select(func.count()).where(rows.c.referral_id == referral_id, rows.c.revoked.is_not(None))
        return int(self._connection.execute(query).scalar_one())

    def attempt(self, token_sha256: str) -> bool:
        """Take one of the attempts that are left; False where there is none. Not given back but by `entered`."""
        changed = self._connection.execute(
            update(rows)
            .where(
                rows.c.token_sha256 == token_sha256,
                rows.c.revoked.is_(None),
                rows.c.expires > self._now(),
                rows.c.attempts < MOST,
            )
            .values(attempts=rows.c.attempts + 1)
        )
        return changed.rowcount == 1

    def entered(self, token_sha256: str) -> None:
        """The right answer: the count begins anew."""
        self._connection.execute(update(rows).where(rows.c.token_sha256 == token_sha256).values(attempts=0))

    def revoke(self, referral_id: str) -> int:
        """No invitation to that referral opens anything any more. Answers how many were taken back."""
        return self._connection.execute(
            update(rows).where(rows.c.referral_id == referral_id, rows.c.revoked.is_(None)).values(revoked=self._now())
        ).rowcount


def _read(row: Row[Any]) -> Invitation:
    return Invitation(**row._mapping)
