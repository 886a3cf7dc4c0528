"""A patient finds their hospital among thousands, and is told plainly where they cannot sign in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from smart_app.sites import Brand as Named
from smart_app.sites import Directory
from smart_app.store.brands import Brand
from smart_app.web import create_app
from smart_app.web.choosing import LISTED
from tests.web import EHR, JSON, ORGANISATIONS, SITES, Web

BRANDS = (
    Brand("Open Health System", "Madison, WI", "MyOpen", ("Old Name Hospital",), (f"{EHR}/patient",)),
    Brand("Lakeside Clinic", "Anamosa, IA", "MyOpen", (), (f"{EHR}/patient",), ("53703",)),
    Brand("Lakeside Hospital", "Reno, NV", "Portal", (), ("https://elsewhere.example/r4",)),
    Brand("<script>alert(1)</script> Hospital", "Reno, NV"),
)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    web = Web(tmp_path_factory.mktemp("choosing") / "web")
    with web.world.ports.store.transaction() as tx:
        tx.brands.replace("vendor", BRANDS, web.world.now)
    yield web
    web.close()


def search(web: Web, typed: str | None = None) -> dict[str, Any]:
    address = "/start" if typed is None else f"/start?q={typed}"
    return dict(web.client().get(address, headers=JSON).json)


def test_before_anything_is_typed_the_connected_hospitals_stand_there(web: Web) -> None:
    found = search(web)
    assert [site["name"] for site in found["sites"]] == ["Open hospital", "Oracle hospital"]
    assert (found["others"], found["more"]) == ([], 0)


def test_a_clinic_of_a_connected_hospital_leads_to_its_portal(web: Web) -> None:
    found = search(web, "lakeside")
    assert [(site["id"], site["name"], site["portal"]) for site in found["sites"]] == [
        ("open", "Lakeside Clinic", "MyOpen")
    ]
    assert found["others"] == [{"name": "Lakeside Hospital", "place": "Reno, NV"}]
    page = web.client().get("/start?q=lakeside").text
    assert 'href="/start/open"' in page
    assert "elsewhere.example" not in page, "an address that is not connected is no link"
    assert "2 hospitals found." in page


def test_names_towns_codes_and_old_names_find_it(web: Web) -> None:
    for typed in ("OPEN HEALTH", "madison", "old name", "myopen health"):
        assert "Open Health System" in [site["name"] for site in search(web, typed)["sites"]], typed
    assert [site["name"] for site in search(web, "53703")["sites"]] == ["Lakeside Clinic"]
    assert "also called Old Name Hospital" in web.client().get("/start?q=old+name").text


def test_our_own_site_is_found_without_a_bundle_and_not_told_twice(web: Web) -> None:
    assert [site["name"] for site in search(web, "oracle")["sites"]] == ["Oracle hospital"]
    with web.world.ports.store.transaction() as tx:
        tx.brands.replace(
            "other", (Brand("Oracle Hospital", "", "", (), ("https://other-ehr.example/patient",)),), web.world.now
        )
    assert [site["name"] for site in search(web, "oracle")["sites"]] == ["Oracle hospital"]


def test_nothing_found_says_what_to_do(web: Web) -> None:
    page = web.client().get("/start?q=zzzz").text
    assert "No hospital of this name is known here." in page
    assert "Ask the office of your doctor to invite you" in page


def test_what_is_typed_and_what_a_bundle_says_are_words_and_no_script(web: Web) -> None:
    page = web.client().get("/start?q=<script>alert(1)</script>").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; Hospital" in page
    assert "<img" not in page


def test_the_form_works_without_its_script(web: Web) -> None:
    page = web.client().get("/start").text
    assert '<form method="get" action="/start"' in page
    assert 'type="search" id="field-q" name="q"' in page


@pytest.mark.parametrize(("language", "words"), [("en", "hospitals found."), ("es", "hospitales encontrados.")])
def test_both_languages(web: Web, language: str, words: str) -> None:
    assert words in web.client().get("/start?q=hospital", headers={"Accept-Language": language}).text


def test_more_hospitals_than_fit_on_a_page_are_searched(tmp_path: Path) -> None:
    web = Web(tmp_path / "web")
    many = tuple(
        replace(
            SITES[0],
            id=f"site-{n}",
            name=f"Hospital {n}",
            brand=Named(f"St Example {n}", "MyExample", f"Town {n}"),
            registrations=tuple(
                replace(p, iss=f"https://ehr-{n}.example/{p.audience}") for p in SITES[0].registrations
            ),
        )
        for n in range(LISTED + 1)
    )
    web.app = create_app(web.world.ports.settings, replace(web.world.ports, directory=Directory(many, ORGANISATIONS)))
    assert search(web)["sites"] == []
    assert [site["name"] for site in search(web, "town 7")["sites"]] == ["St Example 7"]
    assert [site["id"] for site in search(web, "hospital 12")["sites"]] == ["site-12"], "also by the name staff use"
    web.close()


def test_a_disabled_hospital_is_no_way_in(tmp_path: Path) -> None:
    web = Web(tmp_path / "web")
    off = Directory((replace(SITES[0], disabled=True), SITES[1]), ORGANISATIONS)
    web.app = create_app(web.world.ports.settings, replace(web.world.ports, directory=off))
    assert [site["id"] for site in search(web)["sites"]] == ["oracle"]
    assert web.client().get("/start/open").status_code == 404
    web.close()
