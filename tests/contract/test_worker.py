"""The durable worker as a real process, killed without warning, on both databases: what is owed is done, once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from smart_app.case import Ask, Party, Patient
from smart_app.referral import Referral
from smart_app.store import Owed, Store, queue, utc_now
from tests import postgres

ROOT = Path(__file__).resolve().parents[2]
DOCTOR = Party("clinician", "Dr Ada Ruiz", "https://ehr.example/Practitioner/1", "north")

WORKER = '''
"""Starts real workers, each a process of its own, forked when all is imported. Actions write down what they did."""
import json, os, sys, time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

from smart_app import worker
from smart_app.deliver import Done, Later
from smart_app.store import Store, utc_now

worker.FIRST_WAIT = timedelta(seconds=0.2)
worker.LOOK_EVERY = 0.5


class ServerDown(Exception):
    """Trouble that may pass."""

    retry = True


def say(owed):
    with (folder / "effects").open("a") as out:
        out.write(f"{owed.referral_id} {owed.action} {owed.arguments.get('number', '')} {owed.attempt}\\n")


def once(owed):
    """An effect that can be looked up before it is repeated, as in a chart that can be searched."""
    effects = folder / "effects"
    if not effects.exists() or f"{owed.referral_id} {owed.action} " not in effects.read_text():
        say(owed)


def die_after_effect(ports, owed):
    once(owed)
    if not (folder / "written").exists():
        (folder / "written").touch()
        time.sleep(60)  # killed here: written outside, not recorded
    return Done("It is there.")


def record_then_die(ports, owed):
    say(owed)
    with ports.store.transaction() as tx:
        tx.outbox.done(owed.id, "Recorded by the action.")
    (folder / "recorded").touch()
    time.sleep(60)


def plain(ports, owed):
    say(owed)
    return Done("Told.")


def slow(ports, owed):
    (folder / "begun").touch()
    time.sleep(1.5)
    say(owed)
    return Done("Stored.")


def down_twice(ports, owed):
    say(owed)
    if owed.failures < 2:
        raise ServerDown("The server does not answer.")
    return Done("It answered.")


def broken(ports, owed):
    say(owed)
    raise KeyError("Ana Núñez")


def deadly(ports, owed):
    say(owed)
    os._exit(9)


def patient(ports, owed):
    say(owed)
    return Later(utc_now(), "Not signed yet.") if owed.attempt < 3 else Done("Signed.")


actions = {
    "file_opinion": die_after_effect,
    "file_retraction": record_then_die,
    "notify_expert": plain,
    "store_images": slow,
    "mirror_referral": down_twice,
    "remind": broken,
    "notify_desk": deadly,
    "check_note": patient,
}


def work(database, queue, name, sweep, crashes):
    worker.SWEEP_EVERY, worker.MOST_CRASHES = sweep, crashes
    log = os.open(folder / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
    os.dup2(log, 1), os.dup2(log, 2)
    settings = SimpleNamespace(queue_url=queue, worker=name)
    worker.run(settings, lambda _: SimpleNamespace(store=Store(database), now=utc_now), actions=actions)
    sys.exit(0)


for line in sys.stdin:
    order, *given = json.loads(line)
    if order == "start":
        answer = os.fork()
        if answer == 0:
            folder = Path(given[0])
            work(*given[1:])
    else:
        pid, status = os.waitpid(given[0], os.WNOHANG if order == "poll" else 0)
        answer = os.waitstatus_to_exitcode(status) if pid else None
    print(json.dumps(answer), flush=True)
'''


class Crew:
    """Real worker processes that start fast, since what they import was imported once."""

    def __init__(self, folder: Path) -> None:
        (folder / "crew.py").write_text(WORKER)
        path = f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"
        environ = {**os.environ, "PYTHONPATH": path, "PYTHONWARNINGS": "error"}
        command = [sys.executable, str(folder / "crew.py")]
        self.foreman = subprocess.Popen(command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def order(self, *words: object) -> int | None:
        """Start a worker and answer its pid; poll or wait for one and answer its exit code."""
        assert self.foreman.stdin is not None
        assert self.foreman.stdout is not None
        print(json.dumps(words), file=self.foreman.stdin, flush=True)
        answer: int | None = json.loads(self.foreman.stdout.readline())
        return answer


class Workplace:
    """A store with referrals in it, a worker to start and kill, and the file that its actions write."""

    def __init__(self, crew: Crew, folder: Path, store: Store, database: str, queue: str) -> None:
        self.crew, self.folder, self.store, self.database, self.queue = crew, folder, store, database, queue
        self.pids: dict[str, int] = {}

    def start(self, name: str = "worker-0", sweep: float = 0.2, crashes: int = 5) -> None:
        pid = self.crew.order("start", str(self.folder), self.database, self.queue, name, sweep, crashes)
        assert pid is not None
        self.pids[name] = pid

    def kill(self, name: str = "worker-0") -> None:
        os.kill(self.pids[name], signal.SIGKILL)
        self.ended(name)

    def stop(self, name: str = "worker-0") -> int | None:
        os.kill(self.pids[name], signal.SIGTERM)
        return self.ended(name)

    def ended(self, name: str = "worker-0") -> int | None:
        """Wait for its end and answer its exit code."""
        return self.crew.order("wait", self.pids.pop(name))

    def log(self) -> str:
        return (self.folder / "log").read_text()

    def open(self, number: int) -> str:
        """Keep one referral and answer its id."""
        patient = Patient("Patient/1", "Núñez", ("Ana",))
        case = Referral(f"r{number}", "north", patient, DOCTOR, Ask("Larger?"), "reading", utc_now())
        with self.store.transaction() as tx:
            tx.referrals.add(case.gather(DOCTOR, utc_now()))
        return case.id

    def owe(self, referral_id: str, action: str, **arguments: object) -> str:
        with self.store.transaction() as tx:
            return tx.outbox.owe(referral_id, action, **arguments)

    def row(self, row_id: str) -> Owed:
        with self.store.reading() as tx:
            return tx.outbox.get(row_id)

    def effects(self, case: str = "") -> list[str]:
        """What was done outside, in order, for that referral or for all."""
        path = self.folder / "effects"
        lines = path.read_text().splitlines() if path.exists() else []
        return [line for line in lines if line.startswith(case)]

    def until(self, true: Callable[[], bool], seconds: float = 25) -> None:
        """Wait until it is true; the worker's log explains why it never was."""
        end = time.monotonic() + seconds
        while not true():
            if time.monotonic() > end or any(self.crew.order("poll", pid) is not None for pid in self.pids.values()):
                pytest.fail(f"it never happened; the worker said: {self.log()}")
            time.sleep(0.05)

    def until_ended(self, row_id: str, state: str = "done") -> Owed:
        self.until(lambda: self.row(row_id).state == state)
        return self.row(row_id)


@pytest.fixture(scope="module")
def crew(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crew]:
    crew = Crew(tmp_path_factory.mktemp("crew"))
    with crew.foreman:
        yield crew


def workplace(crew: Crew, folder: Path, database: str) -> Iterator[Workplace]:
    """A migrated store; the queue lies beside it: a file of its own, or the same PostgreSQL."""
    store = Store(database)
    store.migrate()
    queue_url = f"sqlite:///{folder / 'queue.db'}" if database.startswith("sqlite") else database
    place = Workplace(crew, folder, store, database, queue_url)
    yield place
    for name in list(place.pids):
        place.kill(name)
    store.close()


@pytest.fixture
def work(crew: Crew, tmp_path: Path) -> Iterator[Workplace]:
    yield from workplace(crew, tmp_path, f"sqlite:///{tmp_path / 'store.db'}")


@pytest.fixture(scope="module")
def day(crew: Crew, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    """One worker that stays at work over several tests; each test opens a referral of its own."""
    folder = tmp_path_factory.mktemp("day")
    for place in workplace(crew, folder, f"sqlite:///{folder / 'store.db'}"):
        place.start()
        yield place


@dataclass
class Accident:
    """What was owed before worker-0 was killed, and what was seen while only its sibling was at work."""

    work: Workplace
    opinion: str
    retraction: str
    notices: list[str]
    at_the_kill: str
    meanwhile: list[str]


@pytest.fixture(
    scope="module",
    params=["sqlite", pytest.param("postgresql", marks=[pytest.mark.needs])],
)
def accident(
    request: pytest.FixtureRequest, crew: Crew, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Accident]:
    """50 notices over three referrals, an opinion and a retraction; worker-0 is killed in the middle of all three.

    Worker-1 works on alone for a while; then worker-0 comes back under its own name and everything is ended.
    """
    folder = tmp_path_factory.mktemp("accident")
    database = f"sqlite:///{folder / 'store.db'}"
    if request.param == "postgresql":
        database = postgres.new_database(request.getfixturevalue("postgres_server"))
    for work in workplace(crew, folder, database):
        opinion = work.owe(work.open(3), "file_opinion", version=1)
        retraction = work.owe(work.open(4), "file_retraction")
        for number in range(3):
            work.open(number)
        notices = [work.owe(f"r{number % 3}", "notify_expert", number=number) for number in range(50)]
        work.start("worker-0")
        work.until(lambda: (folder / "written").exists() and (folder / "recorded").exists())
        work.until(lambda: len(work.effects()) > 12)  # noqa: B023
        work.kill("worker-0")
        at_the_kill = work.row(opinion).state
        work.start("worker-1")
        work.until_ended(work.owe(work.open(5), "notify_expert"))
        meanwhile = work.effects("r3 ")
        work.start("worker-0")
        for row in (opinion, retraction, *notices):
            work.until_ended(row)
        yield Accident(work, opinion, retraction, notices, at_the_kill, meanwhile)


def test_killed_between_the_effect_and_its_record_the_row_is_done_once(accident: Accident) -> None:
    """The restarted worker runs the same attempt again, finds the effect, and only records it."""
    assert accident.at_the_kill == "owed"
    assert accident.work.row(accident.opinion).outcome == "It is there."
    assert accident.work.effects("r3 ") == ["r3 file_opinion  1"]


def test_killed_after_the_action_recorded_its_own_end_nothing_runs_again(accident: Accident) -> None:
    """Referral, ledger and row were one transaction; the recovered workflow finds the row done."""
    assert accident.work.row(accident.retraction).outcome == "Recorded by the action."
    assert accident.work.effects("r4 ") == ["r4 file_retraction  1"]


def test_rows_of_a_referral_are_done_in_order_and_each_once(accident: Accident) -> None:
    """Whatever died in between. Only what was at work at the kill may be told again: an effect that cannot look."""
    told = {case: [int(line.split()[2]) for line in accident.work.effects(case)] for case in ("r0 ", "r1 ", "r2 ")}
    for numbers in told.values():
        assert list(dict.fromkeys(numbers)) == sorted(set(numbers))
    assert {number for numbers in told.values() for number in numbers} == set(range(50))
    assert sum(map(len, told.values())) <= 50 + 2
    assert {accident.work.row(row).state for row in accident.notices} == {"done"}


def test_a_worker_never_takes_over_what_a_killed_sibling_began(accident: Accident) -> None:
    """It goes on when its own worker is back under its own id, so nothing ever runs twice at once."""
    assert accident.meanwhile == ["r3 file_opinion  1"]


def test_a_stopped_worker_ends_what_it_began(work: Workplace) -> None:
    """SIGTERM: the picture being stored is stored and recorded. The web had it begun at once, before any sweep."""
    work.start(sweep=60)
    settings: Any = SimpleNamespace(queue_url=work.queue)
    work.until_ended(work.owe(work.open(1), "notify_expert", number=1))  # the first sweep, if it was not over
    row = work.owe(work.open(2), "store_images")
    work.until(lambda: queue.enqueue_ready(settings, work.store, utc_now(), "r2") == 1)
    work.until((work.folder / "begun").exists)
    assert work.stop() == 0
    assert work.row(row).outcome == "Stored."
    assert work.effects("r2") == ["r2 store_images  1"]


def test_a_row_that_kills_the_worker_again_and_again_is_parked(work: Workplace) -> None:
    """One poisonous picture must not stop every other delivery for good."""
    row = work.owe(work.open(1), "notify_desk")
    work.start(crashes=0)
    assert work.ended() == 9
    work.start(crashes=0)
    assert "died" in work.until_ended(row, "parked").reason
    work.until_ended(work.owe("r1", "notify_expert", number=1))


def test_trouble_that_may_pass_is_tried_again(day: Workplace) -> None:
    row = day.owe(day.open(1), "mirror_referral")
    ended = day.until_ended(row)
    assert (ended.outcome, ended.attempt, ended.reason) == ("It answered.", 3, "")
    assert len(day.effects("r1 ")) == 3


def test_trouble_of_our_own_parks_and_shows_no_value(day: Workplace) -> None:
    """The class says what kind; what the message held stays out of row and log. A person may send again."""
    row = day.owe(day.open(2), "remind", version=1)
    other = day.owe("r2", "check_note", version=1)
    parked = day.until_ended(row, "parked")
    assert "KeyError" in parked.reason
    assert day.until_ended(other).attempt == 3
    with day.store.transaction() as tx:
        assert tx.outbox.retry(row, DOCTOR)
    day.until(lambda: len([line for line in day.effects("r2 ") if "remind" in line]) == 2)
    day.until_ended(row, "parked")
    assert row in day.log()
    assert "Ana" not in day.log() + parked.reason


def test_a_row_is_not_done_before_it_is_due(day: Workplace) -> None:
    """Not even when somebody enqueues it early."""
    day.open(3)
    with day.store.transaction() as tx:
        row = tx.outbox.owe("r3", "notify_expert", due=utc_now() + timedelta(seconds=2))
    queue.enqueue(SimpleNamespace(queue_url=day.queue), row, 1)  # type: ignore[arg-type]
    ended = day.until_ended(row)
    assert ended.finished is not None
    assert ended.finished >= ended.due
    assert day.effects("r3 ") == ["r3 notify_expert  2"]


def test_an_attempt_that_ended_unrecorded_is_found_and_run_under_a_new_number(day: Workplace) -> None:
    """The queue answers an old number with its old result; without a new one the row would wait for ever."""
    row = day.owe(day.open(4), "notify_expert", number=1)
    day.until_ended(row)
    with day.store.transaction() as tx:
        tx.connection.execute(text("UPDATE outbox SET state = 'owed' WHERE id = :id"), {"id": row})
    day.until(lambda: day.row(row).state == "done")
    assert day.effects("r4 ") == ["r4 notify_expert 1 1", "r4 notify_expert 1 2"]


def test_the_queue_holds_plain_json(day: Workplace) -> None:
    """What one release wrote the next can read, which pickled objects do not promise."""
    day.until_ended(day.owe(day.open(5), "notify_expert", number=1))
    engine = create_engine(day.queue)
    with engine.connect() as connection:
        for table in ("workflow_status", "operation_outputs"):
            kinds = set(connection.execute(text(f"SELECT serialization FROM {table}")).scalars())
            assert kinds == {"portable_json"}
    engine.dispose()


def test_workflows_that_ended_long_ago_are_forgotten_and_not_run_again(day: Workplace) -> None:
    """The queue must not grow for ever; what is done is known to the outbox."""
    row = day.owe(day.open(6), "notify_expert", number=1)
    day.until_ended(row)
    door = queue.Queue(day.queue)
    day.until(lambda: door.ended({row: 1}) == {row: "SUCCESS"})
    assert door.forget(utc_now() - timedelta(hours=1)) == 0
    assert door.forget(utc_now() + timedelta(hours=1)) >= 1
    assert door.ended({row: 1}) == {}
    door.close()
    day.until_ended(day.owe("r6", "notify_expert", number=2))
    assert day.effects("r6 ") == ["r6 notify_expert 1 1", "r6 notify_expert 2 1"]


def test_the_web_works_before_any_worker_ever_ran(work: Workplace) -> None:
    """A queue that is not there yet never fails a click; the sweeper finds the row later."""
    work.owe(work.open(1), "notify_expert")
    settings: Any = SimpleNamespace(queue_url=work.queue)
    assert queue.enqueue_ready(settings, work.store, utc_now(), "r1") == 0
