"""Search parameters of the practice chart. Rule: a parameter we do not know never silently widens a search.

FHIR R4, section 3.1.1 (search): token, reference, date and string parameters, `,` for "or", repeats for "and".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Resource = dict[str, Any]
Parameters = Mapping[str, Sequence[str]]

CONTROL = frozenset(
    {"_count", "_include", "_revinclude", "_sort", "_format", "_page", "_total", "_summary", "_elements"}
)
TOKEN = {
    "identifier": ("identifier",),
    "status": ("status",),
    "type": ("type",),
    "category": ("category",),
    "code": ("code",),
    "modality": ("modality", "series.modality"),
    "docstatus": ("docStatus",),
    "class": ("class",),
    "gender": ("gender",),
    "business-status": ("businessStatus",),
    "intent": ("intent",),
    "_tag": ("meta.tag",),
    "group-identifier": ("groupIdentifier",),
    "requisition": ("requisition",),
}
REFERENCE = {
    "patient": ("subject", "patient", "for"),
    "subject": ("subject", "patient", "for"),
    "encounter": ("encounter", "context.encounter"),
    "based-on": ("basedOn",),
    "basedon": ("basedOn",),
    "focus": ("focus",),
    "endpoint": ("endpoint", "series.endpoint"),
    "author": ("author",),
    "requester": ("requester",),
    "owner": ("owner",),
    "performer": ("performer",),
    "recipient": ("recipient",),
    "sender": ("sender",),
    "part-of": ("partOf",),
    "related": ("context.related",),
    "relatesto": ("relatesTo.target",),
    "result": ("result",),
    "target": ("target",),
}
DATE = {
    "date": ("date", "period", "effectiveDateTime", "effectivePeriod"),
    "period": ("context.period", "period"),
    "started": ("started",),
    "authored": ("authoredOn",),
    "authored-on": ("authoredOn",),
    "sent": ("sent",),
    "issued": ("issued",),
    "birthdate": ("birthDate",),
    "_lastUpdated": ("meta.lastUpdated",),
}
STRING = {
    "family": ("name.family",),
    "given": ("name.given",),
    "name": ("name.family", "name.given", "name.text"),
    "description": ("description",),
}


def known(name: str) -> bool:
    """Is this a parameter we can search by?"""
    bare = name.partition(":")[0]
    return bare == "_id" or any(bare in table for table in (TOKEN, REFERENCE, DATE, STRING))


def matches(resource: Resource, name: str, value: str) -> bool:
    """Does the resource match one parameter? `value` may hold several alternatives, separated by commas."""
    bare, _, modifier = name.partition(":")
    found = any(_one(resource, bare, alternative.strip()) for alternative in value.split(","))
    return not found if modifier == "not" else found


def _one(resource: Resource, name: str, value: str) -> bool:
    if name == "_id":
        return resource.get("id") == value.rpartition("/")[2]
    if name in TOKEN:
        return any(_token(item, value) for path in TOKEN[name] for item in walk(resource, path))
    if name in REFERENCE:
        return any(_reference(item, value) for path in REFERENCE[name] for item in walk(resource, path))
    if name in DATE:
        return any(_date(item, value) for path in DATE[name] for item in walk(resource, path))
    wanted = value.casefold()
    return any(
        str(item).casefold().startswith(wanted) for path in STRING.get(name, ()) for item in walk(resource, path)
    )


def walk(node: Any, path: str) -> Iterator[Any]:
    """Every value at a dotted path, lists opened on the way."""
    if isinstance(node, list):
        for item in node:
            yield from walk(item, path)
    elif not path:
        if node is not None:
            yield node
    elif isinstance(node, dict):
        head, _, rest = path.partition(".")
        if head in node:
            yield from walk(node[head], rest)


def _token(item: Any, wanted: str) -> bool:
    system, bar, code = wanted.rpartition("|")
    if isinstance(item, bool):
        return wanted == str(item).lower()
    if isinstance(item, str):
        return item == code
    if not isinstance(item, dict):
        return False
    if "coding" in item:
        return any(_token(coding, wanted) for coding in item["coding"])
    value = item.get("value", item.get("code"))
    if bar and item.get("system", "") != system:
        return False
    return value == code or (bool(bar) and not code)


def _reference(item: Any, wanted: str) -> bool:
    if not isinstance(item, dict):
        return False
    reference = item.get("reference", "")
    if not isinstance(reference, str) or not reference:
        return False
    own = "/".join(reference.split("/")[-2:])
    return own == wanted or own.rpartition("/")[2] == wanted or reference == wanted


def _date(item: Any, wanted: str) -> bool:
    """Compare by the letters both sides have: exact enough for ISO dates in one zone."""
    prefix, rest = (wanted[:2], wanted[2:]) if wanted[:2].isalpha() else ("eq", wanted)
    start, end = (item.get("start", ""), item.get("end", "")) if isinstance(item, dict) else (str(item), str(item))
    start, end = start[: len(rest)], (end or "9999")[: len(rest)]
    if prefix in ("ge", "sa"):
        return end >= rest if prefix == "ge" else start > rest
    if prefix in ("le", "eb", "lt"):
        return start <= rest if prefix == "le" else start < rest
    if prefix == "gt":
        return end > rest
    if prefix == "ne":
        return not start <= rest <= end
    return start <= rest <= end


def sort(resources: list[Resource], order: str) -> list[Resource]:
    """Sorted by one date or token parameter, `-` for newest first; unknown orders leave the list as it is."""
    name = order.partition(",")[0].lstrip("-")
    paths = DATE.get(name) or TOKEN.get(name)
    if not paths:
        return resources

    def key(resource: Resource) -> str:
        for path in paths:
            for item in walk(resource, path):
                return str(item.get("start", item)) if isinstance(item, dict) else str(item)
        return ""

    return sorted(resources, key=key, reverse=order.startswith("-"))
