"""What the chart lists for the patient of a line: studies, own orders, and the order the chart opened us for.

Each part may be silent without the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from fhir.chart import Chart
from fhir.errors import ChartError
from fhir.order import ChartOrder, read_service_request
from fhir.study import ChartStudy, read_imaging_study
from launch.errors import GrantEnded, LaunchError
from smart_app.store import Line
from smart_app.web.sessions import ports

OPEN_ORDERS = frozenset({"draft", "active", "on-hold"})
T = TypeVar("T")


@dataclass(frozen=True)
class Charted:
    """Newest studies first. `silent` names the parts ("studies", "orders") that the chart did not give."""

    studies: tuple[ChartStudy, ...] = ()
    orders: tuple[ChartOrder, ...] = ()
    silent: tuple[str, ...] = ()


def charted(line: Line) -> Charted:
    """Read both now. What cannot be read is named, and the person can go on without it.

    Raises GrantEnded where the chart has ended this launch.
    """
    try:
        chart = ports().charts.line(line.id)
    except (LaunchError, ChartError):
        return Charted(silent=("studies", "orders"))
    patient = line.patient.partition("/")[2]
    opened = line.context.get("opened", {}).get("ServiceRequest", [])
    silent: list[str] = []

    def part(name: str, kind: str, read: Callable[[dict[str, Any]], T], wanted: Callable[[Any], bool]) -> list[T]:
        try:
            return [read(entry) for entry in _all(chart, kind, patient) if wanted(entry)]
        except (LaunchError, ChartError) as problem:
            if isinstance(problem, GrantEnded) and problem.by_chart:
                raise
            silent.append(name)
            return []

    def ours(entry: dict[str, Any]) -> bool:
        if f"ServiceRequest/{entry.get('id')}" in opened:
            return True
        named = str((entry.get("requester") or {}).get("reference", ""))
        return entry.get("status") in OPEN_ORDERS and named.endswith(line.party.reference)

    studies = part("studies", "ImagingStudy", read_imaging_study, lambda _: True)
    orders = part("orders", "ServiceRequest", read_service_request, ours)
    newest = sorted(studies, key=lambda study: study.started, reverse=True)
    return Charted(tuple(newest), tuple(orders), tuple(silent))


def _all(chart: Chart, kind: str, patient: str) -> list[dict[str, Any]]:
    found = chart.search(kind, patient=patient).entries
    return [entry for entry in found if entry.get("resourceType") == kind]
