"""The durable worker: does what is owed outside, once. One process per fixed executor id, restarted under the same id.

DBOS remembers which attempt was begun, so a killed worker goes on where it stopped; our outbox remembers what is owed,
so nothing depends on DBOS remembering. A workflow never waits: a wait is a row with a due time, found by the sweeper.
"""

from __future__ import annotations

import logging
import random
import signal
import threading
import time
import traceback
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer

from smart_app.deliver import ACTIONS, Action, Done, Later, Outcome, Parked
from smart_app.ports import Ports
from smart_app.referral import ReferralError, StaleReferral
from smart_app.settings import Settings
from smart_app.store import NoSuchRow, Owed, StoreUnavailable, utc_now
from smart_app.store.queue import APPLICATION, QUEUE, TOO_MANY_CRASHES, VERSION, WORKFLOW, Queue

AT_ONCE = 4
"""Rows at work at the same time in one worker: they wait for other people's servers, not for our processor."""
SWEEP_EVERY = 1.0
LOOK_EVERY = 10.0
"""Seconds after which a row that was enqueued and is still owed is looked up in the queue."""
SWEEP_LIMIT = 200
MOST_CRASHES = 5
FIRST_WAIT = timedelta(seconds=2)
LONGEST_WAIT = timedelta(minutes=15)
LONGEST_ASKED_WAIT = timedelta(hours=1)
GIVE_UP_AFTER = timedelta(hours=48)
TIDY_EVERY = 600.0
BEAT_EVERY = 10.0
"""Seconds between two signs of life; the web calls a worker gone after six that did not come."""
KEEP_ENDED = timedelta(days=7)
STOP_WITHIN = 20

log = logging.getLogger(__name__)
Join = Callable[[Settings], Ports]


def run(
    settings: Settings,
    join: Join,
    *,
    actions: Mapping[str, Action] = ACTIONS,
    stop: threading.Event | None = None,
) -> None:
    """Work until SIGTERM or SIGINT, or until `stop` is set; ends what is under way first. `join` makes the ports.

    Raises StoreOutdated where the database was not migrated.
    """
    stop = stop or _stop_on_signal()
    ports = join(settings)
    ports.store.must_be_current()
    queue = Queue(settings.queue_url)  # sets WAL, so it comes before DBOS opens the file
    config: DBOSConfig = {
        "name": APPLICATION,
        "system_database_url": settings.queue_url,
        "executor_id": settings.worker,
        "application_version": VERSION,
        "log_level": "WARNING",
        "enable_otlp": False,
        "serializer": DBOSPortableJSONSerializer(),
    }
    DBOS(config=config)
    wake = threading.Event()
    _register(Deliveries(ports, actions), wake)
    DBOS.launch()
    try:
        DBOS.register_queue(QUEUE, worker_concurrency=AT_ONCE, polling_interval_sec=0.1)
        log.info("worker %s is at work", settings.worker)
        Sweeper(ports, queue, settings.worker).run(stop, wake)
    finally:
        DBOS.destroy(workflow_completion_timeout_sec=STOP_WITHIN)
        queue.close()
        log.info("worker %s has stopped", settings.worker)


def _register(deliveries: Deliveries, wake: threading.Event) -> None:
    """The one workflow. An action's answer is kept before it is recorded, so a crash between does not repeat it."""

    @DBOS.step(name="act")
    def act(row_id: str, attempt: int) -> dict[str, Any]:
        return deliveries.act(row_id, attempt)

    @DBOS.step(name="record", retries_allowed=True, max_attempts=5, interval_seconds=0.5, backoff_rate=2.0)
    def record(row_id: str, attempt: int, answer: dict[str, Any]) -> None:
        deliveries.record(row_id, attempt, answer)

    @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=MOST_CRASHES)
    def deliver_row(row_id: str, attempt: int) -> str:
        answer = act(row_id, attempt)
        record(row_id, attempt, answer)
        wake.set()
        return str(answer["kind"])


class Deliveries:
    """One attempt of one row: do it, then record what came of it. Answers are plain JSON: the queue keeps them."""

    def __init__(self, ports: Ports, actions: Mapping[str, Action]) -> None:
        self._ports = ports
        self._actions = actions

    def act(self, row_id: str, attempt: int) -> dict[str, Any]:
        """Run the row's action if it is this attempt's turn. Never raises for what an action does."""
        now = self._ports.now()
        with self._ports.store.reading() as tx:
            try:
                owed = tx.outbox.get(row_id)
            except NoSuchRow:
                return {"kind": "nothing"}
            its_turn = tx.outbox.its_turn(row_id)
        if owed.state != "owed" or owed.attempt != attempt:
            return {"kind": "nothing"}
        if not its_turn or owed.due > now:
            return {"kind": "early"}
        try:
            action = self._actions.get(owed.action)
            if action is None:
                return _answer(Parked(f"This version does not know how to do “{owed.action}”."))
            return _answer(action(self._ports, owed))
        except Exception as error:  # noqa: BLE001 - whatever went wrong becomes a wait or a question to a person
            _log_trouble(owed, error)
            now = self._ports.now()
            return _answer(after_trouble(owed, error, now), failed_at=now)

    def record(self, row_id: str, attempt: int, answer: dict[str, Any]) -> None:
        """Write it into the outbox. Repeating it, or a row that its action has ended already, changes nothing."""
        kind = answer["kind"]
        if kind == "nothing":
            return
        with self._ports.store.transaction() as tx:
            if kind == "done":
                tx.outbox.done(row_id, answer["text"])
            elif kind == "parked":
                tx.outbox.park(row_id, answer["text"], attempt=attempt)
            elif kind == "later":
                due, failed = datetime.fromisoformat(answer["due"]), answer["failed_at"]
                failed_at = datetime.fromisoformat(failed) if failed else None
                tx.outbox.later(row_id, due, answer["text"], attempt=attempt, failed_at=failed_at)
            else:
                tx.outbox.renew(row_id, attempt)


def _answer(outcome: Outcome, failed_at: datetime | None = None) -> dict[str, Any]:
    if isinstance(outcome, Done):
        return {"kind": "done", "text": outcome.text}
    if isinstance(outcome, Parked):
        return {"kind": "parked", "text": outcome.reason}
    return {
        "kind": "later",
        "text": outcome.why,
        "due": outcome.due.isoformat(),
        "failed_at": failed_at.isoformat() if failed_at else None,
    }


def after_trouble(owed: Owed, error: Exception, now: datetime) -> Outcome:
    """Trouble that may pass waits, longer each time and never in step with others; after 48 hours a person decides.

    Trouble that waiting will not mend parks at once. Reasons carry a sentence only where its family promises that its
    messages are sentences for people.
    """
    ours = hasattr(type(error), "retry") or isinstance(error, ReferralError)
    said = str(error) if ours else ""
    if not _may_pass(error):
        why = said or f"Something is wrong on our side ({type(error).__name__})."
        return Parked(f"{why} Send again once it is mended.")
    since = owed.failing_since or now
    if now - since >= GIVE_UP_AFTER:
        return Parked(
            f"Tried for two days without success ({type(error).__name__}). {said} Send again when it may work."
        )
    wait = min(FIRST_WAIT * 2 ** min(owed.failures, 20), LONGEST_WAIT) * random.uniform(0.5, 1.0)  # noqa: S311
    asked = timedelta(seconds=getattr(error, "retry_after", None) or 0)
    due = now + max(wait, min(asked, LONGEST_ASKED_WAIT))
    return Later(due, said or f"It could not be done just now ({type(error).__name__}).")


def _may_pass(error: Exception) -> bool:
    return bool(getattr(error, "retry", False)) or isinstance(error, StaleReferral)


def _log_trouble(owed: Owed, error: Exception) -> None:
    """The message may hold what it should not; the place where it happened says enough."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
    log.warning("row %s (%s) met %s at %s", owed.id, owed.action, type(error).__name__, where)


class Sweeper:
    """Finds what is due and enqueues it; finds attempts that ended without a word and gives them a new number."""

    def __init__(self, ports: Ports, queue: Queue, name: str) -> None:
        self._ports = ports
        self._queue = queue
        self._name = name
        self._given: dict[tuple[str, int], float] = {}
        self._tidied = 0.0
        self._beaten = 0.0

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Sweep every second, and as soon as a row has ended, until told to stop."""
        while not stop.is_set():
            wake.clear()
            try:
                self.sweep()
                self._tidy()
                self._beat()
            except StoreUnavailable:
                log.warning("a database does not answer; sweeping again soon")
            _wait(stop, wake)

    def sweep(self) -> None:
        """Enqueue every row that is ready and was not yet given to the queue."""
        with self._ports.store.reading() as tx:
            ready = tx.outbox.ready(self._ports.now(), SWEEP_LIMIT)
        at = time.monotonic()
        given = {(owed.id, owed.attempt): owed for owed in ready}
        self._given = {key: when for key, when in self._given.items() if key in given}
        for row_id, attempt in given:
            if (row_id, attempt) not in self._given:
                self._queue.enqueue(row_id, attempt)
                self._given[row_id, attempt] = at
        silent = {row_id: attempt for (row_id, attempt), when in self._given.items() if at - when > LOOK_EVERY}
        if silent:
            self._look(silent)

    def _look(self, silent: dict[str, int]) -> None:
        """An attempt that ended in the queue and not in the outbox will never be run again under its number."""
        ended = self._queue.ended(silent)
        with self._ports.store.transaction() as tx:
            for row_id, how in ended.items():
                log.warning("row %s ended in the queue (%s) and not in the outbox", row_id, how)
                if how == TOO_MANY_CRASHES:
                    reason = "The worker died over this again and again. Find out why, then send again."
                    tx.outbox.park(row_id, reason, attempt=silent[row_id])
                else:
                    tx.outbox.renew(row_id, silent[row_id])
        for row_id, attempt in silent.items():
            self._given[row_id, attempt] = time.monotonic()

    def _beat(self) -> None:
        """A sign of life that a watcher of the web process can see."""
        if self._beaten and time.monotonic() - self._beaten < BEAT_EVERY:
            return
        self._beaten = time.monotonic()
        with self._ports.store.transaction() as tx:
            tx.figures.beat(self._name, self._ports.now())

    def _tidy(self) -> None:
        if time.monotonic() - self._tidied < TIDY_EVERY:
            return
        self._tidied = time.monotonic()
        with self._ports.store.transaction() as tx:
            tx.sessions.forget(self._ports.now() - timedelta(days=1))
        self._queue.forget(utc_now() - KEEP_ENDED)  # DBOS has a clock of its own


def _wait(stop: threading.Event, wake: threading.Event) -> None:
    """Until the next sweep is due, a row has ended, or it is time to stop."""
    until = time.monotonic() + SWEEP_EVERY
    while not stop.is_set() and not wake.is_set() and time.monotonic() < until:
        wake.wait(0.2)


def _stop_on_signal() -> threading.Event:
    """Set by the first SIGTERM or SIGINT; the second ends the process at once."""
    stop = threading.Event()

    def ask(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    return stop
