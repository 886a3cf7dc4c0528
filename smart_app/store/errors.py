"""What can go wrong with what we keep.

StoreError
├── StoreUnavailable    the database cannot be reached or is busy; may be retried
├── StoreOutdated       the database is not at this version of the tables: run `second-opinion migrate`
├── DocumentUnreadable  stored text is not what its type says, or signed words were altered
├── LedgerClosed        this was written into the chart already, or was never intended
└── NoSuchRow           nothing of this id is owed
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import exc

SQLITE_PASSES = frozenset({5, 6, 10, 13, 14})
"""BUSY, LOCKED, IOERR, FULL, CANTOPEN (https://www.sqlite.org/rescode.html); other codes are faults of ours."""


class StoreError(Exception):
    """Something is wrong with what we keep. The message holds no value of it."""

    retry = False


class StoreUnavailable(StoreError):
    """The database cannot be reached, or somebody else holds what we need for too long."""

    retry = True


class StoreOutdated(StoreError):
    """The tables are not those of this version."""


class DocumentUnreadable(StoreError):
    """Stored text does not have the shape of its type, or was altered."""


class LedgerClosed(StoreError):
    """This was written already, or there is no intent that could have an outcome."""


class NoSuchRow(StoreError):
    """Nothing of this id is owed."""


@contextmanager
def translated() -> Iterator[None]:
    """Turns a database that is away or busy into StoreUnavailable; lets every other error through."""
    try:
        yield
    except exc.TimeoutError as problem:
        raise StoreUnavailable("Every connection to the database is in use.") from problem
    except exc.DBAPIError as problem:
        if _passes(problem):
            raise StoreUnavailable("The database does not answer, or is busy.") from problem
        raise


def _passes(problem: exc.DBAPIError) -> bool:
    code = getattr(problem.orig, "sqlite_errorcode", None)
    if code is not None:
        return code & 0xFF in SQLITE_PASSES
    return problem.connection_invalidated or isinstance(problem, (exc.OperationalError, exc.InterfaceError))
