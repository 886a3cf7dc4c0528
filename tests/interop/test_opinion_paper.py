"""The opinion's PDF, judged by veraPDF, which did not make it: PDF/UA-1 (ISO 14289-1), whatever stands in it."""

from __future__ import annotations

import json
import subprocess
from dataclasses import replace

import pytest

from smart_app import letter
from smart_app.case import Agreement
from smart_app.referral import Referral, Status
from tests.interop import hapi_server
from tests.unit.test_smart_app_letter import HOUSES, NAMES, REFERRAL, corrected, with_opinion

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

LONG = "\n".join(f"Щ {n:03} {'word ' * 30}end." for n in range(90))
LETTERS: dict[str, tuple[Referral, int]] = {
    "a usual one": (REFERRAL, 1),
    "many pages": (with_opinion(findings=LONG, answer=LONG), 1),
    "a corrected one": (corrected(), 2),
    "nothing to compare": (with_opinion(agreement=Agreement.CANNOT_COMPARE, comparison="", limits=""), 1),
    "a critical one": (with_opinion(critical=True), 1),
    "withdrawn": (replace(REFERRAL, status=Status.IN_ERROR), 1),
    "a name that cannot be printed": (replace(REFERRAL, patient=replace(REFERRAL.patient, family="山田")), 1),
    "a very long name": (replace(REFERRAL, patient=replace(REFERRAL.patient, family=NAMES["very long"][0])), 1),
}


def faults(pdf: bytes, flavour: str = "ua1") -> dict[str, str]:
    """Each rule that veraPDF sees broken, with its words."""
    command = hapi_server.java_command("hapi.Paper", flavour)
    if command is None:
        pytest.skip(hapi_server.MISSING)
    run = subprocess.run(command, input=pdf, capture_output=True, timeout=100, check=False)
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    return dict(json.loads(run.stdout))


@pytest.mark.parametrize("name", LETTERS)
def test_the_letter_is_accessible_as_the_standard_says(name: str) -> None:
    referral, version = LETTERS[name]
    assert faults(letter.pdf(referral, version, **HOUSES)) == {}


def test_the_validator_sees_faults() -> None:
    """A PDF without structure, whose fonts are not in it."""
    from fpdf import FPDF

    paper = FPDF()
    paper.add_page()
    paper.set_font("helvetica")
    paper.cell(text="nobody")
    found = faults(bytes(paper.output()))
    assert any(rule.startswith("7.21") for rule in found)
    assert "7.1-3" in found
