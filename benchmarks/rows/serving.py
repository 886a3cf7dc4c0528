"""Serving a stored CT study over HTTP, against Orthanc: frames, metadata of a series, a search of all instances."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

from benchmarks import orthanc
from benchmarks.bench import Bench
from benchmarks.measure import PeerMissing, Row, in_turns
from benchmarks.studies import folder_of
from benchmarks.web import Web, our_house

ORDER = 4
SERIES = 4
PIXELS = 512 * 512 * 2  # bytes of one frame
TAKES = 3  # of each quick request in a round; the middle one counts


class Case:
    """What one server holds of the study."""

    def __init__(self, web: Web) -> None:
        self.web = web
        (self.study,) = web.uids("/studies", "0020000D")
        self.series = web.uids(f"/studies/{self.study}/series", "0020000E")[-1]
        self.instances = web.uids(f"/studies/{self.study}/series/{self.series}/instances", "00080018")

    def frames(self, *, packed: bool = True) -> float:
        """Frames a second, all of one series."""
        place = f"/studies/{self.study}/series/{self.series}/instances"
        web = replace(self.web, packed=packed)
        return web.frames_per_second([f"{place}/{uid}/frames/1" for uid in self.instances], PIXELS)

    def bare_frames(self) -> float:
        """The same by a client that takes nothing packed, which no browser is."""
        return self.frames(packed=False)

    def metadata(self) -> float:
        """Milliseconds for the metadata of one series."""
        return self._milliseconds(f"/studies/{self.study}/series/{self.series}/metadata")

    def search(self) -> float:
        """Milliseconds for the list of every instance of the study."""
        return self._milliseconds(f"/studies/{self.study}/instances")

    def _milliseconds(self, path: str) -> float:
        return statistics.median(self.web.seconds(path) * 1000 for _ in range(TAKES))


def measure(bench: Bench) -> Iterator[Row]:
    """Both servers hold the same study and run side by side; only one is asked at a time.

    Orthanc as it is shipped packs what a browser asks for, frames too, and that is most of its time; a row without
    promise says how it is otherwise.
    """
    folder = folder_of(bench.large, SERIES)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    each = bench.large // SERIES
    with ExitStack() as open_servers:
        ours = Case(open_servers.enter_context(our_house(bench, folder)))
        peer: Case | None = None
        missing = ""
        try:
            server = open_servers.enter_context(orthanc.running())
            server.store(files)
            peer = Case(Web(server.port, server.root, server.headers))
        except PeerMissing as problem:
            missing = str(problem)
        for work, unit, floor, aim, asked in (
            (f"all frames of a {each}-image series over HTTP", "frames/s", 8.0, 13.0, Case.frames),
            ("the same, asked without Accept-Encoding", "frames/s", 0.0, 0.0, Case.bare_frames),
            (f"metadata of a {each}-image series", "ms", 3.0, 4.0, Case.metadata),
            (f"QIDO of {bench.large:,} instances", "ms", 10.0, 30.0, Case.search),
        ):
            row = Row(work, unit, 0, floor=floor, aim=aim, peer_name="Orthanc", more_is_better=unit != "ms")
            found = in_turns(_asked(asked, ours), _asked(asked, peer) if peer else None, bench.rounds)
            yield row.having(found, missing=missing)


def _asked(what: Callable[[Case], float], case: Case) -> Callable[[], float]:
    return lambda: what(case)
