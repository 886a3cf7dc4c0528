"""The kinds of EHR we know, as data: what to ask for, and how long theirs take. Rule: no address is assumed for a site.

`templates.toml` holds them, with the date of the vendor documents they follow.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from smart_app.sites import AUDIENCES

FILE = Path(__file__).with_name("templates.toml")


@dataclass(frozen=True)
class Asked:
    """How we register for one audience: the proof and the scopes."""

    auth: str
    scopes: tuple[str, ...]


@dataclass(frozen=True)
class Template:
    """One kind of EHR.

    `addresses` is "two" where patients have a FHIR host of their own. `waits` is {stage: minutes} until a changed
    registration works, `caches_keys` the hours an EHR may keep our key set, `test_iss` the vendor's public test
    server, `causes` those of `invalid_client`, the likeliest first (`causes`).
    """

    id: str
    name: str
    profile: str
    facts: str
    addresses: str
    waits: Mapping[str, int]
    caches_keys: int
    test_iss: str
    causes: tuple[str, ...]
    asked: Mapping[str, Asked]


@cache
def templates() -> dict[str, Template]:
    """Every template, by id, in the order of the file."""
    raw = tomllib.loads(FILE.read_text("utf-8"))
    return {name: _template(name, entry) for name, entry in raw.items()}


OF_PROFILE = {"epic": "epic", "oracle": "oracle", "open": "hapi"}


def template(name: str, profile: str = "") -> Template:
    """The template of that id; for a site that names none, the one whose charts take reports the same way."""
    known = templates()
    return known.get(name) or known[OF_PROFILE.get(profile, "hapi")]


def _template(name: str, entry: dict[str, Any]) -> Template:
    asked = {a: Asked(entry[a]["auth"], tuple(entry[a]["scopes"])) for a in AUDIENCES if a in entry}
    plain = {key: value for key, value in entry.items() if key not in AUDIENCES}
    return Template(id=name, asked=asked, **{**plain, "causes": tuple(plain["causes"])})
