"""Durable storing of a CT study from a folder and from a deflated ZIP, against Orthanc's STOW-RS."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import orthanc
from benchmarks.bench import Bench
from benchmarks.cache import cache_folder
from benchmarks.measure import PeerMissing, Row, in_turns
from benchmarks.studies import folder_of, zip_of

ORDER = 3


def measure(bench: Bench) -> Iterator[Row]:
    """Both, each with a new archive and an empty Orthanc in every round."""
    folder, packed = folder_of(bench.small, 1), zip_of(bench.small, 1)
    files = sorted(path for path in folder.rglob("*") if path.is_file())

    def peer() -> float:
        with orthanc.running() as server:
            return len(files) / server.store(files)

    yield _row(bench, f"durable ingest of {bench.small} CT from a folder", 2.5, 3.5, folder, peer)
    yield _row(bench, f"durable ingest of {bench.small} CT from a deflated ZIP", 1.2, 2.0, packed, peer)


def _row(bench: Bench, work: str, floor: float, aim: float, media: Path, peer: Callable[[], float]) -> Row:
    def ours() -> float:
        with tempfile.TemporaryDirectory(dir=cache_folder()) as archive:
            said = bench.ours("ingest.py", media, archive).said
            if said["stored"] != bench.small:
                raise RuntimeError(f"{said['stored']} of {bench.small} instances were stored")
            return said["per_second"]

    row = Row(
        work,
        "instances/s",
        0,
        floor=floor,
        aim=aim,
        peer_name="Orthanc STOW",
        note="the peer is given files, never a ZIP; both flush to the disk",
    )
    try:
        orthanc.orthanc_program()
    except PeerMissing as missing:
        return row.having(in_turns(ours, None, bench.rounds), missing=str(missing))
    return row.having(in_turns(ours, peer, bench.rounds))
