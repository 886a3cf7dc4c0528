"""How large a process grows over many instances. There is no peer: the figure itself is the promise."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import HERE, Bench
from benchmarks.measure import Row, in_turns
from benchmarks.studies import folder_of

ORDER = 2
FLOOR, AIM = 200.0, 120.0  # MB
SMALL_PICTURE = 64  # pixels wide: 20,000 whole slices would fill a disk, and memory is measured, not the disk


def measure(bench: Bench) -> Iterator[Row]:
    """The command and the archive, on whole pictures and on ten times as many."""
    for count, size in ((bench.large, 512), (bench.huge, SMALL_PICTURE)):
        folder = folder_of(count, 4, size)
        command = Path(bench.python).with_name("second-opinion")
        yield _row(f"memory of study, {count:,} instances", [command, "study", folder, "--json"], bench)
        with tempfile.TemporaryDirectory(dir=folder.parent) as archive:
            script = [bench.python, HERE / "work" / "ingest.py", folder, archive]
            yield _row(f"memory of ingest, {count:,} instances", script, bench)


def _row(work: str, arguments: list[object], bench: Bench) -> Row:
    row = Row(work, "MB", 0, floor=FLOOR, aim=AIM, absolute=True, more_is_better=False)
    return row.having(in_turns(lambda: bench.peak(arguments).peak, None, 1))
