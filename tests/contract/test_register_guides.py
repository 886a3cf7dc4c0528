"""The guides of registration are true: their commands are run as they stand, and what they promise comes back.

The practice EHR is the vendor: it is told what `site add` says to register, and nothing else. Then people launch, and
an opinion is filed in the chart, all through a site that was added while the app ran.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from click.testing import CliRunner
from sqlalchemy import text

from fhir.filing import rungs
from smart_app.cli import main
from smart_app.connect import shown
from smart_app.profile import profile_of
from smart_app.sandbox.clients import Client
from smart_app.store import Store
from tests.contract.guides import squeezed, steps_of
from tests.contract.test_web_launch import Window
from tests.staged import Town


@dataclass
class Newcomer(Town):
    """An installation that knows reading organisations and no hospital yet, beside a practice that does not know it."""

    def __enter__(self) -> Newcomer:
        super().__enter__()
        self.practice.register._clients.clear()
        live: Any = self.ports.directory
        live._file = type(live._file)((), live._file.organisations, live._file.source)
        live._sites, live._mark = (), None
        file = self.folder / "directory.toml"
        content = file.read_text("utf-8")
        file.write_text(content[content.index("[[organisation]]") :], "utf-8")
        return self

    def begin(self) -> None:
        """Forget the hospital of the guide before."""
        with self.ports.store.transaction() as tx:
            tx.connection.execute(text("DELETE FROM sites"))
        self.ports.directory.refresh()

    def run(self, *arguments: str) -> tuple[int, str]:
        """A command beside the running app, as an operator types it: status and standard output."""
        environment = {
            **os.environ,
            "SECOND_OPINION_BASE_URL": self.base,
            "SECOND_OPINION_DATA": str(self.folder),
            "SECOND_OPINION_SECRET": "s" * 40,
            "SECOND_OPINION_PRACTICE": "1",
        }
        result = CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False)
        return result.exit_code, result.stdout + result.stderr

    def registers(self, site_id: str) -> None:
        """The vendor types into its console what the site's page says, for each of its client ids."""
        told = shown.whole(self.ports, site_id)
        for audience in ("clinician", "patient", "system"):
            client_id = told["fields"].get(f"{told['stage']}_{audience}_client_id")
            if client_id:
                redirects = () if audience == "system" else (told["register"]["redirect"],)
                client = Client(client_id, audience, redirects, told["register"]["jwks"])
                self.practice.register._clients[client_id] = client


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newcomer]:
    with Newcomer(tmp_path_factory.mktemp("newcomer")) as running:
        yield running


def base(town: Town, ehr: str, audience: str = "clinician") -> str:
    return str(town.practice.houses[ehr].face(audience).fhir_base)


def guides(town: Town) -> dict[str, tuple[str, str, dict[str, str]]]:
    """Guide -> the practice's EHR, the site's name, and what stands in the place of the examples."""
    ours = {"https://opinion.example.org": town.base}
    return {
        "register-epic.md": (
            "epic",
            "north",
            {
                **ours,
                "https://fhir.epic.com/interconnect-fhir-oauth/api/FHIR/R4": base(town, "epic"),
                "https://fhir.north.example/api/FHIR/R4": base(town, "epic"),
                "https://ehr.north.example": town.practice.origin,
            },
        ),
        "register-oracle.md": (
            "oracle",
            "clinic",
            {
                **ours,
                "https://fhir-ehr.cerner.com/r4/TENANT": base(town, "oracle"),
                "https://fhir-myrecord.cerner.com/r4/TENANT": base(town, "oracle", "patient"),
                "https://powerchart.clinic.example": town.practice.origin,
            },
        ),
        "register-smart-launcher.md": (
            "open",
            "launcher",
            {
                **ours,
                "https://launch.smarthealthit.org/v/r4/fhir": base(town, "open"),
                "https://launch.smarthealthit.org": town.practice.origin,
            },
        ),
        "register-hapi.md": (
            "open",
            "cedar",
            {
                **ours,
                "https://fhir.cedar.example/fhir": base(town, "open"),
                "https://portal.cedar.example": town.practice.origin,
            },
        ),
    }


GUIDES = ("register-epic.md", "register-oracle.md", "register-smart-launcher.md", "register-hapi.md")


@pytest.mark.parametrize("guide", GUIDES)
def test_a_guide_is_followed_to_the_first_launch(town: Newcomer, guide: str) -> None:
    ehr, site_id, instead = guides(town)[guide]
    town.begin()
    steps = steps_of(guide, instead)
    assert len(steps) >= 2
    for step in steps:
        if step.arguments[:2] == ("site", "test"):
            town.registers(site_id)
        status, said = town.run(*step.arguments)
        assert status == 0, said
        for line in step.promised:
            assert squeezed(line) in squeezed(said), f"{guide} promises: {line}\n{said}"
    town.ports.directory.refresh()
    clinician = Window().get(town.launch_url(ehr=ehr, family="Holloway-Test"), timeout=20)
    assert clinician.json()["patient"]["name"] == "HOLLOWAY-TEST, Marisol Testa"
    assert "frame-ancestors" in clinician.headers["Content-Security-Policy"]
    assert town.practice.origin in clinician.headers["Content-Security-Policy"]
    patient = Window().get(town.launch_url("patient", ehr), timeout=20)
    assert urlsplit(patient.url).path.endswith("/tell")
    away = requests.get(f"{town.base}/start/{site_id}", allow_redirects=False, timeout=20)
    assert away.status_code == 303
    assert away.headers["Location"].startswith(town.practice.origin) or ehr == "oracle"
    site = town.ports.directory.site(site_id)
    chart = town.ports.charts.system(site_id)
    steps_there = [step for step in rungs(profile_of(site), chart.capability(), None) if step.possible]
    assert steps_there[0].resource in ("DocumentReference", "DiagnosticReport")


def test_every_template_has_its_guide_and_each_guide_its_date() -> None:
    from smart_app.connect.templates import templates
    from tests.contract.guides import DOCS

    assert {f"register-{name}.md" for name in templates()} == set(GUIDES)
    for name, template in templates().items():
        guide = (DOCS / f"register-{name}.md").read_text("utf-8")
        assert f"Facts as of {template.facts}" in guide
        assert "## " in guide


def test_a_field_that_a_guide_names_exists() -> None:
    import re

    from smart_app.connect.fields import FIELDS
    from tests.contract.guides import DOCS

    for guide in GUIDES:
        named = re.findall(r"--set ([a-z_]+)=", (DOCS / guide).read_text("utf-8"))
        assert set(named) <= set(FIELDS), guide


def test_a_wrong_key_set_is_told_on_the_phone_and_a_right_one_mends_it(town: Newcomer) -> None:
    """The commonest first day: the test environment's keys were registered for production."""
    town.begin()
    _, site_id, instead = guides(town)["register-hapi.md"]
    add = steps_of("register-hapi.md", instead)[0]
    assert town.run(*add.arguments)[0] == 0
    town.registers(site_id)
    for client_id, client in list(town.practice.register._clients.items()):
        wrong = client.jwks_uri.replace("jwks.json", "jwks-sandbox.json")
        town.practice.register._clients[client_id] = Client(client_id, client.audience, client.redirect_uris, wrong)
    status, said = town.run("site", "test", site_id)
    assert status == 1
    assert "The EHR does not accept us as opinion-system (invalid_client)" in squeezed(said)
    assert "1. “Does your server hold our newest keys?”" in squeezed(said)
    town.registers(site_id)
    assert town.run("site", "test", site_id)[0] == 0


def test_a_disabled_hospital_is_refused_and_nothing_is_sent_to_it(town: Newcomer) -> None:
    town.begin()
    _, site_id, instead = guides(town)["register-hapi.md"]
    assert town.run(*steps_of("register-hapi.md", instead)[0].arguments)[0] == 0
    town.registers(site_id)
    town.ports.directory.refresh()
    url = town.launch_url(ehr="open")
    assert town.run("site", "disable", site_id, "--reason", "Not now")[0] == 0
    town.ports.directory.refresh()
    refused = Window().get(url, timeout=20)
    assert (refused.status_code, refused.json()["error"]["kind"]) == (403, "UntrustedIssuer")
    with pytest.raises(Exception, match="is disabled") as stopped:
        town.ports.charts.system(site_id)
    assert stopped.value.retry is False
    assert town.run("site", "enable", site_id)[0] == 0
    town.ports.directory.refresh()
    assert Window().get(town.launch_url(ehr="open"), timeout=20).status_code == 200
    store = Store(town.ports.settings.database_url)
    with store.reading() as tx:
        verbs = [line.verb for line in tx.audit.latest(3)]
    store.close()
    assert "enable-site" in verbs


def test_a_running_app_takes_up_a_hospital_within_seconds(town: Newcomer) -> None:
    """No restart, no refresh by hand: the command line is another process as far as the app knows."""
    import time

    town.begin()
    _, site_id, instead = guides(town)["register-hapi.md"]
    known = requests.get(f"{town.base}/start", headers={"Accept": "application/json"}, timeout=20).json()["sites"]
    assert site_id not in [site["id"] for site in known]
    assert town.run(*steps_of("register-hapi.md", instead)[0].arguments)[0] == 0
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        known = requests.get(f"{town.base}/start", headers={"Accept": "application/json"}, timeout=20).json()["sites"]
        if site_id in [site["id"] for site in known]:
            break
        time.sleep(0.2)
    assert site_id in [site["id"] for site in known]


def test_the_folder_of_a_newcomer_holds_no_secret_in_the_clear(town: Newcomer) -> None:
    """Private keys and tokens lie sealed."""
    for file in Path(town.folder).rglob("*.pem"):
        if "ehr" not in file.relative_to(town.folder).parts:
            assert b"ENCRYPTED PRIVATE KEY" in file.read_bytes(), file.name
