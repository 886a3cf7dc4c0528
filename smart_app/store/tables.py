"""Every table, once. Migrations bring a database to exactly this; a test compares the two.

A document column is JSON text (see `codec`); the columns beside it exist to be searched.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

APPEND_ONLY = ("opinions", "audit", "ledger")
"""Tables whose rows are never changed or removed; each has a trigger in the database that refuses it."""


class Moment(TypeDecorator[datetime]):
    """A point in time with a zone, stored in UTC. SQLite keeps no zone, so it is put back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC. Raises ValueError for a moment without a zone."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """In UTC, with its zone."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Words(TypeDecorator[str]):
    """Text that people typed. PostgreSQL cannot hold NUL or half of a surrogate pair; they are left out or replaced."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Storable in every database."""
        return None if value is None else str(value).replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def words_of(name: str) -> Column[str]:
    """A column of plain words, empty where nothing was said."""
    return Column(name, Words, nullable=False, default="")


Sequence = BigInteger().with_variant(Integer, "sqlite")  # only INTEGER counts by itself in SQLite
UNFINISHED = text("state <> 'done'")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


referrals = Table(
    "referrals",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("site", String(200), nullable=False),
    Column("patient", String(400), nullable=False),
    Column("organisation", String(200), nullable=False),
    Column("status", String(40), nullable=False),
    Column("expert", String(600)),
    Column("opened_at", Moment, nullable=False),
    Column("document", Text, nullable=False),
    Column("changed", Moment),
    Index(None, "site", "patient", "opened_at"),
    Index(None, "organisation", "status", "opened_at"),
    Index(None, "organisation", "changed", "id"),
    Index(None, "opened_at"),
)

opinions = Table(
    "opinions",
    metadata,
    Column("referral_id", ForeignKey(referrals.c.id), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("signed_at", Moment, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("document", Text, nullable=False),
)

uploads = Table(
    "uploads",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("referral_id", ForeignKey(referrals.c.id), nullable=False, index=True),
    Column("version", Integer, nullable=False),
    Column("created", Moment, nullable=False),
    Column("document", Text, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("referral_id", ForeignKey(referrals.c.id), nullable=False),
    Column("action", String(60), nullable=False),
    Column("arguments", Text, nullable=False),
    Column("lane", String(100), nullable=False),
    Column("state", String(10), nullable=False),
    Column("due", Moment, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("failures", Integer, nullable=False),
    Column("failing_since", Moment),
    words_of("reason"),
    words_of("outcome"),
    words_of("decided_by"),
    Column("created", Moment, nullable=False),
    Column("finished", Moment),
    Index("ix_outbox_due", "state", "due"),
    Index(
        "ix_outbox_unfinished", "referral_id", "lane", "sequence", sqlite_where=UNFINISHED, postgresql_where=UNFINISHED
    ),
    Index("ix_outbox_referral_id", "referral_id"),
)

ledger = Table(
    "ledger",
    metadata,
    Column("key", String(200), primary_key=True),
    Column("line", Integer, primary_key=True, autoincrement=False),
    Column("row_id", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("state", String(12), nullable=False),
    Column("resource", String(400), nullable=False),
    Column("at", Moment, nullable=False),
)

audit = Table(
    "audit",
    metadata,
    Column("sequence", Sequence, primary_key=True, autoincrement=True),
    Column("at", Moment, nullable=False),
    Column("role", String(20), nullable=False),
    words_of("name"),
    words_of("reference"),
    words_of("organisation"),
    Column("verb", String(60), nullable=False),
    Column("referral_id", String(64), nullable=False, index=True),
    words_of("what"),
    words_of("why"),
)

launches = Table(
    "launches",
    metadata,
    Column("state_sha256", String(64), primary_key=True),
    Column("pending", Text, nullable=False),
    Column("expires", Moment, nullable=False, index=True),
)

browsers = Table(
    "browsers",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("opened", Moment, nullable=False),
)

lines = Table(
    "lines",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("browser", ForeignKey(browsers.c.sha256), nullable=False, index=True),
    Column("kind", String(20), nullable=False),
    Column("site", String(200), nullable=False),
    Column("organisation", String(200), nullable=False),
    Column("party", Text, nullable=False),
    Column("person", String(600), nullable=False),
    Column("patient", String(400), nullable=False),
    Column("encounter", String(400), nullable=False),
    Column("context", Text, nullable=False),
    Column("referral_id", String(64)),
    Column("token", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("used", Moment, nullable=False),
    Column("expires", Moment, nullable=False, index=True),
    Column("ended", Moment),
)

handoffs = Table(
    "handoffs",
    metadata,
    Column("code_sha256", String(64), primary_key=True),
    Column("line_id", ForeignKey(lines.c.id), nullable=False),
    Column("expires", Moment, nullable=False, index=True),
)

invitations = Table(
    "invitations",
    metadata,
    Column("token_sha256", String(64), primary_key=True),
    Column("referral_id", ForeignKey(referrals.c.id), nullable=False, index=True),
    Column("created", Moment, nullable=False),
    Column("expires", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("revoked", Moment),
)

sites = Table(
    "sites",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("document", Text, nullable=False),
    Column("sealed", Text, nullable=False),
    Column("created", Moment, nullable=False),
    Column("changed", Moment, nullable=False),
    Column("tested", Moment),
    Column("test", Text, nullable=False),
)

brand_bundles = Table(
    "brand_bundles",
    metadata,
    Column("source", String(200), primary_key=True),
    Column("imported", Moment, nullable=False),
    Column("size", Integer, nullable=False),
)

brands = Table(
    "brands",
    metadata,
    Column("id", Sequence, primary_key=True, autoincrement=True),
    Column("source", ForeignKey(brand_bundles.c.source), nullable=False, index=True),
    words_of("name"),
    words_of("folded"),
    words_of("place"),
    words_of("portal"),
    words_of("aliases"),
    words_of("words"),
)

brand_endpoints = Table(
    "brand_endpoints",
    metadata,
    Column("brand_id", ForeignKey(brands.c.id), primary_key=True, autoincrement=False),
    Column("address", String(500), primary_key=True),
    Index(None, "address"),
)
