"""The hospitals that were added while we run. Secrets arrive sealed and lie beside the record, never in it.

A site is never removed: its cases keep its name. The number of sites, the sum of their versions and the newest change
say whether anything is other than before, so that every process finds out with one small question.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from smart_app.sites import NoSuchSite, Site, SiteStale, SiteUnfit
from smart_app.store.codec import decode, encode
from smart_app.store.tables import lines
from smart_app.store.tables import sites as rows


@dataclass(frozen=True)
class KeptSite:
    """A site as it is kept. `sealed` is {registration's key: sealed secret}; `test` is the last walk, as JSON text."""

    site: Site
    sealed: Mapping[str, str]
    version: int
    created: datetime
    changed: datetime
    tested: datetime | None = None
    test: str = ""


class Sites:
    """Every site of the database."""

    def __init__(self, connection: Connection, *, writing: bool) -> None:
        self._connection = connection
        self._writing = writing

    def add(self, site: Site, sealed: Mapping[str, str], at: datetime) -> None:
        """Keep a new site. Raises SiteUnfit where its id is taken."""
        taken = SiteUnfit(f"There is a site named {site.id!r} already.", id="taken")
        if self._connection.execute(select(rows.c.id).where(rows.c.id == site.id)).first():
            raise taken
        values = {**_document(site, sealed), "id": site.id, "version": 1, "created": at, "changed": at, "test": ""}
        try:
            self._connection.execute(insert(rows).values(values))
        except IntegrityError:
            raise taken from None

    def save(self, site: Site, sealed: Mapping[str, str], version: int, at: datetime) -> None:
        """Keep the site as it is now, where it is still at that version. Raises SiteStale, NoSuchSite."""
        where = (rows.c.id == site.id, rows.c.version == version)
        values = {**_document(site, sealed), "version": version + 1, "changed": at}
        if self._connection.execute(update(rows).where(*where).values(values)).rowcount == 0:
            self.get(site.id)
            raise SiteStale("Somebody else changed this site meanwhile. Nothing was saved; look at it again.")

    def get(self, site_id: str) -> KeptSite:
        """That site. Raises NoSuchSite, DocumentUnreadable."""
        query = select(rows).where(rows.c.id == site_id)
        row = self._connection.execute(query.with_for_update() if self._writing else query).one_or_none()
        if row is None:
            raise NoSuchSite(f"No site named {site_id!r} was added here.")
        return _kept(row)

    def all(self) -> list[KeptSite]:
        """Every site, in the order of their ids. Raises DocumentUnreadable."""
        return [_kept(row) for row in self._connection.execute(select(rows).order_by(rows.c.id))]

    def mark(self) -> tuple[object, ...]:
        """A value that is another one after every change."""
        versions = func.coalesce(func.sum(rows.c.version), 0)
        return tuple(self._connection.execute(select(func.count(), versions, func.max(rows.c.changed))).one())

    def reseal(self, again: Callable[[str], str]) -> int:
        """Seal every secret anew. Answers of how many sites."""
        found = [kept for kept in self.all() if kept.sealed]
        for kept in found:
            sealed = json.dumps({key: again(secret) for key, secret in kept.sealed.items()})
            self._connection.execute(update(rows).where(rows.c.id == kept.site.id).values(sealed=sealed))
        return len(found)

    def record_test(self, site_id: str, at: datetime, test: str) -> None:
        """What the last walk found, as JSON text."""
        self._connection.execute(update(rows).where(rows.c.id == site_id).values(tested=at, test=test))

    def end_lines(self, site_id: str, at: datetime) -> int:
        """End every open line from that site, and their tokens with them. Answers how many."""
        where = (lines.c.site == site_id, lines.c.ended.is_(None))
        return self._connection.execute(update(lines).where(*where).values(ended=at, token="")).rowcount


def _document(site: Site, sealed: Mapping[str, str]) -> dict[str, Any]:
    return {"document": encode(site.without_secrets()), "sealed": json.dumps(dict(sealed))}


def _kept(row: Row[Any]) -> KeptSite:
    site = decode(Site, row.document)
    return KeptSite(site, json.loads(row.sealed), row.version, row.created, row.changed, row.tested, row.test)
