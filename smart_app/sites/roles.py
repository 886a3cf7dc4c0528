"""What part somebody of a reading organisation has, by the claims of their own sign-in service.

Rule: a claim can only give a part that its organisation may have. No reading organisation makes operators of this
installation, and whoever no claim names has no part at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from smart_app.sites.directory import Organisation


def role_of(organisation: Organisation, claims: Mapping[str, Any]) -> str:
    """ "expert", "coordinator" or "operator"; empty where they have no part here.

    An organisation without a `role_claim` has given its sign-in service to nobody else: all of its people have its
    part.
    """
    if not organisation.role_claim:
        return organisation.role
    named = set(_values(claims, organisation.role_claim))
    parts = [("expert", organisation.experts), ("coordinator", organisation.coordinators)]
    if organisation.role == "operator":
        parts = [("operator", organisation.operators)]
    return next((part for part, values in parts if named & set(values)), "")


def _values(claims: Mapping[str, Any], name: str) -> list[str]:
    """A claim by its whole name (which may be an address), else by a path of dots; one word or a list of them."""
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for step in name.split("."):
            found = found.get(step) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return found.split()
    return [value for value in found if isinstance(value, str)] if isinstance(found, list) else []
