"""Why an EHR says `invalid_client`, which names no reason: the known causes, without those that were ruled out.

Sources: the vendors' OAuth documents and reports of implementers, as of the templates' `facts`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from launch.discovery import Configuration
from smart_app.connect.ours import TOLERATED_SKEW, Evidence
from smart_app.connect.templates import Template
from smart_app.sites import Persona

WITH_SECRET = ("secret", "waits", "stage", "method")
FOUND = {"keys-redirect": "jwks-redirect", "keys-status": "jwks-unreachable", "keys-no-json": "jwks-unreachable"}
FOUND |= {"keys-not-https": "jwks-unreachable", "keys-others": "kid-unknown", "keys-unseen": "jwks-unreachable"}
"""What was found wrong with our key set -> the cause it is."""
SEEN = ("jwks-redirect", "jwks-unreachable")
"""Causes that cannot be, once we have fetched our key set as an EHR does."""


def causes_of_invalid_client(
    persona: Persona, of: Template, evidence: Evidence, offered: Configuration, since: datetime | None, now: datetime
) -> tuple[str, ...]:
    """The causes that are left, the likeliest first. `since` is when the registration was last changed here."""
    if persona.auth.startswith("client_secret"):
        return tuple(cause for cause in WITH_SECRET if cause != "waits" or of.waits.get(persona.stage))
    first: list[str] = []
    ruled_out: set[str] = set()
    if evidence.key_set == "keys-good":
        ruled_out.update(SEEN)
    elif evidence.key_set in FOUND:
        first.append(FOUND[evidence.key_set])
    if evidence.skew is not None:
        (first.append if abs(evidence.skew) > TOLERATED_SKEW else ruled_out.add)("clock")
    if offered.signing_algs and {"RS384", "ES384"} & set(offered.signing_algs):
        ruled_out.add("alg")
    if _is_new(persona, of, since, now):
        first.append("waits")
    if persona.stage == "production" and of.test_iss and persona.iss.rstrip("/") == of.test_iss:
        first.insert(0, "stage")
    left = [cause for cause in of.causes if cause not in ruled_out]
    return tuple(dict.fromkeys((*first, *left)))


def _is_new(persona: Persona, of: Template, since: datetime | None, now: datetime) -> bool:
    return since is not None and now - since < timedelta(minutes=of.waits.get(persona.stage, 0))
