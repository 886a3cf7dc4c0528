"""SMART servers and clients that are not ours, started for a test: node programs in `tests/peers`."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

import pytest
import requests

FOLDER = Path(__file__).parents[1] / "peers"


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def peer(program: str, **given: Any) -> Iterator[None]:
    """Run that program until the block ends; it is told `given` and has said that it listens."""
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if node is None or not (FOLDER / "node_modules" / "oidc-provider").is_dir():
        pytest.skip("the peers are not on this machine (npm ci --prefix tests/peers)")
    with subprocess.Popen(
        [node, program],
        cwd=FOLDER,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        try:
            running.stdin.write(json.dumps(given) + "\n")
            running.stdin.flush()
            said = []
            for line in running.stdout:
                if line.strip() == "listening":
                    break
                said.append(line)
            else:
                raise AssertionError(f"{program} did not start: {''.join(said)}")
            yield
        finally:
            running.stdin.close()
            try:
                running.wait(5)
            except subprocess.TimeoutExpired:
                running.kill()


def walk(browser: requests.Session, url: str, until: str) -> str:
    """Follow redirects in that browser until one leads to an address that begins with `until`; answers that address."""
    for _ in range(12):
        if url.startswith(until):
            return url
        answer = browser.get(url, allow_redirects=False, timeout=20)
        assert answer.is_redirect, f"{url}: {answer.status_code} {answer.text[:500]}"
        url = urljoin(url, answer.headers["Location"])
    raise AssertionError(f"no end of redirects at {url}")


def parameters_of(url: str) -> dict[str, str]:
    """The query of an address."""
    return dict(parse_qsl(urlsplit(url).query))
