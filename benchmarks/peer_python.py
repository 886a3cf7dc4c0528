"""Peers that are Python packages: each in a pinned virtual environment of its own, made when it is first needed."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from benchmarks.cache import made_once
from benchmarks.measure import PeerMissing

PINS = Path(__file__).with_name("peers")


def peer_python(name: str) -> Path:
    """The interpreter of that peer's environment (`peers/NAME.txt`). Raises PeerMissing."""
    pins = PINS / f"{name}.txt"

    def make(folder: Path) -> None:
        print(f"Making the environment of {name} (once)", file=sys.stderr, flush=True)
        venv.create(folder, with_pip=True)
        install = [*_pip(folder), "install", "-q", "--disable-pip-version-check", "--require-hashes", "-r", str(pins)]
        done = subprocess.run(install, capture_output=True, text=True, check=False)
        if done.returncode:
            raise PeerMissing(f"{name} could not be installed: {done.stderr.strip().splitlines()[-1:]}")

    try:
        folder = made_once(f"peer-{name}", make, of=pins.read_bytes() + sys.version.encode())
    except subprocess.CalledProcessError as problem:
        raise PeerMissing(f"No environment for {name}: Debian needs python3-venv") from problem
    return folder / "bin" / "python"


def _pip(folder: Path) -> list[str]:
    return [str(folder / "bin" / "python"), "-m", "pip"]
