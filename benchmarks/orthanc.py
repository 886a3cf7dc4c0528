"""Orthanc as the peer: Debian's package, a server of our own on loopback with an empty store, and a STOW client."""

from __future__ import annotations

import base64
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cache import cache_folder
from benchmarks.measure import PeerMissing

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
USER = "bench"
PASSWORD = "bench-pass"  # noqa: S105  (of a server that lives for one measurement, on loopback)
ROOT = "/dicom-web"
PATIENCE = 60.0  # seconds until it answers
BATCH = 10  # instances a request: where Orthanc is fastest
CONNECTIONS = 2


def orthanc_program() -> str:
    """Where Orthanc is; installed from Debian where that can be done. Raises PeerMissing."""
    if not _there() and os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Orthanc from Debian (once)", file=sys.stderr, flush=True)
        env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        names = ["orthanc", "orthanc-dicomweb"]
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *names],
        ):
            subprocess.run(command, env=env, capture_output=True, check=False)
    if not _there():
        raise PeerMissing("Orthanc is not here. On Debian: apt-get install orthanc orthanc-dicomweb")
    return str(shutil.which("Orthanc") or "/usr/sbin/Orthanc")


def _there() -> bool:
    return PLUGIN.is_file() and (shutil.which("Orthanc") is not None or Path("/usr/sbin/Orthanc").is_file())


@contextmanager
def running() -> Iterator[Orthanc]:
    """An empty Orthanc, as it is shipped (every instance flushed), until the end. Raises PeerMissing."""
    program = orthanc_program()
    with tempfile.TemporaryDirectory(dir=cache_folder()) as place:
        folder = Path(place)
        port = _free_port()
        (folder / "orthanc.json").write_text(json.dumps(_settings(folder, port)), "utf-8")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen([program, str(folder / "orthanc.json")], stdout=log, stderr=log)
        try:
            server = Orthanc(port, process.pid)
            server.wait(process)
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _settings(folder: Path, port: int) -> dict[str, object]:
    return {
        "Name": "BENCH",
        "StorageDirectory": str(folder / "store"),
        "IndexDirectory": str(folder / "store"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": port,
        "HttpBindAddresses": ["127.0.0.1"],
        "RemoteAccessAllowed": False,
        "HttpThreadsCount": 8,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomServerEnabled": False,
        "UnknownSopClassAccepted": True,
        "OverwriteInstances": False,
        "SyncStorageArea": True,
        "DicomWeb": {
            "Enable": True,
            "Root": f"{ROOT}/",
            "StudiesMetadata": "Full",
            "SeriesMetadata": "Full",
            "EnableMetadataCache": True,
        },
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Orthanc:
    """One running server, and what is asked of it."""

    def __init__(self, port: int, pid: int) -> None:
        self.port = port
        self.pid = pid
        self.root = ROOT
        login = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        self.headers = {"Authorization": f"Basic {login}"}

    def wait(self, process: subprocess.Popen[bytes]) -> None:
        """Until it answers. Raises PeerMissing."""
        ends = time.monotonic() + PATIENCE
        while time.monotonic() < ends and process.poll() is None:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/system", headers=self.headers)
                if connection.getresponse().status == 200:
                    return
            except OSError:
                time.sleep(0.1)
            finally:
                connection.close()
        raise PeerMissing("Orthanc is installed and did not start")

    def store(self, files: Sequence[Path]) -> float:
        """STOW-RS in streamed batches over two connections; answers the seconds it took. Raises RuntimeError."""
        batches = [files[at : at + BATCH] for at in range(0, len(files), BATCH)]
        began = time.perf_counter()
        with ThreadPoolExecutor(CONNECTIONS) as senders:
            stored = sum(senders.map(self._stow, (batches[at::CONNECTIONS] for at in range(CONNECTIONS))))
        if stored != len(files):
            raise RuntimeError(f"Orthanc stored {stored} of {len(files)} instances")
        return time.perf_counter() - began

    def _stow(self, batches: list[Sequence[Path]]) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        stored = 0
        for batch in batches:
            boundary = uuid.uuid4().hex
            headers = self.headers | {
                "Content-Type": f'multipart/related; type="application/dicom"; boundary={boundary}',
                "Accept": "application/dicom+json",
                "Content-Length": str(_length(batch, boundary)),
            }
            connection.request("POST", f"{ROOT}/studies", body=_body(batch, boundary), headers=headers)
            answer = json.loads(connection.getresponse().read())
            stored += len(answer.get("00081199", {}).get("Value", []))
        connection.close()
        return stored


def _part(boundary: str) -> bytes:
    return f"--{boundary}\r\nContent-Type: application/dicom\r\n\r\n".encode()


def _body(files: Sequence[Path], boundary: str) -> Iterator[bytes]:
    for file in files:
        yield _part(boundary)
        yield file.read_bytes()
        yield b"\r\n"
    yield f"--{boundary}--\r\n".encode()


def _length(files: Sequence[Path], boundary: str) -> int:
    around = len(_part(boundary)) + 2
    return sum(file.stat().st_size + around for file in files) + len(boundary) + 6
