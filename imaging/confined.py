"""Runs one of our programs over bytes of strangers: a process of its own, with limits of time, memory and output.

Rule: decoders and parsers of foreign formats run here, never in a process that holds sessions, keys or other cases.
The process gets no secret of ours (an empty environment), writes no file larger than its answer, and leaves no core.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LIMITS = "CONFINED"
KEPT = ("PATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "COVERAGE_PROCESS_START")


@dataclass(frozen=True)
class Confines:
    """How much one run may use: seconds by the clock and of computing, bytes of address space, bytes of answer."""

    seconds: float = 30.0
    memory: int = 3_000_000_000
    answer: int = 64_000_000


@dataclass(frozen=True)
class Ended:
    """How it ended: the exit code (None where its time was up) and what it wrote on standard output."""

    code: int | None
    out: bytes


def run(module: str, *arguments: str, source: BinaryIO | None = None, confines: Confines = Confines()) -> Ended:
    """Run `python -m MODULE ARGUMENTS` within its confines, with `source` (a real file) as standard input.

    The module calls `confine` before it loads anything foreign. What it writes on standard error is thrown away: a
    decoder's words may quote the file.
    """
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment["PYTHONPATH"] = str(Path(__file__).parents[1])
    environment[LIMITS] = f"{confines.seconds} {confines.memory} {confines.answer}"
    import subprocess
    import tempfile

    with tempfile.TemporaryFile() as out:
        try:
            ended = subprocess.run(
                [sys.executable, "-m", module, *arguments],
                stdin=source if source is not None else subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=confines.seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Ended(None, b"")
        out.seek(0)
        return Ended(ended.returncode, out.read(confines.answer))


def confine() -> None:
    """Take on the limits that `run` gave. Where the system has none (Windows), only the clock of `run` is left."""
    try:
        import resource
    except ImportError:
        return
    seconds, memory, answer = os.environ.pop(LIMITS, "30 3000000000 64000000").split()
    whole = max(1, int(float(seconds)))
    resource.setrlimit(resource.RLIMIT_AS, (int(memory), int(memory)))
    resource.setrlimit(resource.RLIMIT_CPU, (whole, whole))
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(answer), int(answer)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
