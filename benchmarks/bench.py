"""How much is measured in this run, and with what."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import ROUNDS, Ran, run

HERE = Path(__file__).parent
ROOT = HERE.parent


@dataclass(frozen=True)
class Bench:
    """The sizes of this run. A quick one proves that every row works; its figures say little."""

    small: int = 500  # pictures of the study that is stored and served
    large: int = 2000
    huge: int = 20_000
    rounds: int = ROUNDS

    @property
    def python(self) -> str:
        """Our own interpreter."""
        return sys.executable

    def ours(self, script: str, *arguments: object) -> Ran:
        """Run a script of `work/` in our environment."""
        return run([self.python, HERE / "work" / script, *map(str, arguments)], cwd=ROOT, env={"PYTHONPATH": str(ROOT)})

    def theirs(self, python: Path, script: str, *arguments: object) -> Ran:
        """Run a script of `work/` in a peer's environment, where nothing of ours can be imported."""
        return run([python, "-P", HERE / "work" / script, *map(str, arguments)], cwd=python.parent)

    def peak(self, arguments: list[object]) -> Ran:
        """Run a program of ours and see how large it grows."""
        command = [self.python, HERE / "work" / "peak.py", *map(str, arguments)]
        return run(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)})


QUICK = Bench(small=40, large=80, huge=200, rounds=1)
