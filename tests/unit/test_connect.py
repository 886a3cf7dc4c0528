"""A hospital is described, kept and taken up by processes that run; its secrets are sealed and never told."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from launch.vault import Vault
from smart_app.case import Party
from smart_app.connect import keep
from smart_app.connect.checks import Checks
from smart_app.connect.fields import FIELDS, flat, read_site
from smart_app.connect.live import FRESH, LiveDirectory
from smart_app.connect.templates import templates
from smart_app.connect.trust import Way, issuers
from smart_app.ports import Ports
from smart_app.sites import (
    Directory,
    NoSuchSite,
    Organisation,
    Persona,
    Site,
    SiteStale,
    SiteUnfit,
    load_directory,
)
from smart_app.store import Store
from tests.world import World

DESK = Party("operator", "Olga Desk", "idp|olga", "desk")
SECRET = "a-very-secret-word"
R4 = "https://ehr.north.example/api/FHIR/R4"
GIVEN = {
    "name": "North Hospital",
    "timezone": "America/Chicago",
    "frame_ancestors": "https://ehr.north.example",
    "production_clinician_iss": R4,
    "production_clinician_client_id": "live-clinician",
    "production_patient_iss": R4,
    "production_patient_client_id": "live-patient",
    "production_system_iss": R4,
    "production_system_client_id": "live-system",
}
FILE = Directory(
    (Site("filed", "Filed Hospital", "open", (Persona("clinician", "https://filed.example/r4", "us", ("launch",)),)),),
    (Organisation("northlight", "Northlight", "https://idp.example", "us"),),
    "directory.toml",
)


class Clock:
    time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ports(tmp_path: Path, clock: Clock) -> Iterator[Ports]:
    """A real store and a live directory; outside the practice mode, so that addresses are judged."""
    world = World(tmp_path)
    settings = replace(world.ports.settings, practice=False)
    live = LiveDirectory(world.ports.store, Vault(settings.secret), FILE, clock)
    yield replace(world.ports, directory=live, settings=settings)
    world.ports.store.close()


def add(ports: Ports, site_id: str = "north", template: str = "epic", **changes: str) -> Site:
    return keep.add_site(ports, DESK, site_id, template, {**GIVEN, **changes})


def faults(ports: Ports, site_id: str = "north", template: str = "epic", **changes: str) -> dict[str, str]:
    with pytest.raises(SiteUnfit) as refused:
        add(ports, site_id, template, **changes)
    return refused.value.fields


# -- templates and fields --------------------------------------------------------------------------------------------


def test_the_templates_are_those_promised_and_each_is_whole() -> None:
    assert list(templates()) == ["epic", "oracle", "smart-launcher", "hapi"]
    for one in templates().values():
        assert set(one.asked) == {"clinician", "patient", "system"}
        assert set(one.waits) == {"sandbox", "production"}
        assert one.causes
        levels = {"clinician": "user/", "patient": "patient/", "system": "system/"}
        for audience, asked in one.asked.items():
            resources = [scope for scope in asked.scopes if "/" in scope and not scope.startswith("launch/")]
            assert resources
            assert all(scope.startswith(levels[audience]) for scope in resources)
            assert not any("*" in scope for scope in asked.scopes), "a wildcard is granted nowhere at Oracle Health"
        assert "launch/patient" in one.asked["patient"].scopes


def test_a_site_begins_with_what_its_template_knows(ports: Ports) -> None:
    site = add(ports)
    clinician = site.persona("clinician")
    assert (site.profile, site.stage, site.note_status) == ("epic", "production", "preliminary")
    assert clinician.auth == "private_key_jwt"
    assert clinician.scopes == templates()["epic"].asked["clinician"].scopes
    assert [persona.audience for persona in site.personas] == ["clinician", "patient", "system"]


def test_what_is_written_flat_is_read_again_as_the_same_site(ports: Ports) -> None:
    site = add(
        ports,
        hours="Mon-Fri 08:00-17:00",
        away="2026-12-25",
        brand_name="North",
        brand_portal="MyNorth",
        contact_technical_email="it@north.example",
        rungs="DocumentReference",
        can_look="no",
        max_mb="3",
        note_code="34117-2",
        readers="northlight",
        imaging="https://pacs.north.example/dicomweb",
        sandbox_clinician_iss="https://test.north.example/R4",
        sandbox_clinician_client_id="trial",
        origins="https://login.north.example",
    )
    said = flat(site)
    assert set(said) == set(FIELDS)
    checks = Checks(ports.directory, practice=False)
    assert read_site(said, Site("north", "", "", ()), checks) == site


WRONG = (
    ("name", "", "missing"),
    ("timezone", "Chicago", "zone"),
    ("profile", "cerner", "choice"),
    ("stage", "live", "choice"),
    ("hours", "whenever", "hours"),
    ("away", "2026-12-25", "missing"),
    ("frame_ancestors", "https://ehr.north.example/app", "origin"),
    ("frame_ancestors", "http://ehr.north.example", "origin"),
    ("frame_ancestors", "*", "origin"),
    ("origins", "login.north.example", "origin"),
    ("imaging", "http://pacs.north.example", "address"),
    ("readers", "nobody", "unknown-reader"),
    ("rungs", "DiagnosticReport", "choice"),
    ("can_look", "perhaps", "choice"),
    ("max_mb", "0", "number"),
    ("max_mb", "many", "number"),
    ("note_code", "consult note", "code"),
    ("contact_privacy_email", "nobody", "email"),
    ("production_clinician_iss", "http://ehr.north.example/R4", "address"),
    ("production_clinician_iss", "https://localhost/R4", "address"),
    ("production_clinician_iss", "https://169.254.169.254/R4", "address"),
    ("production_clinician_iss", "https://10.0.0.8/R4", "address"),
    ("production_clinician_iss", "https://u:p@ehr.north.example/R4", "address"),
    ("production_clinician_iss", "https://filed.example/r4/", "other-site"),
    ("production_clinician_iss", "", "missing"),
    ("production_clinician_client_id", "", "missing"),
    ("production_clinician_auth", "password", "choice"),
    ("production_clinician_auth", "client_secret_basic", "missing"),
    ("production_clinician_signing_alg", "HS256", "choice"),
    ("production_clinician_scopes", 'launch "x"', "scopes"),
    ("production_clinician_scopes", "launch system/Patient.read", "scope-level"),
    ("production_system_auth", "none", "public-system"),
    ("no_such_field", "x", "unknown"),
)


def test_a_field_that_cannot_be_right_is_named(ports: Ports) -> None:
    elsewhere = {"client_secret_basic": "production_clinician_client_secret", "2026-12-25": "hours"}
    for field, value, code in WRONG:
        assert faults(ports, **{field: value}) == {elsewhere.get(value, field): code}, f"{field} = {value!r}"
    with ports.store.reading() as tx:
        assert tx.sites.all() == []


def test_every_fault_is_told_at_once(ports: Ports) -> None:
    assert faults(ports, name="", timezone="x", max_mb="x") == {
        "name": "missing",
        "timezone": "zone",
        "max_mb": "number",
    }


def test_the_name_of_a_site_stands_in_addresses(ports: Ports) -> None:
    for name in ("", "North", "north hospital", "-north", "new", "x" * 41, "nörth"):
        assert faults(ports, name) == {"id": "id"}, name


def test_a_private_address_is_taken_only_where_the_operator_names_its_origin(ports: Ports) -> None:
    private = {f"production_{a}_iss": "https://10.20.0.8/fhir" for a in ("clinician", "patient", "system")}
    assert set(faults(ports, **private).values()) == {"address"}
    add(ports, **private, inside="https://10.20.0.8")
    assert Way(ports.directory, practice=False).http.check("https://10.20.0.8/fhir/metadata")


def test_the_way_out_follows_the_sites(ports: Ports) -> None:
    """No restart: an operator has just allowed a private address, or taken it back."""
    way = Way(ports.directory, practice=False)
    before = way.http
    assert way.http is before
    private = {f"production_{a}_iss": "https://10.20.0.8/fhir" for a in ("clinician", "patient", "system")}
    add(ports, **private, inside="https://10.20.0.8")
    assert way.http.inside == {"https://10.20.0.8:443"}
    keep.change_site(ports, DESK, "north", {"inside": "", **dict.fromkeys(private, R4)})
    assert way.http.inside == frozenset()


# -- keeping ---------------------------------------------------------------------------------------------------------


def test_an_unknown_template_is_refused(ports: Ports) -> None:
    with pytest.raises(NoSuchSite, match="epic, oracle, smart-launcher, hapi"):
        add(ports, template="athena")


def test_a_site_of_the_file_is_changed_in_the_file(ports: Ports) -> None:
    assert faults(ports, "filed") == {"id": "taken"}
    with pytest.raises(NoSuchSite, match=r"stands in directory\.toml"):
        keep.change_site(ports, DESK, "filed", {"name": "x"})


def secretive(ports: Ports) -> Site:
    return add(
        ports,
        production_system_auth="client_secret_basic",
        production_system_client_secret=SECRET,
    )


def test_a_secret_is_sealed_and_opened_only_for_the_launch(ports: Ports) -> None:
    secretive(ports)
    with ports.store.reading() as tx:
        row = tx.connection.execute(text("SELECT document, sealed FROM sites")).one()
        audit = " ".join(f"{line.what} {line.why}" for line in tx.audit.latest())
        kept = tx.sites.get("north")
    assert SECRET not in row.document + row.sealed + audit + repr(kept)
    assert list(json.loads(row.sealed)) == ["production system"]
    assert Vault(ports.settings.secret).open(kept.sealed["production system"]) == SECRET
    system = issuers(ports.directory).trusted(R4, audience="system")
    assert (system.client_secret, system.auth) == (SECRET, "client_secret_basic")
    assert SECRET not in json.dumps(flat(keep.opened(ports, kept)))


def test_a_secret_stays_until_it_is_changed_or_not_needed_any_more(ports: Ports) -> None:
    secretive(ports)
    keep.change_site(ports, DESK, "north", {"phone": "555-0100"})
    assert ports.directory.site("north").persona("system").client_secret == SECRET
    keep.change_site(ports, DESK, "north", {"production_system_client_secret": "another one"})
    assert ports.directory.site("north").persona("system").client_secret == "another one"
    keep.change_site(ports, DESK, "north", {"production_system_auth": "private_key_jwt"})
    with ports.store.reading() as tx:
        assert tx.sites.get("north").sealed == {}
        whys = [line.why for line in tx.audit.latest() if line.verb == "change-site"]
    assert whys == [
        "production_system_auth, production_system_client_secret",
        "production_system_client_secret",
        "phone",
    ]


def test_a_registration_whose_secret_cannot_be_opened_is_left_out_and_the_rest_stays(
    ports: Ports, caplog: pytest.LogCaptureFixture
) -> None:
    """The installation's secret was changed: one hospital's old secret must not stop all the others."""
    secretive(ports)
    with caplog.at_level(logging.WARNING):
        other = LiveDirectory(ports.store, Vault("another-secret" * 3), FILE)
        found = other.site("north")
    assert [persona.audience for persona in found.personas] == ["clinician", "patient"]
    assert "north" in caplog.text
    assert SECRET not in caplog.text
    assert len(list(issuers(other))) == 3


def test_two_operators_do_not_overwrite_each_other(ports: Ports) -> None:
    add(ports)
    keep.change_site(ports, DESK, "north", {"phone": "1"}, version=1)
    with pytest.raises(SiteStale):
        keep.change_site(ports, DESK, "north", {"phone": "2"}, version=1)
    assert ports.directory.site("north").phone == "1"


def test_a_disabled_site_lets_nobody_in_and_is_enabled_again(ports: Ports) -> None:
    add(ports)
    keep.disable_site(ports, DESK, "north", "The contract ended.")
    assert ports.directory.site_of_issuer(R4) is None
    assert ports.directory.site("north").name == "North Hospital"
    keep.enable_site(ports, DESK, "north")
    assert ports.directory.site_of_issuer(R4.upper().replace("HTTPS", "https")) is None  # a path has a case
    assert ports.directory.site_of_issuer(R4.replace("ehr.north", "EHR.North") + "/") is not None
    with ports.store.reading() as tx:
        lines = [(line.verb, line.what, line.why, line.who.name) for line in reversed(tx.audit.latest())]
    assert lines == [
        ("add-site", "north", "epic", "Olga Desk"),
        ("disable-site", "north", "The contract ended.", "Olga Desk"),
        ("enable-site", "north", "", "Olga Desk"),
    ]


# -- the directory as it stands now ----------------------------------------------------------------------------------


def test_another_process_takes_up_a_change_within_a_second(ports: Ports, clock: Clock) -> None:
    theirs = Clock()
    running = LiveDirectory(ports.store, Vault(ports.settings.secret), FILE, theirs)
    assert [site.id for site in running.sites] == ["filed"]
    add(ports)
    assert [site.id for site in ports.directory.sites] == ["filed", "north"], "our own change is there at once"
    assert [site.id for site in running.sites] == ["filed"]
    theirs.time += FRESH
    assert [site.id for site in running.sites] == ["filed", "north"]
    keep.change_site(ports, DESK, "north", {"phone": "555-0199"})
    theirs.time += FRESH
    assert running.site("north").phone == "555-0199"


def test_a_site_of_the_database_takes_the_place_of_one_of_the_file(ports: Ports) -> None:
    """It was added first, and the file names it too since then."""
    add(ports)
    file = replace(FILE, sites=(replace(FILE.sites[0], id="north", name="As the file says"), *FILE.sites))
    live = LiveDirectory(ports.store, Vault(ports.settings.secret), file)
    assert [(site.id, site.name) for site in live.sites] == [("north", "North Hospital"), ("filed", "Filed Hospital")]


def test_while_the_database_is_away_the_sites_stay_known(ports: Ports, clock: Clock, tmp_path: Path) -> None:
    add(ports)
    assert len(ports.directory.sites) == 2
    away = Store("postgresql://tests@127.0.0.1:1/none")
    live = ports.directory
    assert isinstance(live, LiveDirectory)
    live._store = away
    clock.time += FRESH
    assert len(live.sites) == 2
    away.close()


def test_what_every_page_asks_costs_the_database_one_question_a_second(
    ports: Ports, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    reading = ports.store.reading
    monkeypatch.setattr(ports.store, "reading", lambda: asked.append(1) or reading())
    for _ in range(50):
        assert ports.directory.sites
    clock.time += FRESH
    assert ports.directory.sites
    assert len(asked) == 2


def test_the_practice_file_is_read_as_before(tmp_path: Path) -> None:
    from smart_app.sandbox.directory import directory_toml

    (tmp_path / "directory.toml").write_text(directory_toml("http://localhost:1", 2, 3))
    directory = load_directory(tmp_path / "directory.toml")
    assert [site.id for site in directory.sites] == ["epic", "oracle", "open"]
    assert all(len(site.personas) == 3 for site in directory.sites)
