"""The report being made: what was found, and its JSON form, which is a contract."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from fhir.abilities import Ability
from fhir.profiles import Profile, Rung

HELD = "held"
"""The opinion stays in the app and a person files its PDF: what is left where no rung is possible."""


@dataclass
class Report:
    """All that is known of one server. `heard` is False where its statement could not be had: nothing else holds."""

    base: str
    heard: bool = False
    version: str = ""
    profile: Profile | None = None
    smart: dict[str, Any] = field(default_factory=dict)
    reads: list[Ability] = field(default_factory=list)
    rungs: list[Rung] = field(default_factory=list)
    findings: list[tuple[str, str]] = field(default_factory=list)

    def error(self, text: str) -> None:
        """Something that keeps the product from working there."""
        self.findings.append(("error", text))

    def warn(self, text: str) -> None:
        """Something that takes a way away, or must be asked."""
        self.findings.append(("warning", text))

    def tell(self, text: str) -> None:
        """Something good to know."""
        self.findings.append(("info", text))

    @property
    def failed(self) -> bool:
        """Is there an error among the findings?"""
        return any(severity == "error" for severity, _ in self.findings)

    @property
    def chosen(self) -> str:
        """The resource type of the first possible rung, or "held"."""
        return next((rung.resource for rung in self.rungs if rung.possible), HELD)

    def take_away(self, name: str, why: str) -> None:
        """The server refused this rung when it was tried."""
        self.rungs = [replace(r, possible=False, why=why) if r.name == name else r for r in self.rungs]

    def as_json(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return {
            "base": self.base,
            "fhir_version": self.version,
            "smart": self.smart,
            "reads": {a.name: {"possible": a.possible, "why": a.why} for a in self.reads},
            "rungs": [
                {"rung": number, "resource": rung.resource, "possible": rung.possible, "why": rung.why}
                for number, rung in enumerate(self.rungs, 1)
            ],
            "chosen": self.chosen,
            "findings": [{"severity": severity, "text": text} for severity, text in self.findings],
        }
