"""Uploads: what one person gave for one referral, with a version number like the referral's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, insert, select, update

from smart_app.case import Upload
from smart_app.referral import NoSuchReferral, StaleReferral
from smart_app.store.codec import decode, encode
from smart_app.store.tables import uploads as rows


class Uploads:
    """The uploads of every referral."""

    def __init__(self, connection: Connection, now: Callable[[], datetime], *, writing: bool) -> None:
        self._connection = connection
        self._now = now
        self._writing = writing

    def get(self, upload_id: str) -> Upload:
        """That upload. Raises NoSuchReferral."""
        found = self._read(select(rows).where(rows.c.id == upload_id))
        if found is None:
            raise NoSuchReferral("There is no such upload.")
        return found

    def of_referral(self, referral_id: str) -> Upload | None:
        """The newest upload of that referral; None before the first."""
        query = select(rows).where(rows.c.referral_id == referral_id)
        return self._read(query.order_by(rows.c.created.desc()).limit(1))

    def add(self, upload: Upload) -> Upload:
        """Keep a new upload of a referral that exists."""
        self._connection.execute(
            insert(rows).values(
                id=upload.id,
                referral_id=upload.referral_id,
                version=upload.version,
                created=self._now(),
                document=encode(replace(upload, version=0)),
            )
        )
        return upload

    def save(self, upload: Upload) -> Upload:
        """Keep what changed and answer it with its next version number. Raises StaleReferral, NoSuchReferral."""
        changed = self._connection.execute(
            update(rows)
            .where(rows.c.id == upload.id, rows.c.version == upload.version)
            .values(version=upload.version + 1, document=encode(replace(upload, version=0)))
        )
        if changed.rowcount != 1:
            self.get(upload.id)
            raise StaleReferral("This upload was changed in another window. Read it again.")
        return replace(upload, version=upload.version + 1)

    def _read(self, query: Select[Any]) -> Upload | None:
        if self._writing:
            query = query.with_for_update()  # nobody else saves it before this transaction ends
        row = self._connection.execute(query).one_or_none()
        return None if row is None else replace(decode(Upload, row.document), version=row.version)
