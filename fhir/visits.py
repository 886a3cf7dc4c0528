"""Which visit a note is filed into, where a chart takes notes only inside one."""

from __future__ import annotations

from typing import Any

from fhir.chart import Chart
from fhir.errors import ChartRefused, NotInChart
from fhir.invariants import moment
from fhir.standing import same_patient

RANKS = {"in-progress": 0, "onleave": 0, "arrived": 1, "triaged": 1, "finished": 2, "planned": 3}
"""Anything else (cancelled, entered-in-error, unknown) takes no note."""


def choose_encounter(chart: Chart, patient: str, launch_encounter: str | None) -> str | None:
    """The launch encounter if it is this patient's and still good, else the best by status and time, else None.

    A visit going on now comes before a past one, the newest of those before older ones, the next planned one last.
    """
    if launch_encounter:
        try:
            found = chart.read(launch_encounter)
        except (NotInChart, ChartRefused):
            found = {}
        if found.get("status") in RANKS and same_patient(found, patient):
            return launch_encounter
    visits = [
        visit
        for visit in chart.search("Encounter", patient=patient.rpartition("/")[2]).entries
        if visit.get("resourceType") == "Encounter"
        and visit.get("id")
        and visit.get("status") in RANKS
        and same_patient(visit, patient)
    ]
    best = min(visits, key=_order, default=None)
    return f"Encounter/{best['id']}" if best else None


def _order(visit: dict[str, Any]) -> tuple[int, float]:
    period = visit.get("period")
    start = moment(period.get("start")) if isinstance(period, dict) else None
    rank = RANKS[visit["status"]]
    seconds = start.timestamp() if start else 0.0
    return rank, seconds if rank == RANKS["planned"] else -seconds
