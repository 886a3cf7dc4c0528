"""The gate before sending: R4 shape, required codes, reference targets, invariants, what a claimed profile demands.

Tables, not opinions: codes and targets are those of the R4 4.0.1 definitions (`r4_rules.json`), compared by a test.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from fhir.errors import InvalidResource
from fhir.invariants import invariant_faults
from fhir.r4 import shape_faults
from fhir.wire import type_and_id

Fault = tuple[str, str]
"""(path, what is wrong there)"""


def check(resource: dict[str, Any]) -> None:
    """Pass in silence or raise InvalidResource naming every path and fault; nothing that fails may be sent."""
    found = faults(resource)
    if found:
        raise InvalidResource("; ".join(f"{path}: {fault}" for path, fault in found[:10]))


def faults(resource: dict[str, Any]) -> list[Fault]:
    """Every (path, fault) of this resource, contained and bundled ones included; empty where it may be sent."""
    kind = str(resource.get("resourceType"))
    found = [*_emptiness(resource, kind), *shape_faults(resource)]
    if found:
        return list(dict.fromkeys(found))  # on a broken shape the other rules would only stumble
    return list(dict.fromkeys((*_walk(resource, kind, kind, _Context(resource)), *invariant_faults(resource, kind))))


class _Context:
    """What references inside one document may point at: contained resources and bundle entries."""

    def __init__(self, root: dict[str, Any]) -> None:
        self.local: dict[str, str] = {}
        for entry in root.get("entry", ()) if root.get("resourceType") == "Bundle" else ():
            if "fullUrl" in entry and "resource" in entry:
                self.local[entry["fullUrl"]] = entry["resource"]["resourceType"]

    def inside(self, resource: dict[str, Any]) -> _Context:
        """The same, seen from within one resource: `#id` means what that one contains."""
        context = _Context({})
        outer = {address: kind for address, kind in self.local.items() if not address.startswith("#")}
        own = {f"#{r['id']}": r["resourceType"] for r in resource.get("contained", ()) if "id" in r}
        context.local = {**outer, **own}
        return context


def _emptiness(value: object, path: str) -> Iterator[Fault]:
    """JSON of FHIR has no null (but in arrays of primitives), no empty object, array or string."""
    if isinstance(value, dict):
        for name, item in value.items():
            if item is None or item in ("", [], {}):
                yield f"{path}.{name}", "is empty"
            else:
                yield from _emptiness(item, f"{path}.{name}")
    elif isinstance(value, list):
        for number, item in enumerate(value):
            if item == {} or item == "":
                yield f"{path}[{number}]", "is empty"
            yield from _emptiness(item, f"{path}[{number}]")


@cache
def _tables() -> tuple[dict[str, Any], dict[str, frozenset[str]]]:
    text = Path(__file__).with_name("r4_rules.json").read_text("utf-8")
    tables = json.loads(text)
    return tables["types"], {name: frozenset(codes) for name, codes in tables["codes"].items()}


def _walk(node: dict[str, Any], kind: str, path: str, context: _Context) -> Iterator[Fault]:
    if "resourceType" in node:
        kind = node["resourceType"]
        if "contained" in node:
            context = context.inside(node)
        if len(str(node.get("id", ""))) > 64:
            yield f"{path}.id", "is longer than 64 characters"
    rules, codes = _tables()
    for name, rule in rules.get(kind, {}).items():
        value = node.get(name)
        many = isinstance(value, list)
        for number, item in enumerate(value if isinstance(value, list) else [value]):
            if item is None:
                continue
            here = f"{path}.{name}[{number}]" if many else f"{path}.{name}"
            if "codes" in rule and not _coded(item) & codes[rule["codes"]]:
                yield here, f"is not one of {rule['codes']}: {', '.join(sorted(_coded(item))) or 'no code'}"
            if "targets" in rule:
                target = _target(item, context)
                if target is not None and target not in rule["targets"]:
                    yield here, f"may not point to {target}"
            if isinstance(item, dict) and "is" in rule:
                yield from _walk(item, rule["is"], here, context)


def _coded(item: object) -> set[str]:
    """The codes of a code, Coding or CodeableConcept."""
    if isinstance(item, str):
        return {item}
    if isinstance(item, dict):
        return {str(c["code"]) for c in item.get("coding", [item]) if isinstance(c, dict) and "code" in c}
    return set()


def _target(reference: dict[str, Any], context: _Context) -> str | None:
    """The type a reference points to, where it can be told."""
    address = reference.get("reference", "")
    if address in context.local:
        return context.local[address]
    if address.startswith(("#", "urn:")) or not address:
        return reference.get("type")
    known = type_and_id(address)
    return known.partition("/")[0] if known else reference.get("type")
