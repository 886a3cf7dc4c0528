"""Migrations bring a database to exactly the tables that the code works with."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, event, text

from smart_app.case import Ask, Party, Patient
from smart_app.referral import Referral
from smart_app.store import Store, StoreOutdated, StoreUnavailable
from smart_app.store.tables import APPEND_ONLY, metadata

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOCTOR = Party("clinician", "Dr Ada Ruiz", "https://ehr.example/Practitioner/1", "north")


def test_the_migrated_schema_is_that_of_the_tables(store: Store) -> None:
    """A column added to the tables without a revision, or the other way round, is a difference."""
    with store.transaction() as tx:
        context = MigrationContext.configure(
            tx.connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []


def test_every_table_that_only_grows_has_its_lock(store: Store) -> None:
    """A migration that rebuilds a table must put its triggers back."""
    sqlite = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger'"
    postgresql = "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
    with store.reading() as tx:
        sql = sqlite if tx.connection.dialect.name == "sqlite" else postgresql
        assert set(tx.connection.execute(text(sql)).scalars()) == set(APPEND_ONLY)


def test_migrating_again_changes_nothing(store: Store, open_store: Callable[..., Store]) -> None:
    open_store().migrate()
    with store.reading() as tx:
        assert tx.referrals.find() == []


def test_every_connection_to_sqlite_is_safe(tmp_path: Path) -> None:
    """WAL, a patient busy timeout and foreign keys, on each connection; the file is ours alone."""
    path = tmp_path / "new" / "store.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    with store.transaction() as one, store.reading() as other:
        for tx in (one, other):
            pragmas = {
                name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "busy_timeout", "foreign_keys")
            }
            assert pragmas["journal_mode"] == "wal"
            assert pragmas["busy_timeout"] >= 5000
            assert pragmas["foreign_keys"] == 1
    assert path.stat().st_mode & 0o077 == 0
    store.close()


def test_a_writing_transaction_on_sqlite_takes_the_lock_before_it_reads(tmp_path: Path) -> None:
    """A deferred one would read what another is about to overwrite."""
    path = tmp_path / "store.db"
    store = Store(f"sqlite:///{path}")
    store.migrate()
    other = create_engine(f"sqlite:///{path}", connect_args={"timeout": 0})
    event.listen(other, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    with store.transaction(), other.connect() as connection, pytest.raises(Exception, match="locked"):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    other.dispose()
    store.close()


def test_a_database_in_memory_is_refused() -> None:
    """Each connection would see a database of its own."""
    with pytest.raises(ValueError, match="file"):
        Store("sqlite://")


def test_an_error_of_the_database_shows_no_values(store: Store) -> None:
    """Errors reach logs; names and tokens must not."""
    with pytest.raises(Exception, match="hidden") as refused, store.transaction() as tx:
        tx.invitations.add("no-such-referral", "secret-value", store.now())
    assert "secret-value" not in str(refused.value)


def test_a_process_does_not_start_on_tables_of_another_version(open_store: Callable[..., Store]) -> None:
    """Neither on a database that was never migrated, nor on one that a newer release has migrated."""
    store = open_store()
    with pytest.raises(StoreOutdated, match="second-opinion migrate"):
        store.must_be_current()
    store.migrate()
    store.must_be_current()
    with store.transaction() as tx:
        tx.connection.execute(text("UPDATE alembic_version SET version_num = 'from-the-future'"))
    with pytest.raises(StoreOutdated):
        store.must_be_current()


def test_a_database_that_is_busy_may_be_tried_again(
    open_store: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error of ours, which says that waiting may help."""
    monkeypatch.setattr("smart_app.store.database.BUSY_TIMEOUT_MS", 100)
    store, other = open_store(), open_store()
    store.migrate()
    with store.transaction() as tx:
        tx.referrals.add(Referral("r1", "north", Patient("Patient/1", "Berg"), DOCTOR, Ask("Larger?"), "reading", AT))
    with store.transaction() as tx:
        tx.referrals.get("r1")
        with pytest.raises(StoreUnavailable) as busy, other.transaction() as late:
            late.referrals.get("r1")
    assert busy.value.retry


def test_a_database_that_is_away_may_be_tried_again() -> None:
    store = Store("postgresql://tests@127.0.0.1:1/none")
    with pytest.raises(StoreUnavailable), store.reading():
        pass
    store.close()
