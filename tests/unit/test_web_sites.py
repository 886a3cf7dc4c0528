"""The operator's hospitals over HTTP: what is listed, kept, refused, tested and stopped; and what is never shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text

from launch.vault import Vault
from smart_app.connect import checks, fields
from smart_app.connect.live import LiveDirectory
from smart_app.store import Line
from smart_app.web import create_app
from smart_app.web.site_fields import FAULTS
from tests.web import CLINICIAN, JSON, ORGANISATIONS, SITES, Web

SECRET = "a-very-secret-word"
R4 = "https://no-such-host.invalid/R4"
FORM = {
    "id": "north",
    "template": "epic",
    "name": "North Hospital",
    "timezone": "America/Chicago",
    "emergency_number": "911",
    "production_clinician_iss": R4,
    "production_clinician_client_id": "live-clinician",
    "production_system_iss": R4,
    "production_system_client_id": "live-system",
    "production_system_auth": "client_secret_basic",
    "production_system_client_secret": SECRET,
    "readers_shown": "1",
    "readers": "northlight",
}


@dataclass
class Desk:
    """The app with a live directory, and an operator in front of it."""

    web: Web
    client: FlaskClient
    line: Line

    @property
    def root(self) -> str:
        return f"/line/{self.line.id}/sites"

    def get(self, path: str = "", **more: Any) -> Any:
        return self.client.get(self.root + path, **more)

    def post(self, path: str, **form: Any) -> Any:
        return self.client.post(self.root + path, data={"csrf": self.web.csrf(self.client, self.line), **form})

    def add(self, **changes: str) -> None:
        answer = self.post("/new", **FORM | changes)
        assert answer.status_code == 303, answer.text


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One app for all: starting it takes longer than a test."""
    web = Web(tmp_path_factory.mktemp("sites") / "web")
    settings = replace(web.world.ports.settings, practice=False)
    file = replace(web.world.ports.directory, sites=SITES, organisations=ORGANISATIONS, source="directory.toml")
    live = LiveDirectory(web.world.ports.store, Vault(settings.secret), file)
    web.world.ports = replace(web.world.ports, directory=live, settings=settings)
    web.app = create_app(settings, web.world.ports)
    web.app.config["WAKE_WORKER"] = False
    yield Desk(web, *web.sit_down("operator"))
    web.close()


@pytest.fixture
def desk(running: Desk) -> Desk:
    """The app with no hospital but those of the file."""
    ports = running.web.world.ports
    with ports.store.transaction() as tx:
        tx.connection.execute(text("DELETE FROM sites"))
    ports.directory.refresh()
    return running


def faults_of(page: str) -> set[str]:
    """The fields a page says must be looked at."""
    return set(re.findall(r'href="#field-([a-z_]+)"', page))


def test_a_hospital_is_added_by_a_form_and_listed(desk: Desk) -> None:
    kinds = desk.get("/new").text
    for kind in ("epic", "oracle", "smart-launcher", "hapi"):
        assert f"/sites/new?template={kind}" in kinds
    form = desk.get("/new?template=epic").text
    assert 'name="production_clinician_client_id"' in form
    desk.add()
    rows = desk.get(headers=JSON).json["sites"]
    assert [(row["id"], row["kept"], row["state"]) for row in rows] == [
        ("open", "file", "enabled"),
        ("oracle", "file", "enabled"),
        ("north", "database", "enabled"),
    ]
    site = desk.web.world.ports.directory.site("north")
    assert site.readers == ("northlight",)
    assert site.persona("clinician").scopes[:2] == ("launch", "openid")
    assert site.persona("system").client_secret == SECRET


def test_a_form_that_cannot_be_kept_comes_back_as_it_was_written(desk: Desk) -> None:
    answer = desk.post("/new", **FORM | {"id": "open", "timezone": "Chicago", "production_clinician_client_id": ""})
    assert answer.status_code == 422
    assert faults_of(answer.text) == {"id", "timezone", "production_clinician_client_id"}
    assert 'value="North Hospital"' in answer.text
    assert 'value="Chicago"' in answer.text
    assert "Production, Clinicians, Client id" in answer.text
    assert SECRET not in answer.text
    assert "north" not in [row["id"] for row in desk.get(headers=JSON).json["sites"]]


def test_no_page_shows_a_secret(desk: Desk) -> None:
    desk.add()
    for path in ("", "/north", "/north/edit", "/north/disable", "/new?template=epic"):
        assert SECRET not in desk.get(path).text, path
        assert SECRET not in desk.get(path, headers=JSON).text, path
    assert "a secret is kept" in desk.get("/north").text
    assert desk.get("/north", headers=JSON).json["secrets"] == ["production system"]


def test_an_empty_secret_leaves_the_one_that_is_kept(desk: Desk) -> None:
    desk.add()
    changed = {k: v for k, v in FORM.items() if k != "id"} | {
        "production_system_client_secret": "",
        "phone": "555-0100",
    }
    assert desk.post("/north/edit", version=1, **changed).status_code == 303
    site = desk.web.world.ports.directory.site("north")
    assert (site.phone, site.persona("system").client_secret) == ("555-0100", SECRET)


def test_readers_that_are_all_unticked_mean_every_one(desk: Desk) -> None:
    desk.add()
    form = {k: v for k, v in FORM.items() if k not in ("id", "readers")}
    assert desk.post("/north/edit", version=1, **form).status_code == 303
    assert desk.web.world.ports.directory.site("north").readers == ()


def test_two_operators_do_not_overwrite_each_other(desk: Desk) -> None:
    desk.add()
    form = {k: v for k, v in FORM.items() if k != "id"}
    assert desk.post("/north/edit", version=1, **form | {"phone": "first"}).status_code == 303
    late = desk.post("/north/edit", version=1, **form | {"phone": "second"})
    assert late.status_code == 409
    assert "Nothing was saved" in late.text
    assert 'value="second"' in late.text, "what was typed is not lost"
    assert desk.web.world.ports.directory.site("north").phone == "first"


def test_the_walk_is_taken_and_its_result_stays(desk: Desk) -> None:
    desk.add()
    answer = desk.post("/north/test")
    assert (answer.status_code, answer.location.endswith("/sites/north#walk")) == (303, True)
    page = desk.get("/north").text
    assert "There is no host named no-such-host.invalid" in page
    assert desk.get(headers=JSON).json["sites"][-1]["result"] == "bad"
    with desk.web.world.ports.store.reading() as tx:
        newest = tx.audit.latest()[0]
    assert (newest.verb, newest.what, newest.why) == ("test-site", "north", "bad")


def test_a_site_of_the_file_is_tested_and_changed_in_the_file(desk: Desk) -> None:
    page = desk.get("/open").text
    assert "from the file" in page
    assert "/sites/open/edit" not in page
    tested = desk.post("/open/test")
    assert tested.status_code == 200
    assert "What the test found" in tested.text
    assert desk.get("/open/edit").status_code == 404
    assert desk.post("/open/disable", reason="x").status_code == 404


def test_what_disabling_does_is_said_first_and_it_asks_why(desk: Desk) -> None:
    desk.add()
    _, theirs = desk.web.sit_down("clinician", site="north", party=CLINICIAN)
    assert "every page that is open there ends now" in desk.get("/north/disable").text
    assert desk.post("/north/disable", reason="  ").status_code == 422
    assert desk.post("/north/disable", reason="The contract ended.").status_code == 303
    with desk.web.world.ports.store.reading() as tx:
        assert tx.sessions.system_line(theirs.id) is None
    assert "This site is disabled" in desk.get("/north").text
    assert desk.post("/north/enable").status_code == 303
    assert not desk.web.world.ports.directory.site("north").disabled


def test_a_site_added_while_we_run_may_frame_us_at_once(desk: Desk) -> None:
    """No restart between adding a hospital and its first launch."""
    launch = desk.web.client().get("/launch?iss=x&launch=y")
    assert "https://ehr.north.example" not in launch.headers["Content-Security-Policy"]
    desk.add(frame_ancestors="https://ehr.north.example")
    launch = desk.web.client().get("/launch?iss=x&launch=y")
    assert "https://ehr.north.example" in launch.headers["Content-Security-Policy"]
    desk.post("/north/disable", reason="The contract ended.")
    launch = desk.web.client().get("/launch?iss=x&launch=y")
    assert "https://ehr.north.example" not in launch.headers["Content-Security-Policy"]


@pytest.mark.parametrize("kind", ["clinician", "patient", "expert"])
def test_only_the_desk_sees_them(desk: Desk, kind: str) -> None:
    client, line = desk.web.sit_down(kind)
    for path in ("", "/new", "/new?template=epic", "/open", "/open/edit"):
        assert client.get(f"/line/{line.id}/sites{path}").status_code == 403, path


def test_a_hospital_that_is_not_there_is_not_there(desk: Desk) -> None:
    for path in ("/nowhere", "/nowhere/edit", "/nowhere/disable"):
        assert desk.get(path).status_code == 404, path
    for path in ("/nowhere/test", "/nowhere/edit", "/nowhere/disable", "/nowhere/enable"):
        assert desk.post(path, reason="x", name="x").status_code == 404, path
    assert desk.get("/new?template=athena").status_code == 200
    assert desk.post("/new", template="athena", id="x").status_code == 404


def test_the_pages_speak_spanish(desk: Desk) -> None:
    desk.add()
    desk.post("/north/test")
    page = desk.get("/north", headers={"Accept-Language": "es"}).text
    assert "No hay ningún servidor llamado no-such-host.invalid" in page
    assert "Direcciones que debe registrar el hospital" in page


def test_keys_of_both_rings_are_served_without_a_redirect(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("launch.keys.RSA_BITS", 2048)
    anybody = desk.web.client()
    sets = []
    for name in ("jwks", "jwks-sandbox"):
        answer = anybody.get(f"/.well-known/{name}.json")
        assert (answer.status_code, answer.content_type) == (200, "application/json")
        assert sorted(key["alg"] for key in answer.json["keys"]) == ["ES384", "RS384"]
        assert not any("d" in key for key in answer.json["keys"])
        sets.append({key["kid"] for key in answer.json["keys"]})
    assert not sets[0] & sets[1]


def test_every_fault_of_a_site_has_words_of_its_own() -> None:
    written = "".join(Path(str(module.__file__)).read_text("utf-8") for module in (checks, fields))
    said = set(re.findall(r'fault\([^,\n]+, "([a-z-]+)"', written))
    assert {"missing", "address", "taken"} <= said <= set(FAULTS)
