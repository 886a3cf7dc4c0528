"""What an upload found, in a real browser: a report to take, sets that are missing, pictures that may show a name."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from smart_app.case import Ask, Side
from tests.browser.conftest import Visitor
from tests.browser.test_patient import ME, agree, asked_by_doctor, give, now_of
from tests.discs import FILES, directory, of
from tests.papers import pdf
from tests.staged import Town
from tests.unit.test_imaging_discs import disc_image
from tests.unit.test_web_found import CAPTURE, mine

pytestmark = [pytest.mark.browser, pytest.mark.needs, pytest.mark.xdist_group("browser")]
Visit = Callable[..., Visitor]


def test_a_disc_image_with_a_report_inside_and_a_capture_is_given_and_checked(
    visit: Visit, town: Town, tmp_path: Path
) -> None:
    """An ISO of a disc: the report is offered, the missing set named, the capture shown; in both languages, for all."""
    from tests.papers import structured

    files = [mine(content) for content in FILES]
    members = {"DICOMDIR": directory(files), "IM0": files[0], "SR": mine(structured()), "SCREEN": CAPTURE}
    (tmp_path / "disc.iso").write_bytes(disc_image(members=members))
    visitor = visit(width=360)
    root, _ = asked_by_doctor(visitor, town)
    page = visitor.page
    page.goto(f"{root}tell")
    agree(page)
    give(page, tmp_path / "disc.iso")
    page.get_by_role("heading", name="A report is among your pictures").wait_for()
    assert page.get_by_text("We got 1 of 2 picture sets").is_visible()
    visitor.must_be_usable_by_all()
    page.get_by_role("button", name="Yes, use it as the report").click()
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    shown = page.locator(".printed img")
    shown.first.scroll_into_view_if_needed()
    shown.first.evaluate("image => image.decode()")  # waits for it, and refuses one that cannot be drawn
    assert shown.count() == 1
    visitor.must_be_usable_by_all()
    assert not page.get_by_text("The first report", exact=True).is_visible()
    page.get_by_role("button", name="Send my pictures").click()
    page.wait_for_url("**/status")


def test_a_report_of_the_other_side_stops_calmly_and_can_be_taken_out(visit: Visit, town: Town, tmp_path: Path) -> None:
    """The page says what was seen and what to do, and the case goes on."""
    visitor = visit(width=1100)
    ask = Ask("Is the meniscus torn?", side=Side.LEFT, history="Pain.")
    root, referral = asked_by_doctor(visitor, town, ask=ask)
    (tmp_path / "IM0").write_bytes(of(ME))
    (tmp_path / "report.pdf").write_bytes(pdf("MRI of the RIGHT knee."))
    page = visitor.page
    page.goto(f"{root}tell")
    agree(page)
    give(page, tmp_path / "IM0", tmp_path / "report.pdf")
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    page.get_by_role("button", name="Send my pictures").click()
    page.get_by_role("heading", name="The report speaks of the other side").wait_for()
    visitor.must_be_usable_by_all()
    clinician = visit(width=1040)
    desk = clinician.sit_down("clinician")
    clinician.page.goto(f"{desk}referrals/{referral.id}")
    clinician.page.get_by_role("heading", name="Is the first report wrong?").wait_for()
    clinician.must_be_usable_by_all()
    page.get_by_role("button", name="Take the report out").click()
    page.get_by_role("link", name="Next: check and send").click()
    page.get_by_role("button", name="Send my pictures").click()
    page.wait_for_url("**/status")


def test_a_clinician_goes_on_without_what_is_missing(visit: Visit, town: Town, tmp_path: Path) -> None:
    """A breast case without a mammogram waits for a named decision; then the patient can send."""
    visitor = visit(width=360)
    ask = Ask("Is it a cancer?", side=Side.LEFT, subspecialty="breast", history="A lump.")
    root, referral = asked_by_doctor(visitor, town, ask=ask)
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        archive.writestr("IM0", of(ME, modality="MR"))
    page = visitor.page
    page.goto(f"{root}tell")
    agree(page)
    give(page, tmp_path / "disc.zip")
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    assert page.get_by_text("The expert needs a mammogram").is_visible()
    assert not page.get_by_role("button", name="Send my pictures").is_visible()
    visitor.must_be_usable_by_all()
    clinician = visit(width=1040)
    desk = clinician.sit_down("clinician")
    there = clinician.page
    there.goto(f"{desk}referrals/{referral.id}")
    there.get_by_text("Go on without it").first.click()
    clinician.must_be_usable_by_all()
    there.get_by_label("Why can it do without?").first.fill("Only the MRI is in question.")
    there.get_by_role("button", name="Go on without it").first.click()
    there.get_by_text("Only the MRI is in question.").wait_for()
    assert [e.by.name for e in now_of(town, referral).history if e.verb == "override"] == ["Dr Ines Mockford"]
    page.reload()
    page.get_by_role("button", name="Send my pictures").click()
    page.wait_for_url("**/status")
    assert replace(ask) == now_of(town, referral).ask
