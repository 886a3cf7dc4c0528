"""A `Web` with staged referrals of one patient, and a clinician who has sat down for that patient."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from smart_app.ports import Ports
from smart_app.referral import Referral
from smart_app.store import Line
from tests.staged import CLINICIAN, PATIENT, staged
from tests.web import Web


@dataclass
class Desk:
    """The app, and the browser of somebody who works at it."""

    folder: Path
    web: Web = field(init=False)
    count: int = 0

    def __post_init__(self) -> None:
        self.web = Web(self.folder)
        self.browser = self.web.browser()

    @property
    def app(self) -> Flask:
        """The application."""
        return self.web.app

    @property
    def ports(self) -> Ports:
        """Its ports."""
        return self.web.world.ports

    @property
    def now(self) -> datetime:
        """The time of its clock."""
        return self.web.world.now

    def client(self) -> FlaskClient:
        """The browser."""
        return self.web.client(self.browser)

    def line(self, **more: Any) -> Line:
        """A clinician's open line for the staged patient."""
        context = {"patient": {**PATIENT.__dict__, "given": list(PATIENT.given)}, "iss": "https://ehr.example"}
        given = {"patient": PATIENT.reference, "party": CLINICIAN, "context": context, **more}
        return self.web.line("clinician", self.browser, **given)

    def csrf(self, line: Line) -> str:
        """The proof for forms of that line."""
        return self.web.csrf(self.client(), line)

    def referral(self, status: str) -> Referral:
        """A saved referral that has come that far, begun 40 hours ago."""
        self.count += 1
        made = staged(status, self.now - timedelta(hours=40), id=f"11111111-0000-4000-8000-{self.count:012d}")
        with self.ports.store.transaction() as tx:
            tx.referrals.add(made)
        return made

    def close(self) -> None:
        """Let go of the files."""
        self.web.close()
