"""`second-opinion play`: one referral all the way round, by the same HTTP routes as people use, and without hands."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from imaging.errors import ImagingError
from smart_app.checking import NotAnAddress, check_server
from smart_app.house import Addresses, House, HouseWontStart
from smart_app.played import Clinician, Expert, Images, Operator, Patient, StepFailed, images_in
from smart_app.practised import Chart
from smart_app.settings import PREFIX

WAIT = 90.0  # seconds for the worker to do what is owed


class Loop:
    """The steps taken so far, with their times; what is printed and what is answered."""

    def __init__(self, ehr: str, *, quiet: bool) -> None:
        self.ehr = ehr
        self.steps: list[dict[str, Any]] = []
        self.answer: dict[str, Any] = {"ehr": ehr, "status": "", "referral_id": "", "chart_resource": ""}
        self._stream = sys.stderr if quiet else sys.stdout

    def say(self, text: str) -> None:
        """One line for the person who watches."""
        print(text, file=self._stream, flush=True)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """One named step; its time is kept even when it fails."""
        begun = time.monotonic()
        try:
            yield
        except StepFailed as failed:
            failed.step = failed.step or name
            raise
        finally:
            seconds = round(time.monotonic() - begun, 3)
            self.steps.append({"name": name, "seconds": seconds})
        self.say(f"  {name:<34} {seconds:7.2f} s")

    def whole(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**self.answer, "steps": self.steps}


def play_referral(
    ehr: str,
    dicom: Path,
    *,
    report: Path | None = None,
    scenario: str | None = None,
    as_json: bool = False,
    base: str = "",
    token: str = "",
) -> int:
    """Play it and answer the exit status: 0 when the opinion was read, 3 when a gate stopped it, 1 otherwise.

    With `base` the records are those of that FHIR server, and the practice's sign-in stands in front of it.
    """
    loop = Loop(ehr, quiet=as_json)
    status = 1
    try:
        if base:
            with loop.step("ask the server"):
                base = _playable(base, token)
        with loop.step("read the images"):
            images = images_in(dicom)
        with tempfile.TemporaryDirectory(prefix="second-opinion-") as folder:
            house = House(Path(folder), Addresses.free(), {f"{PREFIX}TOKEN": token} if token else {}, base=base)
            with loop.step("start the house"):
                house.start()
            try:
                _walk(loop, house, images, report, scenario)
                status = 0
            finally:
                house.stop()
    except StepFailed as failed:
        status = 3 if failed.why else 1
        loop.answer["stopped"] = {"step": failed.step, "why": failed.why, "text": str(failed)}
        print(f"Stopped at “{failed.step}”: {failed}", file=sys.stderr)
    except (HouseWontStart, ImagingError) as problem:
        loop.answer["stopped"] = {"step": loop.steps[-1]["name"], "why": "", "text": str(problem)}
        print(f"Stopped at “{loop.steps[-1]['name']}”: {problem}", file=sys.stderr)
    if as_json:
        print(json.dumps(loop.whole(), indent=2, ensure_ascii=False))
    return status


def _playable(base: str, token: str) -> str:
    """The address, if a referral can be played there at all. Raises StepFailed saying what is missing."""
    try:
        report = check_server(base, token=token)
    except NotAnAddress as problem:
        raise StepFailed(str(problem)) from problem
    faults = [text for severity, text in report.findings if severity == "error"]
    if not report.heard or (faults and report.chosen == "held"):
        raise StepFailed(" ".join(faults))
    return report.base


def _walk(loop: Loop, house: House, images: Images, report: Path | None, scenario: str | None) -> None:
    a = house.addresses
    chart = Chart(a.ehr_base, loop.ehr)
    with loop.step("open the chart"):
        patient_id = chart.add_patient(images.person, other=scenario == "wrong-patient")
        clinician = Clinician(chart.launch(patient_id, "clinician"))
    with loop.step("ask the question"):
        loop.answer["referral_id"] = clinician.ask("Does the second reader agree with the first report?")
    with loop.step("launch from the portal"):
        patient = Patient(chart.launch(patient_id, "patient"))
        patient.tell()
    with loop.step("give the images"):
        patient.give(images.files, report, stranger=scenario == "two-people")
    with loop.step("check and send"):
        loop.answer["status"] = patient.status()
        patient.confirm()
        patient.send()
    with loop.step("store the images"):
        _until(loop, patient.status, {"sent"}, house)
    expert = Expert(a.app_base, "northlight")
    with loop.step("accept the case"):
        expert.accept(loop.answer["referral_id"])
    with loop.step("look at the images"):
        expert.look()
    if scenario in ("answer-lost", "ehr-down"):
        chart.scenario(patient_id, scenario)
    with loop.step("sign the opinion"):
        expert.sign()
    with loop.step("file it in the chart"):
        _file(loop, house, chart, clinician, patient_id, scenario)
    with loop.step("read it"):
        clinician.acknowledge()
    _collect(loop, clinician, chart, patient_id)


def _file(loop: Loop, house: House, chart: Chart, clinician: Clinician, patient_id: str, scenario: str | None) -> None:
    """Until the chart has it: by itself, or by the acts a person would take (sign the note, settle what is parked)."""
    down_since = time.monotonic()
    operator: Operator | None = None

    def standing() -> str:
        nonlocal operator, scenario
        if scenario == "ehr-down" and time.monotonic() - down_since > 3:
            chart.scenario(patient_id, None)
            scenario = None
            loop.say("    the EHR is back")
        state = clinician.state()
        if state.get("waiting_note"):
            chart.sign_note(state["waiting_note"]["resource"])
        elif state.get("parked") and operator is None:
            operator = Operator(house.addresses.app_base)
            written = chart.documents(patient_id)
            if not written:
                raise StepFailed(str(state["parked"][0]["reason"]))
            loop.say(f"    parked: {state['parked'][0]['reason']}")
            loop.say(f"    the operator looked and found {written[-1]}")
            operator.it_is_there(loop.answer["referral_id"], written[-1])
        return str(state["status"])

    _until(loop, standing, {"delivered"}, house)


def _until(loop: Loop, look: Callable[[], str], wanted: set[str], house: House) -> None:
    deadline = time.monotonic() + WAIT
    while time.monotonic() < deadline:
        loop.answer["status"] = look()
        if loop.answer["status"] in wanted:
            return
        if house.dead():
            raise StepFailed(f"The {house.dead()[0]} ended by itself.")
        time.sleep(0.25)
    raise StepFailed(f"Nothing came of it within {WAIT:.0f} seconds; the referral is “{loop.answer['status']}”.")


def _collect(loop: Loop, clinician: Clinician, chart: Chart, patient_id: str) -> None:
    state = clinician.state()
    loop.answer["status"] = state["status"]
    loop.answer["chart_resource"] = state["filings"][-1]["resource"]
    written = chart.documents(patient_id)
    if written.count(loop.answer["chart_resource"]) != 1 or len(written) != 1:
        raise StepFailed(f"The chart holds {len(written)} opinions instead of one.")
    names = {
        "ServiceRequest": "service_request",
        "ImagingStudy": "imaging_study",
        "Task": "task",
        "DiagnosticReport": "diagnostic_report",
    }
    for entry in clinician.record()["entry"]:
        name = names.get(entry["resource"]["resourceType"])
        if name:
            loop.answer.setdefault(name, entry["resource"])
    loop.say(f"The opinion stands in the {loop.ehr} chart as {loop.answer['chart_resource']}, and was read.")
