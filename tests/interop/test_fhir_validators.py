"""Everything we emit, read by two validators that are not ours, against the profiles we claim and those we aim at.

`npm ci --prefix tests/validators` fetches them; node comes with the development environment.
"""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.emitted import emitted

FOLDER = Path(__file__).parents[1] / "validators"
COW_TASK = "http://hl7.org/fhir/uv/cow/StructureDefinition/coordination-task"
IMR_STUDY = "https://profiles.ihe.net/RAD/IMR/StructureDefinition/imr-imagingstudy"
PACKAGES = (
    "hl7.fhir.us.core-6.1.0-subset",
    "ihe.rad.imr-1.1.0",
    "hl7.fhir.uv.cow-1.0.0-ballot-tasks",
)

pytestmark = pytest.mark.needs


@pytest.fixture(scope="module")
def profiles(shared: Path) -> dict[str, Any]:
    """The profiles by their address: US Core 6.1.0, IMR, Clinical Order Workflows."""
    found = {}
    for package in PACKAGES:
        for path in (shared / "data/fhir-packages" / package).rglob("StructureDefinition-*.json"):
            structure = json.loads(path.read_text("utf-8"))
            found[structure["url"]] = structure
    return found


@pytest.fixture(scope="module")
def newer_profiles(shared: Path) -> dict[str, Any]:
    """US Core 8.0.0, where charts are going."""
    folder = shared / "data/fhir-packages/hl7.fhir.us.core-8.0.0-subset"
    found = (json.loads(path.read_text("utf-8")) for path in folder.rglob("StructureDefinition-*.json"))
    return {structure["url"]: structure for structure in found}


def verdicts(resources: dict[str, dict[str, Any]], profiles: dict[str, Any]) -> list[list[str]]:
    """[name, validator, fault] of everything that either validator says against them."""
    node = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if node is None or not (FOLDER / "node_modules").is_dir():
        pytest.skip("the validators are not on this machine (npm ci --prefix tests/validators)")
    asked = [
        {"name": name, "resource": resource, "claims": claims(name, resource) if profiles else []}
        for name, resource in resources.items()
    ]
    wanted = {claim for one in asked for claim in one["claims"]}
    given = {"resources": asked, "profiles": {url: profiles[url] for url in wanted if url in profiles}}
    run = subprocess.run(
        [node, "validate.mjs"],
        cwd=FOLDER,
        input=json.dumps(given),
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    )
    return list(json.loads(run.stdout.splitlines()[-1]))


def claims(name: str, resource: dict[str, Any]) -> list[str]:
    """What the resource says it conforms to, and what it aims at without saying so."""
    claimed = list(resource.get("meta", {}).get("profile", []))
    if resource["resourceType"] == "Task":
        claimed.append(COW_TASK)
    if name == "ImagingStudy with endpoint":
        claimed.append(IMR_STUDY)
    return claimed


def test_everything_emitted_is_r4_and_what_it_claims_to_be(profiles: dict[str, Any]) -> None:
    """Required codes, targets, slices and invariants, as others read them."""
    assert verdicts(emitted(), profiles) == []


def test_what_claims_us_core_conforms_to_the_next_version_too(newer_profiles: dict[str, Any]) -> None:
    """Charts move to 8.0.0 without asking us."""
    claiming = {name: r for name, r in emitted().items() if "profile" in r.get("meta", {})}
    assert len(claiming) > 5
    assert verdicts(claiming, newer_profiles) == []


def test_the_validators_do_see_faults(profiles: dict[str, Any]) -> None:
    """A silent validator would prove nothing."""
    made = emitted()
    wrong = {name: copy.deepcopy(made[name]) for name in ("ServiceRequest", "Task", "DiagnosticReport first")}
    wrong["ServiceRequest"].pop("code")
    wrong["Task"]["status"] = "waiting"
    wrong["DiagnosticReport first"].pop("effectiveDateTime")
    assert {name for name, _, _ in verdicts(wrong, profiles)} == set(wrong)
