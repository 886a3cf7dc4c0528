"""Who may see what: one rule per kind of line, asked on every request. A no never says whether the thing exists."""

from __future__ import annotations

from smart_app.referral import NoSuchReferral, Referral, Status
from smart_app.store import Line

UNSENT = frozenset({Status.DRAFT, Status.GATHERING, Status.WITHDRAWN})


def may_see(line: Line, referral: Referral) -> bool:
    """May the person on this line know of this referral?"""
    if line.kind == "clinician":
        return line.site == referral.site and line.patient == referral.patient.reference
    if line.kind == "patient":
        if line.referral_id:
            return line.referral_id == referral.id
        return line.site == referral.site and line.patient == referral.patient.reference
    if line.kind == "expert":
        if line.organisation != referral.organisation or referral.status in UNSENT:
            return False
        return referral.expert is None or referral.expert.reference == line.party.reference
    return line.kind == "operator"


def may_see_images(line: Line, referral: Referral) -> bool:
    """May they look at its images now? Nobody may while the case is checked, and an operator never."""
    return line.kind != "operator" and not referral.hidden and may_see(line, referral)


def seen_by(line: Line, referral: Referral) -> Referral:
    """The referral, for somebody who may know of it. Raises NoSuchReferral."""
    if not may_see(line, referral):
        raise NoSuchReferral("There is no such referral here.")
    return referral
