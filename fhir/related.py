"""A RelatedPerson, read tolerantly: for whom somebody may act, since when and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from fhir.codes import V3_ROLE
from fhir.people import contact, display_name

Resource = dict[str, Any]


@dataclass(frozen=True)
class Related:
    """Somebody who acts for a patient. `patient` is the bare id.

    `begins` and `ends` are ISO dates, perhaps only in part (`2026-11`), empty where the chart sets no limit.
    `relationship` is a v3 RoleCode (`MTH`), else the chart's words.
    """

    reference: str
    patient: str
    name: str = ""
    active: bool = True
    begins: str = ""
    ends: str = ""
    relationship: str = ""
    email: str = ""

    def holds(self, on: date) -> bool:
        """Does the relationship hold on that day? Both ends of a period belong to it (R4, Period)."""
        day = on.isoformat()
        begun = not self.begins or day[: len(self.begins)] >= self.begins
        return self.active and begun and (not self.ends or day[: len(self.ends)] <= self.ends)


def read_related_person(resource: Resource) -> Related:
    """Read it. Raises nothing: an unreadable end of a period counts as over, an unreadable beginning as not begun."""
    period = resource.get("period")
    limits = period if isinstance(period, dict) else {}
    patient = resource.get("patient")
    named = patient.get("reference", "") if isinstance(patient, dict) else ""
    return Related(
        reference=f"RelatedPerson/{resource.get('id', '')}",
        patient=named.rpartition("/")[2] if isinstance(named, str) else "",
        name=display_name(resource),
        active=resource.get("active") is not False,
        begins=_day(limits.get("start"), unreadable="9999"),
        ends=_day(limits.get("end"), unreadable="0000"),
        relationship=_relationship(resource.get("relationship")),
        email=contact(resource, "email"),
    )


def _day(value: object, *, unreadable: str) -> str:
    if value is None or value == "":
        return ""
    text = str(value)[:10]
    return text if text.replace("-", "").isdigit() and len(text) in (4, 7, 10) else unreadable


def _relationship(value: object) -> str:
    """A code of v3 RoleCode before words, words before other codes."""
    concepts = [c for c in value if isinstance(c, dict)] if isinstance(value, list) else []
    codings = [c for concept in concepts for c in concept.get("coding") or () if isinstance(c, dict)]
    for coding in codings:
        if coding.get("system") == V3_ROLE and isinstance(coding.get("code"), str):
            return str(coding["code"])
    words = [c.get("text") for c in concepts] + [c.get("display") for c in codings]
    return next((" ".join(w.split()) for w in words if isinstance(w, str) and w.strip()), "")
