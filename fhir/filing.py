"""One signed version into one chart, exactly once: look first where one can look, write once, read back and compare.

201 alone is not delivery. Once a write has left us, nothing here tries another way: what was sent and could not be
seen again is ChartUnclear, and a person or the next look decides.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from fhir.chart import Chart
from fhir.errors import (
    ChartConflict,
    ChartError,
    ChartRefused,
    ChartUnavailable,
    ChartUnclear,
    InvalidResource,
    NotInChart,
)
from fhir.profiles import EPIC, OPEN, ORACLE, PROFILES, Profile, Rung, rungs
from fhir.report import OpinionFacts, document_bytes
from fhir.sending import send
from fhir.standing import find, mentions, must_be_ours, version_of
from fhir.visits import Visit, choose_encounter, choose_visit

__all__ = [
    "EPIC",
    "OPEN",
    "ORACLE",
    "PROFILES",
    "Filed",
    "Profile",
    "Rung",
    "Visit",
    "choose_encounter",
    "choose_visit",
    "confirm",
    "file",
    "look",
    "note_is_signed",
    "rungs",
]

Resource = dict[str, Any]
READ_BACK_AFTER = (0.0, 0.5, 2.0)
"""Seconds before each attempt to read back: some charts need a moment before they show what they took."""


@dataclass(frozen=True)
class Filed:
    """Seen in the chart and compared. `unsigned`: a note that waits for a clinician's signature there.

    `passed` are the better steps that were not taken, each with its reason; empty where the first one was, or where
    it was found standing there already.
    """

    resource: str
    rung: str
    unsigned: bool = False
    passed: tuple[Rung, ...] = field(default=(), compare=False)


def look(chart: Chart, profile: Profile, facts: OpinionFacts) -> Filed | None:
    """Does this version stand in the chart already? None where it surely does not.

    Raises ChartConflict where something of that name stands there with other content, ChartRefused where the profile
    cannot look, ChartUnavailable where the chart could not be searched to the end.
    """
    if not profile.can_look:
        raise ChartRefused("This chart cannot be searched for our documents.")
    refused: ChartError | None = None
    looked = False
    for step in rungs(profile, chart.capability(), None):
        if not step.possible or not step.resource:
            continue
        try:
            standing = find(chart, profile, facts, step.resource)
        except ChartConflict:
            raise
        except (ChartRefused, NotInChart) as no:
            refused = no  # what we may not see we cannot have filed and seen either
            continue
        looked = True
        if standing is not None and _is_this_version(profile, standing, facts):
            must_be_ours(chart, standing, facts)
            return _filed(standing, step.name)
    if refused is not None and not looked:
        raise ChartRefused(f"This chart does not let us look for our documents: {refused}", status=refused.status)
    return None


def file(
    chart: Chart,
    profile: Profile,
    facts: OpinionFacts,
    encounter: str | None,
    *,
    companions: tuple[Resource, ...] = (),
    scopes: set[str] | None = None,
) -> Filed:
    """File this version on the first rung that takes it, and see it there.

    `companions` are resources of ours created in the same transaction where the chart has one (each found again by
    its first identifier); elsewhere they are not sent. Raises InvalidResource before anything is sent, ChartRefused
    where every rung says no, ChartUnavailable where surely nothing was written, ChartUnclear where it may have been.
    """
    if profile.encounter == "required" and not encounter:
        raise ChartRefused("This chart takes a note only inside a visit of the patient.")
    facts = replace(facts, encounter=None if profile.encounter == "never" else encounter)
    _must_fit(profile, facts)
    if profile.can_look:
        found = look(chart, profile, facts)
        if found is not None:
            return found
    statement = chart.capability()
    steps = rungs(profile, statement, scopes)
    refused = ChartRefused(" ".join(step.why for step in steps if not step.possible) or "This chart takes no report.")
    passed: list[Rung] = []
    for step in steps:
        if not step.possible or not step.resource:
            passed.append(step)
            continue
        try:
            written = send(chart, profile, facts, step.name, statement, companions)
        except ChartConflict:
            raise
        except (ChartRefused, NotInChart) as no:
            refused = no if isinstance(no, ChartRefused) else ChartRefused(str(no), status=no.status)
            passed.append(replace(step, possible=False, why=str(no), code="refused"))
            continue
        return replace(confirm(chart, profile, facts, written.reference), passed=tuple(passed))
    raise refused


def confirm(chart: Chart, profile: Profile, facts: OpinionFacts, reference: str) -> Filed:
    """Read what stands at that reference and compare it with what was signed. Raises ChartUnclear, naming it."""
    trouble: Exception | None = None
    for pause in READ_BACK_AFTER:
        _sleep(pause)
        try:
            standing = chart.read(reference)
            if profile.look_by == "identifier" and not _is_this_version(profile, standing, facts):
                raise ChartConflict(f"{reference} in the chart is not the version that was sent.")
            must_be_ours(chart, standing, facts)
        except ChartConflict as other:
            raise ChartUnclear(str(other), reference=reference) from other
        except (NotInChart, ChartRefused, ChartUnavailable) as problem:
            trouble = problem
            continue
        return _filed(standing, reference.partition("/")[0])
    raise ChartUnclear(
        f"The chart says it stands at {reference}, but it could not be read back: {trouble}", reference=reference
    ) from trouble


def note_is_signed(chart: Chart, resource: str) -> bool:
    """Has a clinician signed this note in the chart? Raises NotInChart, ChartConflict where it was taken out."""
    standing = chart.read(resource)
    if standing.get("status") in ("entered-in-error", "superseded") or standing.get("docStatus") == "entered-in-error":
        raise ChartConflict(f"{resource} was taken out of the chart by somebody.")
    return standing.get("docStatus") in ("final", "amended")


_sleep: Callable[[float], None] = time.sleep


def _must_fit(profile: Profile, facts: OpinionFacts) -> None:
    size = len(document_bytes(facts, profile.content_type))
    if not size or not facts.text.strip():
        raise InvalidResource("There is no document to file.")
    if size > profile.max_bytes:
        raise InvalidResource(f"The document has {size} bytes and this chart takes {profile.max_bytes}.")


def _filed(standing: Resource, rung: str) -> Filed:
    name = f"{standing['resourceType']}/{standing['id']}"
    return Filed(name, rung, unsigned=standing.get("docStatus") == "preliminary")


def _is_this_version(profile: Profile, standing: Resource, facts: OpinionFacts) -> bool:
    if facts.status == "entered-in-error" and standing.get("status") != "entered-in-error":
        return False  # it stands there, and is still to be marked
    if profile.look_by == "identifier":
        return version_of(standing, facts.referral_id) == facts.version
    return mentions(standing, facts)
