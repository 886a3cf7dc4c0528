"""A critical finding is told to a person: in which time, and the six facts that prove it. Standard library only.

Posting it to the chart is not telling anybody. Tiers as in `docs/glossary.md`: minutes and spoken, hours, days.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from smart_app.case import Party

WITHIN: dict[int, timedelta] = {1: timedelta(minutes=30), 2: timedelta(hours=4), 3: timedelta(days=3)}
"""Tier -> the time after signing by which a person must have heard it. Then the desk is told that nobody did."""
SPOKEN = frozenset({"phone", "in-person"})
WAYS = (*sorted(SPOKEN), "secure-message", "fax")


@dataclass(frozen=True)
class Told:
    """Finding, time, who told, who heard, how, and read back: all six, or nobody was told."""

    version: int
    finding: str
    at: datetime
    by: Party
    heard: str
    how: str
    read_back: bool


def faults_of(tier: int, given: Mapping[str, str]) -> dict[str, str]:
    """What is missing for the six facts; the first tier must be spoken and read back."""
    faults = {name: "missing" for name in ("finding", "heard") if not given.get(name, "").strip()}
    if given.get("how") not in WAYS:
        faults["how"] = "missing"
    elif tier == 1 and given["how"] not in SPOKEN:
        faults["how"] = "spoken"
    if given.get("how") in SPOKEN and given.get("read_back") != "yes":
        faults["read_back"] = "missing"
    return faults
