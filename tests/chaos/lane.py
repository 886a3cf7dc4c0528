"""One lane of trouble: an EHR behind the proxy, a database, and one worker process that is killed again and again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import TracebackType

import requests
from waitress.server import create_server

from smart_app.app import join, utc_now
from smart_app.case import Patient
from smart_app.deliver import settle
from smart_app.house import Addresses
from smart_app.practised import Chart
from smart_app.sandbox import directory_toml
from smart_app.sandbox.practice import end_serving
from smart_app.settings import PREFIX, read_settings
from smart_app.store import Owed
from smart_app.web import create_app
from tests.chaos.ehr import BEHIND
from tests.chaos.proxy import Plan, Proxy
from tests.staged import OPERATOR, staged

ROOT = Path(__file__).resolve().parents[2]


class Lane:
    """Use as a context manager. `database` is a URL, empty for SQLite in the folder."""

    def __init__(self, folder: Path, database: str = "") -> None:
        self.folder = folder
        self.addresses = Addresses.free()
        ours = {
            "BASE_URL": self.addresses.app_base,
            "DATA": str(folder),
            "SECRET": "s" * 40,
            "PRACTICE": "1",
            "DATABASE_URL": database,
        }
        self.environ = {**os.environ, **{PREFIX + name: value for name, value in ours.items() if value}}
        self._ehr: subprocess.Popen[bytes] | None = None
        self._worker: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Lane:
        """Start everything but the worker."""
        self.folder.mkdir(parents=True, exist_ok=True)
        a = self.addresses
        (self.folder / "directory.toml").write_text(directory_toml(a.app_base, a.ehr, a.patient), "utf-8")
        self._ehr = self._run("ehr", str(self.folder / "ehr"), a.app_base, str(a.ehr), str(a.patient))
        settings = read_settings(self.environ)
        self.ports = join(settings)
        self.ports.store.migrate()
        app = create_app(settings, self.ports)  # it serves the keys that the EHR checks our signature with
        app.config["WAKE_WORKER"] = False
        self._web = create_server(app, host="127.0.0.1", port=a.app, threads=4)
        threading.Thread(target=self._web.run, daemon=True).start()
        self.proxy = Proxy(a.ehr, a.patient)
        self._wait_for_ehr()
        self.start_worker()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End everything."""
        for process in (self._worker, self._ehr):
            if process is not None:
                process.kill()
                process.wait()
        self.proxy.stop()
        end_serving(self._web)
        self.ports.store.close()

    def owe_opinion(self, ehr: str) -> tuple[str, str, str]:
        """A referral with a signed opinion that is owed to that chart. Answers referral, row and patient."""
        chart = Chart(f"http://{BEHIND}:{self.addresses.ehr}", ehr)
        made = chart._post("patients", {"family": "Chaos", "given": "Casey", "birth_date": "1990-01-01"})
        patient = Patient(f"Patient/{made['id']}", "Chaos", ("Casey",), "1990-01-01", "", "")
        encounter = f"Encounter/{made['encounter']}" if made.get("encounter") else ""
        referral = staged("signed", utc_now() - timedelta(days=2), id=uuid.uuid4().hex, patient=patient)
        referral = replace(referral, site=ehr, encounter=encounter)
        with self.ports.store.transaction() as tx:
            tx.referrals.add(referral)
            row = tx.outbox.owe(referral.id, "file_opinion", due=utc_now(), version=1)
        return referral.id, row, patient.reference

    def row(self, row_id: str) -> Owed:
        """The outbox row as it is now."""
        with self.ports.store.reading() as tx:
            return tx.outbox.get(row_id)

    def all_rows(self, referral_id: str) -> list[Owed]:
        """Every parked filing of this referral."""
        with self.ports.store.reading() as tx:
            rows = tx.outbox.of_referral(referral_id)
        return [row for row in rows if row.action == "file_opinion"]

    def in_chart(self, ehr: str, patient: str) -> list[str]:
        """The opinions that stand in the chart, asked of the EHR itself, past the proxy."""
        return Chart(f"http://{BEHIND}:{self.addresses.ehr}", ehr).documents(patient)

    def ended(self, row_id: str, seconds: float = 45.0) -> Owed:
        """Wait until the row is done or parked. Raises AssertionError where it is neither."""
        deadline = time.monotonic() + seconds
        row = self.row(row_id)
        while row.state == "owed":
            assert time.monotonic() < deadline, f"still owed after {seconds:.0f} s: {row.reason or 'no reason'}"
            time.sleep(0.05)
            row = self.row(row_id)
        return row

    def settle(self, row: Owed, there: list[str]) -> None:
        """A person looks into the chart and says what is there, or sends again."""
        if there:
            settle.it_is_there(self.ports, OPERATOR, row.id, there[0])
        else:
            settle.send_again(self.ports, OPERATOR, row.id)

    def start_worker(self) -> None:
        """The worker, with short waits."""
        self._worker = self._run("worker")

    def kill_worker(self) -> None:
        """SIGKILL, as a power cut would."""
        assert self._worker is not None
        self._worker.send_signal(signal.SIGKILL)
        self._worker.wait()

    def plan(self, plan: Plan) -> None:
        """What goes wrong from now on."""
        self.proxy.plan = plan

    def _run(self, part: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{part}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", f"tests.chaos.{part}", *arguments],
                cwd=ROOT,
                env=self.environ,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )

    def _wait_for_ehr(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            with suppress(requests.RequestException):
                if requests.get(f"http://{BEHIND}:{self.addresses.ehr}/practice/state", timeout=2).ok:
                    return
            time.sleep(0.1)
        raise RuntimeError(f"the practice EHR did not start; see {self.folder / 'ehr.log'}")
