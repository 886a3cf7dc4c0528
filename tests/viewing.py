"""A stored case, an app that shows it, and lines that may and may not look: for the tests of the viewer."""

from __future__ import annotations

import io
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from flask import Flask
from waitress.server import create_server

from imaging.archive import Shelf, open_archive
from imaging.phantom import ct_study
from imaging.study import Person
from launch.keys import Keys
from smart_app.case import Ask, Party, Patient, SeriesNote, StudyNote
from smart_app.mail import Letter
from smart_app.ports import Ports
from smart_app.referral import Referral, Status
from smart_app.sandbox.practice import end_serving
from smart_app.settings import default_viewer, read_settings
from smart_app.sites import Directory
from smart_app.store import Line, Store
from smart_app.web import create_app
from smart_app.web.sessions import COOKIE
from tests import once

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PERSON = Person(name="Samplewright^Marisol", birth_date="1992-03-14", sex="F", id="OUT-77")
PATIENT = Patient("Patient/1", "Samplewright", ("Marisol", "Testa"), "1992-03-14", "female", "TST-0048213")
CLINICIAN = Party("clinician", "Ines Mockford", "Practitioner/1")
EXPERT = Party("expert", "Noor Exemplar", "https://experts.invalid|7")
OTHER_EXPERT = Party("expert", "Second Exemplar", "https://experts.invalid|8")
PARTIES = {
    "expert": EXPERT,
    "clinician": CLINICIAN,
    "patient": Party("patient", "Marisol Testa Samplewright", PATIENT.reference),
    "operator": Party("operator", "Ola Example", "https://operations.invalid|1"),
}
COMPARED = ({"field": "birth_date", "chart": "1992-03-14", "images": "1992-03-14", "result": "match"},)
SYSTEM = Party("system", "Second Opinion")


class NoCharts:
    """No chart is opened to look at images."""

    def system(self, site: str):
        raise AssertionError("a chart was opened")

    def line(self, line_id: str):
        raise AssertionError("a chart was opened")


@dataclass
class House:
    """The app, its store, and one sent referral with two studies on its shelf."""

    app: Flask
    ports: Ports
    browser: str
    referral: Referral
    time: datetime = NOW

    @property
    def shelf(self) -> Shelf:
        """The images of the referral."""
        return self.ports.archive.shelf(self.referral.id)

    def line(self, kind: str = "expert", party: Party | None = None, browser: str = "", **more: str) -> Line:
        """A line of that kind, of the house's browser unless another is named."""
        place = {
            "expert": {"organisation": "reading-room"},
            "operator": {"organisation": "operations"},
            "clinician": {"site": "harbour", "patient": PATIENT.reference},
            "patient": {"site": "harbour", "patient": PATIENT.reference},
        }[kind]
        with self.ports.store.transaction() as tx:
            return tx.sessions.add_line(
                browser or self.browser,
                kind,
                party or PARTIES[kind],
                expires=NOW + timedelta(hours=8),
                **{**place, **more},
            )

    def change(self, **fields: object) -> None:
        """Save the referral with other values."""
        with self.ports.store.transaction() as tx:
            self.referral = tx.referrals.save(replace(tx.referrals.get(self.referral.id), **fields))

    def root(self, line: Line) -> str:
        """The DICOMweb root of the referral on that line."""
        return f"/dicomweb/{line.id}/{self.referral.id}/studies"

    @property
    def uids(self) -> list[str]:
        """The Study Instance UIDs of the referral."""
        return [note.study_instance_uid for note in self.referral.studies]


def open_house(folder: Path, files: list[bytes] | None = None, viewer: Path | None = None) -> House:
    """An app over a new store and archive in that folder, with the files stored and the referral sent."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = read_settings(
        {
            "SECOND_OPINION_BASE_URL": "http://localhost",
            "SECOND_OPINION_DATA": str(folder),
            "SECOND_OPINION_SECRET": "s" * 40,
            "SECOND_OPINION_PRACTICE": "1",
            "SECOND_OPINION_VIEWER": str(viewer or default_viewer()),
        }
    )
    houses: list[House] = []

    def now() -> datetime:
        return houses[0].time if houses else NOW

    (folder / "keys").mkdir(mode=0o700)
    for name, content in made_keys().items():
        (folder / "keys" / name).touch(mode=0o600)
        (folder / "keys" / name).write_bytes(content)
    store = Store(settings.database_url, now=now)
    once.migrate(store)
    sent: list[Letter] = []
    ports = Ports(store, NoCharts(), open_archive(settings.archive), sent.append, now, Directory(), settings)
    referral = Referral(
        "11111111-2222-4333-8444-555555555555",
        "harbour",
        PATIENT,
        CLINICIAN,
        Ask("Is it growing?"),
        "reading-room",
        NOW,
        Status.GATHERING,
    )
    shelf = ports.archive.shelf(referral.id)
    for content in two_studies() if files is None else files:
        assert shelf.put(io.BytesIO(content)).outcome == "stored"
    referral = referral.send(SYSTEM, NOW, notes(shelf), (), COMPARED)
    with store.transaction() as tx:
        tx.referrals.add(referral)
        browser = tx.sessions.open_browser(NOW)
    houses.append(House(create_app(settings, ports), ports, browser, referral))
    return houses[0]


@cache
def made_keys() -> dict[str, bytes]:
    """One pair of keys for every house: making them takes longer than all the rest."""
    with tempfile.TemporaryDirectory() as folder:
        Keys.create(Path(folder))
        return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


@cache
def two_studies(size: int = 64, slices: int = 3) -> list[bytes]:
    """A study and an earlier one, of the same person."""
    new = ct_study(PERSON, study_date="2026-02-20", description="CT head", series=2, slices=slices, size=size)
    return new + ct_study(PERSON, study_date="2025-06-12", description="CT head", series=1, slices=2, size=size)


def notes(shelf: Shelf) -> tuple[StudyNote, ...]:
    """What the referral says of the shelf."""
    return tuple(
        StudyNote(
            study.study_instance_uid,
            study.started,
            study.description,
            modalities=study.modalities,
            series=tuple(
                SeriesNote(s.series_instance_uid, s.modality, s.number, s.description, instances=s.instances)
                for s in study.series
            ),
        )
        for study in sorted(shelf.studies(), key=lambda s: s.date, reverse=True)
    )


@contextmanager
def served(house: House) -> Iterator[str]:
    """The house on a free loopback port, by the production server; its address."""
    server = create_server(house.app, host="127.0.0.1", port=0, threads=8)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.effective_port}"
    finally:
        end_serving(server)
        thread.join(5)


__all__ = ["COOKIE", "EXPERT", "House", "open_house", "served"]
