"""The hospitals of User-access Brands bundles, searched as a patient types. What is kept is words: no logo, no script.

A bundle is known by its source; a newer one of the same source takes its place as a whole.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, delete, exists, func, insert, literal, select

from smart_app.store.tables import brand_bundles, brand_endpoints, brands

AT_ONCE = 500
MOST_WORDS = 8


@dataclass(frozen=True)
class Brand:
    """One name patients know. `endpoints` are FHIR addresses as they are compared, `aliases` its other names.

    `also` are words it is found by and not shown with: further towns, postal codes.
    """

    name: str
    place: str = ""
    portal: str = ""
    aliases: tuple[str, ...] = ()
    endpoints: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundBrand:
    """A hit. `endpoint` is the address by which it is connected here, empty where it is not."""

    name: str
    place: str
    portal: str
    alias: str
    endpoint: str


@dataclass(frozen=True)
class BrandBundle:
    """One imported bundle."""

    source: str
    imported: datetime
    size: int


class Brands:
    """Every brand of every bundle."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def replace(self, source: str, found: Sequence[Brand], at: datetime) -> None:
        """Put these in the place of what came from that source before."""
        self.forget(source)
        self._connection.execute(insert(brand_bundles).values(source=source, imported=at, size=len(found)))
        for begin in range(0, len(found), AT_ONCE):
            part = found[begin : begin + AT_ONCE]
            ids = self._connection.execute(
                insert(brands).returning(brands.c.id, sort_by_parameter_order=True),
                [_row(source, brand) for brand in part],
            ).scalars()
            addresses = [
                {"brand_id": brand_id, "address": address}
                for brand_id, brand in zip(ids, part, strict=True)
                for address in dict.fromkeys(brand.endpoints)
            ]
            if addresses:
                self._connection.execute(insert(brand_endpoints), addresses)

    def forget(self, source: str) -> int:
        """Remove what came from that source. Answers how many brands that were."""
        ours = select(brands.c.id).where(brands.c.source == source)
        self._connection.execute(delete(brand_endpoints).where(brand_endpoints.c.brand_id.in_(ours)))
        gone = self._connection.execute(delete(brands).where(brands.c.source == source)).rowcount
        self._connection.execute(delete(brand_bundles).where(brand_bundles.c.source == source))
        return gone

    def bundles(self) -> list[BrandBundle]:
        """Every bundle, by source."""
        found = self._connection.execute(select(brand_bundles).order_by(brand_bundles.c.source))
        return [BrandBundle(row.source, row.imported, row.size) for row in found]

    def search(self, typed: str, connected: Iterable[str], limit: int = 20) -> tuple[list[FoundBrand], int]:
        """Brands of which a word begins with each word typed, in any order; and how many there are in all.

        Those connected here come first, then those whose name begins with what was typed. `connected` are addresses
        as they are compared. Nothing typed finds nothing.
        """
        wanted = folded(typed).split()[:MOST_WORDS]
        if not wanted:
            return [], 0
        where = and_(*(brands.c.words.contains(f" {word}", autoescape=True) for word in wanted))
        ours = sorted(set(connected))
        theirs = (
            select(func.min(brand_endpoints.c.address))
            .where(brand_endpoints.c.brand_id == brands.c.id, brand_endpoints.c.address.in_(ours))
            .scalar_subquery()
        )
        is_ours = exists().where(brand_endpoints.c.brand_id == brands.c.id, brand_endpoints.c.address.in_(ours))
        begins = brands.c.words.startswith(f" {' '.join(wanted)}", autoescape=True)
        query = (
            select(brands, (theirs if ours else literal(None)).label("endpoint"))
            .where(where)
            .order_by(is_ours.desc() if ours else literal(0), begins.desc(), brands.c.folded, brands.c.id)
            .limit(limit)
        )
        total = self._connection.execute(select(func.count()).select_from(brands).where(where)).scalar_one()
        return [_found(row, wanted) for row in self._connection.execute(query)], int(total)


def folded(text: str) -> str:
    """The form in which names are compared: no case, no accents, words of letters and digits parted by one blank."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return " ".join("".join(c if c.isalnum() else " " for c in plain.replace("'", "").replace("’", "")).split())


def _row(source: str, brand: Brand) -> dict[str, Any]:
    said = (brand.name, *brand.aliases, brand.portal, brand.place, *brand.also)
    return {
        "source": source,
        "name": brand.name,
        "folded": folded(brand.name),
        "place": brand.place,
        "portal": brand.portal,
        "aliases": "\n".join(brand.aliases),
        "words": " " + " ".join(folded(words) for words in said if words),
    }


def _found(row: Row[Any], wanted: list[str]) -> FoundBrand:
    """With the other name it was found by, where its own name does not say why it is here."""
    own = f" {row.folded} "
    aliases = [alias for alias in row.aliases.split("\n") if alias]
    why = "" if all(f" {word}" in own for word in wanted) else _by_alias(aliases, wanted)
    return FoundBrand(row.name, row.place, row.portal, why, row.endpoint or "")


def _by_alias(aliases: list[str], wanted: list[str]) -> str:
    return next((a for a in aliases if any(f" {word}" in f" {folded(a)}" for word in wanted)), "")
