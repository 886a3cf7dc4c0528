"""What the patient agreed to, and whom they let read the answer. Rule: their newest word holds.

A clinician who asked reads the answer: the patient was told so before they sent anything. An opinion the patient asked
for goes to the doctors of their chart only with their yes, except where the expert calls it critical: then a person
who can act must hear of it (safety rule 11), and the words of the agreement say so beforehand.
"""

from __future__ import annotations

from smart_app.referral import Referral

WORDING = "2026-11"
"""Edition of the agreement on the patient's first page; changes with its meaning."""
BY_THEMSELVES = frozenset({"patient", "proxy"})


def copy_to_doctor(referral: Referral) -> bool:
    """What the patient chose: may the doctors of their chart read the answer?"""
    return referral.consents[-1].copy_to_doctor if referral.consents else referral.ask.copy_to_doctor


def kept_from_doctor(referral: Referral) -> bool:
    """Is the answer kept from the doctors of the chart, and so from the chart itself?"""
    if referral.requester.role not in BY_THEMSELVES or copy_to_doctor(referral):
        return False
    return not any(opinion.critical for opinion in referral.opinions)
