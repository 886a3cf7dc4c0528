"""The opinion's PDF, judged by veraPDF, which did not make it: against PDF/UA-1 (ISO 14289-1).

What it still fails is listed rule by rule, so that neither a new fault nor a mended one passes unnoticed.
"""

from __future__ import annotations

import json
import subprocess

import pytest

from smart_app import letter
from tests.interop import hapi_server
from tests.unit.test_smart_app_letter import HOUSES, REFERRAL

pytestmark = [pytest.mark.interop, pytest.mark.timeout(120)]

UNTAGGED = {
    "6.2-1",  # MarkInfo
    "7.1-3",  # content marked as artifact or real
    "7.1-8",  # metadata stream
    "7.1-10",  # DisplayDocTitle
    "7.1-11",  # structure tree
}


def faults(pdf: bytes, flavour: str = "ua1") -> dict[str, str]:
    """Each rule that veraPDF sees broken, with its words."""
    command = hapi_server.java_command("hapi.Paper", flavour)
    if command is None:
        pytest.skip(hapi_server.MISSING)
    run = subprocess.run(command, input=pdf, capture_output=True, timeout=100, check=False)
    assert run.returncode == 0, run.stderr.decode()[-2000:]
    return dict(json.loads(run.stdout))


def test_the_letter_fails_only_what_is_known() -> None:
    """Fonts, language and title are as PDF/UA wants them; the structure is not there yet."""
    assert set(faults(letter.pdf(REFERRAL, 1, **HOUSES))) == UNTAGGED


def test_the_validator_sees_faults() -> None:
    """A PDF whose fonts are not in it."""
    from fpdf import FPDF

    paper = FPDF()
    paper.add_page()
    paper.set_font("helvetica")
    paper.cell(text="nobody")
    assert any(rule.startswith("7.21") for rule in faults(bytes(paper.output())))
