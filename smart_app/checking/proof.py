"""`check --write`: an opinion about nobody, written on the chosen rung, read back, compared, and taken away again.

What the statement promises and the server then refuses is taken off the ladder, with the server's own words.
"""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime

import requests

from fhir import codes
from fhir.chart import FhirChart
from fhir.errors import ChartConflict, ChartError, ChartRefused, ChartUnclear, NotInChart
from fhir.filing import Filed, choose_encounter, file
from fhir.profiles import Profile
from fhir.report import OpinionFacts
from fhir.statement import Resource, interactions
from fhir.wire import type_and_id
from smart_app.checking.asking import Asker
from smart_app.checking.report import Report

TIMEOUT = 30.0
NEED_PATIENT = (
    "To prove the way back, name a test patient of theirs with --patient Patient/ID: this kind of server does not "
    "let us make one. Never name a real person."
)
TEXT = """SECOND OPINION - TRIAL OF THE CONNECTION
This text is about nobody. It was written to prove that an opinion can be filed here, and may be deleted.
Reference: {reference}
"""


def prove(report: Report, *, token: str = "", patient: str = "") -> None:
    """Write, read back, clean up; what came of it stands in the report. Raises NotAnAddress as the check does."""
    profile = report.profile
    if profile is None or report.chosen == "held":
        report.tell("There is no rung to prove.")
        return
    chart = FhirChart(report.base, Asker(report.base, token).session, timeout=TIMEOUT)
    made: list[str] = []
    try:
        subject = _subject(report, chart, patient, made)
        if subject:
            _climb(report, chart, profile, _facts(subject), made)
    except (ChartError, requests.RequestException) as problem:
        report.error(f"The proof broke off: {problem}")
    _clean_up(report, chart, made)


def _subject(report: Report, chart: FhirChart, patient: str, made: list[str]) -> str:
    """A test patient of theirs, or a synthetic one of ours where the server takes one."""
    assert report.profile is not None
    if patient:
        named = type_and_id(patient, "Patient")
        if named is None:
            report.error("Name the patient as Patient/ID.")
            return ""
        chart.read(named)
        return named
    if report.profile.name != "open" or "create" not in interactions(chart.capability() or {}, "Patient"):
        report.error(NEED_PATIENT)
        return ""
    made.append(chart.create(_nobody()).reference)
    return made[0]


def _nobody() -> Resource:
    return {
        "resourceType": "Patient",
        "identifier": [{"system": f"{codes.PROJECT}/trial", "value": str(uuid.uuid4())}],
        "active": False,
        "name": [{"family": "Trial", "given": ["Of The Connection"]}],
        "gender": "other",
        "birthDate": "1900-01-01",
    }


def _facts(subject: str) -> OpinionFacts:
    reference = str(uuid.uuid4())
    text = TEXT.format(reference=reference)
    return OpinionFacts(
        referral_id=reference,
        version=1,
        status="final",
        subject=subject,
        subject_display="",
        answer="Trial of the connection.",
        findings="None: this is about nobody.",
        impression="Trial of the connection. This is about nobody.",
        agreement="cannot-compare",
        agreement_words="Cannot compare: this is a trial",
        affects_management=None,
        signed_at=datetime.now(UTC).replace(microsecond=0),
        expert_name="Second Opinion",
        expert_reference="",
        organisation_name="Second Opinion",
        acquired="",
        study_instance_uids=(),
        service_request=None,
        imaging_study=None,
        encounter=None,
        pdf=_pdf(text),
        text=text,
    )


def _pdf(text: str) -> bytes:
    from fpdf import FPDF

    page = FPDF()
    page.add_page()
    page.set_font("helvetica", size=11)
    page.multi_cell(0, 6, text)
    return bytes(page.output())


def _climb(report: Report, chart: FhirChart, profile: Profile, facts: OpinionFacts, made: list[str]) -> None:
    encounter = None
    if profile.encounter != "never":
        encounter = choose_encounter(chart, facts.subject, None)
        if encounter is None and profile.encounter == "required":
            report.error("The test patient has no visit, and notes go into one there. Take a patient with a visit.")
            return
    for rung in [rung for rung in report.rungs if rung.possible]:
        try:
            filed = file(chart, replace(profile, rungs=(rung.name,)), facts, encounter)
        except ChartConflict:
            raise
        except ChartUnclear as unclear:
            if unclear.reference:
                made.append(unclear.reference)
            report.error(f"{rung.resource}: {unclear} Look for {facts.referral_id} before trying again.")
            return
        except (ChartRefused, NotInChart) as refused:
            report.take_away(rung.name, str(refused))
            report.warn(f"{rung.resource} is declared and was refused when tried: {refused}")
            continue
        made.extend(_written(chart, filed))
        state = " It waits for a signature there." if filed.unsigned else ""
        report.tell(f"Proven: {filed.resource} was written, read back, and holds what was sent.{state}")
        return


def _written(chart: FhirChart, filed: Filed) -> list[str]:
    """The record, last the one that others point at: it must be removed first."""
    results = chart.read(filed.resource).get("result")
    found = [type_and_id(str(r.get("reference")), "Observation") for r in results or () if isinstance(r, dict)]
    return [*(name for name in found if name), filed.resource]


def _clean_up(report: Report, chart: FhirChart, made: list[str]) -> None:
    statement = chart.capability() or {}
    left = []
    for reference in reversed(made):
        if "delete" in interactions(statement, reference.partition("/")[0]):
            try:
                chart.remove(reference)
            except (ChartError, requests.RequestException) as problem:
                left.append(f"{reference} ({problem})")
        else:
            left.append(reference)
    if left:
        report.warn(f"This stays on the server, and should be taken out by hand: {', '.join(left)}.")
    elif made:
        report.tell(f"Removed again: {', '.join(reversed(made))}.")
