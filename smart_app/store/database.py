"""The database: one transaction at a time per thread, and what may be done inside it.

SQLite: a writing transaction begins IMMEDIATE (a deferred one that reads first and writes later can overwrite what
another wrote in between), the journal is WAL before anything else opens. PostgreSQL: READ COMMITTED, and what a
writing transaction reads in order to save is locked. On both, a document carries a version that a save must match.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url

from smart_app.store.audit import Audit
from smart_app.store.brands import Brands
from smart_app.store.cards import Cards
from smart_app.store.errors import StoreOutdated, translated
from smart_app.store.figures import Figures
from smart_app.store.invitations import Invitations
from smart_app.store.ledger import Ledger
from smart_app.store.outbox import Outbox
from smart_app.store.referrals import Referrals
from smart_app.store.sessions import Sessions
from smart_app.store.sites import Sites
from smart_app.store.strays import Strays
from smart_app.store.uploads import Uploads

BUSY_TIMEOUT_MS = 15_000
Now = Callable[[], datetime]


def utc_now() -> datetime:
    """The UTC clock."""
    return datetime.now(UTC)


class Transaction:
    """Everything that can be kept, inside one transaction: all of it happens, or none."""

    def __init__(self, connection: Connection, now: Now, *, writing: bool) -> None:
        self.connection = connection
        self.referrals = Referrals(connection, now, writing=writing)
        self.uploads = Uploads(connection, now, writing=writing)
        self.outbox = Outbox(connection, now)
        self.ledger = Ledger(connection)
        self.sessions = Sessions(connection, now)
        self.invitations = Invitations(connection, now)
        self.audit = Audit(connection)
        self.sites = Sites(connection, writing=writing)
        self.brands = Brands(connection)
        self.cards = Cards(connection)
        self.strays = Strays(connection)
        self.figures = Figures(connection)


class Store:
    """Where everything of ours is kept. Safe to share between threads; each process makes its own.

    `url` is an SQLAlchemy URL of an SQLite file or a PostgreSQL database. `now` is the clock for moments that a
    caller does not give.
    """

    def __init__(self, url: str, *, now: Now = utc_now) -> None:
        self.url = _with_driver(url)
        self.now = now
        self._here = threading.local()
        if self.url.get_backend_name() == "sqlite":
            prepare_sqlite(self.url)
            self._writing = _sqlite_engine(self.url, "BEGIN IMMEDIATE", query_only=False)
            self._reading = _sqlite_engine(self.url, "BEGIN", query_only=True)
        else:
            self._writing = _postgresql_engine(self.url)
            self._reading = self._writing.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def migrate(self) -> None:
        """Bring the database to this version of the tables. Safe when two processes start at once.

        Raises StoreUnavailable.
        """
        from smart_app.store.migrations import upgrade

        with translated():
            upgrade(self._writing)

    def must_be_current(self) -> None:
        """Raises StoreOutdated where the tables are not those of this version; for the start of a process."""
        from smart_app.store.migrations import is_current

        with translated():
            if not is_current(self._reading):
                raise StoreOutdated("The database is not at this version. Run: second-opinion migrate")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """Read and write; committed at the end of the block, undone by an exception.

        Raises StoreUnavailable, and RuntimeError inside another transaction of the same thread, which would wait for
        itself.
        """
        if getattr(self._here, "writing", False):
            raise RuntimeError("a transaction inside a transaction would wait for itself")
        self._here.writing = True
        try:
            with translated(), self._writing.begin() as connection:
                yield Transaction(connection, self.now, writing=True)
        finally:
            self._here.writing = False

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        """Read one consistent state; a write inside is refused by the database. Raises StoreUnavailable."""
        with translated(), self._reading.begin() as connection:
            yield Transaction(connection, self.now, writing=False)

    def close(self) -> None:
        """Let go of every connection."""
        self._writing.dispose()
        self._reading.dispose()


def _with_driver(url: str) -> URL:
    parsed = make_url(url)
    if parsed.drivername == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    if parsed.get_backend_name() == "sqlite" and not parsed.database:
        raise ValueError("the store needs an SQLite file: an SQLite database in memory is seen by one connection only")
    return parsed


def prepare_sqlite(url: URL) -> None:
    """Make the file and set its journal to WAL, which stays with the file. Nothing else may be first."""
    import sqlite3

    path = Path(str(url.database))
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000)
    try:
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()
    path.chmod(0o600)


def _sqlite_engine(url: URL, begin: str, *, query_only: bool) -> Engine:
    engine = create_engine(url, hide_parameters=True)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin by itself, deferred, and only before a write
        connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute(f"PRAGMA query_only={'ON' if query_only else 'OFF'}")

    @event.listens_for(engine, "begin")
    def begin_ourselves(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def _postgresql_engine(url: URL) -> Engine:
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        isolation_level="READ COMMITTED",
        connect_args={"connect_timeout": 10},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
            cursor.execute("SET idle_in_transaction_session_timeout = 60000")
        connection.commit()

    return engine
