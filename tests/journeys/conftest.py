"""The whole house, really running, and the people who walk through it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from imaging.phantom import ct_study
from imaging.study import Person
from smart_app.house import Addresses, House
from smart_app.played import Clinician, Expert, Operator, Patient
from smart_app.practised import Chart

WHO = Person(name="Samplewright^Marisol", birth_date="1992-03-14", sex="F", id="TST-0048213")


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One running house for all journeys of this process."""
    with House(tmp_path_factory.mktemp("house"), Addresses.free()) as running:
        yield running


@pytest.fixture(scope="session")
def disc(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A small CT of WHO, as files."""
    folder = tmp_path_factory.mktemp("disc")
    paths = []
    for number, content in enumerate(ct_study(WHO, study_date="2026-11-03", description="Head CT", series=2, slices=3)):
        paths.append(folder / f"IM{number:04d}")
        paths[-1].write_bytes(content)
    return paths


def until(look: Callable[[], object], wanted: object, seconds: float = 40.0) -> None:
    """Look again and again; fail with what was seen last."""
    deadline = time.monotonic() + seconds
    seen = look()
    while seen != wanted:
        assert time.monotonic() < deadline, f"still {seen!r}, wanted {wanted!r}"
        time.sleep(0.2)
        seen = look()


@dataclass
class Round:
    """One referral on its way, and everybody in it."""

    house: House
    ehr: str
    chart: Chart
    patient_id: str
    clinician: Clinician
    patient: Patient
    expert: Expert | None = None

    def to_expert(self, disc: list[Path]) -> None:
        """Images given, confirmed, sent and stored."""
        self.patient.tell()
        self.patient.give(disc, None)
        self.patient.confirm()
        self.patient.send()
        until(self.patient.status, "sent")

    def to_reading(self) -> Expert:
        """The expert has the case open."""
        self.expert = Expert(self.house.addresses.app_base, "northlight")
        self.expert.accept(self.clinician.referral)
        self.expert.look()
        return self.expert

    def status(self) -> str:
        """As the clinician sees it; a note that waits in the chart is signed there."""
        state = self.clinician.state()
        if state.get("waiting_note"):
            self.chart.sign_note(state["waiting_note"]["resource"])
        return str(state["status"])

    def operator(self) -> Operator:
        """Somebody at the desk."""
        return Operator(self.house.addresses.app_base)


def begin_round(house: House, ehr: str, who: Person = WHO, *, other: bool = False) -> Round:
    """A referral that was just asked for, in that kind of chart; `other` makes the chart's patient somebody else."""
    chart = Chart(house.addresses.ehr_base, ehr)
    patient_id = chart.add_patient(who, other=other)
    clinician = Clinician(chart.launch(patient_id, "clinician"))
    clinician.ask("Is the second reader of the same mind?")
    return Round(house, ehr, chart, patient_id, clinician, Patient(chart.launch(patient_id, "patient")))


@pytest.fixture
def begin(house: House) -> Callable[..., Round]:
    """Begin a referral in the house that all journeys share."""
    return partial(begin_round, house)
