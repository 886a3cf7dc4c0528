"""De-identification of a CT study, one process: read, clean, write, and on our side search before release."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.bench import Bench
from benchmarks.cache import cache_folder
from benchmarks.measure import PeerMissing, Row, in_turns
from benchmarks.peer_python import peer_python
from benchmarks.studies import folder_of

ORDER = 4


def measure(bench: Bench) -> Iterator[Row]:
    """The usual profile, beside dicom-anonymizer's default."""
    folder, place = folder_of(bench.small, 4), cache_folder()
    row = Row(
        f"de-identification of {bench.small} CT, one process",
        "instances/s",
        0,
        floor=8,
        aim=14,
        peer_name="dicom-anonymizer",
        note="both read and write the same folder; ours keeps more options and searches what it wrote",
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
