"""The expert's pages in a real browser: a worklist, a case beside its images, and an opinion that is signed."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from imaging.header import read_header
from imaging.phantom import ct_study
from imaging.study import Person, gather
from smart_app.case import Change, PriorReport, Side
from smart_app.deliver.images import study_notes
from smart_app.referral import Referral, Status
from tests.browser.conftest import OVERFLOW, Visitor
from tests.staged import Town

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]
Staged = Callable[..., Referral]

WIDTHS = (320, 1100, 1440)
WORDS = {
    "answer": "LEFT hippocampal sclerosis is much more likely.",
    "findings": "The LEFT hippocampus is small.",
    "impression": "LEFT hippocampal sclerosis.",
}
PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
OF_THE_VIEWER = "Timer 'scriptToView' does not exist"


@pytest.fixture
def sit(visit: Visit) -> Iterator[Visit]:
    """A watched window; the viewer's own harmless remark is not held against our page."""
    visitors: list[Visitor] = []

    def come(width: int = 1440, **options: object) -> Visitor:
        visitors.append(visit(width=width, **options))
        return visitors[-1]

    yield come
    for visitor in visitors:
        visitor.faults[:] = [fault for fault in visitor.faults if OF_THE_VIEWER not in fault]


@pytest.fixture
def case(town: Town) -> Staged:
    """A referral at that point of its way, with real images and a first report on its shelf."""

    def stage(status: str, **changes: object) -> Referral:
        referral = town.referral(status, begun=town.ports.now() - timedelta(hours=5))
        person = Person(name="Samplewright^Marisol", birth_date="1992-03-14", sex="F", id="OUT-77")
        files = list(ct_study(person, study_date="2026-11-03", description="CT head", series=2, slices=3))
        shelf = town.ports.archive.shelf(referral.id)
        for content in files:
            shelf.put(io.BytesIO(content))
        report = PriorReport("Report of 4 November", "application/pdf", "", len(PDF))
        report = replace(report, sha256=shelf.put_document(io.BytesIO(PDF), "application/pdf", report.title))
        studies = study_notes(gather(read_header(io.BytesIO(content)) for content in files), {})
        with town.ports.store.transaction() as tx:
            saved = replace(tx.referrals.get(referral.id), studies=studies, prior_reports=(report,), **changes)
            return tx.referrals.save(saved)

    return stage


def now_of(town: Town, referral: Referral) -> Referral:
    """The referral as it is kept now."""
    with town.ports.store.reading() as tx:
        return tx.referrals.get(referral.id)


def must_be_usable_by_all(visitor: Visitor) -> None:
    """axe finds nothing and nothing runs out of the window, in the dark and in the light, at every width."""
    visitor.page.emulate_media(reduced_motion="reduce")
    for theme in ("dark", "light"):
        visitor.page.evaluate("theme => document.documentElement.dataset.theme = theme", theme)
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 900})
            assert visitor.page.evaluate(OVERFLOW) <= 0, f"wider than its window of {width} px"
            assert visitor.axe() == [], f"at {width} px, {theme}"


def write(visitor: Visitor, **words: str) -> None:
    """Fill in the opinion."""
    for name, text in {**WORDS, **words}.items():
        visitor.page.fill(f"#field-{name}", text)
    visitor.page.check("input[name=agreement][value='5']")
    visitor.page.check("input[name=first_report_read][value=after]")


def tick_all(visitor: Visitor) -> None:
    """The four checks before signing."""
    for box in visitor.page.locator("input[name=confirm]").all():
        box.check()


def test_the_worklist_is_usable_by_all(sit: Visit, case: Staged) -> None:
    visitor = sit()
    for status in ("sent", "accepted", "reading", "question", "delivered"):
        case(status)
    visitor.page.goto(f"{visitor.sit_down('expert')}worklist")
    assert visitor.page.locator(".case-row").count() >= 5
    must_be_usable_by_all(visitor)


@pytest.mark.parametrize(
    "status", ["sent", "accepted", "reading", "question", "signed", "corrected", "quarantined", "in-error", "returned"]
)
def test_a_case_is_usable_by_all_wherever_it_stands(sit: Visit, case: Staged, status: str) -> None:
    visitor = sit()
    referral = case(status)
    visitor.page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    must_be_usable_by_all(visitor)


def test_a_case_goes_from_the_worklist_to_a_correction(sit: Visit, case: Staged, town: Town) -> None:
    """Worklist, accept, read beside the images, sign, correct: nothing on the way needs another page."""
    visitor, referral = sit(), case("sent")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}worklist")
    page.click(f"a.case-link[href$='{referral.id}']")
    page.click("text=Accept, and read now")
    page.wait_for_selector("#opinion")
    assert now_of(town, referral).status is Status.READING
    viewer = page.frame_locator(".light-box iframe").frame_locator("iframe")
    viewer.locator("canvas").first.wait_for(timeout=40_000)
    write(visitor)
    tick_all(visitor)
    page.click("text=Sign version 1")
    page.wait_for_selector("text=On its way to the chart")
    page.click("text=Correct or add")
    assert page.input_value("#field-findings") == WORDS["findings"]
    page.check("input[name=change][value=appended]")
    page.fill("#field-change_reason", "The comparison with June was added.")
    tick_all(visitor)
    page.click("text=Sign version 2")
    page.wait_for_selector("#h-versions")
    signed = now_of(town, referral).opinions
    assert [(o.version, o.change, o.first_report_read) for o in signed] == [
        (1, None, "after"),
        (2, Change.APPENDED, "after"),
    ]


def test_what_is_missing_is_named_with_a_link_to_each_and_no_word_is_lost(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    page.fill("#field-answer", "Half an answer")
    page.check("#field-confirm_name")
    page.click("text=Sign version 1")
    page.wait_for_selector("#faults")
    assert page.evaluate("document.activeElement.id") == "faults"
    assert page.input_value("#field-answer") == "Half an answer"
    assert page.is_checked("#field-confirm_name")
    page.click("text=Check the study date, and tick it.")
    assert page.evaluate("document.activeElement.id") == "field-confirm_study_date"
    page.click("text=Say when you read the first report")
    assert page.evaluate("document.activeElement.name") == "first_report_read"
    must_be_usable_by_all(visitor)
    kept = now_of(town, referral)
    assert (kept.status, (kept.draft or {})["answer"]) == (Status.READING, "Half an answer")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"answer": "The RIGHT side.", "findings": "RIGHT.", "impression": "RIGHT."}, "your words name only the other"),
        ({"findings": "L hippocampus is small."}, "Write the side in full"),
    ],
)
def test_a_side_in_doubt_cannot_be_signed(
    sit: Visit, case: Staged, town: Town, words: dict[str, str], said: str
) -> None:
    """Safety: the question is about LEFT; the other side, or one letter, is sent back with the reason."""
    visitor, referral = sit(), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    write(visitor, **words)
    tick_all(visitor)
    page.click("text=Sign version 1")
    page.wait_for_selector("#fault-side")
    assert said in page.inner_text("#fault-side")
    assert not page.is_checked("#field-confirm_side")
    assert now_of(town, referral).opinion is None


def test_images_of_the_other_side_are_said_before_anything_is_written(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(), case("reading")
    with town.ports.store.transaction() as tx:
        kept = tx.referrals.get(referral.id)
        study = kept.studies[0]
        series = tuple(replace(s, laterality="L") for s in study.series)
        tx.referrals.save(
            replace(kept, studies=(replace(study, series=series),), ask=replace(kept.ask, side=Side.RIGHT))
        )
    visitor.page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    assert "The images show the other side" in visitor.page.inner_text(".evidence")


def test_the_draft_keeps_itself_and_says_when(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(), case("reading")
    page = visitor.page
    root = visitor.sit_down("expert")
    page.goto(f"{root}cases/{referral.id}")
    page.fill("#field-findings", "The LEFT hippocampus")
    page.locator("[data-saved]", has_text="Draft, saved").wait_for()
    assert (now_of(town, referral).draft or {})["findings"] == "The LEFT hippocampus"
    page.reload()
    assert page.input_value("#field-findings") == "The LEFT hippocampus"
    page.goto(f"{root}worklist")
    assert "Continue draft" in page.inner_text(f".case-row:has(a[href$='{referral.id}'])")


def test_a_case_can_be_worked_without_javascript(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(java_script_enabled=False), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    write(visitor)
    page.click("text=Save draft")
    assert page.input_value("#field-impression") == WORDS["impression"]
    tick_all(visitor)
    page.click("text=Sign version 1")
    assert now_of(town, referral).status is Status.SIGNED


def test_the_question_the_images_and_the_form_are_there_at_once(sit: Visit, case: Staged) -> None:
    """Nothing has to be scrolled for: the question, the images, the answer's field and the check before signing."""
    visitor, referral = sit(width=1440), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    for part in ("h1", ".light-box iframe", "#field-answer", "text=Sign version 1"):
        box = page.locator(part).first.bounding_box()
        assert 0 <= box["y"] <= 900 - box["height"], part
    page.locator(".words").evaluate("part => part.scrollTo(0, part.scrollHeight)")
    assert page.locator("text=Sign version 1").is_visible()
    assert "14 Mar 1992" in page.inner_text(".identity")


def test_a_first_report_is_closed_until_opened_and_the_opening_is_recorded(
    sit: Visit, case: Staged, town: Town
) -> None:
    visitor, referral = sit(), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    link = page.locator("a", has_text="Report of 4 November")
    assert not link.is_visible()
    page.click("text=Closed until you open it")
    with page.expect_download() as given:
        link.click()
    assert given.value.suggested_filename == "first-report-1.pdf"
    with town.ports.store.reading() as tx:
        assert "open-report" in [row.verb for row in tx.audit.of_referral(referral.id)]


def test_a_case_is_returned_with_a_usual_reason(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(), case("sent")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    page.click("text=Return it with a reason")
    page.click("button:has-text('Return the case')")
    page.wait_for_selector("#fault-return")
    page.check("input[name=usual] >> nth=2")
    page.fill("#field-return", "Please add the FLAIR series.")
    page.click("button:has-text('Return the case')")
    page.wait_for_url("**/worklist")
    last = now_of(town, referral).history[-1]
    assert (last.verb, last.reason) == (
        "decline",
        "Not enough images for the question. Please add the FLAIR series.",
    )


def test_a_question_stops_the_clock(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    page.click("summary:has-text('Ask a question')")
    page.fill("#field-ask", "Any steroid?")
    page.click("text=Send the question")
    page.wait_for_selector("text=Your question is out")
    assert now_of(town, referral).status is Status.QUESTION
    assert "paused by the question" in page.inner_text(".clocks")


def test_a_suspected_wrong_patient_hides_everything_at_once(sit: Visit, case: Staged, town: Town) -> None:
    """Safety rule 6."""
    visitor, referral = sit(), case("reading")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    page.click("text=Wrong patient?")
    page.fill("#field-hold", "The face is another person's.")
    page.click("text=Hide this case now")
    page.wait_for_selector("h1:has-text('A wrong patient is suspected')")
    shown = page.content()
    assert referral.ask.question not in shown
    assert "iframe" not in shown
    assert now_of(town, referral).status is Status.QUARANTINED


def test_an_opinion_is_taken_back_and_stays_as_taken_back(sit: Visit, case: Staged, town: Town) -> None:
    visitor, referral = sit(), case("delivered")
    page = visitor.page
    page.goto(f"{visitor.sit_down('expert')}cases/{referral.id}")
    page.click("summary:has-text('Take it back')")
    page.fill("#field-retract", "Written for another request.")
    page.click("text=Take back every version")
    page.wait_for_selector("text=Do not use it.")
    assert now_of(town, referral).status is Status.IN_ERROR
    assert page.locator("text=Correct or add").count() == 0


@pytest.mark.parametrize("path", ["worklist", "cases/{id}"])
def test_a_stopped_clock_is_no_news_to_a_live_page(sit: Visit, case: Staged, path: str) -> None:
    """The page polls by ETag; only a change of the case may reload it, not the passing of time."""
    visitor, referral = sit(), case("question")
    url = visitor.sit_down("expert") + path.format(id=referral.id)
    looks = [visitor.page.request.get(url, headers={"Accept": "application/json"}) for _ in range(2)]
    assert looks[0].headers["etag"] == looks[1].headers["etag"]
