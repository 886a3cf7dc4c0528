"""Trouble on demand, tied to one patient, so that two demonstrations never disturb each other.

`ehr-down`: every call about that patient is answered 503 until lifted. `slow`: every answer waits. `answer-lost`: the
next opinion written for that patient is really written, and then the connection dies. `token-expired`: the first token
each client shows for that patient is refused as expired. `wrong-patient`: the images handed out are somebody else's.
"""

from __future__ import annotations

import threading
from typing import Any

from smart_app.sandbox.access import patient_of
from smart_app.sandbox.journal import Journal

SCENARIOS = ("ehr-down", "slow", "answer-lost", "token-expired", "wrong-patient")
SLOW_SECONDS = 3.0
ANSWERS_WORTH_LOSING = frozenset({"DocumentReference", "DiagnosticReport", "Communication"})


class Scenarios:
    """Which patient has which trouble."""

    def __init__(self, journal: Journal, entries: list[dict[str, Any]]) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._set: dict[str, str] = {}
        self._refused: dict[tuple[str, str], str] = {}
        for entry in entries:
            if entry["kind"] == "scenario":
                self._apply(entry["patient"], entry["scenario"])

    def set(self, patient: str, scenario: str | None) -> None:
        """Choose or lift. Raises ValueError for a word that is no scenario."""
        if scenario and scenario not in SCENARIOS:
            raise ValueError(f"{scenario!r} is no scenario; there are {', '.join(SCENARIOS)}")
        with self._lock:
            self._journal.append({"kind": "scenario", "patient": patient, "scenario": scenario or ""})
            self._apply(patient, scenario or "")

    def of(self, patient: str) -> str:
        """The scenario of that patient, or empty."""
        return self._set.get(patient, "") if patient else ""

    def all(self) -> dict[str, str]:
        """Every patient in trouble."""
        with self._lock:
            return dict(self._set)

    def lose_answer(self, resources: list[dict[str, Any]]) -> bool:
        """Is the answer to this write lost? True once, for a write that carries an opinion."""
        types = {str(resource.get("resourceType")) for resource in resources}
        patient = next((found for found in map(patient_of, resources) if found), "")
        if self.of(patient) != "answer-lost" or not ANSWERS_WORTH_LOSING & types:
            return False
        self.set(patient, None)
        return True

    def refuses_token(self, patient: str, client_id: str, token: str) -> bool:
        """Is this the first token that client showed for that patient, in the scenario where it has expired?"""
        if self.of(patient) != "token-expired":
            return False
        with self._lock:
            return self._refused.setdefault((patient, client_id), token) == token

    def _apply(self, patient: str, scenario: str) -> None:
        for key in [key for key in self._refused if key[0] == patient]:
            del self._refused[key]
        if scenario:
            self._set[patient] = scenario
        else:
            self._set.pop(patient, None)
