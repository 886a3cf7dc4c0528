"""What one step of the walk found. Rule: a code and its facts, no sentence; the words stand with the screens' words."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

LEVELS = ("good", "note", "warn", "bad")
"""bad: somebody cannot work. warn: it works, with something missing. note: for a person to know or to do."""


@dataclass(frozen=True)
class Finding:
    """`audience` is empty where it is about the whole site. `causes` are what to say on the phone, likeliest first."""

    step: str
    level: str
    code: str
    audience: str = ""
    facts: dict[str, str] = field(default_factory=dict)
    causes: tuple[str, ...] = ()


def worst(findings: Iterable[Finding]) -> str:
    """The gravest level among them; "good" where there are none."""
    return max((one.level for one in findings), key=LEVELS.index, default="good")


def to_json(findings: Iterable[Finding]) -> str:
    """As it is kept beside the site."""
    return json.dumps([asdict(one) for one in findings], separators=(",", ":"))


def from_json(text: str) -> list[Finding]:
    """Again; nothing where nothing was kept or an older version wrote it otherwise."""
    try:
        rows: list[dict[str, Any]] = json.loads(text) if text else []
        return [Finding(**{**row, "causes": tuple(row["causes"])}) for row in rows]
    except (ValueError, TypeError, KeyError):
        return []
