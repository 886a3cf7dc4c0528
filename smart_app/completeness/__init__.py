"""What a case lacks before an expert reads it, by a table of rules (`rules.toml`). Pure functions.

Rule: a gap is named, never filled in. Where headers cannot tell, nothing is said.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from smart_app.case import Event, Upload
from smart_app.completeness.looks import LOOKS, facts_of
from smart_app.referral import Referral

LEVELS = ("block", "warn", "info")
WORDS = ("title", "patient", "clinician")


@dataclass(frozen=True)
class Rule:
    """One line of the table. `words` ("title", "patient", "clinician") are by language; `values` go to the look.

    `about` is "images", or "question" for what only the person who asked can mend.
    """

    id: str
    level: str
    needs: str
    source: str
    words: Mapping[str, Mapping[str, str]]
    about: str = "images"
    subspecialty: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Gap:
    """One thing that is not there. `overruled` is the named clinician's decision to go on without it."""

    rule: Rule
    values: Mapping[str, Any]
    overruled: Event | None = None

    @property
    def blocks(self) -> bool:
        """Does it hold the case back?"""
        return self.rule.level == "block" and self.overruled is None

    def text(self, audience: str, language: str = "en") -> str:
        """Its "title", or the sentence for "patient" or "clinician"; in English where there is no other."""
        words = self.rule.words[audience]
        return words.get(language, words["en"]).format(**self.values)


def rules_of(table: str) -> tuple[Rule, ...]:
    """The rules of a table in TOML. Raises ValueError naming the rule that is not whole."""
    made = []
    for raw in tomllib.loads(table)["rule"]:
        known = {"id", "level", "needs", "source", "about", "subspecialty", *WORDS}
        words = {audience: raw.get(audience, {}) for audience in WORDS}
        whole = raw.get("level") in LEVELS and raw.get("needs") in LOOKS and raw.get("source")
        if not whole or not all("en" in said for said in words.values()):
            raise ValueError(f"The rule {raw.get('id', '?')} is not whole: level, needs, source, words in English.")
        values = {name: value for name, value in raw.items() if name not in known}
        places = tuple(raw.get("subspecialty", ()))
        about = raw.get("about", "images")
        made.append(Rule(raw["id"], raw["level"], raw["needs"], raw["source"], words, about, places, values))
    return tuple(made)


@cache
def standard_rules() -> tuple[Rule, ...]:
    """The table that comes with the product."""
    return rules_of(Path(__file__).with_name("rules.toml").read_text("utf-8"))


def overrides(referral: Referral) -> dict[str, Event]:
    """Which rules a named clinician overruled, by their ids; the newest decision of each."""
    return {event.reason.split(":")[0]: event for event in referral.history if event.verb == "override"}


def gaps(referral: Referral, upload: Upload, today: date, rules: Iterable[Rule] | None = None) -> list[Gap]:
    """Everything that this case lacks, the blocking first."""
    facts = facts_of(referral.ask, upload, today)
    said = overrides(referral)
    found = []
    for rule in standard_rules() if rules is None else rules:
        if rule.subspecialty and referral.ask.subspecialty not in rule.subspecialty:
            continue
        values = LOOKS[rule.needs](facts, rule.values)
        if values is not None:
            found.append(Gap(rule, values, said.get(rule.id)))
    return sorted(found, key=lambda gap: LEVELS.index(gap.rule.level))
