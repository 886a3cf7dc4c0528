"""A FHIR search as it was asked (R4, section 3.1.1), and what of it we can answer.

Rule: a parameter we do not know is refused, never ignored: an ignored filter answers with what nobody asked for.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fhir.study import UID
from smart_app.exchange.errors import NotUnderstood
from smart_app.record import MEANING
from smart_app.referral import Status

MOST = 100
USUAL = 50
POINTS: dict[str, dict[str, str]] = {
    "Task": {"patient": "Patient", "focus": "ServiceRequest", "based-on": "ServiceRequest", "subject": "Patient"},
    "ServiceRequest": {"patient": "Patient", "subject": "Patient"},
    "ImagingStudy": {"patient": "Patient", "subject": "Patient", "basedon": "ServiceRequest"},
    "DocumentReference": {"patient": "Patient", "subject": "Patient", "related": "ServiceRequest"},
    "DiagnosticReport": {"patient": "Patient", "subject": "Patient", "based-on": "ServiceRequest"},
    "Communication": {"patient": "Patient", "subject": "Patient", "based-on": "ServiceRequest"},
    "Patient": {},
}
"""Search parameters that point at another resource of the same referral."""
INCLUDES: dict[str, dict[str, str]] = {
    "Task": {"Task:focus": "ServiceRequest", "Task:patient": "Patient", "Task:subject": "Patient"},
    "ServiceRequest": {"ServiceRequest:patient": "Patient", "ServiceRequest:subject": "Patient"},
    "ImagingStudy": {"ImagingStudy:patient": "Patient", "ImagingStudy:basedon": "ServiceRequest"},
    "DocumentReference": {"DocumentReference:patient": "Patient", "DocumentReference:related": "ServiceRequest"},
    "DiagnosticReport": {"DiagnosticReport:patient": "Patient", "DiagnosticReport:based-on": "ServiceRequest"},
    "Communication": {"Communication:patient": "Patient", "Communication:based-on": "ServiceRequest"},
    "Patient": {},
}
_PREFIX = re.compile(r"(eq|ge|gt|le|lt)?(\d{4}(?:-\d{2}(?:-\d{2}(?:T.+)?)?)?)")
_WITH_STATUS = ("Task", "ServiceRequest", "DiagnosticReport")
_IGNORED = frozenset({"_format", "_pretty"})


@dataclass(frozen=True)
class Asked:
    """One search. `since` and `until` are inclusive; `referral` narrows it to one."""

    kind: str
    referral: str = ""
    ids: frozenset[str] = frozenset()
    statuses: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None
    after: tuple[datetime, str] | None = None
    count: int = USUAL
    count_only: bool = False
    includes: frozenset[str] = frozenset()
    plain: tuple[tuple[str, str], ...] = field(default=())  # as asked, for the links

    @property
    def stands(self) -> frozenset[Status]:
        """The statuses of ours that fit; empty where every one does. Known for Task and ServiceRequest."""
        if not self.statuses or self.kind not in ("Task", "ServiceRequest"):
            return frozenset()
        part = "task" if self.kind == "Task" else "service_request"
        return frozenset(status for status, meaning in MEANING.items() if getattr(meaning, part) in self.statuses)


def read(kind: str, parameters: Iterable[tuple[str, str]]) -> Asked:
    """Read the parameters of a search on that type. Raises NotUnderstood naming the one that cannot be answered."""
    given = [(name, value) for name, value in parameters if name not in _IGNORED]
    found: dict[str, object] = {"plain": tuple((n, v) for n, v in given if n != "_cursor")}
    includes: set[str] = set()
    for name, value in given:
        if name == "_include":
            if value not in INCLUDES[kind]:
                raise NotUnderstood(f"_include={value} is not offered for {kind}.")
            includes.add(INCLUDES[kind][value])
            continue
        _read_one(kind, name, value, found)
    return Asked(kind=kind, includes=frozenset(includes), **found)  # type: ignore[arg-type]


def _read_one(kind: str, name: str, value: str, found: dict[str, object]) -> None:
    if name == "_id":
        found["ids"] = frozenset(value.split(","))
        _narrow(found, value.split(",", maxsplit=1)[0].partition(".")[0] if "," not in value else "")
    elif name == "_lastUpdated":
        _moment(value, found)
    elif name == "_count":
        found["count"] = _number(name, value)
    elif name == "_summary":
        if value not in ("count", "false"):
            raise NotUnderstood(f"_summary={value} is not offered; count is.")
        found["count_only"] = value == "count"
    elif name == "_sort":
        if value != "_lastUpdated":
            raise NotUnderstood("_sort is by _lastUpdated, oldest first.")
    elif name == "_cursor":
        found["after"] = _cursor(value)
    elif name == "status" and kind in _WITH_STATUS:
        found["statuses"] = frozenset(value.split(","))
    elif name == "identifier":
        found["identifiers"] = frozenset(value.split(","))
    elif name.partition(":")[0] in POINTS[kind]:
        wanted = POINTS[kind][name.partition(":")[0]]
        local = value.removeprefix(f"{wanted}/").rpartition("/")[2]
        _narrow(found, local.partition(".")[0])
    else:
        raise NotUnderstood(f"The search parameter {name} is not offered for {kind}.")


def _narrow(found: dict[str, object], referral: str) -> None:
    """To one referral; two that differ leave nothing."""
    if not referral:
        return
    known = found.get("referral")
    found["referral"] = referral if known in (None, referral) else "none"


def _number(name: str, value: str) -> int:
    if not value.isdigit():
        raise NotUnderstood(f"{name} is a whole number.")
    return min(int(value), MOST)


def _moment(value: str, found: dict[str, object]) -> None:
    fits = _PREFIX.fullmatch(value)
    if fits is None:
        raise NotUnderstood("_lastUpdated is a FHIR date or dateTime, with eq, ge, gt, le or lt before it.")
    prefix, text = fits.groups()
    try:
        begin, end = _span(text)
    except ValueError as problem:
        raise NotUnderstood(f"_lastUpdated: {text} is no date.") from problem
    tick = timedelta(microseconds=1)
    if prefix in (None, "eq", "ge", "gt"):
        found["since"] = end + tick if prefix == "gt" else begin
    if prefix in (None, "eq", "le", "lt"):
        found["until"] = begin - tick if prefix == "lt" else end


def _span(text: str) -> tuple[datetime, datetime]:
    """First and last microsecond that a date of that precision stands for; UTC where it names no zone."""
    if "T" in text:
        at = datetime.fromisoformat(text.replace(" ", "+"))
        at = at if at.tzinfo else at.replace(tzinfo=UTC)
        width = timedelta(microseconds=1) if "." in text else timedelta(seconds=1)
        return at, at + width - timedelta(microseconds=1)
    parts = [int(part) for part in text.split("-")]
    begin = datetime(*[*parts, 1, 1][:3], tzinfo=UTC)  # type: ignore[misc, arg-type]
    if len(parts) == 3:
        end = begin + timedelta(days=1)
    elif len(parts) == 2:
        end = (begin.replace(day=28) + timedelta(days=4)).replace(day=1)
    else:
        end = begin.replace(year=begin.year + 1)
    return begin, end - timedelta(microseconds=1)


def cursor(at: datetime, referral: str) -> str:
    """The place where the next page begins, opaque to the one who asks."""
    return base64.urlsafe_b64encode(json.dumps([at.isoformat(), referral]).encode()).decode().rstrip("=")


def _cursor(value: str) -> tuple[datetime, str]:
    try:
        at, referral = json.loads(base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)))
        return datetime.fromisoformat(at), str(referral)
    except (ValueError, TypeError) as problem:
        raise NotUnderstood("_cursor is not one of ours.") from problem


def names(identifiers: Iterable[str]) -> frozenset[str]:
    """Every way in which the wanted identifiers may be written: "system|value", and a study UID with or without OID."""
    wanted = set()
    for one in identifiers:
        system, bar, value = one.rpartition("|")
        wanted.add(one if bar else f"|{one}")
        bare = value.removeprefix("urn:oid:")
        if UID.fullmatch(bare):
            wanted |= {f"{system}|{bare}", f"{system}|urn:oid:{bare}"}
    return frozenset(wanted)
