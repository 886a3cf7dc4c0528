"""A DICOMweb server under measurement, ours or Orthanc: timed requests, and all frames of a series at once."""

from __future__ import annotations

import http.client
import json
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.bench import HERE, ROOT, Bench
from benchmarks.cache import cache_folder

CONNECTIONS = 6  # as a browser opens them
FRAMES = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'


@dataclass(frozen=True)
class Web:
    """Where a server listens, and what it wants with every request.

    `packed` asks as every browser and every common client does: with Accept-Encoding. What comes packed is unpacked.
    """

    port: int
    root: str
    headers: dict[str, str] = field(default_factory=dict)
    packed: bool = True

    def get(self, path: str, accept: str = "application/dicom+json") -> bytes:
        """One answer, on a connection of its own. Raises RuntimeError for anything but 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            return self._get(connection, path, accept)
        finally:
            connection.close()

    def _get(self, connection: http.client.HTTPConnection, path: str, accept: str) -> bytes:
        wanted = {"Accept": accept} | ({"Accept-Encoding": "gzip, deflate"} if self.packed else {})
        connection.request("GET", self.root + path, headers={**self.headers, **wanted})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path.split('?', maxsplit=1)[0]} answered {answer.status}")
        packing = answer.headers.get("Content-Encoding", "")
        return zlib.decompress(body, 32 + zlib.MAX_WBITS) if packing in ("gzip", "deflate") else body

    def seconds(self, path: str) -> float:
        """How long one answer of JSON takes."""
        began = time.perf_counter()
        self.get(path)
        return time.perf_counter() - began

    def uids(self, path: str, tag: str) -> list[str]:
        """That UID of every answer."""
        return [str(one[tag]["Value"][0]) for one in json.loads(self.get(path))]

    def frames_per_second(self, paths: Sequence[str], length: int) -> float:
        """All of these frames over six connections; every one must be whole."""
        began = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as readers:
            whole = sum(
                readers.map(
                    lambda part: self._frames(part, length), (paths[n::CONNECTIONS] for n in range(CONNECTIONS))
                )
            )
        if whole != len(paths):
            raise RuntimeError(f"{whole} of {len(paths)} frames came whole")
        return len(paths) / (time.perf_counter() - began)

    def _frames(self, paths: Sequence[str], length: int) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            return sum(len(self._get(connection, path, FRAMES)) >= length for path in paths)
        finally:
            connection.close()


@contextmanager
def our_house(bench: Bench, folder: Path) -> Iterator[Web]:
    """Our web process with that folder stored as one case."""
    with tempfile.TemporaryDirectory(dir=cache_folder()) as data:
        command = [bench.python, str(HERE / "work" / "serve.py"), str(folder), data]
        with subprocess.Popen(
            command,
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as process:
            try:
                assert process.stdout is not None
                said = json.loads(process.stdout.readline() or b"{}")
                if not said:
                    raise RuntimeError("our web process did not start")
                yield Web(said["port"], said["root"], {"Cookie": said["cookie"]})
            finally:
                process.kill()
