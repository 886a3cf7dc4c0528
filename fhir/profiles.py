"""How kinds of chart take a report, as data. A site picks one; nothing else in the code asks which vendor it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fhir import codes
from fhir.statement import interactions

MIB = 1024 * 1024

Resource = dict[str, Any]


@dataclass(frozen=True)
class Profile:
    """What one kind of chart takes, and what it lets us see again.

    `look_by`: "identifier" (the chart keeps ours), "content" (our reference line in what it kept). Where `can_look`
    is False an unclear write is parked for a person. `revise`: "update" changes the resource in place under If-Match,
    "new" files another one that says what it replaces. `max_bytes` is the largest attachment, decoded. No profile
    names an author: who asked did not write it, and who wrote it is seldom known to that chart.
    """

    name: str
    rungs: tuple[str, ...]
    resource: str
    content_type: str
    encounter: str  # "required", "optional", "never"
    doc_status: str  # "preliminary", "final"
    can_look: bool
    look_by: str = "content"
    document_type: tuple[str, str, str] = (codes.LOINC, "18748-4", "Diagnostic imaging study")
    us_core: bool = True  # category and claimed profile; left out where unknown elements fail the call
    needs_period_end: bool = False
    conditional_create: bool = False
    if_match: bool = False
    revise: str = "new"
    transaction: bool = False
    mirror: bool = False  # the chart also keeps our ServiceRequest, ImagingStudy and Task
    max_bytes: int = 5 * MIB
    refuses: tuple[tuple[str, str], ...] = ()  # (resource, why) of what its rules refuse, whatever it declares


EPIC = Profile(
    name="epic",
    rungs=("DocumentReference",),
    resource="DocumentReference",
    content_type="text/plain",
    encounter="required",
    doc_status="preliminary",
    can_look=False,
    document_type=(codes.LOINC, "11488-4", "Consult note"),
    us_core=False,
    refuses=(
        ("DiagnosticReport", "Epic takes no new DiagnosticReport over FHIR; results go in by an HL7 v2 interface."),
        ("Communication", "Epic takes a Communication only inside a community resource referral."),
    ),
)
"""One plain-text note inside a visit; a clinician reviews and signs it. Our identifiers do not survive."""

ORACLE = Profile(
    name="oracle",
    rungs=("DocumentReference",),
    resource="DocumentReference",
    content_type="application/pdf",
    encounter="optional",
    doc_status="final",
    can_look=True,
    us_core=False,
    needs_period_end=True,
    if_match=True,
    revise="update",
    refuses=(
        (
            "DiagnosticReport",
            "Millennium declares DiagnosticReport create, and takes it for cardiology and anatomic pathology only.",
        ),
        ("Communication", "Millennium takes a Communication as a message to its own staff, not as part of the chart."),
    ),
)
"""One PDF by the system persona, without author; later versions are PUT over it under If-Match."""

OPEN = Profile(
    name="open",
    rungs=("DiagnosticReport", "DocumentReference", "Communication"),
    resource="DiagnosticReport",
    content_type="application/pdf",
    encounter="never",
    doc_status="final",
    can_look=True,
    look_by="identifier",
    conditional_create=True,
    if_match=True,
    revise="update",
    transaction=True,
    mirror=True,
)
"""A structured report with PDF and text; the encounter is left out, since the reading did not happen in it."""

PROFILES: dict[str, Profile] = {profile.name: profile for profile in (EPIC, ORACLE, OPEN)}


@dataclass(frozen=True)
class Rung:
    """One step of the ladder. `why` says in plain words why it is not possible, or what it means.

    `code` is the same for programs: not-taken, not-granted, refused; empty where it is possible.
    """

    name: str
    resource: str
    possible: bool = True
    why: str = ""
    code: str = ""


def rungs(profile: Profile, capability: Resource | None, scopes: set[str] | None) -> list[Rung]:
    """The profile's steps in order, and last what is always left: filing by hand.

    Statement and granted scopes only remove steps; None for either means that nothing is known and removes none.
    """
    found = []
    for name in profile.rungs:
        why = code = ""
        if capability is not None and "create" not in interactions(capability, name):
            code, why = "not-taken", f"This chart does not take a new {name}."
        elif scopes is not None and not may_create(scopes, name):
            code, why = "not-granted", f"This app was not granted the right to write a {name}."
        found.append(Rung(name, name, not why, why, code))
    return [*found, Rung("by-hand", "", why="A person files the PDF in the chart and says so here.")]


def may_create(scopes: set[str], resource_type: str) -> bool:
    """Do the granted scopes, SMART v1 (`.write`, `.*`) or v2 (`.c`), let us create that type?"""
    for scope in scopes:
        area, _, rest = scope.partition("/")
        kind, _, right = rest.partition("?")[0].partition(".")
        if area not in ("system", "user", "patient") or kind not in ("*", resource_type):
            continue
        if right in ("write", "*") or (right not in ("read", "") and "c" in right):
            return True
    return False
