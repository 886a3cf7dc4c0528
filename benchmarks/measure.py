"""What a row of the table is, and how sides are measured: in turns, in processes of their own, medians at the end."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

ROUNDS = 3


class PeerMissing(Exception):
    """A peer cannot be had on this machine; the message says which and how to get it."""


@dataclass(frozen=True)
class Row:
    """One line of the table. `ours` and `peer` are medians in `unit`; `missing` says why there is no peer.

    `floor` and `aim` are how many times better ours is to be; where `absolute`, what ours may be at most.
    """

    work: str
    unit: str
    ours: float
    floor: float
    aim: float
    peer: float | None = None
    peer_name: str = ""
    missing: str = ""
    absolute: bool = False
    more_is_better: bool = True
    rounds: dict[str, list[float]] = field(default_factory=dict)
    note: str = ""

    def having(self, rounds: dict[str, list[float]], *, missing: str = "", note: str = "") -> Row:
        """The same row with what was measured."""
        peer = median(rounds["peer"]) if rounds.get("peer") else None
        return replace(
            self, ours=median(rounds["ours"]), peer=peer, rounds=rounds, missing=missing, note=note or self.note
        )

    @property
    def ratio(self) -> float | None:
        """How many times better ours is; the measured value itself where it stands alone."""
        if self.absolute:
            return self.ours
        if self.peer is None or not self.ours or not self.peer:
            return None
        return self.ours / self.peer if self.more_is_better else self.peer / self.ours

    @property
    def verdict(self) -> str:
        """Against floor and aim."""
        ratio = self.ratio
        if ratio is None:
            return "no peer"
        if not self.floor:
            return "no promise"
        if self.absolute:
            return "aim" if ratio <= self.aim else "floor" if ratio <= self.floor else "BELOW FLOOR"
        return "aim" if ratio >= self.aim else "floor" if ratio >= self.floor else "BELOW FLOOR"


@dataclass(frozen=True)
class Ran:
    """One process that was run to its end."""

    seconds: float
    peak: float  # MB of resident memory
    out: str

    @property
    def said(self) -> dict[str, float]:
        """The JSON object that it printed last."""
        found: dict[str, float] = json.loads(self.out.strip().splitlines()[-1])
        return found


def run(arguments: Sequence[str | Path], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> Ran:
    """Run a program to its end, and say how long it took and how large it grew. Raises RuntimeError if it fails."""
    began = time.perf_counter()
    with subprocess.Popen(
        [str(a) for a in arguments],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        out, err = process.communicate()
        seconds = time.perf_counter() - began
    if process.returncode:
        raise RuntimeError(f"{' '.join(map(str, arguments))} ended with {process.returncode}: {err.strip()[-800:]}")
    return Ran(seconds, _peak(err), out)


def _peak(err: str) -> float:
    """Programs run under `timed.py` say their own peak on the last line of standard error."""
    last = err.strip().splitlines()[-1:] or [""]
    return float(last[0].removeprefix("peak_mb=")) if last[0].startswith("peak_mb=") else 0.0


def in_turns(
    ours: Callable[[], float], peer: Callable[[], float] | None, rounds: int = ROUNDS
) -> dict[str, list[float]]:
    """Measure both sides in turns, so that a machine that slows down slows both."""
    found: dict[str, list[float]] = {"ours": [], "peer": []}
    for _ in range(rounds):
        found["ours"].append(ours())
        if peer is not None:
            found["peer"].append(peer())
    return found


def median(values: list[float]) -> float:
    """The middle one."""
    return statistics.median(values)
