"""Referrals: one row each, one version number; signed opinions beside it, only ever added.

What is signed is read from its own table and never from the referral's document, so no save can touch it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, tuple_, update
from sqlalchemy.exc import IntegrityError

from smart_app.case import Opinion
from smart_app.referral import NoSuchReferral, Referral, StaleReferral, Status
from smart_app.store.codec import decode, encode
from smart_app.store.errors import DocumentUnreadable
from smart_app.store.tables import opinions as opinion_rows
from smart_app.store.tables import referrals as rows

STAND = select(rows.c.version, rows.c.changed).where(rows.c.id == bindparam("it"))


class Referrals:
    """The referrals of every site and organisation. Who may see which is not decided here."""

    def __init__(self, connection: Connection, now: Callable[[], datetime], *, writing: bool) -> None:
        self._connection = connection
        self._now = now
        self._writing = writing

    def get(self, referral_id: str) -> Referral:
        """That referral as last saved; nobody else saves it before this writing transaction ends.

        Raises NoSuchReferral.
        """
        query = select(rows).where(rows.c.id == referral_id)
        if self._writing:
            query = query.with_for_update()  # PostgreSQL; SQLite has locked the whole file already
        row = self._connection.execute(query).one_or_none()
        if row is None:
            raise NoSuchReferral("There is no such referral.")
        return self._read([row])[0]

    def stand(self, referral_id: str) -> tuple[int, datetime | None]:
        """Its version and when it last changed: whoever has read it already may ask whether that is still so.

        Raises NoSuchReferral.
        """
        row = self._connection.execute(STAND, {"it": referral_id}).one_or_none()
        if row is None:
            raise NoSuchReferral("There is no such referral.")
        return row.version, row.changed

    def add(self, referral: Referral) -> Referral:
        """Keep a new referral. Raises StaleReferral where one of this id exists."""
        columns = {**_columns(referral), "id": referral.id, "version": referral.version, "changed": self._now()}
        try:
            self._connection.execute(insert(rows).values(columns))
        except IntegrityError:
            raise StaleReferral("This referral was opened already.") from None
        self._add_opinions(referral.id, referral.opinions)
        return referral

    def save(self, referral: Referral) -> Referral:
        """Keep what changed and answer the referral with its next version number.

        Raises StaleReferral where somebody saved since it was read, or signed words would change;
        NoSuchReferral where it was never added.
        """
        changed = self._connection.execute(
            update(rows)
            .where(rows.c.id == referral.id, rows.c.version == referral.version)
            .values(version=referral.version + 1, changed=self._now(), **_columns(referral))
        )
        if changed.rowcount != 1:
            if self._connection.execute(select(rows.c.id).where(rows.c.id == referral.id)).first() is None:
                raise NoSuchReferral("There is no such referral.")
            raise StaleReferral("Somebody else changed this case in the meantime. Read it again.")
        signed = self._opinions([referral.id]).get(referral.id, ())
        if referral.opinions[: len(signed)] != signed:
            raise StaleReferral("Signed words never change. Sign a new version instead.")
        self._add_opinions(referral.id, referral.opinions[len(signed) :])
        return replace(referral, version=referral.version + 1)

    def find(
        self,
        *,
        site: str | None = None,
        patient: str | None = None,
        organisation: str | None = None,
        statuses: Iterable[Status] = (),
        expert: str | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Referral]:
        """Referrals that fit every criterion given, newest first. `patient` and `expert` are references."""
        query = select(rows)
        wanted = {"site": site, "patient": patient, "organisation": organisation, "expert": expert}
        for name, value in wanted.items():
            if value is not None:
                query = query.where(rows.c[name] == value)
        allowed = [status.value for status in statuses]
        if allowed:
            query = query.where(rows.c.status.in_(allowed))
        query = query.order_by(rows.c.opened_at.desc(), rows.c.id).limit(limit).offset(offset)
        return self._read(self._connection.execute(query).all())

    def changed(
        self,
        organisation: str,
        *,
        statuses: Iterable[Status] = (),
        since: datetime | None = None,
        until: datetime | None = None,
        after: tuple[datetime, str] | None = None,
        only: str = "",
        limit: int = 100,
    ) -> list[tuple[datetime, Referral]]:
        """An organisation's referrals by the moment of their last change, oldest change first.

        `since` and `until` are inclusive; `after` is the last (moment, id) of the page before; `only` is one id.
        """
        query = select(rows).where(rows.c.organisation == organisation, rows.c.changed.is_not(None))
        allowed = [status.value for status in statuses]
        if allowed:
            query = query.where(rows.c.status.in_(allowed))
        if only:
            query = query.where(rows.c.id == only)
        if since is not None:
            query = query.where(rows.c.changed >= since)
        if until is not None:
            query = query.where(rows.c.changed <= until)
        if after is not None:
            query = query.where(tuple_(rows.c.changed, rows.c.id) > tuple_(*after))
        found = list(self._connection.execute(query.order_by(rows.c.changed, rows.c.id).limit(limit)).all())
        return [(row.changed, referral) for row, referral in zip(found, self._read(found), strict=True)]

    def count(self, organisation: str, statuses: Iterable[Status]) -> int:
        """How many of an organisation's referrals are in these statuses."""
        allowed = [status.value for status in statuses]
        query = select(func.count()).where(rows.c.organisation == organisation, rows.c.status.in_(allowed))
        return int(self._connection.execute(query).scalar_one())

    def _read(self, found: Iterable[Row[Any]]) -> list[Referral]:
        found = list(found)
        signed = self._opinions([row.id for row in found])
        return [
            replace(decode(Referral, row.document), opinions=signed.get(row.id, ()), version=row.version)
            for row in found
        ]

    def _opinions(self, ids: list[str]) -> dict[str, tuple[Opinion, ...]]:
        if not ids:
            return {}
        query = select(opinion_rows).where(opinion_rows.c.referral_id.in_(ids))
        signed: dict[str, tuple[Opinion, ...]] = {}
        for row in self._connection.execute(query.order_by(opinion_rows.c.referral_id, opinion_rows.c.version)):
            if hashlib.sha256(row.document.encode()).hexdigest() != row.sha256:
                raise DocumentUnreadable(f"signed version {row.version} of referral {row.referral_id} was altered")
            signed[row.referral_id] = (*signed.get(row.referral_id, ()), decode(Opinion, row.document))
        return signed

    def _add_opinions(self, referral_id: str, opinions: Iterable[Opinion]) -> None:
        for opinion in opinions:
            document = encode(opinion)
            self._connection.execute(
                insert(opinion_rows).values(
                    referral_id=referral_id,
                    version=opinion.version,
                    signed_at=opinion.signed_at,
                    sha256=hashlib.sha256(document.encode()).hexdigest(),
                    document=document,
                )
            )


def _columns(referral: Referral) -> dict[str, Any]:
    return {
        "site": referral.site,
        "patient": referral.patient.reference,
        "organisation": referral.organisation,
        "status": referral.status.value,
        "expert": referral.expert.reference if referral.expert else None,
        "opened_at": referral.opened_at,
        "document": encode(replace(referral, opinions=(), version=0)),
    }
