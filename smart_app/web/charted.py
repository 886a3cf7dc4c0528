"""What the chart lists for the patient of a line: studies, own orders, and the order the chart opened us for.

Both parts are asked for at once, and a page waits for them only so long: a part may be silent, or late and filled in
when it comes, without the other and without the rest of the page.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from fhir.chart import Chart
from fhir.errors import ChartError
from fhir.order import ChartOrder, read_service_request
from fhir.study import ChartStudy, read_imaging_study
from launch.errors import GrantEnded, LaunchError
from smart_app.store import Line
from smart_app.web.sessions import ports

OPEN_ORDERS = frozenset({"draft", "active", "on-hold"})
PARTS = ("studies", "orders")
PROMPT = 1.5
"""Seconds for which a page waits; the patient's name is on it whatever the chart does."""
PATIENT = 25.0
"""Seconds for which the part of a page that comes later waits."""
_asking = ThreadPoolExecutor(max_workers=8, thread_name_prefix="chart")


@dataclass(frozen=True)
class Charted:
    """Newest studies first. `silent` names the parts that the chart did not give, `late` those not given yet."""

    studies: tuple[ChartStudy, ...] = ()
    orders: tuple[ChartOrder, ...] = ()
    silent: tuple[str, ...] = ()
    late: tuple[str, ...] = ()


def charted(line: Line, *, parts: tuple[str, ...] = PARTS, patience: float = PROMPT) -> Charted:
    """Ask for those parts at once. What cannot be read is named, and the person can go on without it.

    Raises GrantEnded where the chart has ended this launch.
    """
    open_chart = ports().charts.line
    asked: dict[str, Future[tuple[Any, ...]]] = {
        name: _asking.submit(_READ[name], open_chart, line) for name in parts if name in _READ
    }
    wait(asked.values(), timeout=patience)
    given: dict[str, tuple[Any, ...]] = {}
    silent, late = [], []
    for name, future in asked.items():
        if not future.done():
            late.append(name)
            continue
        try:
            given[name] = future.result()
        except (LaunchError, ChartError) as problem:
            if isinstance(problem, GrantEnded) and problem.by_chart:
                raise
            silent.append(name)
    return Charted(given.get("studies", ()), given.get("orders", ()), tuple(silent), tuple(late))


def _studies(open_chart: Callable[[str], Chart], line: Line) -> tuple[ChartStudy, ...]:
    found = [read_imaging_study(entry) for entry in _all(open_chart(line.id), "ImagingStudy", line)]
    return tuple(sorted(found, key=lambda study: study.started, reverse=True))


def _orders(open_chart: Callable[[str], Chart], line: Line) -> tuple[ChartOrder, ...]:
    opened = line.context.get("opened", {}).get("ServiceRequest", [])

    def ours(entry: dict[str, Any]) -> bool:
        if f"ServiceRequest/{entry.get('id')}" in opened:
            return True
        named = str((entry.get("requester") or {}).get("reference", ""))
        return entry.get("status") in OPEN_ORDERS and named.endswith(line.party.reference)

    return tuple(
        read_service_request(entry) for entry in _all(open_chart(line.id), "ServiceRequest", line) if ours(entry)
    )


_READ: dict[str, Callable[[Callable[[str], Chart], Line], tuple[Any, ...]]] = {"studies": _studies, "orders": _orders}


def _all(chart: Chart, kind: str, line: Line) -> list[dict[str, Any]]:
    found = chart.search(kind, patient=line.patient.partition("/")[2]).entries
    return [entry for entry in found if entry.get("resourceType") == kind]
