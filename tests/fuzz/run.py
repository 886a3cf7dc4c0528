"""`python -m tests.fuzz.run`: every target with broken inputs, in pieces of their own. Same seed, same inputs.

A piece that does not end, or whose memory grows, fails as an input does. What fails is told by target, seed and number,
and its place in `KEPT` makes it part of every later run. The last line is `N passed, N failed`.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[2]
SEED = "1"
PLAN = {
    "header": 80_000,
    "metadata": 45_000,
    "container": 40_000,
    "directory": 15_000,
    "identity": 15_000,
    "accept": 10_000,
    "beside": 10_000,
    "paper": 1_500,
    "disc": 150,
    "uploading": 150,
}
"""Inputs of each target; `uploading` gives a dozen broken batches in each."""
PIECE = 5_000
SLOWEST = {"paper": 60.0, "disc": 60.0, "uploading": 120.0}
SECONDS = 20.0  # that one input may take
GROWTH = 80_000  # kB that a piece may grow by after its first third
KEPT: tuple[tuple[str, str, int], ...] = (
    ("metadata", "1", 121),
    ("metadata", "2", 260),
    ("metadata", "1", 6221),
    ("identity", "1", 86),
    ("identity", "1", 1507),
    ("identity", "1", 8958),
    ("directory", "1", 655),
)
"""(target, seed, number) of inputs that have failed before; every run has them, the short one too."""


class TooSlow(BaseException):
    """One input took longer than it may. No handler of the code under test may catch it."""


def piece(target: str, seed: str, start: int, count: int) -> dict[str, object]:
    """Feed these inputs here, in this process."""
    feed = _target(target)
    failed, first_third = [], 0
    for number in range(start, start + count):
        reason = one(feed, target, seed, number)
        if reason:
            failed.append((number, reason))
        if number == start + count // 3:
            first_third = resident()
    grown = resident() - first_third
    if count > 300 and grown > GROWTH:
        failed.append((-1, f"memory grew by {grown} kB"))
    return {"passed": count - len({n for n, _ in failed if n >= 0}), "failed": failed, "grown": grown}


def one(feed: Callable[[random.Random], None], target: str, seed: str, number: int) -> str:
    """Feed one input; what went wrong, or nothing."""

    def late(_: int, __: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, SLOWEST.get(target, SECONDS))
    try:
        feed(random.Random(f"{seed}/{target}/{number}"))
    except TooSlow:
        # A report is made in a process that would be ended here; everything else must end by itself.
        return "" if target == "paper" else "it took too long"
    except BaseException as problem:  # noqa: BLE001  (whatever it is, it is a fault)
        place = traceback.extract_tb(problem.__traceback__)[-1]
        return f"{type(problem).__name__}: {str(problem)[:200]} ({Path(place.filename).name}:{place.lineno})"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return ""


def _target(name: str) -> Callable[[random.Random], None]:
    from tests.fuzz.targets import TARGETS
    from tests.fuzz.uploading import uploading

    return {**TARGETS, "uploading": uploading}[name]


def resident() -> int:
    """This process' memory, in kB."""
    with Path("/proc/self/status").open() as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))


def _in_a_process(job: tuple[str, str, int, int]) -> tuple[tuple[str, str, int, int], dict[str, object]]:
    target, seed, start, count = job
    slowest = SLOWEST.get(target, SECONDS)
    command = [sys.executable, "-m", "tests.fuzz.run", "--piece", f"{target}:{seed}:{start}:{count}"]
    try:
        ended = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, timeout=slowest * 30 + count, check=False
        )
        return job, json.loads(ended.stdout.splitlines()[-1])
    except (subprocess.TimeoutExpired, ValueError, IndexError) as problem:
        return job, {"passed": 0, "failed": [(-1, f"the piece ended badly: {type(problem).__name__}")], "grown": 0}


def pieces(plan: dict[str, int], seed: str) -> list[tuple[str, str, int, int]]:
    """(target, seed, first number, how many), and what is kept from earlier runs."""
    jobs = [(target, of, number, 1) for target, of, number in KEPT if target in plan]
    for target, whole in plan.items():
        size = max(1, PIECE // 200) if target in SLOWEST else PIECE
        jobs += [(target, seed, start, min(size, whole - start)) for start in range(0, whole, size)]
    return jobs


def main() -> int:
    """Run the plan; answer 0 where nothing failed."""
    arguments = argparse.ArgumentParser(prog="tests.fuzz.run")
    arguments.add_argument("--seed", default=SEED, help="another seed makes other inputs")
    arguments.add_argument("--share", type=float, default=1.0, help="of the plan, e.g. 0.01")
    arguments.add_argument("--only", default="", help="one target")
    arguments.add_argument("--jobs", type=int, default=os.cpu_count() or 2)
    arguments.add_argument("--piece", default="", help=argparse.SUPPRESS)
    said = arguments.parse_args()
    logging.disable(logging.CRITICAL)
    if said.piece:
        warnings.simplefilter("ignore")
        target, seed, start, count = said.piece.split(":")
        print(json.dumps(piece(target, seed, int(start), int(count))))
        return 0
    plan = {name: max(1, int(n * said.share)) for name, n in PLAN.items() if said.only in ("", name)}
    return _report(plan, said.seed, said.jobs)


def _report(plan: dict[str, int], seed: str, jobs: int) -> int:
    began, passed, failed = time.monotonic(), 0, 0
    totals: dict[str, list[int]] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for (target, of, start, _), result in pool.map(_in_a_process, pieces(plan, seed)):
            wrong = list(result["failed"])  # type: ignore[call-overload]
            here = totals.setdefault(target, [0, 0, 0])
            here[0] += int(result["passed"])  # type: ignore[call-overload]
            here[1] += len(wrong)
            here[2] = max(here[2], int(result["grown"]))  # type: ignore[call-overload]
            for number, reason in wrong:
                print(
                    f"FAILED {target} seed {of} number {number if number >= 0 else f'{start}…'}: {reason}", flush=True
                )
    for target, (good, bad, grown) in totals.items():
        print(f"{target}: {good} passed, {bad} failed, largest growth of a piece {grown} kB")
        passed, failed = passed + good, failed + bad
    print(f"{time.monotonic() - began:.0f} s, seed {seed}")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
