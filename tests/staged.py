"""The app beside a practice EHR in this process, and referrals brought to any point of their way by their own rules."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

import requests
from flask import Flask
from waitress.server import create_server

from smart_app.app import join
from smart_app.case import (
    Acknowledgement,
    Agreement,
    Ask,
    Change,
    Filing,
    FoundFile,
    NextStep,
    Opinion,
    Party,
    Patient,
    PersonSeen,
    PriorReport,
    SeriesNote,
    Side,
    StudyNote,
    Upload,
    Urgency,
)
from smart_app.ports import Ports
from smart_app.referral import Referral
from smart_app.sandbox import Practice, directory_toml
from smart_app.sandbox.practice import end_serving
from smart_app.settings import read_settings
from smart_app.store import Line
from smart_app.web import create_app
from smart_app.web.sessions import COOKIE

PATIENT = Patient(
    "Patient/staged",
    "Samplewright",
    ("Marisol", "Testa"),
    "1992-03-14",
    "female",
    "TST-0048213",
    email="marisol@mail.example",
)
CLINICIAN = Party("clinician", "Dr Ines Mockford", "Practitioner/mockford", "Cedar Open Infirmary")
EXPERT = Party("expert", "Dr Tobias Exemplar", "https://readers.example|7", "Northlight Imaging Opinions")
OPERATOR = Party("operator", "R. Fixture", "https://desk.example|1", "Desk")
SYSTEM = Party("system", "Second Opinion")
QUESTION = "Is the LEFT medial temporal change a low-grade glioma, or could it be hippocampal sclerosis?"
ROWS = (
    {"field": "birth_date", "chart": "1992-03-14", "images": "1992-03-14", "result": "match"},
    {"field": "name", "chart": "SAMPLEWRIGHT, Marisol Testa", "images": "SAMPLEWRIGHT^MARISOL", "result": "variant"},
    {"field": "sex", "chart": "female", "images": "F", "result": "match"},
    {"field": "id", "chart": "TST-0048213", "images": "", "result": "absent"},
)
CONFLICT = (
    {"field": "birth_date", "chart": "1992-03-14", "images": "1968-03-14", "result": "conflict"},
    {"field": "name", "chart": "SAMPLEWRIGHT, Marisol Testa", "images": "SAMPLEWRIGHT^MARIA", "result": "conflict"},
    *ROWS[2:],
)
STUDY = StudyNote(
    "2.25.101",
    started="2026-11-03T09:20:00+00:00",
    description="MRI brain, with and without contrast",
    institution="Harbour Sample Imaging",
    modalities=("MR",),
    series=(SeriesNote("2.25.102", "MR", 1, "FLAIR", instances=(("2.25.103", "1.2.840.10008.5.1.4.1.1.4", 1),)),),
)


def opinion(version: int, at: datetime, **words: Any) -> Opinion:
    """A finished opinion of EXPERT."""
    said: dict[str, Any] = {
        "answer": "Hippocampal sclerosis is much more likely. These images do not support a biopsy.",
        "findings": "The LEFT hippocampus is small, not enlarged, and has lost its inner layers. No mass effect.",
        "impression": "LEFT hippocampal sclerosis. Unchanged since June 2025.",
        "agreement": Agreement.IMPORTANT_INTERPRETATION,
        "recommendation": "MRI with epilepsy protocol. Epilepsy conference before any tissue sampling.",
        "limits": "No thin coronal T2 in the outside study.",
        "plain_words": "The expert thinks it is an old scar.",
        "studies": (STUDY.study_instance_uid,),
    }
    return Opinion(version=version, signed_by=EXPERT, signed_at=at, **{**said, **words})


def staged(status: str, begun: datetime, **changes: Any) -> Referral:
    """A referral that has come as far as `status`, step by step, beginning at that time.

    Beside the statuses: "unsigned" (a note waits in the chart) and "corrected" (version 2 after version 1 was read).
    """
    ask = Ask(QUESTION, Urgency.ROUTINE, "neuro", Side.LEFT, "Brain", "Biopsy is planned for 8 December.", "Seizures.")
    referral = Referral(changes.pop("id"), "open", PATIENT, CLINICIAN, ask, "northlight", begun)
    referral = replace(referral, **changes)
    way = _way(referral, begun)
    for name, step in way:
        referral = step(referral)
        if name == status:
            return referral
    return _aside(status, referral, begun)


def _way(first: Referral, begun: datetime) -> list[tuple[str, Callable[[Referral], Referral]]]:
    def at(hours: float) -> datetime:
        return begun + timedelta(hours=hours)

    report = PriorReport("Report of 4 November", "application/pdf", "0" * 64, 84_000)
    return [
        ("gathering", lambda r: r.gather(first.requester, at(0))),
        ("sent", lambda r: r.send(SYSTEM, at(2), (STUDY,), (report,), ROWS)),
        ("accepted", lambda r: r.accept(EXPERT, at(4))),
        ("reading", lambda r: r.begin_reading(EXPERT, at(5))),
        ("question", lambda r: r.ask_back(EXPERT, at(6), "Any steroid in the four weeks before 3 November?")),
        ("answered", lambda r: r.answer(first.requester, at(8), "No. None since June 2025.")),
        ("signed", lambda r: r.sign(opinion(1, at(26)), at(26))),
        ("delivered", lambda r: r.deliver(Filing(1, "DiagnosticReport/1", at(27), "DiagnosticReport"), SYSTEM, at(27))),
        ("seen", lambda r: r.acknowledge(Acknowledgement(1, CLINICIAN, at(28), NextStep.PLAN_CHANGES, "No biopsy."))),
        ("corrected", lambda r: r.revise(_second(at(30)), at(30))),
    ]


def _second(at: datetime) -> Opinion:
    return opinion(
        2,
        at,
        impression="LEFT hippocampal sclerosis. Unchanged since 12 June 2025.",
        change=Change.CORRECTED,
        change_reason="The comparison date is 12 June 2025, not 12 January 2025. The conclusion is the same.",
    )


def _aside(status: str, seen: Referral, begun: datetime) -> Referral:
    """What lies beside the way."""
    later = begun + timedelta(hours=31)
    if status == "returned":
        return staged("sent", begun, id=seen.id).decline(EXPERT, later, "Not enough images: 1 of 6 series.")
    if status == "withdrawn":
        return staged("sent", begun, id=seen.id).withdraw(CLINICIAN, later, "The patient went elsewhere.")
    if status == "quarantined":
        return staged("delivered", begun, id=seen.id).hold(CLINICIAN, later, "The face is another person's.")
    if status == "in-error":
        return staged("delivered", begun, id=seen.id).retract(EXPERT, later, "Written for another request.")
    if status == "unsigned":
        note = Filing(1, "DocumentReference/7", later, "DocumentReference", unsigned=True)
        return staged("signed", begun, id=seen.id).file_unsigned(note, SYSTEM, later)
    raise AssertionError(f"nobody stages {status!r}")


def conflicting_upload(referral_id: str) -> Upload:
    """Files of somebody else, stopped at the gate."""
    person = PersonSeen("SAMPLEWRIGHT^MARIA", "1968-03-14", "F", "HS-99120")
    files = (FoundFile("IM1", "image", 5000, key="k", person=0, study_instance_uid="2.25.9"),)
    return Upload(f"upload-of-{referral_id}", referral_id, "show", files, (person,), None, "wrong-patient", CONFLICT)


def renamed_upload(referral_id: str) -> Upload:
    """Files of the same person under the name she had before, stopped at the gate."""
    person = PersonSeen("FORMERLY^MARISOL", PATIENT.birth_date, "F", "HS-99120")
    files = (FoundFile("IM1", "image", 5000, key="k", person=0, study_instance_uid="2.25.9", series_instance_uid="1"),)
    rows = ({**CONFLICT[0], "images": "1992-03-14", "result": "match"}, {**CONFLICT[1], "images": person.name})
    return Upload(
        f"upload-of-{referral_id}", referral_id, "show", files, (person,), person, "wrong-patient", (*rows, *ROWS[2:])
    )


@dataclass
class Town(AbstractContextManager["Town"]):
    """The practice EHR, and our app over a new store: one process, two sites (127.0.0.1 and localhost)."""

    folder: Path
    port: int = field(default_factory=lambda: _free_port())
    more: str = ""  # added to the directory file

    def __post_init__(self) -> None:
        self.base = f"http://localhost:{self.port}"
        self.practice = Practice(self.folder / "ehr", app_base=self.base, smtp_port=0)
        self._count = 0

    def __enter__(self) -> Town:
        """Start both."""
        self.practice.start()
        (self.folder / "directory.toml").write_text(
            directory_toml(self.base, self.practice.port, self.practice.patient_port) + self.more, "utf-8"
        )
        settings = read_settings(
            {
                "SECOND_OPINION_BASE_URL": self.base,
                "SECOND_OPINION_DATA": str(self.folder),
                "SECOND_OPINION_SECRET": "s" * 40,
                "SECOND_OPINION_PRACTICE": "1",
            }
        )
        self.ports: Ports = join(settings)
        self.ports.store.migrate()
        self.app: Flask = create_app(settings, self.ports)
        self.app.config["WAKE_WORKER"] = False
        self._server = create_server(self.app, host="127.0.0.1", port=self.port, threads=6)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop both."""
        end_serving(self._server)
        self._thread.join(timeout=5)
        self.practice.stop()
        self.ports.store.close()

    # -- the EHR -----------------------------------------------------------------------------------------------------

    def launch_url(self, audience: str = "clinician", ehr: str = "open", **person: Any) -> str:
        """Press the button in a chart or portal: the address the EHR opens. `person` overrides the chart's facts."""
        facts = {
            "family": PATIENT.family,
            "given": "Marisol Testa",
            "birth_date": PATIENT.birth_date,
            "sex": PATIENT.sex,
            "mrn": PATIENT.mrn,
            "email": PATIENT.email,
        }
        root = f"{self.practice.origin}/practice/{ehr}"
        made = requests.post(f"{root}/patients", json={**facts, **person}, timeout=10).json()
        asked = {"patient": made["id"], "audience": audience}
        return str(requests.post(f"{root}/launches", json=asked, timeout=10).json()["launch_url"])

    # -- our own records ---------------------------------------------------------------------------------------------

    def referral(self, status: str, **changes: Any) -> Referral:
        """A saved referral at that point of its way, begun a while ago."""
        self._count += 1
        begun = changes.pop("begun", self.ports.now() - timedelta(hours=40)).astimezone(UTC)
        made = staged(status, begun, id=f"00000000-0000-4000-8000-{self._count:012d}", **changes)
        with self.ports.store.transaction() as tx:
            tx.referrals.add(made)
        return made

    def add(self, upload: Upload) -> None:
        """Keep an upload beside its referral."""
        with self.ports.store.transaction() as tx:
            tx.uploads.add(upload)

    def line(self, kind: str = "clinician", browser: str = "", **more: Any) -> tuple[Line, str]:
        """An open line and the browser id of its cookie."""
        place: dict[str, Any] = {
            "clinician": {"site": "open", "patient": PATIENT.reference},
            "patient": {"site": "open", "patient": PATIENT.reference},
            "expert": {"organisation": "northlight"},
            "operator": {"organisation": "desk"},
        }[kind]
        party = {"clinician": CLINICIAN, "expert": EXPERT, "operator": OPERATOR}.get(kind) or Party(
            "patient", PATIENT.name, PATIENT.reference
        )
        now = self.ports.now()
        context = {"patient": {**PATIENT.__dict__, "given": list(PATIENT.given)}, "iss": "https://ehr.example"}
        if kind == "expert":  # has just signed in
            context = {"proven": now.isoformat()}
        with self.ports.store.transaction() as tx:
            browser = browser or tx.sessions.open_browser(now)
            given = {"party": party, "expires": now + timedelta(hours=8), "context": context, **place, **more}
            line = tx.sessions.add_line(browser, kind, given.pop("party"), **given)
        return line, browser

    def cookie(self, browser: str) -> dict[str, Any]:
        """The cookie as playwright's `add_cookies` takes it."""
        url = self.base.replace("http:", "https:")
        return {"name": COOKIE, "value": browser, "url": url, "secure": True, "httpOnly": True, "sameSite": "Lax"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
