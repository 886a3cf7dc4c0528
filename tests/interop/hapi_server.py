"""A real HAPI FHIR JPA server for one run of the tests, on a free port of loopback, empty at its start.

`make hapi` builds it with Maven and a JDK of 17 or newer (Debian: apt-get install maven default-jdk-headless).
TEST_HAPI_BASE names a running one instead, such as a developer keeps open.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

FOLDER = Path(__file__).parent / "hapi"
START_WITHIN = 240.0
MISSING = "HAPI is not built here (make hapi; on Debian first: apt-get install maven default-jdk-headless)"


def java_command(main: str, *arguments: str) -> list[str] | None:
    """How to start one of the programs in hapi/; None where they are not built or there is no Java."""
    java, classpath = shutil.which("java"), FOLDER / "target/classpath"
    if java is None or not classpath.is_file() or not (FOLDER / "target/classes/hapi").is_dir():
        return None
    path = os.pathsep.join([str(FOLDER / "target/classes"), classpath.read_text("utf-8").strip()])
    # One short run on a small machine: the quick compiler alone starts in half the time.
    return [java, "-Xmx1g", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-cp", path, main, *arguments]


@contextmanager
def running() -> Iterator[str]:
    """The FHIR base of a running server. Raises RuntimeError with its last words where it does not start."""
    kept = os.environ.get("TEST_HAPI_BASE")
    if kept:
        yield kept.rstrip("/")
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = java_command("hapi.Server", f"--server.port={port}")
    assert command is not None
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            if not _answers(base, process):
                log.seek(0)
                raise RuntimeError(log.read()[-3000:].decode("utf-8", "replace"))
            yield base
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(base: str, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if requests.get(f"{base}/metadata", timeout=30).ok:
                return True
        except requests.RequestException:
            pass
        time.sleep(0.5)
    return False
