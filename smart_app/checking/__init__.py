"""`second-opinion check`: what this product can do on any FHIR server, found out by asking it two questions.

Reads only, but for `--write`, which proves the chosen rung with a synthetic patient (`proof.py`).
"""

from __future__ import annotations

from smart_app.checking.asking import NotAnAddress
from smart_app.checking.proof import prove
from smart_app.checking.report import Report
from smart_app.checking.server import check_server
from smart_app.checking.table import in_words

__all__ = ["NotAnAddress", "Report", "check_server", "in_words", "prove"]
