"""The durable queue (DBOS), from outside: who may put a row into it and ask what became of it.

The web enqueues after its commit so that work starts at once; the worker's sweeper enqueues whatever nobody did. The
workflow id is `row:attempt`, so it does not matter how often, or by whom. Our own tables stay the source of truth.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache

from dbos import DBOSClient, DBOSPortableJSONSerializer, EnqueueOptions, error
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from smart_app.settings import Settings
from smart_app.store.database import Store, prepare_sqlite
from smart_app.store.errors import StoreUnavailable

APPLICATION = "second-opinion"
VERSION = "second-opinion-1"
"""Changes only when a workflow that was begun by one release could not be ended by the next: work of another version
is left lying. It is not the version of the package."""
WORKFLOW = "deliver_row"
QUEUE = "deliveries"
ENDED = ("SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")
TOO_MANY_CRASHES = "MAX_RECOVERY_ATTEMPTS_EXCEEDED"

log = logging.getLogger(__name__)


class Queue:
    """One process's door to the queue at `url`. Opens nothing until it is used."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        if parsed.get_backend_name() == "sqlite":
            prepare_sqlite(parsed)
        self._client = DBOSClient(
            system_database_url=url,
            application_name=APPLICATION,
            serializer=DBOSPortableJSONSerializer(),
            lazy=True,
            retry_connection_errors=False,
        )

    def enqueue(self, row_id: str, attempt: int) -> None:
        """Have the worker do that attempt of that row. Saying it again changes nothing.

        Raises StoreUnavailable where the queue cannot be reached, or no worker has ever made it.
        """
        options: EnqueueOptions = {
            "workflow_name": WORKFLOW,
            "queue_name": QUEUE,
            "workflow_id": workflow_id(row_id, attempt),
            "app_version": VERSION,
        }
        with _translated():
            self._client.enqueue(options, row_id, attempt)

    def ended(self, attempts: dict[str, int]) -> dict[str, str]:
        """Of these attempts (row id -> attempt), those whose workflow has ended: row id -> how (one of ENDED)."""
        names = {workflow_id(row_id, attempt): row_id for row_id, attempt in attempts.items()}
        if not names:
            return {}
        with _translated():
            found = self._client.list_workflows(
                workflow_ids=list(names), status=list(ENDED), load_input=False, load_output=False
            )
        return {names[workflow.workflow_id]: workflow.status for workflow in found}

    def forget(self, before: datetime, limit: int = 500) -> int:
        """Remove workflows that ended before then; answers how many. Their rows have moved on since."""
        with _translated():
            found = self._client.list_workflows(
                status=list(ENDED),
                completed_before=before.isoformat(),
                limit=limit,
                load_input=False,
                load_output=False,
            )
            if found:
                self._client.delete_workflows([workflow.workflow_id for workflow in found])
        return len(found)

    def close(self) -> None:
        """Let go of every connection."""
        self._client.destroy()


@contextmanager
def _translated() -> Iterator[None]:
    """A queue that is away, or that no worker has made yet, may be there later."""
    try:
        yield
    except (SQLAlchemyError, error.DBOSException) as problem:
        raise StoreUnavailable("The queue does not answer.") from problem


def workflow_id(row_id: str, attempt: int) -> str:
    """DBOS answers a finished id with its stored result, so every attempt has an id of its own."""
    return f"{row_id}:{attempt}"


@cache
def _queue(url: str) -> Queue:
    return Queue(url)


def enqueue(settings: Settings, row_id: str, attempt: int) -> None:
    """Have the worker do that attempt of that row. Raises StoreUnavailable where the queue cannot be reached."""
    _queue(settings.queue_url).enqueue(row_id, attempt)


def enqueue_ready(settings: Settings, store: Store, now: datetime, referral_id: str) -> int:
    """Have the worker do at once what is owed and ready for that referral; answers how many rows.

    Never fails: what cannot be enqueued is found by the worker's sweeper.
    """
    count = 0
    try:
        with store.reading() as tx:
            ready = tx.outbox.ready(now, referral_id=referral_id)
        for owed in ready:
            enqueue(settings, owed.id, owed.attempt)
            count += 1
    except StoreUnavailable:
        log.warning("the queue does not answer; the sweeper will find what is owed for referral %s", referral_id)
    return count
