"""The secret is changed while people work: nothing is lost on the way, and nothing of the old one is needed later."""

from __future__ import annotations

import json
import stat
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from launch.errors import GrantEnded, KeysMissing
from launch.keys import Keys
from launch.vault import Vault
from smart_app.cli import main
from smart_app.connect import keep
from smart_app.connect.live import LiveDirectory
from smart_app.connect.reseal import Resealed, reseal
from smart_app.ports import Ports
from smart_app.settings import read_settings
from smart_app.store import Store
from tests.viewing import made_keys
from tests.world import DESK, World

OLD, NEW = "s" * 40, "n" * 40
ISS = "https://ehr.north.example/api/FHIR/R4"
SITE = {
    "name": "North Hospital",
    "timezone": "America/Chicago",
    "frame_ancestors": "https://ehr.north.example",
    "production_clinician_iss": ISS,
    "production_clinician_client_id": "live-clinician",
    "production_clinician_auth": "client_secret_basic",
    "production_clinician_client_secret": "told once",
    "production_patient_iss": ISS,
    "production_patient_client_id": "live-patient",
    "production_system_iss": ISS,
    "production_system_client_id": "live-system",
}


@pytest.fixture
def world(tmp_path: Path) -> World:
    folder = tmp_path / "keys"
    folder.mkdir(mode=0o700)
    for name, content in made_keys().items():
        (folder / name).touch(mode=0o600)
        (folder / name).write_bytes(content)
    return World(tmp_path)


def changed(world: World, *old: str) -> Ports:
    """The same installation, started again with a new secret."""
    return replace(world.ports, settings=replace(world.ports.settings, secret=NEW, old_secrets=old))


def test_settings_take_several_secrets() -> None:
    given = {"BASE_URL": "https://o.example", "DATA": "/d", "SECRET": NEW, "OLD_SECRETS": f" {OLD}  older "}
    settings = read_settings({f"SECOND_OPINION_{name}": value for name, value in given.items()})
    assert settings.secrets == (NEW, OLD, "older")


def test_everything_sealed_is_sealed_again(world: World) -> None:
    store: Store = world.ports.store
    line = _line(world, Vault(OLD).seal(json.dumps({"access_token": "a"})))
    kids = {key["kid"] for key in Keys.create(world.folder / "keys", OLD).jwks()["keys"]}
    Keys.create(world.folder / "keys", OLD).ring("sandbox")
    ports = changed(world, OLD)
    assert reseal(ports) == Resealed(keys=4, sites=0, lines=1, lost=0)
    assert reseal(changed(world)) == Resealed(keys=4, sites=0, lines=1, lost=0), "the old secret is not needed any more"
    with store.reading() as tx:
        kept = tx.sessions.system_line(line)
    assert kept is not None
    assert json.loads(Vault(NEW).open(kept.token)) == {"access_token": "a"}
    with pytest.raises(GrantEnded):
        Vault(OLD).open(kept.token)
    again = Keys.load(world.folder / "keys", NEW)
    assert {key["kid"] for key in again.jwks()["keys"]} == kids, "the same keys: no hospital notices"
    assert again.ring("sandbox").jwks()["keys"]
    with pytest.raises(KeysMissing):
        Keys.load(world.folder / "keys", OLD)
    files = list((world.folder / "keys").rglob("*.pem"))
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert len(files) == 4


def test_client_secrets_of_hospitals_are_sealed_again(world: World) -> None:
    directory = LiveDirectory(world.ports.store, Vault(OLD), world.ports.directory)
    world.ports = replace(world.ports, directory=directory)
    keep.add_site(world.ports, DESK, "north", "epic", SITE)
    assert reseal(changed(world, OLD)).sites == 1
    found = keep.opened(changed(world), keep.kept_site(world.ports, "north"))
    assert [one.client_secret for one in found.registrations if one.audience == "clinician"] == ["told once"]


def test_who_cannot_be_opened_any_more_launches_again(world: World) -> None:
    line = _line(world, Vault("a secret we lack").seal("{}"))
    Keys.create(world.folder / "keys", OLD)
    assert reseal(changed(world, OLD)).lost == 1
    with world.ports.store.reading() as tx:
        assert tx.sessions.system_line(line) is None


def test_the_command_says_how_many(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _line(world, Vault(OLD).seal("{}"))
    (world.folder / "directory.toml").write_text("", "utf-8")
    given = {"BASE_URL": "https://o.example", "DATA": str(world.folder), "SECRET": NEW, "OLD_SECRETS": OLD}
    for name, value in given.items():
        monkeypatch.setenv(f"SECOND_OPINION_{name}", value)
    said = CliRunner().invoke(main, ["keys", "reseal"])
    assert said.exit_code == 0, said.output
    assert "2 keys, 0 hospitals, 1 people at work" in said.output


def _line(world: World, sealed: str) -> str:
    with world.ports.store.transaction() as tx:
        browser = tx.sessions.open_browser(world.now)
        later = world.now + timedelta(hours=8)
        return tx.sessions.add_line(browser, "clinician", DESK, expires=later, site="open", token=sealed).id
