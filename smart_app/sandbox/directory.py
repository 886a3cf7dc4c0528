"""The directory file of an app that works with the practice: its sites, its reading organisations, its desk."""

from __future__ import annotations

import json
from dataclasses import replace

from smart_app.sandbox.house import Elsewhere, faces_of
from smart_app.sandbox.identity import ORGANISATIONS
from smart_app.sandbox.personality import EPIC, OPEN, ORACLE, Personality
from smart_app.sandbox.scopes import registered

SUBSPECIALTIES = {
    "northlight": ("general", "chest", "neuro", "breast", "abdominal", "cardiovascular"),
    "stonequay": ("musculoskeletal", "paediatric"),
}


def directory_toml(app_base: str, port: int, patient_port: int, host: str = "127.0.0.1", *, base: str = "") -> str:
    """TOML that `smart_app.sites.load_directory` reads: three sites with their personas, and who reads for them.

    `base` is the server in whose front the open hospital stands, if it does.
    """
    del app_base
    origin, patient_origin = f"http://{host}:{port}", f"http://{host}:{patient_port}"
    parts = ["# Written by the practice EHR; every hospital, organisation and person in it is invented.\n"]
    last = replace(OPEN, hospital=Elsewhere(base).name) if base else OPEN
    parts += [_site(personality, origin, patient_origin) for personality in (EPIC, ORACLE, last)]
    parts += [_organisation(organisation.id, organisation.name, origin) for organisation in ORGANISATIONS]
    return "\n".join(parts)


def _site(personality: Personality, origin: str, patient_origin: str) -> str:
    lines = [
        "[[site]]",
        f'id = "{personality.name}"',
        f"name = {_text(personality.hospital)}",
        f'profile = "{personality.name}"',
        'timezone = "America/Chicago"',
        f'frame_ancestors = ["{origin}"]',
        'phone = "555-0100"',
        f'hooks_jwks = "{faces_of(personality.name, origin, patient_origin)[0].keys}"',
    ]
    for audience in ("clinician", "patient", "system"):
        host = patient_origin if audience == "patient" and personality.name == "oracle" else origin
        scopes = ", ".join(_text(scope) for scope in registered(personality, audience))
        lines += [
            "",
            "[[site.persona]]",
            f'audience = "{audience}"',
            f'iss = "{host}{personality.fhir_path}"',
            f'client_id = "second-opinion-{audience}"',
            f"scopes = [{scopes}]",
        ]
    return "\n".join(lines) + "\n"


def _organisation(organisation_id: str, name: str, origin: str) -> str:
    role = "operator" if organisation_id == "desk" else "expert"
    lines = [
        "[[organisation]]",
        f'id = "{organisation_id}"',
        f"name = {_text(name)}",
        f'iss = "{origin}/idp/{organisation_id}"',
        'client_id = "second-opinion"',
        f'role = "{role}"',
        'phone = "555-0111"',
        'role_claim = "roles"',
        *(f'{part}s = ["{part}"]' for part in (("operator",) if role == "operator" else ("expert", "coordinator"))),
    ]
    known = SUBSPECIALTIES.get(organisation_id, ())
    if known:
        lines.append(f"subspecialties = [{', '.join(_text(word) for word in known)}]")
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
