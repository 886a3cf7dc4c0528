"""Sites and brands on both databases: what goes in comes out, nobody overwrites unseen, secrets lie apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from alembic import command
from sqlalchemy import text

from smart_app.case import Party
from smart_app.sites import (
    Adaptation,
    Contact,
    Hours,
    NoSuchSite,
    Persona,
    Site,
    SiteStale,
    SiteUnfit,
)
from smart_app.sites import Brand as Named
from smart_app.store import Store, StoreOutdated, migrations
from smart_app.store.brands import Brand, FoundBrand

SECRET = "sealed:gAAAA-not-readable"
NORTH = Site(
    "north",
    "North Hospital",
    "epic",
    (
        Persona("clinician", "https://ehr.north.example/R4", "live", ("launch", "openid")),
        Persona("patient", "https://ehr.north.example/R4", "trial", (), auth="client_secret_basic", stage="sandbox"),
    ),
    timezone="America/Chicago",
    hours=Hours(days=(0, 2), away=("2026-12-25",)),
    contacts=(Contact("technical", "Ada Ruiz", "555-0100", "ada@north.example"),),
    brand=Named("North", "MyNorth", "Madison, WI"),
    adaptation=Adaptation(("DocumentReference",), can_look=False, max_mb=2),
    readers=("northlight",),
)


def add(store: Store, *sites: Site, sealed: dict[str, str] | None = None) -> None:
    for site in sites:
        with store.transaction() as tx:
            tx.sites.add(site, sealed or {}, store.now())


def test_a_site_comes_back_whole(store: Store) -> None:
    add(store, NORTH, sealed={"sandbox patient": SECRET})
    with store.reading() as tx:
        kept = tx.sites.get("north")
        assert tx.sites.all() == [kept]
    assert kept.site == NORTH
    assert kept.sealed == {"sandbox patient": SECRET}
    assert (kept.version, kept.created, kept.tested) == (1, store.now(), None)


def test_a_secret_in_the_record_is_never_written_down(store: Store) -> None:
    """Security: only what was sealed may lie in the database."""
    open_secret = replace(NORTH.registrations[1], client_secret="very-open-secret")
    add(store, replace(NORTH, registrations=(open_secret,)))
    with store.reading() as tx:
        row = tx.connection.execute(text("SELECT document, sealed FROM sites")).one()
    assert "very-open-secret" not in "".join(row)


def test_a_taken_name_is_refused(store: Store) -> None:
    add(store, NORTH)
    with pytest.raises(SiteUnfit) as refused:
        add(store, replace(NORTH, name="Another"))
    assert refused.value.fields == {"id": "taken"}
    with store.reading() as tx:
        assert tx.sites.get("north").site.name == "North Hospital"


def test_nobody_overwrites_what_they_have_not_seen(store: Store) -> None:
    add(store, NORTH)
    first, second = replace(NORTH, phone="555-0101"), replace(NORTH, phone="555-0102")
    with store.transaction() as tx:
        tx.sites.save(first, {}, 1, store.now())
    with pytest.raises(SiteStale), store.transaction() as tx:
        tx.sites.save(second, {}, 1, store.now())
    with pytest.raises(NoSuchSite), store.transaction() as tx:
        tx.sites.save(replace(second, id="south"), {}, 1, store.now())
    with store.reading() as tx:
        assert tx.sites.get("north").site.phone == "555-0101"


def test_every_change_moves_the_mark_and_a_test_does_not(store: Store, open_store: Callable[..., Store]) -> None:
    """Another process asks for the mark alone."""
    other = open_store()

    def mark() -> tuple[object, ...]:
        with other.reading() as tx:
            return tx.sites.mark()

    seen = [mark()]
    add(store, NORTH)
    seen.append(mark())
    with store.transaction() as tx:
        tx.sites.save(replace(NORTH, disabled=True), {}, 1, store.now())
    seen.append(mark())
    add(store, replace(NORTH, id="south"))
    seen.append(mark())
    assert len(set(seen)) == 4
    with store.transaction() as tx:
        tx.sites.record_test("north", store.now(), "[]")
    assert mark() == seen[-1]
    with store.reading() as tx:
        assert (tx.sites.get("north").tested, tx.sites.get("north").test) == (store.now(), "[]")


def test_the_lines_of_one_site_end_with_their_tokens(store: Store) -> None:
    lines = {}
    doctor = Party("clinician", "Dr Ada Ruiz", "Practitioner/1", "north")
    with store.transaction() as tx:
        browser = tx.sessions.open_browser(store.now())
        for site in ("north", "south"):
            place: dict[str, Any] = {"site": site, "token": "sealed", "expires": store.now() + timedelta(hours=1)}
            lines[site] = tx.sessions.add_line(browser, "clinician", doctor, **place)
    with store.transaction() as tx:
        assert tx.sites.end_lines("north", store.now()) == 1
        assert tx.sessions.system_line(lines["north"].id) is None
        assert tx.sessions.system_line(lines["south"].id) is not None
        token = tx.connection.execute(text("SELECT token FROM lines WHERE site = 'north'")).scalar_one()
    assert token == ""


def test_a_database_of_the_first_version_is_brought_up_with_what_it_holds(open_store: Callable[..., Store]) -> None:
    """An installation that ran before there were sites in the database."""
    config, store = migrations._config(), open_store()
    with store._writing.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "first")
    with store.transaction() as tx:
        browser = tx.sessions.open_browser(store.now())
    with pytest.raises(StoreOutdated):
        store.must_be_current()
    store.migrate()
    store.must_be_current()
    with store.reading() as tx:
        assert tx.sessions.knows_browser(browser)
        assert tx.sites.all() == []


# -- brands ----------------------------------------------------------------------------------------------------------

BRANDS = (
    Brand(
        "ExampleHealth", "Madison, WI", "My ExampleHealth", ("GoodHealth Hospital",), ("https://one/r4",), ("53703",)
    ),
    Brand("Clínica São José", "El Paso, TX", "Portal", (), ("https://two/r4", "https://three/r4")),
    Brand("St. Mary's Hospital", "Madison, WI", "", (), ()),
    Brand("Hospital of the 100% Sun_light", "Reno, NV", "", (), ("https://four/r4",)),
)


@pytest.fixture
def branded(store: Store) -> Store:
    with store.transaction() as tx:
        tx.brands.replace("vendor", BRANDS, store.now())
    return store


def names(store: Store, typed: str, connected: tuple[str, ...] = (), **more: Any) -> list[str]:
    with store.reading() as tx:
        return [found.name for found in tx.brands.search(typed, connected, **more)[0]]


TYPED: dict[str, list[str]] = {
    "exam": ["ExampleHealth"],
    "EXAMPLEHEALTH": ["ExampleHealth"],
    "good hosp": ["ExampleHealth"],
    "clinica sao": ["Clínica São José"],
    "jose clin": ["Clínica São José"],
    "saint": [],
    "st marys": ["St. Mary's Hospital"],
    "madison": ["ExampleHealth", "St. Mary's Hospital"],
    "537": ["ExampleHealth"],
    "100%": ["Hospital of the 100% Sun_light"],
    "sun_l": ["Hospital of the 100% Sun_light"],
    "%": [],
    "ealth": [],
    "": [],
    "   ": [],
    "hospital madison zzz": [],
    "'; DROP TABLE brands; --": [],
}


def test_words_are_found_by_how_they_begin(branded: Store) -> None:
    assert {typed: names(branded, typed) for typed in TYPED} == TYPED


def test_who_is_connected_comes_first_then_whose_name_begins_so(branded: Store) -> None:
    assert names(branded, "hospital") == ["Hospital of the 100% Sun_light", "ExampleHealth", "St. Mary's Hospital"]
    assert names(branded, "hospital", ("https://one/r4",))[0] == "ExampleHealth"
    assert names(branded, "hospital", limit=1) == ["Hospital of the 100% Sun_light"]
    with branded.reading() as tx:
        hits, total = tx.brands.search("hospital", ("https://one/r4", "https://two/r4"), limit=1)
    assert total == 3
    assert hits == [
        FoundBrand("ExampleHealth", "Madison, WI", "My ExampleHealth", "GoodHealth Hospital", "https://one/r4")
    ]


def test_a_newer_bundle_takes_the_place_of_the_same_source_only(branded: Store) -> None:
    with branded.transaction() as tx:
        tx.brands.replace("other", (Brand("Elsewhere Hospital"),), branded.now())
        tx.brands.replace("vendor", BRANDS[1:2], branded.now())
    assert names(branded, "hospital") == ["Elsewhere Hospital"]
    with branded.reading() as tx:
        assert [(b.source, b.size) for b in tx.brands.bundles()] == [("other", 1), ("vendor", 1)]
        left = tx.connection.execute(text("SELECT address FROM brand_endpoints ORDER BY address")).scalars().all()
    assert left == ["https://three/r4", "https://two/r4"]
    with branded.transaction() as tx:
        assert tx.brands.forget("vendor") == 1
    assert names(branded, "clinica") == []


def test_thousands_are_searched_while_one_types(store: Store) -> None:
    many = tuple(
        Brand(f"Hospital {n} of Town {n % 97}", f"Town {n % 97}", "Portal", (f"Clinic {n}",), (f"https://ehr-{n}/r4",))
        for n in range(6000)
    )
    with store.transaction() as tx:
        tx.brands.replace("vendor", many, store.now())
    with store.reading() as tx:
        hits, total = tx.brands.search("hospital town", (f"https://ehr-{n}/r4" for n in (5999, 1234)))
    assert [hit.endpoint for hit in hits[:3]] == ["https://ehr-1234/r4", "https://ehr-5999/r4", ""]
    assert (len(hits), total) == (20, 6000)
