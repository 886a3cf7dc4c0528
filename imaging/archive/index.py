"""The archive's own index: one row per stored instance of one owner, on SQLite in the archive's folder."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    create_engine,
    event,
)

from imaging.study import Header, Instance, Person

tables = MetaData()

instances = Table(
    "instances",
    tables,
    Column("owner", String(200), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
    Column("study_instance_uid", String(64), nullable=False, index=True),
    Column("series_instance_uid", String(64), nullable=False),
    Column("transfer_syntax_uid", String(64), nullable=False),
    Column("number", Integer),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("header", Text, nullable=False),
    Column("metadata", Text, nullable=False),
    Column("frames", Text, nullable=False),
    PrimaryKeyConstraint("owner", "sop_instance_uid"),
)

conflicts = Table(
    "conflicts",
    tables,
    Column("owner", String(200), nullable=False),
    Column("sop_instance_uid", String(64), nullable=False),
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


class Index:
    """Opens the index; every writing transaction begins IMMEDIATE, so that two processes never lose a row."""

    def __init__(self, path: Path) -> None:
        self._engine = _engine(path)
        with self.write() as connection:
            tables.create_all(connection)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One writing transaction."""
        with self._engine.connect() as connection:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.exec_driver_sql("ROLLBACK")
                raise
            connection.exec_driver_sql("COMMIT")

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One view of the index."""
        with self._engine.connect() as connection:
            yield connection


def _engine(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT", connect_args={"timeout": 30})

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: Any) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA busy_timeout=30000")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


def header_text(header: Header) -> str:
    """The header as JSON, for the index."""
    return json.dumps(asdict(header), ensure_ascii=False)


def header_from(text: str) -> Header:
    """The header as it was stored."""
    raw = json.loads(text)
    person = Person(**_tuples(raw.pop("person")))
    instance = Instance(**raw.pop("instance"))
    return Header(person=person, instance=instance, **_tuples(raw))


def _tuples(raw: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}
