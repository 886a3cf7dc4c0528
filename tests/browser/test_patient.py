"""The patient's pages in a real browser: three steps with real files, the stops, and both languages."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imaging.phantom import ct_study
from imaging.study import Person
from tests.browser.conftest import SOME, Visitor
from tests.staged import Town

pytestmark = [pytest.mark.browser, pytest.mark.needs, pytest.mark.xdist_group("browser")]
Visit = Callable[..., Visitor]
ME = {"family": "Samplewright", "given": "Marisol", "birth_date": "1992-03-14", "sex": "female", "mrn": "T-1"}
WHO = Person("Samplewright^Marisol", "1992-03-14", "F", "T-1")
STRANGER = Person("Strangerson^Sam", "1951-01-02", "M", "X-9")


def files_of(folder: Path, person: Person) -> list[Path]:
    """A small study of that person, as files."""
    folder.mkdir()
    drawn = ct_study(person, study_date="2026-11-03", description="Head CT", series=1, slices=3, size=32)
    for number, content in enumerate(drawn):
        (folder / f"IM{number}").write_bytes(content)
    return sorted(folder.iterdir())


def told(visitor: Visitor, town: Town) -> None:
    """Step 1 done: the question is asked, and agreed to."""
    page = visitor.page
    page.goto(town.launch_url("patient", **ME))
    page.fill("#field-question", "What do my pictures show?")
    page.get_by_text("Not sure", exact=True).click()
    page.get_by_text("I agree").click()
    page.get_by_role("button", name="Next: add your pictures").click()


def test_three_steps_lead_to_a_case_on_its_way(visit: Visit, town: Town, tmp_path: Path) -> None:
    """With JavaScript: files are sent as they are chosen, and each page is usable by all."""
    visitor = visit(390)
    page = visitor.page
    page.goto(town.launch_url("patient", **ME))
    visitor.must_be_usable_by_all(SOME)
    told(visitor, town)
    page.set_input_files("#files", files_of(tmp_path / "disc", WHO))
    page.get_by_role("button", name="Yes, these are mine").wait_for()
    assert page.locator(".verdicts tfoot .count").inner_text() == "3"
    visitor.must_be_usable_by_all(SOME)
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    visitor.must_be_usable_by_all(SOME)
    page.get_by_role("button", name="Send my pictures").click()
    page.get_by_role("heading", name="Your pictures arrived").wait_for()
    visitor.must_be_usable_by_all(SOME)


def test_a_zip_is_sent_by_a_plain_form(visit: Visit, town: Town, tmp_path: Path) -> None:
    """Without JavaScript, the same step works."""
    with zipfile.ZipFile(tmp_path / "disc.zip", "w") as archive:
        for path in files_of(tmp_path / "disc", WHO):
            archive.write(path, f"DICOM/{path.name}")
    visitor = visit(390, java_script_enabled=False)
    told(visitor, town)
    visitor.page.set_input_files("#files", tmp_path / "disc.zip")
    visitor.page.get_by_role("button", name="Send these files").click()
    visitor.page.get_by_role("button", name="Yes, these are mine").wait_for()
    assert visitor.page.locator(".verdicts tfoot .count").inner_text() == "3"


def test_two_people_are_shown_as_the_pictures_name_them_and_one_is_left_out(
    visit: Visit, town: Town, tmp_path: Path
) -> None:
    """The page asks whose to leave out, and goes on with the rest."""
    visitor = visit(390)
    told(visitor, town)
    page = visitor.page
    page.set_input_files("#files", files_of(tmp_path / "a", WHO) + files_of(tmp_path / "b", STRANGER))
    page.get_by_role("heading", name="There are pictures of more than one person").wait_for()
    visitor.must_be_usable_by_all(SOME)
    page.locator("form", has=page.get_by_role("button", name="Leave these out")).nth(1).locator("button").click()
    page.get_by_role("heading", name="Are these yours?").wait_for()
    assert page.get_by_text("Strangerson").count() == 0


def test_somebody_elses_pictures_stop_and_say_only_what_stands_on_them(
    visit: Visit, town: Town, tmp_path: Path
) -> None:
    """Nothing was sent, nobody is blamed, and somebody can be called."""
    visitor = visit(390)
    told(visitor, town)
    page = visitor.page
    page.set_input_files("#files", files_of(tmp_path / "b", STRANGER))
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    page.get_by_role("button", name="Send my pictures").click()
    stop = page.locator("section", has=page.get_by_role("heading", name="We stopped here. Nothing was sent"))
    stop.wait_for()
    assert "Strangerson Sam" in stop.inner_text()
    assert "Samplewright" not in stop.inner_text()
    visitor.must_be_usable_by_all(SOME)


@pytest.mark.parametrize("status", ["sent", "question", "returned", "delivered", "corrected", "quarantined"])
def test_where_it_stands_is_usable_by_all(visit: Visit, town: Town, status: str) -> None:
    """Each state in plain words; a held case shows nothing."""
    visitor = visit(390)
    referral = town.referral(status)
    visitor.page.goto(f"{visitor.sit_down('patient', referral_id=referral.id)}status")
    visitor.must_be_usable_by_all(SOME)
    assert visitor.page.get_by_role("link", name="Read it").count() == (status in ("delivered", "corrected"))


def test_the_opinion_never_shows_the_grade(visit: Visit, town: Town) -> None:
    """The patient reads one sentence; the number is for colleagues."""
    visitor = visit(390)
    referral = town.referral("delivered")
    visitor.page.goto(f"{visitor.sit_down('patient', referral_id=referral.id)}opinion")
    visitor.must_be_usable_by_all(SOME)
    assert "Grade" not in visitor.page.inner_text("main")


def test_the_steps_speak_spanish(visit: Visit, town: Town) -> None:
    """Chosen by the browser's language."""
    visitor = visit(390, locale="es-ES")
    visitor.page.goto(town.launch_url("patient", **ME))
    assert visitor.page.locator("html").get_attribute("lang") == "es"
    assert visitor.page.locator("h1").inner_text() == "¿Qué quiere saber?"
