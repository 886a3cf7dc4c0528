"""De-identification of a CT study, one process: read, clean, write, and on our side search before release."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.cache import cache_folder
from benchmarks.measure import PeerMissing, Row, in_turns
from benchmarks.peer_python import peer_python
from benchmarks.studies import folder_of

ORDER = 4


def measure(bench: Bench) -> Iterator[Row]:
    """The usual profile, beside dicom-anonymizer's default."""
    folder, place = folder_of(bench.small, 4), _fast_place()
    row = Row(
        f"de-identification of {bench.small} CT, one process",
        "instances/s",
        0,
        floor=8,
        aim=14,
        peer_name="dicom-anonymizer",
        note="both read the same folder and write to memory; ours also searches what it wrote before it releases it",
    )

    def ours() -> float:
        return bench.ours("deidentify_ours.py", folder, place).said["per_second"]

    try:
        python = peer_python("dicom-anonymizer")
    except PeerMissing as missing:
        yield row.having(in_turns(ours, None, bench.rounds), missing=str(missing))
        return

    def peer() -> float:
        return bench.theirs(python, "deidentify_peer.py", folder, place, bench.small).said["per_second"]

    yield row.having(in_turns(ours, peer, bench.rounds))


def _fast_place() -> Path:
    """A file system in memory where there is one with room: the disk of this machine is not what is measured."""
    memory = Path("/dev/shm")  # noqa: S108  (only looked for; what is made in it has a name of its own)
    roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2_000_000_000
    return memory if roomy else cache_folder()
