"""fhir/r4_rules.json is derived from the R4 4.0.1 definitions; here it is derived again and compared."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
DEFINITIONS = ROOT.parent / "shared/data/fhir-packages/hl7.fhir.r4.core-4.0.1-subset/package"
URL = "http://hl7.org/fhir/StructureDefinition/"
SKIP = {"Extension", "Resource", "DomainResource", "Element", "BackboneElement", "ElementDefinition"}


def load(pattern: str) -> dict[str, dict[str, Any]]:
    """Definitions by canonical address."""
    found = (json.loads(path.read_text("utf-8")) for path in sorted(DEFINITIONS.glob(pattern)))
    return {entry["url"]: entry for entry in found}


class Derivation:
    """Element rules (what it is, which codes, which targets) of every type that leads to one."""

    def __init__(self) -> None:
        self.structures = load("StructureDefinition-*.json")
        self.value_sets = load("ValueSet-*.json")
        self.systems = load("CodeSystem-*.json")
        self.codes: dict[str, list[str]] = {}
        self.types: dict[str, dict[str, dict[str, Any]]] = {}

    def rules(self) -> dict[str, Any]:
        for structure in self.structures.values():
            base = structure["kind"] in ("resource", "complex-type") and structure.get("derivation") != "constraint"
            if base and structure["type"] not in SKIP:
                self.take(structure)
        self.prune()
        used = {rule["codes"] for elements in self.types.values() for rule in elements.values() if "codes" in rule}
        return {"types": self.types, "codes": {name: self.codes[name] for name in sorted(used)}}

    def take(self, structure: dict[str, Any]) -> None:
        elements = structure["snapshot"]["element"]
        parents = {e["path"].rpartition(".")[0] for e in elements}
        for element in elements[1:]:
            owner, _, name = element["path"].rpartition(".")
            if name in ("extension", "modifierExtension", "id") or element.get("max") == "0":
                continue
            if "contentReference" in element:
                self.put(owner, name, {"is": element["contentReference"].lstrip("#")})
            for kind in element.get("type", ()):
                code = kind["code"]
                spelled = name.replace("[x]", code[0].upper() + code[1:])
                self.put(owner, spelled, self.rule(element, kind, element["path"] in parents))

    def rule(self, element: dict[str, Any], kind: dict[str, Any], backbone: bool) -> dict[str, Any]:
        rule: dict[str, Any] = {}
        if backbone:
            rule["is"] = element["path"]
        elif kind["code"][0].isupper():
            rule["is"] = kind["code"]
        if kind["code"] == "Reference":
            targets = sorted(p.removeprefix(URL) for p in kind.get("targetProfile", ()))
            if targets and "Resource" not in targets:
                rule["targets"] = targets
        binding = element.get("binding", {})
        if binding.get("strength") == "required" and kind["code"] in ("code", "Coding", "CodeableConcept"):
            address = binding.get("valueSet", "").partition("|")[0]
            codes = self.expand(address)
            if codes:
                name = address.rpartition("/")[2]
                self.codes[name] = sorted(codes)
                rule["codes"] = name
        return rule

    def put(self, owner: str, name: str, rule: dict[str, Any]) -> None:
        if rule:
            self.types.setdefault(owner, {})[name] = rule

    def expand(self, address: str) -> set[str] | None:
        value_set = self.value_sets.get(address)
        if value_set is None:
            return None
        found: set[str] = set()
        for include in value_set["compose"]["include"]:
            if "filter" in include:
                return None
            if "concept" in include:
                found |= {concept["code"] for concept in include["concept"]}
            elif "valueSet" in include:
                for other in include["valueSet"]:
                    inner = self.expand(other.partition("|")[0])
                    if inner is None:
                        return None
                    found |= inner
            else:
                system = self.systems.get(include["system"])
                if system is None or system.get("content") != "complete":
                    return None
                found |= set(concepts(system.get("concept", ())))
        return found

    def prune(self) -> None:
        """Leave out types that lead to no rule, until nothing changes."""
        while True:
            useful = set(self.types) | {"Resource"}
            changed = False
            for owner, elements in list(self.types.items()):
                for name, rule in list(elements.items()):
                    if not ("codes" in rule or "targets" in rule or rule.get("is") in useful):
                        del elements[name]
                        changed = True
                if not elements:
                    del self.types[owner]
                    changed = True
            if not changed:
                return


def concepts(entries: Any) -> list[str]:
    """All codes of a code system, children too."""
    found = []
    for entry in entries:
        found.append(entry["code"])
        found += concepts(entry.get("concept", ()))
    return found


def dumps(rules: dict[str, Any]) -> str:
    """One line per type and per code list: small, and a change of one shows as one line."""
    lines = ["{", '"types": {']
    lines.append(
        ",\n".join(
            f"{json.dumps(name)}: {json.dumps(rules['types'][name], sort_keys=True)}" for name in sorted(rules["types"])
        )
    )
    lines += ["},", '"codes": {']
    lines.append(
        ",\n".join(f"{json.dumps(name)}: {json.dumps(rules['codes'][name])}" for name in sorted(rules["codes"]))
    )
    lines += ["}", "}", ""]
    return "\n".join(lines)


def test_the_rule_table_says_exactly_what_the_r4_definitions_say() -> None:
    """Required codes and reference targets are facts of R4 4.0.1, not of our memory."""
    if not DEFINITIONS.is_dir():
        pytest.skip("the R4 definitions are not on this machine")
    assert json.loads((ROOT / "fhir/r4_rules.json").read_text("utf-8")) == Derivation().rules()
