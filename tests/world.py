"""A whole product without network: real store, real archive, the practice chart in memory, and a clock one can move."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from imaging.archive import open_archive
from imaging.phantom import ct_study
from imaging.study import Person
from smart_app import refer, review, upload
from smart_app.case import Ask, Party, Patient
from smart_app.deliver import ACTIONS, Done, Later, Outcome, Parked
from smart_app.mail import Letter
from smart_app.ports import Ports
from smart_app.referral import Referral
from smart_app.sandbox.personality import EPIC, OPEN, ORACLE
from smart_app.sandbox.records import Records
from smart_app.settings import read_settings
from smart_app.sites import Directory, Organisation, Persona, Site
from smart_app.store import Owed, Store
from tests import once

EXPERT = Party("expert", "Dr Tobias Exemplar", "idp|exemplar", "northlight")
DESK = Party("operator", "Olga Desk", "idp|olga", "desk")
WORDS = {
    "answer": "Sclerosis is more likely.",
    "findings": "Small hippocampus.",
    "impression": "Hippocampal sclerosis.",
    "agreement": "5",
    "critical": "no",
}
TICKED = frozenset(review.CONFIRM)


class _Opened(dict[str, Records]):
    """A chart is made at its first use."""

    def __missing__(self, name: str) -> Records:
        self[name] = Records(next(kind for kind in (EPIC, ORACLE, OPEN) if kind.name == name))
        return self[name]


class Charts:
    """The practice charts in memory, whoever asks."""

    def __init__(self) -> None:
        self.records = _Opened()

    def system(self, site: str) -> Records:
        """That site's chart."""
        return self.records[site]

    def line(self, line_id: str) -> Records:
        """Not used here."""
        raise KeyError(line_id)


@dataclass
class World:
    """Ports, and short ways to bring a referral where a test wants it."""

    folder: Path
    now: datetime = datetime(2026, 11, 24, 9, tzinfo=UTC)
    letters: list[Letter] = field(default_factory=list)
    charts: Charts = field(default_factory=Charts)
    before: dict[str, set[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        settings = read_settings(
            {
                "SECOND_OPINION_BASE_URL": "http://localhost:1",
                "SECOND_OPINION_DATA": str(self.folder),
                "SECOND_OPINION_SECRET": "s" * 40,
                "SECOND_OPINION_PRACTICE": "1",
            }
        )
        store = Store(settings.database_url, now=lambda: self.now)
        once.migrate(store)
        sites = tuple(
            Site(name, f"{name} hospital", name, (Persona("system", "", "", ()),))
            for name in ("epic", "oracle", "open")
        )
        organisations = (
            Organisation("northlight", "Northlight Reading Panel", "", "", email="panel@northlight.example"),
            Organisation("desk", "Desk", "", "", role="operator", email="desk@example.org"),
        )
        self.ports = Ports(
            store=store,
            charts=self.charts,
            archive=open_archive(settings.archive),
            mail=self.letters.append,
            now=lambda: self.now,
            directory=Directory(sites, organisations),
            settings=settings,
        )

    def patient(self, site: str, *, language: str = "", email: str = "") -> Patient:
        """Somebody of that practice chart, with a visit."""
        chart = self.charts.records[site]
        for found in chart.search("Patient").entries:
            visits = chart.search("Encounter", patient=f"Patient/{found['id']}").entries
            name = found["name"][0]
            if visits and name.get("family") and found.get("birthDate"):
                return Patient(
                    f"Patient/{found['id']}",
                    name["family"],
                    tuple(name["given"]),
                    found["birthDate"],
                    found["gender"],
                    language=language,
                    email=email,
                )
        raise AssertionError("the practice has nobody with a visit")

    def ask(self, site: str = "open", ask: Ask | None = None, **about: Any) -> Referral:
        """A clinician's question."""
        patient = about.pop("patient", None) or self.patient(site, **about)
        doctor = Party("clinician", "Dr Ines Mockford", "")
        ask = ask or Ask("Is it a glioma?")
        referral = refer.open_referral(
            self.ports, doctor, site=site, patient=patient, ask=ask, organisation="northlight"
        )
        self.before[referral.id] = set(self.documents(site, patient.reference))
        return referral

    def images(self, person: Person, **study: Any) -> list[tuple[str, io.BytesIO]]:
        """Small files of that person."""
        about = {"study_date": "2026-11-03", "description": "Head CT", "series": 1, "slices": 2, "size": 16, **study}
        return [(f"IM{n}", io.BytesIO(content)) for n, content in enumerate(ct_study(person, **about))]

    def person(self, patient: Patient) -> Person:
        """The same person, as an imaging centre writes them."""
        sex = {"male": "M", "female": "F"}.get(patient.sex, "O")
        return Person(f"{patient.family}^{' '.join(patient.given)}", patient.birth_date, sex, "CENTRE-7")

    def give(self, referral: Referral, person: Person | None = None, **study: Any) -> None:
        """Images given and confirmed by the patient."""
        who = Party("patient", referral.patient.name, referral.patient.reference)
        person = person or self.person(referral.patient)
        upload.begin(self.ports, who, referral.id)
        upload.add_files(self.ports, who, referral.id, self.images(person, **study))
        upload.confirm(self.ports, who, referral.id, mine=True)

    def send(self, referral: Referral) -> None:
        """The patient presses send."""
        upload.send(self.ports, Party("patient", referral.patient.name, referral.patient.reference), referral.id)

    def reading(self, site: str = "open", ask: Ask | None = None, **about: Any) -> Referral:
        """With the expert, images open."""
        referral = self.ask(site, ask, **about)
        self.give(referral)
        self.send(referral)
        self.work()
        review.accept(self.ports, EXPERT, referral.id)
        return review.begin_reading(self.ports, EXPERT, referral.id)

    def signed(self, site: str = "open", **about: Any) -> Referral:
        """Signed, nothing filed yet."""
        referral = self.reading(site, **about)
        self.work()
        return review.sign(self.ports, EXPERT, referral.id, WORDS, TICKED)

    def get(self, referral: Referral) -> Referral:
        """As it stands now."""
        with self.ports.store.reading() as tx:
            return tx.referrals.get(referral.id)

    def owed(self, referral: Referral, action: str) -> Owed:
        """The newest row of that action."""
        with self.ports.store.reading() as tx:
            return [row for row in tx.outbox.of_referral(referral.id) if row.action == action][-1]

    def act(self, owed: Owed) -> Outcome:
        """Run one row, and record what came of it as the worker does."""
        outcome = ACTIONS[owed.action](self.ports, owed)
        with self.ports.store.transaction() as tx:
            if isinstance(outcome, Done):
                tx.outbox.done(owed.id, outcome.text)
            elif isinstance(outcome, Later):
                tx.outbox.later(owed.id, outcome.due, outcome.why)
            elif isinstance(outcome, Parked):
                tx.outbox.park(owed.id, outcome.reason)
        return outcome

    def work(self) -> list[tuple[str, Outcome]]:
        """Do everything that is owed now."""
        done: list[tuple[str, Outcome]] = []
        for _ in range(20):
            with self.ports.store.reading() as tx:
                ready = tx.outbox.ready(self.now)
            if not ready:
                break
            done += [(owed.action, self.act(owed)) for owed in ready]
        return done

    def later(self, **step: float) -> None:
        """Move the clock."""
        self.now += timedelta(**step)

    def documents(self, site: str, patient: str) -> dict[str, dict[str, Any]]:
        """Every document and report in that patient's chart, by id."""
        chart = self.charts.records[site]
        kinds = ("DiagnosticReport", "DocumentReference")
        return {e["id"]: e for kind in kinds for e in chart.search(kind, patient=patient).entries}

    def opinions_in(self, referral: Referral) -> list[dict[str, Any]]:
        """What came into that patient's chart since the question was asked."""
        now = self.documents(referral.site, referral.patient.reference)
        return [e for number, e in now.items() if number not in self.before[referral.id]]
