"""The practice served: two ports and a mail server, in threads for tests or until interrupted for the demo."""

from __future__ import annotations

import socket
import threading
from pathlib import Path
from typing import Any

import waitress

from smart_app.sandbox.house import Elsewhere
from smart_app.sandbox.site import practice_app
from smart_app.sandbox.town import Town


class Practice(Town):
    """The practice hospitals, served on loopback. Takes what `Town` takes; use as a context or by start and stop."""

    def __init__(
        self,
        folder: Path,
        *,
        app_base: str,
        port: int = 0,
        patient_port: int = 0,
        smtp_port: int | None = None,
        host: str = "127.0.0.1",
        elsewhere: Elsewhere | None = None,
    ) -> None:
        super().__init__(
            folder,
            app_base=app_base,
            port=port,
            patient_port=patient_port,
            smtp_port=smtp_port,
            host=host,
            elsewhere=elsewhere,
        )
        self._servers: list[Any] = []
        self._threads: list[threading.Thread] = []

    def wait(self) -> None:
        """Return when serving has ended."""
        for thread in self._threads:
            thread.join()

    def start(self) -> Practice:
        """Serve both ports in threads and return at once. Raises OSError where a port is taken."""
        try:
            for port, patients in ((self.port, False), (self.patient_port, True)):
                self._serve(port, patients=patients)
            self.mailbox.start()
        except OSError:
            self.stop()
            raise
        return self

    def _serve(self, port: int, *, patients: bool) -> None:
        listening = socket.socket()
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind((self.host, port))
        except OSError:
            listening.close()
            raise
        app = practice_app(self, patients=patients)
        server = waitress.create_server(app, sockets=[listening], threads=8, ident=None)
        thread = threading.Thread(target=server.run, name=f"practice-{port}", daemon=True)
        thread.start()
        self._servers.append(server)
        self._threads.append(thread)

    def stop(self) -> None:
        """Stop serving. What was written stays in the folder."""
        for server in self._servers:
            end_serving(server)
        for thread in self._threads:
            thread.join(timeout=5)
        self._servers, self._threads = [], []
        self.mailbox.stop()

    def __enter__(self) -> Practice:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()


def end_serving(server: Any) -> None:
    """Close a waitress server from another thread: in its own loop, or a socket goes while it is being waited on."""

    def close() -> None:
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    server.trigger.pull_trigger(close)


def serve(
    folder: Path,
    *,
    app_base: str,
    port: int,
    patient_port: int,
    smtp_port: int | None,
    elsewhere: Elsewhere | None = None,
) -> None:
    """Serve until interrupted: the process of the demo."""
    with Practice(
        folder,
        app_base=app_base,
        port=port,
        patient_port=patient_port,
        smtp_port=smtp_port,
        elsewhere=elsewhere,
    ) as practice:
        practice.wait()
