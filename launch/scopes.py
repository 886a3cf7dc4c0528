"""Scopes asked and scopes granted. Rule: compare after every token answer, in both spellings of SMART.

SMART App Launch 2.2, scopes: `user/Observation.rs`; version 1 wrote `.read` (= `.rs`), `.write` (= `.cud`) and `.*`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

_RESOURCE = re.compile(r"(patient|user|system)/([A-Za-z]+|\*)\.([a-z]+|\*)(\?.*)?", re.IGNORECASE)
_VERSION_1 = {"read": "rs", "write": "cud", "*": "cruds"}


def read_scope(value: object) -> tuple[str, ...] | None:
    """The scopes of a token answer, written as one string, with commas, or as a list. None where there are none."""
    if isinstance(value, str):
        return tuple(value.replace(",", " ").split())
    if isinstance(value, list):
        return tuple(word for item in value if isinstance(item, str) for word in item.split())
    return None


def granted_scopes(token: dict[str, Any], requested: Iterable[str]) -> tuple[str, ...]:
    """What was granted: without a `scope` in the answer, just what was asked (RFC 6749 section 5.1)."""
    named = read_scope(token.get("scope"))
    return tuple(requested) if named is None else named


def missing_scopes(requested: Iterable[str], granted: Iterable[str]) -> tuple[str, ...]:
    """The requested scopes that nothing granted covers, in the order asked."""
    have = tuple(granted)
    return tuple(scope for scope in requested if not covers(have, scope))


@dataclass(frozen=True)
class Gap:
    """What of one asked scope was not granted. `letters` are of "cruds" and empty for a scope of another kind.

    `only` holds the queries (`category=laboratory`) under which what is missing was granted all the same.
    """

    scope: str
    level: str = ""
    resource: str = ""
    letters: str = ""
    only: tuple[str, ...] = ()


def gaps(requested: Iterable[str], granted: Iterable[str]) -> tuple[Gap, ...]:
    """What is missing, taken apart so that a screen can say it in its own words. Resource names as they were asked."""
    have = tuple(granted)
    return tuple(_gap(scope, have) for scope in missing_scopes(requested, have))


def _gap(scope: str, have: tuple[str, ...]) -> Gap:
    found, asked = _RESOURCE.fullmatch(scope), _parts(scope)
    if found is None or asked is None:
        return Gap(scope)
    level, resource, letters, _ = asked
    given = [parts for parts in map(_parts, have) if parts and parts[0] == level and parts[1] in ("*", resource)]
    whole = {letter for parts in given if not parts[3] for letter in parts[2]}
    missing = letters - whole
    only = dict.fromkeys(parts[3].removeprefix("?") for parts in given if parts[3] and parts[2] & missing)
    return Gap(scope, level, found[2], "".join(letter for letter in "cruds" if letter in missing), tuple(only))


def covers(granted: Iterable[str], wanted: str) -> bool:
    """Do these scopes together allow everything `wanted` asks? Letter case of resource names is forgiven."""
    have = tuple(granted)
    asked = _parts(wanted)
    if asked is None:
        return wanted in have
    level, resource, letters, query = asked
    allowed: set[str] = set()
    for scope in have:
        given = _parts(scope)
        if given and given[0] == level and given[1] in ("*", resource) and given[3] in ("", query):
            allowed |= given[2]
    return letters <= allowed


def _parts(scope: str) -> tuple[str, str, set[str], str] | None:
    found = _RESOURCE.fullmatch(scope)
    if found is None:
        return None
    level, resource, letters, query = found.groups()
    return level.lower(), resource.lower(), set(_VERSION_1.get(letters.lower(), letters.lower())), query or ""
