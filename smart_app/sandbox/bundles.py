"""Many resources in one answer: search pages and transaction responses, as each kind of EHR writes them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from smart_app.sandbox.answers import Found
from smart_app.sandbox.personality import Personality
from smart_app.sandbox.shelf import Version

Resource = dict[str, Any]
LARGEST_PAGE = 1000


def searchset(
    personality: Personality, base: str, kind: str, parameters: list[tuple[str, str]], found: Found
) -> Resource:
    """One page of a search, with the link to the next; remarks are entries of mode `outcome`.

    Oracle shows the last entry of a page again at the head of the next one, and names no total.
    """
    controls = dict(parameters)
    size = _number(controls.get("_count"), personality.page)
    start = _number(controls.get("_page"), 0)
    first = max(0, start - 1) if personality.repeats_across_pages else start
    links = [{"relation": "self", "url": f"{base}/{kind}?{urlencode(parameters)}"}]
    if start + size < len(found.matches):
        onward = [*((n, v) for n, v in parameters if n != "_page"), ("_page", str(start + size))]
        links.append({"relation": "next", "url": f"{base}/{kind}?{urlencode(onward)}"})
    entries = [_entry(personality, base, one, "match") for one in found.matches[first : start + size]]
    entries += [_entry(personality, base, one, "include") for one in found.included]
    entries += [{"resource": remark, "search": {"mode": "outcome"}} for remark in found.remarks]
    bundle: Resource = {"resourceType": "Bundle", "type": "searchset", "link": links}
    if personality.name != "oracle":
        bundle["total"] = len(found.matches)
    if entries:
        bundle["entry"] = entries
    return bundle


def transaction_response(stored: list[tuple[Version, bool]]) -> Resource:
    """What became of each entry, in order."""
    entries = [
        {
            "response": {
                "status": "201 Created" if new else "200 OK",
                "location": f"{version.reference}/_history/{version.number}",
                "etag": version.etag,
                "lastModified": version.at,
            }
        }
        for version, new in stored
    ]
    return {"resourceType": "Bundle", "type": "transaction-response", "entry": entries}


def shown(personality: Personality, resource: Resource) -> Resource:
    """The resource as told: Epic says nothing of versions."""
    return resource if personality.etag else {key: value for key, value in resource.items() if key != "meta"}


def _entry(personality: Personality, base: str, resource: Resource, mode: str) -> Resource:
    url = f"{base}/{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url, "resource": shown(personality, resource), "search": {"mode": mode}}


def _number(text: str | None, otherwise: int) -> int:
    return min(int(text), LARGEST_PAGE) if text and text.isdigit() else otherwise
