"""How one site's chart takes a report: the stock profile of its kind with the site's own choices."""

from __future__ import annotations

from dataclasses import replace

from fhir import codes
from fhir.filing import PROFILES
from fhir.profiles import MIB, Profile
from smart_app.sites import Site


def profile_of(site: Site) -> Profile:
    """The profile as this site wants it: fewer steps, another note type, a proven look, a smaller document."""
    profile, ours = PROFILES[site.profile], site.adaptation
    if profile.doc_status == "preliminary":
        profile = replace(profile, doc_status=site.note_status)
    if site.note_code:
        profile = replace(profile, document_type=note_type(site.note_code))
    if ours.rungs:
        profile = replace(profile, rungs=tuple(rung for rung in profile.rungs if rung in ours.rungs))
    if ours.can_look is not None:
        profile = replace(profile, can_look=ours.can_look)
    if ours.max_mb is not None:
        profile = replace(profile, max_bytes=ours.max_mb * MIB)
    return profile


def note_type(code: str) -> tuple[str, str, str]:
    """A LOINC code as it is; a hospital's own as "system|code". The name is the hospital's and is left out."""
    system, bar, value = code.partition("|")
    return (system, value, "") if bar else (codes.LOINC, system, "")
