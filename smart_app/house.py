"""The whole house on one machine: the practice EHR, the web and the worker, each a process of its own.

For the demo, for `play` and for tests. Everything listens on loopback. What is in the folder is gone on with.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import requests

from smart_app.settings import PREFIX, read_settings

START_WITHIN = 60.0  # seconds
STOP_WITHIN = 8.0


class HouseWontStart(Exception):
    """A part of the house did not come up. The message says which, why, and what to do."""


@dataclass(frozen=True)
class Addresses:
    """Where each part listens. The app is on localhost and the EHR on 127.0.0.1: two sites, as in a hospital."""

    app: int = 8200
    ehr: int = 8201
    patient: int = 8202
    smtp: int = 8203

    @property
    def app_base(self) -> str:
        """The app, as people reach it."""
        return f"http://localhost:{self.app}"

    @property
    def ehr_base(self) -> str:
        """The practice EHR."""
        return f"http://127.0.0.1:{self.ehr}"

    @classmethod
    def from_port(cls, first: int) -> Addresses:
        """Four ports in a row."""
        return cls(first, first + 1, first + 2, first + 3)

    @classmethod
    def free(cls) -> Addresses:
        """Four ports nobody listens on now."""
        sockets = [socket.socket() for _ in range(4)]
        try:
            for each in sockets:
                each.bind(("127.0.0.1", 0))
            return cls(*(each.getsockname()[1] for each in sockets))
        finally:
            for each in sockets:
                each.close()


class House:
    """Starts and stops the processes. Use as a context manager, or `start` and `stop`."""

    def __init__(
        self, folder: Path, addresses: Addresses, environ: dict[str, str] | None = None, *, base: str = ""
    ) -> None:
        self.folder = folder
        self.base = base  # somebody else's FHIR server in the place of the open hospital's records
        self.addresses = addresses
        self._extra = environ or {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def environment(self) -> dict[str, str]:
        """The settings of this house; what the caller's environment sets wins (e.g. a PostgreSQL URL)."""
        secret = self.folder / "secret"
        if not secret.exists():
            secret.touch(mode=0o600)
            secret.write_text(secrets.token_urlsafe(48))
        ours = {
            "BASE_URL": self.addresses.app_base,
            "DATA": str(self.folder),
            "SECRET": secret.read_text(),
            "SMTP": f"127.0.0.1:{self.addresses.smtp}",
            "MAIL_FROM": "second-opinion@localhost",
            "PRACTICE": "1",
        }
        theirs = {k: v for k, v in os.environ.items() if k not in {PREFIX + name for name in ours}}
        return {
            **theirs,
            **{PREFIX + k: v for k, v in ours.items()},
            **self._extra,
            f"{PREFIX}PARENT": str(os.getpid()),
        }

    def start(self) -> None:
        """Start what is not running and wait until it answers. Raises HouseWontStart."""
        from smart_app.sandbox.directory import directory_toml

        self.folder.mkdir(parents=True, exist_ok=True)
        for name, port in (("app", self.addresses.app), ("EHR", self.addresses.ehr)):
            if _answers(port):
                raise HouseWontStart(
                    f"Port {port} ({name}) is taken by another program. Stop it, or choose others with --port."
                )
        (self.folder / "directory.toml").write_text(
            directory_toml(self.addresses.app_base, self.addresses.ehr, self.addresses.patient, base=self.base), "utf-8"
        )
        # The order keeps a second start short: the EHR loads while the tables are looked at, and nobody waits for the
        # worker, whose first work comes later.
        try:
            self.start_part("ehr")
            self._prepare()
            self.start_part("web")
            self.wait_for("web")
            self.wait_for("ehr")
            self.start_part("worker")
        except HouseWontStart:
            self.stop()
            raise

    def start_part(self, part: str) -> None:
        """Start one process; its output goes to a log file in the folder."""
        a = self.addresses
        arguments = {
            "ehr": [
                "sandbox",
                *("--folder", str(self.folder / "ehr"), "--app", a.app_base, "--port", str(a.ehr)),
                *("--patient-port", str(a.patient), "--smtp-port", str(a.smtp)),
                *(("--base", self.base) if self.base else ()),
            ],
            "web": ["serve", "--port", str(a.app)],
            "worker": ["worker"],
        }[part]
        log = (self.folder / f"{part}.log").open("ab")
        with log:
            self._processes[part] = subprocess.Popen(
                [sys.executable, "-m", "smart_app.cli", *arguments],
                env=self.environment(),
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C reaches us alone; we stop the parts in order
            )

    def kill_part(self, part: str) -> None:
        """kill -9, as a power cut would."""
        self._processes[part].kill()
        self._processes[part].wait()

    def stop(self) -> None:
        """Ask each part to end, then make it."""
        for process in self._processes.values():
            process.terminate()
        deadline = time.monotonic() + STOP_WITHIN
        for process in self._processes.values():
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._processes.clear()

    def dead(self) -> list[str]:
        """The parts that have ended by themselves."""
        return [part for part, process in self._processes.items() if process.poll() is not None]

    def _prepare(self) -> None:
        """Keys and tables, here and not in two more processes: a second start is to take seconds."""
        from launch.keys import Keys
        from smart_app.store import Store, StoreError

        settings = read_settings(self.environment())
        Keys.create(settings.data / "keys", *settings.secrets)
        try:
            store = Store(settings.database_url)
            store.migrate()
            store.close()
        except StoreError as problem:
            raise HouseWontStart(f"The database cannot be used: {problem}") from problem

    def wait_for(self, part: str) -> None:
        """Wait until that part answers. Raises HouseWontStart."""
        urls = {"web": f"{self.addresses.app_base}/healthz", "ehr": f"{self.addresses.ehr_base}/practice/state"}
        url = urls[part]
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline:
            if self._processes[part].poll() is not None:
                break
            try:
                if requests.get(url, timeout=2).ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.1)
        raise HouseWontStart(f"The {part} did not start. Its last words are in {self.folder / part}.log")

    def __enter__(self) -> House:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.3)
        return probe.connect_ex(("127.0.0.1", port)) == 0
