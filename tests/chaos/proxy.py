"""A proxy that makes trouble: one planned fault at a time, and a place to stop a request while a worker is killed.

It tells the requests of one delivery apart by what they are for (`step_of`), counts them, and acts on the one that is
planned. Everything else passes as it is.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.chaos.ehr import BEHIND

STEPS = ("token", "capability", "visit", "write", "read-back", "look")
_OPINION = ("DocumentReference", "DiagnosticReport")
_HOP = frozenset({"connection", "transfer-encoding", "content-length", "keep-alive"})


@dataclass(frozen=True)
class Answer:
    """An answer of the EHR, or one in its place."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


Act = Callable[[Callable[[], Answer]], Answer | None]
"""Gets the way to the EHR (call it or not); answers what the worker is told. None: the connection is cut."""


@dataclass
class Plan:
    """What goes wrong during one run. Each planned act happens once."""

    faults: dict[str, Act] = field(default_factory=dict)
    stop_at: str = ""
    """"STEP:before" or "STEP:after": there the request waits while somebody kills the worker."""
    kill_first: bool = False
    """The faults wait until the worker was killed; otherwise the killing waits until the faults have happened."""
    reached: threading.Event = field(default_factory=threading.Event)
    killed: threading.Event = field(default_factory=threading.Event)
    seen: list[str] = field(default_factory=list)

    def stops(self, at: str) -> bool:
        """Is this the request that waits?"""
        ready = self.kill_first or not self.faults
        return ready and self.stop_at == at and not self.reached.is_set()


class Proxy:
    """Listens where the EHR is known to be and passes on to where it really listens."""

    def __init__(self, *ports: int) -> None:
        self.plan = Plan()
        self._servers = [_server(port, self) for port in ports]
        for server in self._servers:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Close the doors."""
        for server in self._servers:
            server.shutdown()
            server.server_close()

    def pass_on(self, step: str, forward: Callable[[], Answer]) -> Answer | None:
        """Do what is planned for this step, or nothing."""
        plan = self.plan
        if not step:
            return forward()
        plan.seen.append(step)
        if plan.stops(f"{step}:before"):
            return _stopped(plan)
        stops = plan.stops(f"{step}:after")
        act = plan.faults.pop(step, None) if not plan.kill_first or plan.killed.is_set() else None
        answer = act(forward) if act else forward()
        return _stopped(plan) if stops else answer


def _stopped(plan: Plan) -> None:
    """Wait here until the worker is dead; nobody is left to answer."""
    plan.reached.set()
    plan.killed.wait(20)


def step_of(method: str, path: str, body: bytes) -> str:
    """What a request is for; empty where it is of no interest."""
    parts = urlsplit(path)
    words = [word for word in parts.path.split("/") if word]
    if method == "POST":
        if words and words[-1] == "token":
            return "token"
        if re.search(rb'"resourceType":\s*"(DiagnosticReport|DocumentReference)"', body):
            return "write"
        return ""
    if words[-1:] == ["metadata"]:
        return "capability"
    if "Encounter" in words:
        return "visit"
    if len(words) > 1 and words[-2] in _OPINION:
        return "read-back"
    return "look" if words and words[-1] in _OPINION else ""


def _server(port: int, proxy: Proxy) -> ThreadingHTTPServer:
    class Door(BaseHTTPRequestHandler):
        """One request at a time, each on a connection of its own."""

        def log_message(self, *_: Any) -> None:
            """Quiet."""

        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)

            def forward() -> Answer:
                headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
                with contextlib.closing(http.client.HTTPConnection(BEHIND, port, timeout=30)) as way:
                    way.request(self.command, self.path, body or None, headers)
                    answer = way.getresponse()
                    kept = tuple((n, v) for n, v in answer.getheaders() if n.lower() not in _HOP)
                    return Answer(answer.status, kept, answer.read())

            answer = proxy.pass_on(step_of(self.command, self.path, body), forward)
            self.close_connection = True
            with contextlib.suppress(OSError):
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                else:
                    self._say(answer)

        def _say(self, answer: Answer) -> None:
            self.send_response(answer.status)
            for name, value in answer.headers:
                self.send_header(name, value)
            cut = answer.body.endswith(CUT)
            body = answer.body.removesuffix(CUT)
            self.send_header("Content-Length", str(len(body) * 2 + 64 if cut else len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815 - the names that http.server calls

    ThreadingHTTPServer.daemon_threads = True
    ThreadingHTTPServer.request_queue_size = 50
    return ThreadingHTTPServer(("127.0.0.1", port), Door)


CUT = b"\x00\x00cut here\x00\x00"
"""At the end of a body: less is sent than was promised."""


def outcome(text: str) -> bytes:
    """An OperationOutcome."""
    issue = {"severity": "error", "code": "processing", "diagnostics": text}
    return json.dumps({"resourceType": "OperationOutcome", "issue": [issue]}).encode()
