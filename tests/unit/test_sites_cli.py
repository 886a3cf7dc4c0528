"""`second-opinion site` and `second-opinion keys`, as somebody at a terminal has them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from launch.keys import Keys
from launch.vault import Vault
from smart_app.cli import main
from smart_app.connect.fields import FIELDS
from smart_app.connect.templates import templates
from smart_app.sites_cli.commands import TEMPLATES
from smart_app.store import Store
from smart_app.web import site_fields

SECRET = "a-very-secret-word"
SEAL = "s" * 40
Run = Callable[..., Result]
EPIC = (
    *("site", "add", "north", "--template", "epic", "--name", "North Hospital"),
    *("--iss", "https://fhir.north.example/R4", "--client", "clinician=c1", "--client", "system=s1"),
    *("--timezone", "America/Chicago", "--frame", "https://ehr.north.example"),
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on a migrated installation. Standard output and standard error stay apart."""
    monkeypatch.setattr("launch.keys.RSA_BITS", 2048)
    environment = {
        "SECOND_OPINION_BASE_URL": "https://opinion.example.org",
        "SECOND_OPINION_DATA": str(tmp_path),
        "SECOND_OPINION_SECRET": SEAL,
    }
    store = Store(f"sqlite:///{tmp_path / 'second-opinion.db'}")
    store.migrate()
    store.close()

    def go(*arguments: str, status: int = 0, **more: Any) -> Result:
        result = CliRunner().invoke(main, arguments, env=environment, catch_exceptions=False, **more)
        assert result.exit_code == status, result.output
        return result

    return go


def test_the_templates_of_the_command_are_those_there_are() -> None:
    """Written twice, so that --help needs no heavy part."""
    assert tuple(templates()) == TEMPLATES


def test_every_field_has_its_words() -> None:
    told = site_fields.field_words()
    assert set(told) == set(FIELDS)
    assert all(words for words in told.values())
    shown = {name for _, _, names in site_fields.SECTIONS for name in names}
    shown |= {name for *_, names in (*site_fields.REGISTRATIONS, *site_fields.PEOPLE) for name in names}
    assert shown == set(FIELDS), "the form leaves a field out, or has one too many"


def test_a_hospital_is_added_with_one_command_and_told_what_to_register(run: Run) -> None:
    said = run(*EPIC)
    for address in ("/launch", "/launch/patient", "/callback", "/.well-known/jwks.json", "/start/north"):
        assert f"https://opinion.example.org{address}" in said.stdout
    assert "Next: second-opinion site test north" in said.stderr
    whole = json.loads(run("site", "show", "north", "--json").stdout)
    assert whole["fields"]["production_clinician_client_id"] == "c1"
    assert whole["fields"]["production_system_iss"] == "https://fhir.north.example/R4"
    assert "production_patient_iss" not in whole["fields"], "no client for patients: no registration for them"
    assert (whole["state"], whole["kept"], whole["version"], whole["secrets"]) == ("enabled", "database", 1, [])


def test_two_hosts_and_two_stages(run: Run) -> None:
    oracle = ("site", "add", "clinic", "--template", "oracle", "--stage", "sandbox", "--name", "Clinic")
    hosts = ("--iss", "https://fhir-ehr.example/r4/t", "--patient-iss", "https://fhir-me.example/r4/t")
    run(*oracle, *hosts, "--client", "clinician=c", "--client", "patient=p", "--client", "system=s")
    whole = json.loads(run("site", "show", "clinic", "--json").stdout)
    fields = whole["fields"]
    assert fields["sandbox_patient_iss"] == "https://fhir-me.example/r4/t"
    assert fields["sandbox_clinician_iss"] == fields["sandbox_system_iss"] == "https://fhir-ehr.example/r4/t"
    assert whole["register"]["jwks"] == "https://opinion.example.org/.well-known/jwks-sandbox.json"
    run(
        "site",
        "change",
        "clinic",
        "--stage",
        "production",
        "--iss",
        "https://fhir-live.example/r4/t",
        "--client",
        "system=L",
    )
    whole = json.loads(run("site", "show", "clinic", "--json").stdout)
    assert whole["stage"] == "production"
    assert whole["fields"]["production_system_client_id"] == "L"
    assert whole["fields"]["sandbox_system_client_id"] == "s", "the test environment's stays for the next release"


def test_every_fault_is_named_and_nothing_is_kept(run: Run) -> None:
    said = run(*EPIC, "--set", "timezone=Chicago", "--set", "max_mb=lots", "--set", "nope=1", status=1)
    for line in ("timezone: There is no such time zone", "max_mb: Write a number", "nope: There is no such field"):
        assert line in said.stderr
    assert json.loads(run("site", "list", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("site", "show", "nowhere"), "no site named 'nowhere'"),
        (("site", "test", "nowhere"), "No site named 'nowhere'"),
        (("site", "change", "nowhere", "--name", "x"), "No site named 'nowhere'"),
        (("site", "disable", "nowhere", "--reason", "x"), "No site named 'nowhere'"),
        (("site", "brands", "forget", "nobody"), "Nothing came from 'nobody'"),
        (("site", "brands", "import", "/no/such/file"), "/no/such/file: cannot be read"),
    ],
)
def test_what_is_not_there_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...], why: str) -> None:
    said = run(*arguments, status=1)
    assert why in said.stderr
    assert "Traceback" not in said.output


@pytest.mark.parametrize(
    "wrong",
    [
        ("--client", "nurse=x"),
        ("--client", "x"),
        ("--set", "name"),
        ("--set", f"production_system_client_secret={SECRET}"),
    ],
)
def test_an_option_that_makes_no_sense_is_refused(run: Run, wrong: tuple[str, str]) -> None:
    said = run(*EPIC, *wrong, status=2)
    assert "Error:" in said.stderr


def test_a_secret_is_asked_for_or_read_from_a_file_and_never_printed(run: Run, tmp_path: Path) -> None:
    basic = ("--set", "production_system_auth=client_secret_basic")
    said = run(*EPIC, *basic, "--secret", "system", input=f"{SECRET}\n")
    shown = run("site", "show", "north").output + run("site", "show", "north", "--json").output
    assert SECRET not in said.output + shown
    assert "production_system_client_secret is kept, sealed" in shown
    assert json.loads(run("site", "show", "north", "--json").stdout)["secrets"] == ["production system"]
    (tmp_path / "secret").write_text("another one\n")
    run("site", "change", "north", "--secret-file", f"system={tmp_path / 'secret'}")
    store = Store(f"sqlite:///{tmp_path / 'second-opinion.db'}")
    with store.reading() as tx:
        sealed = tx.sites.get("north").sealed["production system"]
        audit = [(line.verb, line.who.role, "(command line)" in line.who.name) for line in tx.audit.latest()]
    store.close()
    assert Vault(SEAL).open(sealed) == "another one"
    assert audit == [("change-site", "operator", True), ("add-site", "operator", True)]


def test_a_site_is_disabled_and_enabled(run: Run) -> None:
    run(*EPIC)
    assert "What is owed to it waits" in run("site", "disable", "north", "--reason", "The contract ended").stderr
    assert "disabled" in run("site", "list").stdout
    run("site", "enable", "north")
    assert json.loads(run("site", "list", "--json").stdout)[0]["state"] == "enabled"


def test_a_test_that_fails_ends_with_one_and_says_what_to_do(run: Run) -> None:
    run(*EPIC, "--set", "production_clinician_iss=https://no-such-host.invalid/R4")
    said = run("site", "test", "north", status=1)
    assert "FAIL  Configuration (Clinicians): There is no host named no-such-host.invalid." in said.stdout
    found = json.loads(run("site", "test", "north", "--json", status=1).stdout)
    assert found["result"] == "bad"
    assert json.loads(run("site", "show", "north", "--json").stdout)["result"] == "bad"
    assert "Last test: bad" in run("site", "show", "north").stdout


def test_brands_are_imported_listed_and_forgotten(run: Run, tmp_path: Path) -> None:
    hospital = {"resourceType": "Organization", "id": "1", "name": "Hospital"}
    (tmp_path / "vendor.json").write_text(json.dumps({"resourceType": "Bundle", "entry": [{"resource": hospital}]}))
    said = run("site", "brands", "import", str(tmp_path / "vendor.json"))
    assert said.stdout == "vendor: 1 hospitals, 1 of them without a FHIR R4 address.\n"
    assert json.loads(run("site", "brands", "list", "--json").stdout)[0]["source"] == "vendor"
    run("site", "brands", "forget", "vendor")
    assert "No bundle was imported" in run("site", "brands", "list").stdout


def test_settings_that_are_missing_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("BASE_URL", "DATA", "SECRET"):
        monkeypatch.delenv(f"SECOND_OPINION_{name}", raising=False)
    for command in (("site", "list"), ("keys",)):
        said = CliRunner().invoke(main, command)
        assert said.exit_code == 1
        assert "SECOND_OPINION_SECRET is missing" in said.stderr


def test_a_database_of_another_version_is_said_to_be_one(run: Run, tmp_path: Path) -> None:
    (tmp_path / "second-opinion.db").unlink()
    assert "second-opinion migrate" in run("site", "list", status=1).stderr


def test_keys_are_printed_rotated_and_sealed(run: Run, tmp_path: Path) -> None:
    first = {key["kid"] for key in json.loads(run("keys").stdout)["keys"]}
    assert "signs from" not in run("keys", "list").stdout
    assert re.search(r"It signs from \d{4}-\d\d-\d\d \d\d:\d\d UTC", run("keys", "rotate").stderr)
    assert "--at-once" in run("keys", "rotate", status=1).stderr
    states = {(row["pair"], row["state"]) for row in json.loads(run("keys", "list", "--json").stdout)}
    assert states == {(1, "signs"), (2, "waits")}
    assert first < {key["kid"] for key in json.loads(run("keys").stdout)["keys"]}
    assert run("keys", "clear").stderr == "Nothing has ended.\n"
    run("keys", "rotate", "--at-once")
    assert {row["pair"] for row in json.loads(run("keys", "list", "--json").stdout) if row["state"] == "signs"} == {3}
    assert run("keys", "clear").stderr == "Removed: 1, 2\n"
    assert all(b"ENCRYPTED" in path.read_bytes() for path in (tmp_path / "keys").glob("*.pem"))
    assert "PRIVATE" not in run("keys").output
    other = json.loads(run("keys", "--ring", "sandbox").stdout)
    assert other == Keys.load(tmp_path / "keys" / "sandbox", SEAL).jwks()
