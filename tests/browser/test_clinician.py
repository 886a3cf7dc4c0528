"""The clinician's pages in a real browser: launched in the chart's frame, asked, followed, read."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import requests

from smart_app.case import NextStep
from tests.browser.conftest import EVERY, SOME, Visitor
from tests.staged import QUESTION, Town, conflicting_upload, renamed_upload

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]

WHERE_IS_THE_FOCUS = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return null;
  const box = at.getBoundingClientRect();
  const band = document.querySelector(".identity").getBoundingClientRect();
  const bar = document.querySelector(".footbar").getBoundingClientRect();
  return { what: at.outerHTML.slice(0, 80), top: box.top, bottom: box.bottom,
    band: band.bottom, bar: bar.top, barEnd: bar.bottom,
    fixed: Boolean(at.closest(".identity, .footbar, .skip")) || box.height > 300 };
}"""
STATES = (
    *("gathering", "sent", "accepted", "reading", "question", "returned", "signed", "unsigned", "delivered", "seen"),
    *("corrected", "withdrawn", "in-error", "quarantined"),
)


@pytest.mark.parametrize("status", STATES)
def test_a_referral_is_usable_by_all_wherever_it_stands(visit: Visit, town: Town, status: str) -> None:
    visitor = visit()
    referral = town.referral(status)
    visitor.page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    visitor.must_be_usable_by_all(EVERY if status in ("delivered", "question") else SOME)
    assert visitor.page.locator(".panel.yours").count() == (
        1 if status in ("question", "returned", "unsigned", "delivered", "corrected") else 0
    )


def test_asking_is_usable_by_all(visit: Visit, town: Town) -> None:
    visitor = visit()
    visitor.page.goto(town.launch_url())
    visitor.must_be_usable_by_all()


def test_a_form_that_came_back_is_usable_by_all_and_leads_to_each_fault(visit: Visit, town: Town) -> None:
    visitor = visit()
    visitor.page.goto(town.launch_url())
    visitor.page.click("text=Ask, and invite the patient")
    visitor.page.wait_for_selector("#faults")
    assert visitor.page.evaluate("document.activeElement.id") == "faults"
    visitor.page.click("text=Choose who should read the images.")
    assert visitor.page.evaluate("document.activeElement.name") == "organisation"
    visitor.must_be_usable_by_all()


def test_images_of_somebody_else_are_shown_to_staff_with_both_sides_and_the_difference(
    visit: Visit, town: Town
) -> None:
    """Decision 19: who has a right to the chart sees both."""
    visitor = visit()
    referral = town.referral("gathering")
    town.add(conflicting_upload(referral.id))
    visitor.page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    assert "another person" in visitor.page.inner_text("h1")
    assert visitor.page.locator("tr[data-tone=stop] mark").all_inner_texts()[:2] == ["92", "68"]
    visitor.must_be_usable_by_all()


def test_pictures_under_an_earlier_name_are_let_in_by_saying_how_one_knows(visit: Visit, town: Town) -> None:
    visitor = visit(width=480)
    page = visitor.page
    referral = town.referral("gathering")
    town.add(renamed_upload(referral.id))
    page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    visitor.must_be_usable_by_all()
    page.get_by_role("button", name="This patient’s: let them in").click()
    assert page.locator("#faults a").all_inner_texts() == ["Say how you know that they are this patient’s."]
    page.fill("#field-vouch", "Her name before she married; seen in the chart.")
    page.get_by_role("button", name="This patient’s: let them in").click()
    page.get_by_role("heading", name="Waiting for the images").wait_for()
    assert "Her name before she married" in page.inner_text("main")
    visitor.must_be_usable_by_all(SOME)
    patient = visit(width=360)
    patient.page.goto(f"{patient.sit_down('patient', referral_id=referral.id)}show")
    assert "The name on your pictures was checked." in patient.page.inner_text("main")
    patient.must_be_usable_by_all(SOME)


def test_a_marked_difference_stands_within_its_value_in_a_narrow_window(visit: Visit, town: Town) -> None:
    """The year that differs is read as part of its date, not as a line of its own."""
    visitor = visit(width=480)
    referral = town.referral("gathering")
    town.add(conflicting_upload(referral.id))
    visitor.page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    cell = visitor.page.locator("tr[data-tone=stop] td").first
    assert cell.inner_text().split() == ["14", "Mar", "1992"]
    value, mark = cell.locator("span").first.bounding_box(), cell.locator("mark").bounding_box()
    assert value["x"] < mark["x"]
    assert value["y"] <= mark["y"] < value["y"] + value["height"]


def test_a_question_is_asked_with_the_keyboard_alone(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    page.goto(town.launch_url())
    page.focus("#field-question")
    page.keyboard.type(QUESTION)
    page.keyboard.press("Tab")
    page.keyboard.type("Biopsy or not.")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    assert page.is_checked("input[name=side][value=left]")
    page.focus("input[name=organisation][value=northlight]")
    page.keyboard.press("Space")
    page.focus("text=Ask, and invite the patient")
    page.keyboard.press("Enter")
    page.wait_for_url("**/referrals/*")
    assert QUESTION in page.inner_text("main")


def test_the_page_works_in_the_charts_frame_of_another_site(visit: Visit, town: Town) -> None:
    """Decision 18: the frame is cross-site, the cookie partitioned, and the chart's own page stays the top."""
    visitor = visit()
    page, asked = visitor.page, []
    page.on("request", lambda request: asked.append(request))
    page.goto(f"{town.practice.origin}/epic/")
    page.click("text=Marguerite Anne Holloway")
    page.click("text=Second Opinion")
    frame = page.frame_locator("iframe")
    frame.locator("h1", has_text="Ask for a second opinion").wait_for()
    assert page.url.startswith(town.practice.origin)
    launch = next(request for request in asked if request.url.startswith(f"{town.base}/launch"))
    assert launch.all_headers()["sec-fetch-site"] == "cross-site"
    cookie = next(c for c in page.context.cookies() if c["name"] == "__Host-second-opinion")
    assert (cookie["sameSite"], cookie["secure"], cookie["httpOnly"]) == ("None", True, True)
    assert cookie.get("partitionKey"), "the cookie of a frame is partitioned"
    frame.locator("#field-question").fill(QUESTION)
    frame.locator("input[name=side][value=left]").check()
    frame.locator("input[name=organisation]").first.check()
    frame.locator("text=Ask, and invite the patient").click()
    frame.locator("h1", has_text="Waiting for the images").wait_for()


def test_a_window_of_its_own_opens_from_the_frame_on_the_same_patient(visit: Visit, town: Town) -> None:
    """The new window has no cookie of the frame: it is let in by the one-time code."""
    visitor = visit()
    page = visitor.page
    line, browser = town.line()
    page.context.add_cookies([town.cookie(browser)])
    referral = town.referral("delivered")
    page.goto(f"{town.base}/line/{line.id}/referrals/{referral.id}")
    page.click("text=Look at the images")
    with page.context.expect_page() as opened:
        page.click("text=Open the window")
    window = opened.value
    window.wait_for_load_state()
    assert f"/{referral.id}/viewer" in window.url
    assert line.id not in window.url


def test_one_press_in_the_frame_opens_the_window(visit: Visit, town: Town) -> None:
    """With JavaScript there is no page in between; the window lands where the frame stands."""
    visitor = visit()
    page = visitor.page
    page.goto(f"{town.practice.origin}/oracle/")
    page.click("text=Marguerite Anne Holloway")
    page.click("text=Second Opinion")
    frame = page.frame_locator("iframe")
    frame.locator("h1", has_text="Ask for a second opinion").wait_for()
    with page.context.expect_page() as opened:
        frame.locator("footer >> text=Open in a window of its own").click()
    window = opened.value
    window.wait_for_url(f"{town.base}/line/*/")
    assert "HOLLOWAY" in window.inner_text(".identity")
    assert window.evaluate("window.opener") is None


def test_nothing_that_has_the_focus_is_hidden_by_the_band_or_the_bar(visit: Visit, town: Town) -> None:
    """WCAG 2.2, 2.4.11: on a narrow frame both stay while the page scrolls beneath."""
    visitor = visit(width=480)
    page = visitor.page
    referral = town.referral("delivered")
    page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    page.set_viewport_size({"width": 480, "height": 500})
    seen = 0
    for _ in range(40):
        page.keyboard.press("Tab")
        found = page.evaluate(WHERE_IS_THE_FOCUS)
        if found is None:
            break
        if not found["fixed"]:
            assert found["top"] >= found["band"] - 1, found
            assert found["bottom"] <= found["bar"] + 1 or found["top"] >= found["barEnd"] - 1, found
            seen += 1
    assert seen > 8


def test_a_line_about_to_end_says_so_and_can_be_kept(visit: Visit, town: Town) -> None:
    """WCAG 2.2.1: a time limit warns, and is extended by one press."""
    visitor = visit()
    page = visitor.page
    page.clock.install()
    referral = town.referral("sent")
    page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    page.clock.run_for(57 * 60 * 1000)
    assert page.is_hidden("#staying")
    page.clock.run_for(2 * 60 * 1000)
    assert page.is_visible("#staying")
    page.click("#staying button")
    page.wait_for_selector("#staying", state="hidden")


def test_the_person_stands_on_every_sheet_of_paper(visit: Visit, town: Town, tmp_path: Path) -> None:
    """Principle 1: also on paper."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not on this machine")
    visitor = visit()
    referral = town.referral("corrected")
    visitor.page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    visitor.page.pdf(path=str(tmp_path / "page.pdf"), format="A5")
    text = subprocess.run(["pdftotext", tmp_path / "page.pdf", "-"], capture_output=True, text=True, check=True).stdout
    sheets = text.split("\f")[:-1]
    assert len(sheets) > 1
    assert [sheet.count("SAMPLEWRIGHT, Marisol Testa") for sheet in sheets] == [1] * len(sheets)
    assert "I have read this" not in text


def test_reading_is_confirmed_with_what_happens_next(visit: Visit, town: Town) -> None:
    """Safety rule 12: an explicit press, for exactly this version."""
    visitor = visit()
    page = visitor.page
    referral = town.referral("delivered")
    page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    page.click("text=I have read this")
    page.wait_for_selector("#faults")
    page.check("input[name=next_step][value=plan-stays]")
    page.click("text=I have read this")
    page.wait_for_selector("text=Read by Dr Ines Mockford")
    with town.ports.store.reading() as tx:
        said = tx.referrals.get(referral.id).acknowledgements
    assert [(a.version, a.next_step) for a in said] == [(1, NextStep.PLAN_STAYS)]


def test_a_question_is_answered_in_place_without_javascript(visit: Visit, town: Town) -> None:
    visitor = visit(java_script_enabled=False)
    referral = town.referral("question")
    visitor.page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    visitor.page.fill("textarea[name=text]", "No. None since June.")
    visitor.page.click("text=Send the answer")
    assert "No. None since June." in visitor.page.inner_text("#thread")


def test_a_live_page_shows_what_changed_and_never_takes_away_what_somebody_writes(visit: Visit, town: Town) -> None:
    """Decision 25: it polls by ETag."""
    visitor = visit()
    page = visitor.page
    page.clock.install()
    referral = town.referral("question")
    page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    page.fill("textarea[name=text]", "Half a sent")
    with town.ports.store.transaction() as tx:
        now = town.ports.now()
        tx.referrals.save(tx.referrals.get(referral.id).answer(referral.requester, now, "Answered by a colleague."))
    page.clock.run_for(6000)
    page.wait_for_selector("#news:not([hidden])")
    assert page.input_value("textarea[name=text]") == "Half a sent"
    page.click("text=Show it")
    page.wait_for_selector("text=Answered by a colleague.")
    with town.ports.store.transaction() as tx:
        tx.referrals.save(tx.referrals.get(referral.id).withdraw(referral.requester, now, "No longer needed."))
    page.clock.run_for(6000)
    page.wait_for_selector("h1:has-text('stopped')")


def test_the_person_never_scrolls_away(visit: Visit, town: Town) -> None:
    """Principle 1, and safety rule 4: name and birth date on every screen."""
    visitor = visit(width=480)
    referral = town.referral("delivered")
    visitor.page.goto(f"{visitor.sit_down()}referrals/{referral.id}")
    visitor.page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    box = visitor.page.locator(".identity").bounding_box()
    assert box["y"] == 0
    assert "14 Mar 1992" in visitor.page.inner_text(".identity")


def test_a_line_that_nobody_used_ends_with_a_calm_page(
    visit: Visit, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = visit()
    root = visitor.sit_down()
    from smart_app.web import sessions

    monkeypatch.setitem(sessions.IDLE, "clinician", timedelta(seconds=-1))
    visitor.page.goto(f"{root}referrals/none")
    assert "This page has ended" in visitor.page.inner_text("h1")
    visitor.must_be_usable_by_all()


def test_back_to_the_chart_by_a_message_that_only_this_chart_understands(visit: Visit, town: Town) -> None:
    """SMART Web Messaging, `ui.done`: the open chart goes back to its summary; a stranger is ignored."""
    visitor = visit(width=1100)
    patient = next(iter(town.practice.houses["open"].records.shelf.present("Patient"))).resource["id"]
    visitor.page.goto(f"{town.practice.origin}/open/patients/{patient}/second-opinion")
    frame = visitor.page.frame_locator("iframe.app")
    button = frame.get_by_role("button", name="Back to the chart")
    button.wait_for()
    visitor.page.evaluate("""() => {
      const frame = document.querySelector("iframe.app");
      window.postMessage({ messagingHandle: frame.dataset.handle, messageId: "1", messageType: "ui.done" }, "*");
    }""")
    visitor.page.wait_for_timeout(300)
    assert visitor.page.url.endswith("/second-opinion"), "the chart obeyed a window that is not the app"
    button.click()
    visitor.page.wait_for_url(f"{town.practice.origin}/open/patients/{patient}/")


def test_a_chart_that_takes_no_messages_is_offered_none(visit: Visit, town: Town) -> None:
    visitor = visit(width=1100)
    visitor.page.goto(town.launch_url())
    visitor.page.get_by_role("heading").first.wait_for()
    assert visitor.page.get_by_role("button", name="Back to the chart").count() == 0


def test_a_slow_chart_hides_nobodys_name_and_fills_in_what_comes_later(visit: Visit, town: Town) -> None:
    """The page is there at once; studies join when the chart gives them, and what was written meanwhile stays."""
    visitor = visit(width=1100)
    house = town.practice.houses["open"]
    patient = next(v.resource["subject"]["reference"] for v in house.records.shelf.present("ImagingStudy"))
    asked = {"patient": patient, "audience": "clinician"}
    made = requests.post(f"{town.practice.origin}/practice/open/launches", json=asked, timeout=10).json()
    visitor.page.goto(made["launch_url"])
    visitor.page.get_by_role("heading", name="Which images?").wait_for()
    house.records.scenarios.set(patient.rpartition("/")[2], "slow")
    try:
        visitor.page.reload(wait_until="domcontentloaded")
        assert visitor.page.locator(".identity").inner_text().strip()
        visitor.page.get_by_text("The chart is still looking").first.wait_for()
        visitor.page.get_by_label("One specific question").fill("Is the nodule new?")
        visitor.page.locator("input[name=chart_studies]").first.wait_for(timeout=15_000)
        assert visitor.page.get_by_label("One specific question").input_value() == "Is the nodule new?"
        assert visitor.axe() == []
    finally:
        house.records.scenarios.set(patient.rpartition("/")[2], None)
