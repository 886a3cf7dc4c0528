"""A whole referral whose open chart is a real HAPI: filed once, mirrored in step, conflicts told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests

from fhir.chart import FhirChart, Written
from fhir.errors import ChartConflict
from smart_app import refer, review
from smart_app.case import Ask, NextStep, Party, Patient
from smart_app.deliver import Parked
from tests.world import EXPERT, TICKED, WORDS, World

pytestmark = [pytest.mark.interop, pytest.mark.timeout(300)]

DOCTOR = Party("clinician", "Dr Ines Mockford", "")


@pytest.fixture
def world(hapi: str, tmp_path: Path) -> Iterator[World]:
    """The product as it is, its open site's chart the real server."""
    with requests.Session() as session:
        made = World(tmp_path)
        made.charts.records["open"] = FhirChart(hapi, session, timeout=60)  # type: ignore[assignment]
        yield made
        made.ports.store.close()


@pytest.fixture
def chart(world: World) -> FhirChart:
    return world.ports.charts.system("open")  # type: ignore[return-value]


@pytest.fixture
def patient(chart: FhirChart) -> Patient:
    """Somebody new in that chart."""
    name = {"family": "Ødegård", "given": ["Zoë", "Mae"]}
    about: dict[str, Any] = {"resourceType": "Patient", "name": [name], "birthDate": "1961-02-03", "gender": "female"}
    return Patient(chart.create(about).reference, "Ødegård", ("Zoë", "Mae"), "1961-02-03", "female")


def held(chart: FhirChart, patient: Patient, kind: str) -> list[dict[str, Any]]:
    """What stands there of that kind."""
    return list(chart.search(kind, patient=patient.reference.partition("/")[2]).entries)


def test_a_referral_is_filed_and_kept_in_step(world: World, chart: FhirChart, patient: Patient) -> None:
    """One of each in the chart, whatever happens how often: request, Task, study, report."""
    referral = world.signed("open", patient=patient)
    world.work()
    refer.acknowledge(world.ports, DOCTOR, referral.id, 1, NextStep.PLAN_STAYS)
    world.work()
    report = held(chart, patient, "DiagnosticReport")
    assert [f.resource for f in world.get(referral).filings] == [f"DiagnosticReport/{one['id']}" for one in report]
    order, task, study = (held(chart, patient, kind) for kind in ("ServiceRequest", "Task", "ImagingStudy"))
    assert [len(found) for found in (report, order, task, study)] == [1, 1, 1, 1]
    assert order[0]["status"] == task[0]["status"] == "completed"
    assert task[0]["businessStatus"]["coding"][0]["code"] == "seen"
    assert task[0]["focus"]["reference"] == f"ServiceRequest/{order[0]['id']}"
    assert report[0]["status"] == "final"
    assert report[0]["basedOn"] == [{"reference": f"ServiceRequest/{order[0]['id']}"}]
    assert order[0]["supportingInfo"][0]["reference"] == f"ImagingStudy/{study[0]['id']}"


def test_a_corrected_opinion_goes_over_the_first_in_the_chart(world: World, chart: FhirChart, patient: Patient) -> None:
    referral = world.signed("open", patient=patient)
    world.work()
    changed = {"impression": "The other side.", "change": "corrected", "change_reason": "The side was wrong."}
    review.revise(world.ports, EXPERT, referral.id, WORDS | changed, TICKED)
    world.work()
    (report,) = held(chart, patient, "DiagnosticReport")
    assert (report["status"], report["meta"]["versionId"]) == ("corrected", "2")
    assert "The other side." in report["conclusion"]


def test_what_somebody_changed_in_the_chart_is_not_overwritten_in_silence(
    world: World, chart: FhirChart, patient: Patient
) -> None:
    """A field we do not know survives our update of the copy."""
    referral = world.reading("open", patient=patient)
    world.work()
    (order,) = held(chart, patient, "ServiceRequest")
    chart.update({**order, "patientInstruction": "Bring the disc."})
    review.sign(world.ports, EXPERT, referral.id, WORDS, TICKED)
    done = world.work()
    assert not [outcome for _, outcome in done if isinstance(outcome, Parked)]
    (order,) = held(chart, patient, "ServiceRequest")
    assert order["patientInstruction"] == "Bring the disc."


def test_a_second_installation_finds_what_the_first_one_wrote(world: World, chart: FhirChart, patient: Patient) -> None:
    """Our memory of where the copies stand is lost; they are found again by our identifiers."""
    referral = world.reading("open", patient=patient, ask=Ask("Is it a glioma?"))
    world.work()
    with world.ports.store.transaction() as tx:
        tx.referrals.save(replace(tx.referrals.get(referral.id), mirrored={}))
        tx.outbox.owe(referral.id, "mirror_referral", due=world.now)
    world.work()
    assert [len(held(chart, patient, kind)) for kind in ("ServiceRequest", "Task", "ImagingStudy")] == [1, 1, 1]


class Meddled(FhirChart):
    """Between our look at a record and our change of it, somebody else changes it."""

    meddle = False

    def update(self, resource: dict[str, Any], *, if_match: str | None = None) -> Written:
        """Theirs first, once."""
        if self.meddle:
            self.meddle = False
            standing = self.read(f"{resource['resourceType']}/{resource['id']}")
            super().update({**standing, "note": [{"text": "Theirs."}]})
        return super().update(resource, if_match=if_match)


def test_a_change_between_our_look_and_our_write_is_a_conflict_and_theirs_stays(
    hapi: str, world: World, patient: Patient
) -> None:
    referral = world.reading("open", patient=patient)
    world.work()
    chart = Meddled(hapi, requests.Session(), timeout=60)
    world.charts.records["open"] = chart  # type: ignore[assignment]
    with world.ports.store.transaction() as tx:
        kept = tx.referrals.get(referral.id)
        tx.referrals.save(replace(kept, ask=replace(kept.ask, question="Another question?")))
        tx.outbox.owe(referral.id, "mirror_referral", due=world.now)
    chart.meddle = True
    with pytest.raises(ChartConflict, match="changed in the chart by somebody else"):
        world.work()
    (order,) = held(chart, patient, "ServiceRequest")
    assert order["note"] == [{"text": "Theirs."}]
