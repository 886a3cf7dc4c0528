"""Frames, tabs and shared workstations in a real Chromium: the right patient, or a page that says what to do."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from smart_app.web.sessions import IDLE
from tests.browser.conftest import FLAGS, SOME, Visitor, watch
from tests.staged import QUESTION, Town

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]
ASK = "Ask for a second opinion"
ENDED = "This page has ended"


def launch(town: Town, user: str = "", **person: Any) -> str:
    """The chart's button pressed by that doctor for a new patient."""
    root = f"{town.practice.origin}/practice/open"
    facts = {"family": "Firstly", "given": "Test", "birth_date": "1970-01-01", **person}
    made = requests.post(f"{root}/patients", json=facts, timeout=10).json()
    return str(
        requests.post(f"{root}/launches", json={"patient": made["id"], "user": user}, timeout=10).json()["launch_url"]
    )


def open_in_chart(page: Any, town: Town, name: str) -> Any:
    """Open that person's chart and our app in its frame; answers the frame."""
    page.goto(f"{town.practice.origin}/open/")
    page.click(f"text={name}")
    page.click("text=Second Opinion")
    return page.frame_locator("iframe")


# -- all cookies blocked, in the frame only -------------------------------------------------------------------------


@pytest.fixture
def blocked(driver: Any, town: Town, tmp_path: Path) -> Iterator[Visitor]:
    """A browser set to take no cookie of ours inside the chart's pages, and every cookie elsewhere."""
    profile = tmp_path / "profile"
    (profile / "Default").mkdir(parents=True)
    rule = {f"{town.base},{town.practice.origin}": {"setting": 2}}
    settings = {"profile": {"content_settings": {"exceptions": {"cookies": rule}}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(settings), "utf-8")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    context = driver.chromium.launch_persistent_context(
        str(profile), executable_path=path, args=list(FLAGS), viewport={"width": 1040, "height": 900}, locale="en-GB"
    )
    context.set_default_timeout(15_000)
    visitor = Visitor(town, context.pages[0])
    watch(visitor, context)
    yield visitor
    context.close()
    assert visitor.faults == []


def test_a_frame_that_may_keep_no_cookie_says_so_and_opens_a_window_that_does(blocked: Visitor, town: Town) -> None:
    """Decision 18 and field failure 1. The frame never sends a cookie; the window has the same patient."""
    page, sent = blocked.page, []
    page.context.on("request", lambda asked: sent.append(asked))
    frame = open_in_chart(page, town, "Marguerite Anne Holloway")
    frame.locator("h1", has_text="This frame does not stay signed in").wait_for()
    ours = [asked for asked in sent if asked.url.startswith(town.base)]
    assert ours
    assert not [asked.url for asked in ours if "cookie" in asked.all_headers()]
    assert page.context.cookies(town.base) == []
    assert "Holloway" not in frame.locator("body").inner_text(), "nothing of the chart is shown before"
    assert frame.locator("details").inner_text()
    with page.context.expect_page() as opened:
        frame.locator("text=Open the window").click()
    window = opened.value
    window.locator("h1", has_text=ASK).wait_for()
    assert "HOLLOWAY, Marguerite Anne" in window.inner_text("body")
    assert page.context.cookies(town.base)[0]["name"] == "__Host-second-opinion"
    window.fill("#field-question", QUESTION)
    window.check("input[name=side][value=left]")
    window.check("input[name=organisation] >> nth=0")
    window.click("text=Ask, and invite the patient")
    window.locator("h1", has_text="Waiting for the images").wait_for()


def test_the_way_to_the_window_works_once_and_is_usable_by_all(blocked: Visitor, town: Town) -> None:
    page = blocked.page
    frame = open_in_chart(page, town, "Joost van der Meulen")
    link = frame.locator("text=Open the window")
    address = town.base + str(link.get_attribute("href"))
    with page.context.expect_page():
        link.click()
    second = page.context.new_page()
    second.goto(address)
    assert "This took too long, or was used already" in second.inner_text("h1")
    blocked.page = second
    blocked.must_be_usable_by_all(SOME)


# -- two patients --------------------------------------------------------------------------------------------------


def test_two_charts_in_two_frames_each_show_and_ask_for_their_own_patient(visit: Visit, town: Town) -> None:
    """Safety rule 4: what is asked in the first after the second was opened is asked for the first."""
    visitor = visit()
    first_page, second_page = visitor.page, visitor.page.context.new_page()
    first = open_in_chart(first_page, town, "Marguerite Anne Holloway")
    first.locator("h1", has_text=ASK).wait_for()
    second = open_in_chart(second_page, town, "Amara Whitlock-Osei")
    second.locator("h1", has_text=ASK).wait_for()
    assert "WHITLOCK-OSEI" in second.locator(".identity").inner_text()
    assert "HOLLOWAY" in first.locator(".identity").inner_text()
    first.locator("#field-question").fill(QUESTION)
    first.locator("input[name=side][value=left]").check()
    first.locator("input[name=organisation]").first.check()
    first.locator("text=Ask, and invite the patient").click()
    first.locator("h1", has_text="Waiting for the images").wait_for()
    with town.ports.store.reading() as tx:
        newest = tx.referrals.find(site="open", limit=1)[0]
    assert newest.patient.family == "Holloway"
    cookies = [c for c in visitor.page.context.cookies() if c["name"] == "__Host-second-opinion"]
    assert len(cookies) == 1, "one cookie for every line of this jar"


def test_a_patient_switched_in_the_chart_and_the_back_button_show_the_right_one(visit: Visit, town: Town) -> None:
    page = visit().page
    open_in_chart(page, town, "Marguerite Anne Holloway").locator("h1", has_text=ASK).wait_for()
    open_in_chart(page, town, "Amara Whitlock-Osei").locator("h1", has_text=ASK).wait_for()
    for _ in range(3):
        page.go_back()
        if page.url.endswith("/second-opinion"):
            break
    title = page.locator("h1").first.inner_text()
    band = page.frame_locator("iframe").locator(".identity")
    band.wait_for()
    assert title.split()[-1].upper() in band.inner_text()


# -- a shared workstation ------------------------------------------------------------------------------------------


def test_the_next_doctor_ends_every_page_of_the_one_before(visit: Visit, town: Town) -> None:
    visitor = visit()
    mine, other = visitor.page, visitor.page.context.new_page()
    mine.goto(launch(town, "marlowe", family="Privately"))
    mine.locator("h1", has_text=ASK).wait_for()
    other.goto(launch(town, "lindqvist", family="Secondly"))
    other.locator("h1", has_text=ASK).wait_for()
    mine.reload()
    assert ENDED in mine.inner_text("h1")
    assert "PRIVATELY" not in mine.inner_text("body").upper()
    assert "start Second Opinion from there" in mine.inner_text("body")
    visitor.must_be_usable_by_all(SOME)


def test_who_left_is_not_brought_back_by_the_back_button(visit: Visit, town: Town) -> None:
    page = visit().page
    page.goto(launch(town, family="Leaverson"))
    page.locator("h1", has_text=ASK).wait_for()
    page.click("text=Leave this page")
    page.locator("h1", has_text="You have left").wait_for()
    page.go_back()
    page.wait_for_load_state()
    assert "LEAVERSON" not in page.inner_text("body").upper()
    assert ENDED in page.inner_text("h1")


# -- a page that outlives its line ---------------------------------------------------------------------------------


def test_a_form_of_a_dead_launch_says_what_to_do_and_saves_nothing(visit: Visit, town: Town) -> None:
    """Restored after a week, or sent after the line was over: the same calm page."""
    page = visit().page
    page.goto(launch(town, family="Weeklater"))
    page.fill("#field-question", QUESTION)
    page.check("input[name=side][value=left]")
    page.check("input[name=organisation] >> nth=0")
    line = page.url.split("/line/")[1].split("/")[0]
    with town.ports.store.transaction() as tx:
        before = len(tx.referrals.find(limit=1000))
        tx.sessions.end_line(line)
    page.click("text=Ask, and invite the patient")
    page.locator("h1", has_text=ENDED).wait_for()
    assert "start Second Opinion from there" in page.inner_text("body")
    page.reload()
    assert ENDED in page.inner_text("h1")
    with town.ports.store.reading() as tx:
        assert len(tx.referrals.find(limit=1000)) == before


def test_a_relaunch_leads_the_page_before_to_the_same_patients_newer_one(visit: Visit, town: Town) -> None:
    visitor = visit()
    root = f"{town.practice.origin}/practice/open"
    made = requests.post(f"{root}/patients", json={"family": "Relaunched", "given": "Test"}, timeout=10).json()

    def press() -> str:
        return str(requests.post(f"{root}/launches", json={"patient": made["id"]}, timeout=10).json()["launch_url"])

    page, newer = visitor.page, visitor.page.context.new_page()
    page.goto(press())
    newer.goto(press())
    page.reload()
    assert ENDED in page.inner_text("h1")
    page.click("text=Go on with the same patient")
    page.locator("h1", has_text=ASK).wait_for()
    assert "RELAUNCHED" in page.inner_text(".identity")
    assert page.url == newer.url


def test_a_screen_that_nobody_uses_goes_and_writing_is_using(visit: Visit, town: Town) -> None:
    """What was shown is not left for the next person to read; who writes for long is not thrown out."""
    visitor = visit()
    page, told = visitor.page, []
    page.clock.install()
    page.on("request", lambda asked: told.append(asked.url) if asked.url.endswith("/stay") else None)
    page.goto(visitor.sit_down())
    page.evaluate("window.still = true")
    page.clock.fast_forward(300_000)
    page.fill("#field-question", "Is it")
    page.wait_for_timeout(300)
    assert len(told) == 1
    with page.expect_navigation():
        page.clock.fast_forward((int(IDLE["clinician"].total_seconds()) + 5) * 1000)
    assert page.evaluate("window.still") is None
