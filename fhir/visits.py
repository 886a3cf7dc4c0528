"""Which visit a note is filed into, where a chart takes notes only inside one, and why that one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir.chart import Chart
from fhir.errors import ChartRefused, NotInChart
from fhir.invariants import moment
from fhir.standing import same_patient

RANKS = {"in-progress": 0, "onleave": 0, "arrived": 1, "triaged": 1, "finished": 2, "planned": 3}
"""Anything else (cancelled, entered-in-error, unknown) takes no note."""

REASONS = {0: "current", 1: "arrived", 2: "latest", 3: "planned"}


@dataclass(frozen=True)
class Visit:
    """One visit that can take a note. `why`: named, launch, current, arrived, latest or planned.

    `start` and `end` are as the chart wrote them, empty where it did not.
    """

    reference: str
    why: str
    start: str = ""
    end: str = ""
    kind: str = ""


def choose_visit(chart: Chart, patient: str, launch_encounter: str | None, named: str | None = None) -> Visit | None:
    """The visit a person named, else that of the launch, else the best by status and time; None: ask a person.

    One that is not this patient's, or takes no note any more, is passed over. A visit going on now comes before a past
    one, the newest of those before older ones, the next planned one last. Raises what a search raises.
    """
    for reference, why in ((named, "named"), (launch_encounter, "launch")):
        if reference:
            found = good_visit(chart, patient, reference)
            if found is not None:
                return Visit(reference, why, *_facts(found))
    return next(iter(visits(chart, patient)), None)


def choose_encounter(chart: Chart, patient: str, launch_encounter: str | None) -> str | None:
    """The reference alone of the visit that `choose_visit` takes."""
    found = choose_visit(chart, patient, launch_encounter)
    return found.reference if found else None


def good_visit(chart: Chart, patient: str, reference: str) -> dict[str, Any] | None:
    """That visit, if it is this patient's and takes a note; None where it does not or cannot be read."""
    try:
        found = chart.read(reference)
    except (NotInChart, ChartRefused):
        return None
    if found.get("resourceType") != "Encounter" or found.get("status") not in RANKS or not same_patient(found, patient):
        return None
    return found


def visits(chart: Chart, patient: str) -> list[Visit]:
    """Every visit of this patient that takes a note, the best first. Raises what a search raises."""
    found = [
        visit
        for visit in chart.search("Encounter", patient=patient.rpartition("/")[2]).entries
        if visit.get("resourceType") == "Encounter"
        and visit.get("id")
        and visit.get("status") in RANKS
        and same_patient(visit, patient)
    ]
    return [
        Visit(f"Encounter/{visit['id']}", REASONS[RANKS[visit["status"]]], *_facts(visit))
        for visit in sorted(found, key=_order)
    ]


def _facts(visit: dict[str, Any]) -> tuple[str, str, str]:
    period = visit.get("period")
    start, end = (str(period.get(name) or "") for name in ("start", "end")) if isinstance(period, dict) else ("", "")
    kinds = visit.get("type")
    first = kinds[0] if isinstance(kinds, list) and kinds and isinstance(kinds[0], dict) else {}
    return start, end, str(first.get("text") or "")


def _order(visit: dict[str, Any]) -> tuple[int, float]:
    period = visit.get("period")
    start = moment(period.get("start")) if isinstance(period, dict) else None
    rank = RANKS[visit["status"]]
    seconds = start.timestamp() if start else 0.0
    return rank, seconds if rank == RANKS["planned"] else -seconds
