"""What this product can do on a server, worked out from the server's statement, a profile and the granted scopes.

The profile says what a kind of chart takes; statement and scopes can only take away from it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from fhir.profiles import Profile, Rung, rungs
from fhir.statement import interactions

Resource = dict[str, Any]

LADDER = ("DiagnosticReport", "DocumentReference", "Communication")
"""Every way in by FHIR, best first; after them the opinion is held and filed by hand."""


@dataclass(frozen=True)
class Ability:
    """One thing, whether it can be done, and why not or what for."""

    name: str
    possible: bool
    why: str


READS = (
    # type, interactions needed, what for
    ("Patient", ("read",), "who the referral is about, compared with the images and before every write"),
    ("Encounter", ("read", "search-type"), "the visit a note is filed into"),
    ("ServiceRequest", ("read", "search-type"), "the clinician's own order, to refer to"),
    ("DiagnosticReport", ("read", "search-type"), "the first reading"),
    ("DocumentReference", ("read", "search-type"), "earlier reports, and looking for our own before writing"),
    ("Binary", ("read",), "the words of reports kept apart from their record"),
    ("ImagingStudy", ("read", "search-type"), "which studies the chart knows"),
    ("Endpoint", ("read",), "where the images are"),
)


def reads(statement: Resource) -> list[Ability]:
    """What of a chart we use and whether the statement declares it, in the order we come to it."""
    found = []
    for kind, needed, purpose in READS:
        declared = interactions(statement, kind)
        missing = [code for code in needed if code not in declared]
        said = f"{purpose[:1].upper()}{purpose[1:]}."
        found.append(Ability(kind, not missing, f"Not declared: {' and '.join(missing)}. {said}" if missing else said))
    return found


def ladder(profile: Profile, statement: Resource | None, scopes: set[str] | None) -> list[Rung]:
    """Every rung of the write-back in order, also those that this kind of chart never takes, each with its reason."""
    allowed = {rung.resource: rung for rung in rungs(profile, statement, scopes)}
    refused = dict(profile.refuses)
    steps = []
    for kind in LADDER:
        step = allowed.get(kind)
        if step is None:
            step = Rung(
                kind, kind, possible=False, why=refused.get(kind, f"The profile “{profile.name}” does not use it.")
            )
        elif step.possible:
            step = Rung(kind, kind, why=_what_goes_in(profile, kind))
        steps.append(step)
    return steps


def imaging(statement: Resource, capabilities: Iterable[str], *, has_associated: bool) -> Ability:
    """Can images be fetched from here with the chart's own token (SMART Imaging Access)? Else they are uploaded."""
    possible = "smart-imaging-access" in capabilities or has_associated
    if possible:
        why = "The server says that its token opens images (SMART Imaging Access)."
    elif "search-type" not in interactions(statement, "ImagingStudy"):
        why = "No ImagingStudy here: the patient or the clinician uploads the images."
    elif not interactions(statement, "Endpoint"):
        why = "Studies are listed, but not where their images are: the images are uploaded."
    else:
        why = "Whether our token opens the addresses it lists must be asked; until then the images are uploaded."
    return Ability("imaging", possible, why)


def _what_goes_in(profile: Profile, kind: str) -> str:
    if kind == "DiagnosticReport":
        return "A structured report with PDF and text."
    if kind == "Communication":
        return "A message about the patient with the document attached."
    form = {"text/plain": "A plain-text note", "application/pdf": "A PDF document"}.get(
        profile.content_type, f"A document ({profile.content_type})"
    )
    where = " inside a visit of the patient" if profile.encounter == "required" else ""
    state = ", waiting for a clinician's signature" if profile.doc_status == "preliminary" else ""
    return f"{form}{where}{state}."
