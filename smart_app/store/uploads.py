"""Uploads: what one person gave for one referral, with a version number like the referral's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from smart_app.case import Upload
from smart_app.referral import NoSuchReferral, StaleReferral
from smart_app.store.codec import decode, encode
from smart_app.store.tables import uploads as rows


class Uploads:
    """The uploads of every referral."""

    def __init__(self, connection: Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._now = now

    def get(self, upload_id: str) -> Upload:
        """That upload. Raises NoSuchReferral."""
        row = self._connection.execute(select(rows).where(rows.c.id == upload_id)).one_or_none()
        if row is None:
            raise NoSuchReferral("There is no such upload.")
        return _upload(row)

    def of_referral(self, referral_id: str) -> Upload | None:
        """The newest upload of that referral; None before the first."""
        query = select(rows).where(rows.c.referral_id == referral_id).order_by(rows.c.created.desc()).limit(1)
        row = self._connection.execute(query).one_or_none()
        return _upload(row) if row is not None else None

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


def _upload(row: Row[Any]) -> Upload:
    return replace(decode(Upload, row.document), version=row.version)
