"""Whose chart is open, as the first token answer says. Rule: tolerate spelling, refuse an id that is none."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from launch.errors import LaunchRefused

_ID = re.compile(r"[A-Za-z0-9._~-]{1,256}")


@dataclass(frozen=True)
class LaunchContext:
    """The launch context of SMART App Launch 2.2. `patient` and `encounter` are bare ids, None where not given.

    `need_patient_banner` is True unless the EHR says otherwise: a banner too many harms nobody. `raw` holds the
    whole answer but the tokens.
    """

    patient: str | None = None
    encounter: str | None = None
    fhir_user: str | None = None
    need_patient_banner: bool = True
    smart_style_url: str | None = None
    intent: str | None = None
    tenant: str | None = None
    fhir_context: tuple[dict[str, Any], ...] = ()
    raw: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)


SECRETS = frozenset({"access_token", "refresh_token", "id_token", "state"})


def read_context(token_answer: Mapping[str, Any]) -> LaunchContext:
    """Read it from a token answer. Raises LaunchRefused where patient or encounter are not FHIR ids."""
    entries = token_answer.get("fhirContext")
    return LaunchContext(
        patient=_id(token_answer, "patient", "Patient"),
        encounter=_id(token_answer, "encounter", "Encounter"),
        fhir_user=_text(token_answer.get("fhirUser")),
        need_patient_banner=_yes(token_answer.get("need_patient_banner"), absent=True),
        smart_style_url=_text(token_answer.get("smart_style_url")),
        intent=_text(token_answer.get("intent")),
        tenant=_text(token_answer.get("tenant")),
        fhir_context=tuple(_entries(entries)),
        raw={name: value for name, value in token_answer.items() if name not in SECRETS},
    )


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
