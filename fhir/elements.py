"""The small parts every builder uses: moments, pointers, narrative. Plain dicts, nothing empty, always the same."""

from __future__ import annotations

import html
import re
from datetime import datetime
from typing import Any

from fhir import codes
from fhir.errors import InvalidResource
from fhir.references import type_and_id

Element = dict[str, Any]

DATE = re.compile(r"\d{4}(-\d{2}(-\d{2})?)?")
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")


def stamp(moment: datetime) -> str:
    """A dateTime or instant to the second, with its offset. Raises InvalidResource for a time without a zone."""
    if moment.tzinfo is None:
        raise InvalidResource("A time without a zone says nothing in FHIR.")
    return moment.isoformat(timespec="seconds")


def when(text: str) -> str:
    """What FHIR can say of an ISO time: as it is with an offset, else only its date, else nothing."""
    text = text.strip()
    if DATE_TIME.fullmatch(text) or DATE.fullmatch(text):
        return text
    day = text[:10]
    return day if DATE.fullmatch(day) else ""


def tidy(resource: Element) -> Element:
    """The same resource without the control characters that headers and pastes bring and FHIR strings cannot hold."""
    tidied = {name: _tidied(value) for name, value in resource.items()}
    return {name: value for name, value in tidied.items() if value != ""}


def _tidied(value: Any) -> Any:
    if isinstance(value, str):
        return value if value.isprintable() else printable(value)
    if isinstance(value, dict):
        return tidy(value)
    return [_tidied(item) for item in value] if isinstance(value, list) else value


def present(**members: Any) -> Element:
    """A dict without its empty members (None, "", [], {}); a trailing underscore is dropped from a name."""
    return {name.rstrip("_"): value for name, value in members.items() if value not in (None, "", [], {}, ())}


def pointer(reference: str, kind: str, display: str = "") -> Element:
    """A Reference: literal for "Type/id" or an absolute address, logical for "system|value" of that kind."""
    if not reference:
        return {"display": display}
    if "|" in reference:
        system, _, value = reference.rpartition("|")
        return {"type": kind, "identifier": {"system": system, "value": value}, **present(display=display)}
    return present(reference=reference, display=display)


def person(reference: str, display: str, *kinds: str) -> Element:
    """A Reference to somebody: literal only where it names one of these kinds, else by name alone."""
    known = type_and_id(reference)
    if known and known.partition("/")[0] in kinds:
        return present(reference=reference, display=display)
    return {"display": display} if display else {}


def identifier(system: str, value: str, kind: Element | None = None, use: str = "") -> Element:
    """One Identifier."""
    return present(use=use, type=codes.concept(kind) if kind else None, system=system, value=value)


def narrative(text: str) -> Element:
    """The same words as XHTML, for readers that know nothing else (R4 section 2.1.28)."""
    body = html.escape(printable(text), quote=False)
    return {
        "status": "generated",
        "div": f'<div xmlns="http://www.w3.org/1999/xhtml"><pre>{body}</pre></div>',
    }


def printable(text: str) -> str:
    """Without control characters but line feed and tab, and without halves of characters."""
    return "".join(
        c
        for c in text
        if c in "\n\t" or (ord(c) >= 32 and not 0x7F <= ord(c) <= 0x9F and not "\ud800" <= c <= "\udfff")
    )
