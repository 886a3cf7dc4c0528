"""The archive's own index: one row per stored instance of one owner, on SQLite in the archive's folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from imaging.errors import ArchiveRefused, ArchiveUnavailable
from imaging.study import Header, Instance, Person

VERSION = 1
PATIENCE = 30.0  # seconds that a writer waits for another

tables = MetaData()

instances = Table(
    "instances",
    tables,
    Column("owner", String(200), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
    Column("study_instance_uid", String(64), nullable=False),
    Column("series_instance_uid", String(64), nullable=False),
    Column("transfer_syntax_uid", String(64), nullable=False),
    Column("number", Integer),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("header", Text, nullable=False),  # imaging.study.Header as JSON
    Column("answer", Text, nullable=False),  # as QIDO-RS answers it
    Column("metadata", Text, nullable=False),  # as WADO-RS answers it
    Column("frames", Text, nullable=False),  # [[[offset, length], ...], ...]
    Column("pixels", Text, nullable=False),  # [tag, offset, length] of a native pixel element, or []
    Column("inflated", Boolean, nullable=False),  # frames lie in the inflated copy beside the file
    PrimaryKeyConstraint("owner", "sop_instance_uid"),
    Index("instances_of_series", "owner", "study_instance_uid", "series_instance_uid", "number"),
    sqlite_with_rowid=False,
)

conflicts = Table(
    "conflicts",
    tables,
    Column("owner", String(200), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
    Column("study_instance_uid", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    PrimaryKeyConstraint("owner", "sop_instance_uid", "sha256"),
)

documents = Table(
    "documents",
    tables,
    Column("owner", String(200), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("content_type", String(100), nullable=False),
    Column("title", String(200), nullable=False),
    PrimaryKeyConstraint("owner", "sha256"),
)


class Database:
    """Opens the index; every writing transaction begins IMMEDIATE, so that two processes never lose a row."""

    def __init__(self, path: Path) -> None:
        with _translated():
            _prepare(path)
            self._engine = _engine(path)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction. Raises ArchiveUnavailable."""
        with _translated(), self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """For reading. Raises ArchiveUnavailable."""
        with _translated(), self._engine.connect() as connection:
            yield connection

    def close(self) -> None:
        """Let go of every connection."""
        self._engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, PoolTimeout, sqlite3.Error) as problem:
        raise ArchiveUnavailable("The archive's index cannot be used now.") from problem


def _prepare(path: Path) -> None:
    """Write-ahead logging before anything else opens the file, and the tables, by whichever process comes first."""
    with closing(sqlite3.connect(path, timeout=PATIENCE, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("COMMIT")
        if version == 0:
            connection.execute("PRAGMA journal_mode=WAL")
            engine = _engine(path)
            with engine.connect() as writing:
                writing.exec_driver_sql("BEGIN IMMEDIATE")
                tables.create_all(writing)
                writing.exec_driver_sql(f"PRAGMA user_version={VERSION}")
                writing.exec_driver_sql("COMMIT")
            engine.dispose()
        elif version != VERSION:
            raise ArchiveRefused(f"This archive was made by another version ({version}, not {VERSION}).")


def _engine(path: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{path}",
        isolation_level="AUTOCOMMIT",
        connect_args={"timeout": PATIENCE},
        pool_size=16,
        max_overflow=16,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout={int(PATIENCE * 1000)}")
        cursor.execute("PRAGMA synchronous=FULL")  # a row that was answered for survives a power cut
        cursor.execute("PRAGMA wal_autocheckpoint=8000")  # pages, 32 MB: a batch is written once, not twice at once
        cursor.close()

    return engine


def header_text(header: Header) -> str:
    """The header as JSON, for the index."""
    parts = vars(header) | {"person": vars(header.person), "instance": vars(header.instance)}
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def header_from(text: str) -> Header:
    """The header as it was stored."""
    raw = json.loads(text)
    person = Person(**_tuples(raw.pop("person")))
    instance = Instance(**raw.pop("instance"))
    return Header(person=person, instance=instance, **_tuples(raw))


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: _tuple(value) for key, value in raw.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(item) for item in value) if isinstance(value, list) else value
