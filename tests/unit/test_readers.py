"""Images of a hospital go only to the reading organisations it has named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from smart_app import refer
from smart_app.referral import Unfinished
from smart_app.sites import Directory, Hours, Organisation
from smart_app.web import create_app
from tests.staged import CLINICIAN, staged
from tests.web import JSON, ORGANISATIONS, SITES, Web
from tests.world import World

STONEQUAY = Organisation("stonequay", "Stonequay Readers", "", "")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """The open hospital has named stonequay alone."""
    world = World(tmp_path)
    known = world.ports.directory
    sites = tuple(replace(site, readers=("stonequay",)) if site.id == "open" else site for site in known.sites)
    world.ports = replace(world.ports, directory=Directory(sites, (*known.organisations, STONEQUAY)))
    yield world
    world.ports.store.close()


def test_a_reader_that_was_not_named_is_refused_whatever_the_form_says(world: World) -> None:
    with pytest.raises(Unfinished) as refused:
        world.ask("open")  # asks northlight
    assert refused.value.fields == {"organisation": "missing"}
    assert world.ask("oracle").organisation == "northlight", "another hospital has named nobody, so it may be anybody"


def test_a_returned_case_goes_to_no_other_either(world: World) -> None:
    returned = staged("returned", world.now, id="11111111-0000-4000-8000-000000000001")
    with world.ports.store.transaction() as tx:
        tx.referrals.add(replace(returned, site="open"))
    with pytest.raises(Unfinished):
        refer.resend(world.ports, CLINICIAN, returned.id, "northlight")
    assert refer.resend(world.ports, CLINICIAN, returned.id, "stonequay").organisation == "stonequay"


def test_only_they_are_offered_and_a_hospital_without_any_says_so(tmp_path: Path) -> None:
    web = Web(tmp_path)
    named = replace(SITES[0], readers=("stonequay",))
    both = (*ORGANISATIONS, STONEQUAY)
    web.app = create_app(web.world.ports.settings, replace(web.world.ports, directory=Directory((named,), both)))
    client, line = web.sit_down("clinician")
    found = client.get(f"/line/{line.id}/", headers=JSON).json["organisations"]
    assert [one["id"] for one in found] == ["stonequay"]
    nobody = replace(SITES[0], readers=("gone",))
    web.app = create_app(web.world.ports.settings, replace(web.world.ports, directory=Directory((nobody,), both)))
    client, line = web.sit_down("patient")
    told = client.get(f"/line/{line.id}/tell")
    assert told.status_code == 409
    assert "Nobody reads for this hospital at present" in told.text
    web.close()


@pytest.mark.parametrize(
    ("language", "words"), [("en", "Mon–Wed, Fri 08:00–16:30"), ("es", "lun–mié, vie 08:00–16:30")]
)
def test_a_patient_sees_when_somebody_answers_the_phone(tmp_path: Path, language: str, words: str) -> None:
    web = Web(tmp_path)
    site = replace(SITES[0], phone="555-0100", hours=Hours(days=(0, 1, 2, 4), closes="16:30"))
    web.app = create_app(
        web.world.ports.settings, replace(web.world.ports, directory=Directory((site,), ORGANISATIONS))
    )
    client, line = web.sit_down("patient")
    assert words in client.get(f"/line/{line.id}/tell", headers={"Accept-Language": language}).text
    web.close()
