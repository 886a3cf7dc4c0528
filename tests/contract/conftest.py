"""Real databases for the contract tests: an SQLite file, and a PostgreSQL that the tests start themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from smart_app.store import Store
from tests import once, postgres


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.time = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.time

    def move(self, **by: float) -> datetime:
        self.time += timedelta(**by)
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """A real PostgreSQL server on loopback; skipped where it is not installed."""
    folder = postgres.binaries()
    if folder is None:
        pytest.skip("PostgreSQL is not on this machine (apt-get install postgresql)")
    with postgres.running(folder) as server:
        yield server


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """The address of an empty database on a real PostgreSQL."""
    return postgres.new_database(postgres_server)


DATABASES = ["sqlite", pytest.param("postgresql", marks=[pytest.mark.needs])]


@pytest.fixture(params=DATABASES)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, of each kind in turn."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def open_store(database_url: str) -> Iterator[Callable[..., Store]]:
    """Opens the same database again and again; every store is closed at the end."""
    opened: list[Store] = []

    def open_one(**options: object) -> Store:
        opened.append(Store(database_url, **options))  # type: ignore[arg-type]
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Callable[..., Store], clock: Clock) -> Store:
    """An empty, migrated store with a clock that stands."""
    store = open_store(now=clock)
    once.migrate(store)
    return store
