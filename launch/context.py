"""Whose chart is open, as the first token answer says. Rule: tolerate spelling, refuse an id that is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launch.errors import LaunchRefused

_ID = re.compile(r"[A-Za-z0-9._~-]{1,256}")
_REFERENCE = re.compile(
    r"(?:(?P<base>https?://[^\s?#]+)/)?(?P<kind>[A-Z][A-Za-z]{1,63})/(?P<id>[A-Za-z0-9._~-]{1,256})"
)

USER_KINDS = ("Practitioner", "PractitionerRole", "Patient", "RelatedPerson", "Person")
"""What `fhirUser` may name (SMART App Launch 2.2, scopes for requesting identity data)."""


@dataclass(frozen=True)
class LaunchContext:
    """The launch context of SMART App Launch 2.2. `patient` and `encounter` are bare ids, None where not given.

    `need_patient_banner` is True unless the EHR says otherwise: a banner too many harms nobody. `appointment` is a
    member of Epic's. `raw` holds the whole answer but the tokens, so that no vendor's own member is lost.
    """

    patient: str | None = None
    encounter: str | None = None
    fhir_user: str | None = None
    need_patient_banner: bool = True
    smart_style_url: str | None = None
    intent: str | None = None
    tenant: str | None = None
    appointment: str | None = None
    fhir_context: tuple[dict[str, Any], ...] = ()
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def references(self, resource_type: str, base: str) -> tuple[str, ...]:
        """The resources of that type in `fhirContext`, as `Type/id`, without those of other servers than `base`."""
        named = (local_reference(item.get("reference"), base) for item in self.fhir_context)
        return tuple(dict.fromkeys(name for name in named if name.startswith(f"{resource_type}/")))

    def identifiers(self, resource_type: str) -> tuple[tuple[str, str], ...]:
        """(system, value) of the resources of that type that `fhirContext` names by identifier."""
        found = []
        for item in self.fhir_context:
            identifier = item.get("identifier")
            if item.get("type") == resource_type and isinstance(identifier, dict):
                system, value = identifier.get("system"), identifier.get("value")
                if isinstance(value, str) and value:
                    found.append((system if isinstance(system, str) else "", value))
        return tuple(found)


SECRETS = frozenset({"access_token", "refresh_token", "id_token", "state"})


def read_context(token_answer: Mapping[str, Any]) -> LaunchContext:
    """Read it from a token answer. Raises LaunchRefused where patient or encounter are not FHIR ids."""
    return LaunchContext(
        patient=_id(token_answer, "patient", "Patient"),
        encounter=_id(token_answer, "encounter", "Encounter"),
        fhir_user=_user(token_answer.get("fhirUser")),
        need_patient_banner=_yes(token_answer.get("need_patient_banner"), absent=True),
        smart_style_url=_text(token_answer.get("smart_style_url")),
        intent=_text(token_answer.get("intent")),
        tenant=_text(token_answer.get("tenant")),
        appointment=_text(token_answer.get("appointment")),
        fhir_context=tuple(_entries(token_answer.get("fhirContext"))),
        raw={name: value for name, value in token_answer.items() if name not in SECRETS},
    )


def local_reference(value: object, base: str) -> str:
    """`Type/id` of a reference that is relative or on the server at `base`; empty for everything else."""
    found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
    if found is None or not found["id"].strip("."):
        return ""
    there = found["base"]
    return f"{found['kind']}/{found['id']}" if there in (None, base.rstrip("/")) else ""


def user_kind(fhir_user: str | None) -> str:
    """The type of resource a `fhirUser` names, absolute or not; empty where it names none of USER_KINDS."""
    kind = fhir_user.split("/")[-2] if fhir_user and "/" in fhir_user else ""
    return kind if kind in USER_KINDS else ""


def _user(value: object) -> str | None:
    text = _text(value)
    return text if text and _REFERENCE.fullmatch(text) and user_kind(text) else None


def _entries(value: object) -> list[dict[str, Any]]:
    """SMART 2.0 drafts wrote a bare reference where 2.1 writes an object."""
    if not isinstance(value, list):
        return []
    return [
        {"reference": item} if isinstance(item, str) else dict(item)
        for item in value
        if item and isinstance(item, str | dict)
    ]


def _id(answer: Mapping[str, Any], member: str, resource: str) -> str | None:
    value = answer.get(member)
    if value is None or value == "":
        return None
    text = str(value).removeprefix(f"{resource}/")
    if isinstance(value, bool | float | list | dict) or not _ID.fullmatch(text) or not text.strip("."):
        raise LaunchRefused(f"The {member} in the token answer is not an id.", reason="invalid_context")
    return text


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _yes(value: object, *, absent: bool) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.strip().lower() in ("true", "false"):
        return value.strip().lower() == "true"
    return absent
