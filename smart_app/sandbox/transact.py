"""A transaction Bundle: creates and updates with `urn:uuid:` references between them. Rule: all of it or nothing."""

from __future__ import annotations

import copy
from typing import Any
from urllib.parse import parse_qsl

from smart_app.sandbox.answers import Answers
from smart_app.sandbox.refusal import outcome
from smart_app.sandbox.shelf import Version
from smart_app.sandbox.writing import RELATIVE, listed, new_id, references, type_of

Resource = dict[str, Any]


def transact(answers: Answers, bundle: Resource) -> list[tuple[Version, bool]]:
    """Every entry or none, in the order given: the version and whether it is new. Raises Refusal."""
    offered = answers.personality.system
    if "transaction" not in offered:
        if "batch" in offered:
            raise outcome(422, "invalid", "Unprocessable entity")
        raise outcome(405, "not-supported", "This server has no system-level interactions")
    entries = listed(bundle.get("entry"))
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") != "transaction" or not entries:
        raise outcome(400, "invalid", "A transaction Bundle with entries is expected")
    shelf = answers.shelf
    with shelf.lock:
        there: dict[int, Version] = {}
        named: dict[str, str] = {}
        prepared: dict[int, Resource] = {}
        for index, entry in enumerate(entries):
            resource, found = _entry(answers, entry)
            if found is not None:
                there[index], reference = found, found.reference
            else:
                reference = f"{resource['resourceType']}/{resource['id']}"
                prepared[index] = resource
            if str(entry.get("fullUrl", "")).startswith("urn:"):
                named[entry["fullUrl"]] = reference
        resolved = {index: _resolve(resource, named) for index, resource in prepared.items()}
        coming = {f"{r['resourceType']}/{r['id']}" for r in resolved.values()}
        for resource in resolved.values():
            for path, reference in references(resource):
                known = reference in coming or shelf.exists(reference.partition("/_history")[0])
                if (RELATIVE.fullmatch(reference) or reference.startswith("urn:uuid:")) and not known:
                    raise outcome(400, "processing", f"Resource {reference} not found, specified in path: {path}")
        before = {index: bool(shelf.history(r["resourceType"], r["id"])) for index, r in resolved.items()}
        stored = dict(zip(resolved, shelf.put(resolved.values(), answers.access.client_id), strict=True))
    return [
        (there[index], False) if index in there else (stored[index], not before[index]) for index in range(len(entries))
    ]


def _entry(answers: Answers, entry: dict[str, Any]) -> tuple[Resource, Version | None]:
    """One entry: the resource to keep with its id, or the version a conditional create found."""
    request = entry.get("request", {})
    resource: Resource = copy.deepcopy(entry.get("resource") or {})
    resource_type = type_of(resource)
    method = request.get("method")
    if method == "PUT":
        resource["id"] = str(request.get("url", "")).rpartition("/")[2]
        answers.may_put(resource, request.get("ifMatch"))
        return resource, None
    if method != "POST":
        raise outcome(400, "not-supported", f"{method} is not supported in a transaction here")
    answers.may_post(resource)
    if request.get("ifNoneExist"):
        there = answers.find(resource_type, parse_qsl(str(request["ifNoneExist"]).rpartition("?")[2])).matches
        if len(there) > 1:
            raise outcome(412, "multiple-matches", "More than one resource matches ifNoneExist")
        if there:
            return resource, answers.read(resource_type, there[0]["id"])
    resource["id"] = new_id(answers.personality, answers.shelf, resource_type)
    return resource, None


def _resolve(node: Any, named: dict[str, str]) -> Any:
    """The same tree with every `urn:uuid:` reference replaced by where that entry now stands."""
    if isinstance(node, dict):
        return {
            key: named.get(value, value)
            if key in ("reference", "url") and isinstance(value, str)
            else _resolve(value, named)
            for key, value in node.items()
        }
    return [_resolve(item, named) for item in node] if isinstance(node, list) else node
