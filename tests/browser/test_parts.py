"""Every part in every state, for every audience; and the pages in front of a launch."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from smart_app.invitation import code_for, new_link
from smart_app.store import digest
from tests.browser.conftest import EVERY, SOME, Visitor
from tests.staged import Town

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]


@pytest.mark.parametrize("audience", ["clinician", "patient", "expert", "operator"])
def test_every_part_in_every_state_is_usable_by_all(visit: Visit, town: Town, audience: str) -> None:
    visitor = visit()
    visitor.page.goto(f"{town.base}/styleguide?audience={audience}")
    visitor.must_be_usable_by_all(EVERY if audience in ("clinician", "expert") else SOME)


@pytest.mark.parametrize("path", ["/", "/start", "/start/nowhere", "/invitation"])
def test_the_pages_in_front_of_a_launch_are_usable_by_all(visit: Visit, town: Town, path: str) -> None:
    visitor = visit()
    visitor.page.goto(town.base + path)
    visitor.must_be_usable_by_all(SOME)


def test_an_invitation_asks_for_the_birth_date_and_opens_that_one_referral(visit: Visit, town: Town) -> None:
    visitor = visit(width=360)
    page = visitor.page
    referral, link = town.referral("gathering"), new_link(town.ports.settings.secret)
    with town.ports.store.transaction() as tx:
        tx.invitations.add(referral.id, digest(link), town.ports.now() + timedelta(days=1))
    page.goto(f"{town.base}/invitation/{link}")
    assert link not in page.url
    assert "Samplewright" not in page.content(), "nobody is named before the birth date fits"
    page.fill("input[name=day]", "15")
    page.fill("input[name=month]", "3")
    page.fill("input[name=year]", "1992")
    page.fill("input[name=code]", code_for(town.ports.settings.secret, referral.id, 0))
    page.click("text=Go on")
    page.wait_for_selector("#faults")
    visitor.must_be_usable_by_all()
    page.fill("input[name=day]", "14")
    page.fill("input[name=code]", code_for(town.ports.settings.secret, referral.id, 0))
    with page.expect_navigation():
        page.click("text=Go on")
    assert page.url.startswith(f"{town.base}/line/")


def test_spanish_is_one_press_away_and_stays(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(f"{town.base}/start")
    page.click("text=Español")
    assert page.get_attribute("html", "lang") == "es"
    assert page.inner_text("h1") == "Elija su hospital"
    page.goto(f"{town.base}/")
    assert page.get_attribute("html", "lang") == "es"
