"""The visit a note goes into: by rule, or as a person named it; and the ask where neither gives one."""

from __future__ import annotations

from fhir.chart import Chart
from fhir.errors import ChartRefused, NotInChart
from fhir.filing import Visit, choose_visit
from fhir.profiles import Profile
from smart_app.deliver.outcome import Parked
from smart_app.referral import Referral
from smart_app.store import Owed

ONLY_INSIDE = "This chart takes a note only inside a visit"
NO_VISIT = (
    f"{ONLY_INSIDE}, and none was found for this patient. Name the visit here, or open one in the chart and send again."
)
UNREADABLE = (
    ONLY_INSIDE + ", and does not let us see this patient's visits. Name the visit here. The chart said: {words}"
)


def asks_for_visit(owed: Owed) -> bool:
    """Is this row parked for want of a visit?"""
    return owed.action == "file_opinion" and owed.reason.startswith(ONLY_INSIDE)


def visit_for(chart: Chart, profile: Profile, referral: Referral, owed: Owed) -> Visit | Parked | None:
    """The visit, None where the note goes into none, or the question for a person."""
    if profile.encounter == "never":
        return None
    named = str(owed.arguments.get("encounter", "")) or None
    try:
        found = choose_visit(chart, referral.patient.reference, referral.encounter or None, named)
    except (ChartRefused, NotInChart) as refused:
        return Parked(UNREADABLE.format(words=refused)) if profile.encounter == "required" else None
    if found is None and profile.encounter == "required":
        return Parked(NO_VISIT)
    return found
