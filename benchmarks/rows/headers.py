"""Reading headers, and what is made of them: against pydicom and dicom2fhir."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.measure import PeerMissing, Row, in_turns
from benchmarks.peer_python import peer_python
from benchmarks.studies import folder_of

ORDER = 1


def measure(bench: Bench) -> Iterator[Row]:
    """Headers, the FHIR ImagingStudy, and the whole command."""
    folder = folder_of(bench.large, 4)
    yield _row(
        bench,
        Row("header read, one process, the same 32 values", "headers/s", 0, floor=8, aim=15, peer_name="pydicom"),
        lambda: bench.ours("headers_ours.py", folder).said["per_second"],
        lambda python: bench.theirs(python, "headers_pydicom.py", folder).said["per_second"],
    )
    yield _row(
        bench,
        Row(f"DICOM to ImagingStudy, {bench.large:,}", "instances/s", 0, floor=60, aim=75, peer_name="dicom2fhir"),
        lambda: bench.ours("fhir_ours.py", folder).said["per_second"],
        lambda python: bench.theirs(python, "fhir_dicom2fhir.py", folder).said["per_second"],
    )
    command = Path(bench.python).with_name("second-opinion")
    yield _row(
        bench,
        Row(
            f"study on {bench.large:,}, whole process",
            "s",
            0,
            floor=2,
            aim=4,
            peer_name="pydicom",
            more_is_better=False,
            note="the peer is a loop over the folder that counts studies, series and instances",
        ),
        lambda: bench.peak([command, "study", folder, "--json"]).seconds,
        lambda python: bench.theirs(python, "study_pydicom.py", folder).seconds,
    )


def _row(bench: Bench, row: Row, ours: Callable[[], float], theirs: Callable[[Path], float]) -> Row:
    try:
        python = peer_python(row.peer_name)
    except PeerMissing as missing:
        found = in_turns(ours, None, bench.rounds)
        return row.having(found, missing=str(missing))
    return row.having(in_turns(ours, lambda: theirs(python), bench.rounds))
