"""Trouble at the write × kill -9 of the worker at each step × three kinds of chart × two databases.

After each run the chart is counted over HTTP: exactly one opinion and the row done, or one row parked with the right
reason and at most one opinion; never none and never two. Then a person settles what is parked, and one stands there.
Prints a line a run, the matrix with every cell that was not tried, and `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import postgres
from tests.chaos.faults import FAULTS, Fault
from tests.chaos.lane import Lane
from tests.chaos.proxy import Plan

KILLS = (
    "token:before",
    "capability:before",
    "visit:before",
    "write:before",
    "write:after",
    "read-back:before",
    "read-back:after",
    "look:before",
    "at rest",
)
EHRS = ("epic", "oracle", "open")
DATABASES = ("sqlite", "postgresql")
FRESH = ("token:before", "capability:before")
"""A worker asks for these once: it must be new to pass there."""


@dataclass(frozen=True)
class Cell:
    """One run."""

    database: str
    ehr: str
    fault: Fault
    kill: str
    kill_first: bool

    def __str__(self) -> str:
        order = "kill, then fault" if self.kill_first else "fault, then kill"
        return f"{self.database} {self.ehr} {self.fault.name} × {self.kill} ({order})"


def cells() -> list[Cell]:
    """Every cell. A chart without the step (no visit is asked for, no look possible) has no such cell."""
    found = []
    for database, ehr, fault, kill in itertools.product(DATABASES, EHRS, FAULTS, KILLS):
        if (kill == "visit:before" and ehr == "open") or (kill == "look:before" and ehr == "epic"):
            continue
        orders = (True, False) if kill != "at rest" else (False,)
        found += [Cell(database, ehr, fault, kill, first) for first in orders]
    return found


def run_cell(lane: Lane, cell: Cell, chance: random.Random) -> str:
    """Run it. Answers what became of it; raises AssertionError where that must not be."""
    if cell.kill in FRESH and cell.kill_first:
        lane.kill_worker()
    plan = Plan({"write": cell.fault.act}, cell.kill if ":" in cell.kill else "", cell.kill_first)
    lane.plan(plan)
    referral, row_id, patient = lane.owe_opinion(cell.ehr)
    if cell.kill in FRESH and cell.kill_first:
        lane.start_worker()
    killed = _kill_when_reached(lane, plan, row_id, chance)
    row = lane.ended(row_id)
    if not killed:
        lane.kill_worker()
        lane.start_worker()
    if plan.stop_at.startswith("read-back") or not killed:
        time.sleep(0.3)  # what a restarted worker would do twice, it does at once
    there = lane.in_chart(cell.ehr, patient)
    became = _judge(cell, lane, referral, row.state, row.reason, there)
    if row.state == "parked":
        lane.plan(Plan())
        lane.settle(row, there)
        last = lane.ended(row_id)
        after = lane.in_chart(cell.ehr, patient)
        assert last.state == "done", f"a person settled it and it is {last.state}: {last.reason}"
        assert len(after) == 1, f"{len(after)} opinions after a person settled it"
    return f"{became}{'' if killed else ' (killed at rest)'}"


def _kill_when_reached(lane: Lane, plan: Plan, row_id: str, chance: random.Random) -> bool:
    """Kill the worker where the plan says; False where the row came to its end before."""
    deadline = time.monotonic() + 45
    while plan.stop_at and time.monotonic() < deadline:
        if plan.reached.wait(0.05):
            time.sleep(chance.choice((0.0, 0.0, 0.01, 0.05)))
            lane.kill_worker()
            plan.killed.set()
            lane.start_worker()
            return True
        if lane.row(row_id).state != "owed":
            break
    plan.kill_first = False
    plan.killed.set()
    return False


def _judge(cell: Cell, lane: Lane, referral: str, state: str, reason: str, there: list[str]) -> str:
    assert len(there) <= 1, f"{len(there)} opinions in the chart"
    assert len(lane.all_rows(referral)) == 1, "not exactly one row owed this opinion"
    if state == "done":
        assert len(there) == 1, "the row is done and no opinion stands in the chart"
        return "filed"
    lost = "no answer came back" in reason or "could not be read back" in reason
    became = "refused" if "refused" in reason else "unclear" if lost else reason
    allowed = set(cell.fault.may_end)
    if cell.kill.startswith(("write", "read-back")) or cell.fault.written:
        allowed.add("unclear")  # somebody died, or an answer was lost, after the write may have gone out
    assert became in allowed, f"parked with the reason “{reason}”"
    if became == "refused":
        assert not there, "parked as refused, and it stands in the chart"
    if became == "unclear":
        assert cell.ehr == "epic", "parked as unclear in a chart that can be searched"
    return f"parked: {became}"


@contextmanager
def lanes(folder: Path, databases: tuple[str, ...]) -> Iterator[dict[str, Lane]]:
    """One lane a database."""
    with ExitStack() as stack:
        made = {}
        for name in databases:
            url = ""
            if name == "postgresql":
                programs = postgres.binaries()
                if programs is None:
                    raise SystemExit("PostgreSQL is not on this machine (apt-get install postgresql)")
                url = postgres.new_database(stack.enter_context(postgres.running(programs)))
            made[name] = stack.enter_context(Lane(folder / name, url))
        yield made


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=0, help="how many cells, chosen by the seed; 0: all")
    parser.add_argument("--seed", type=int, default=20261124)
    parser.add_argument("--only", default="", help="words that a cell's line must contain, e.g. “epic 409”")
    given = parser.parse_args()
    every = cells()
    chosen = [cell for cell in every if all(word in str(cell) for word in given.only.split())]
    random.Random(given.seed).shuffle(chosen)
    chosen = chosen[: given.runs or None]
    results: dict[Cell, str] = {}
    with tempfile.TemporaryDirectory() as folder, lanes(Path(folder), DATABASES) as open_lanes:
        threads = [
            threading.Thread(target=_drive, args=(lane, [c for c in chosen if c.database == name], given.seed, results))
            for name, lane in open_lanes.items()
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    failed = [cell for cell in chosen if results.get(cell, "FAILED").startswith("FAILED")]
    untried = [cell for cell in every if cell not in results]
    print(f"\n{len(results)} of {len(every)} cells tried with seed {given.seed}.")
    for cell in untried:
        print(f"not tried: {cell}")
    for cell in failed:
        print(f"FAILED: {cell}: {results.get(cell, 'did not run')}")
    print(f"{len(chosen) - len(failed)} passed, {len(failed)} failed")
    return 1 if failed else 0


def _drive(lane: Lane, chosen: list[Cell], seed: int, results: dict[Cell, str]) -> None:
    chance = random.Random(seed)
    for number, cell in enumerate(chosen, 1):
        begun = time.monotonic()
        try:
            results[cell] = run_cell(lane, cell, chance)
        except Exception as fault:  # noqa: BLE001 - a run that breaks is a run that failed, and the next one goes on
            results[cell] = f"FAILED: {type(fault).__name__}: {fault}"
            lane.kill_worker()
            lane.plan(Plan())
            lane.start_worker()
        line = f"{number:4d}/{len(chosen)} {time.monotonic() - begun:5.1f} s  {cell}: {results[cell]}"
        print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
