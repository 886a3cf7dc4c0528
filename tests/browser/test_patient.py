"""The patient's three steps in a real browser, with and without JavaScript, in English and Spanish."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imaging.phantom import ct_study
from imaging.study import Person
from smart_app.case import Side, Upload
from smart_app.referral import Referral, Status
from tests.browser.conftest import Visitor
from tests.discs import of
from tests.papers import pdf
from tests.staged import PATIENT, Town

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]

ALL = tuple((width, scheme) for scheme in ("light", "dark") for width in (320, 360, 1100))
SOME = ((320, "dark"), (1100, "light"))
ME = Person("Samplewright^Marisol", "1992-03-14", "F", "TST-0048213")
STRANGER = Person("Example^Ottoline", "1987-07-02", "F", "OX-77120")
PDF = pdf()
GIVEN = {"Pictures received": 4, "Reports received": 1, "Already here": 1, "Not pictures": 1, "Could not be read": 1}


def pictures(person: Person, **more: Any) -> list[bytes]:
    """Four small pictures of that person."""
    return ct_study(person, **{"study_date": "2026-11-03", "description": "Brain", "slices": 2, "size": 32, **more})


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A disc as they come: pictures, one of them twice, a report, the disc's own program, and a scratch."""
    folder = tmp_path / "disc"
    (folder / "DICOM").mkdir(parents=True)
    drawn = pictures(ME)
    for number, content in enumerate([*drawn, drawn[0]]):
        (folder / "DICOM" / f"IM{number}").write_bytes(content)
    (folder / "report.pdf").write_bytes(PDF)
    (folder / "AUTORUN.INF").write_bytes(b"[autorun]\n")
    (folder / "DICOM" / "SCRATCHED").write_bytes(b"\0" * 128 + b"DICM" + b"junk" * 20)
    return folder


def asked_by_doctor(visitor: Visitor, town: Town, **changes: Any) -> tuple[str, Referral]:
    """A doctor has asked, and the patient opens the page of that case."""
    referral = town.referral("gathering", **changes)
    return visitor.sit_down("patient", referral_id=referral.id), referral


def on_their_own(visitor: Visitor, name: str) -> str:
    """A patient for whom nobody has asked opens the page."""
    reference = f"Patient/{name}"
    facts = {**PATIENT.__dict__, "given": list(PATIENT.given), "reference": reference}
    context = {"patient": facts, "iss": "https://ehr.example"}
    return visitor.sit_down("patient", patient=reference, context=context)


def agree(page: Any) -> None:
    """Step 1 of a doctor's question."""
    page.locator("[name=very_ill][value=no]").check()
    page.get_by_text("I agree to share them for this").click()
    page.get_by_role("button", name="Next: add your pictures").click()
    page.get_by_role("heading", name="Add your pictures").wait_for()


def give(page: Any, *files: Path) -> None:
    """Choose these files, and wait until the page knows what became of them."""
    page.set_input_files("#files", list(files))
    page.get_by_role("heading", name="What we got").wait_for()


def kept(folder: Path, contents: list[bytes], stem: str = "IM") -> list[Path]:
    """Those contents as files."""
    paths = [folder / f"{stem}{number}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return paths


def verdicts(page: Any) -> dict[str, int]:
    """The rows of the page: what, and how many."""
    return {
        row.locator(".what > span").inner_text(): int(row.locator(".count").inner_text())
        for row in page.locator(".verdicts tbody tr").all()
    }


def upload_of(town: Town, referral: Referral) -> Upload:
    """What we hold of it."""
    with town.ports.store.reading() as tx:
        found = tx.uploads.of_referral(referral.id)
    assert found is not None
    return found


def now_of(town: Town, referral: Referral) -> Referral:
    """The case as it stands."""
    with town.ports.store.reading() as tx:
        return tx.referrals.get(referral.id)


def owed(town: Town, referral: Referral) -> list[str]:
    """What is owed for it."""
    with town.ports.store.reading() as tx:
        return [row.action for row in tx.outbox.of_referral(referral.id)]


# -- the three steps -------------------------------------------------------------------------------------------------


def test_a_doctors_question_takes_an_agreement_a_folder_a_yes_and_one_press(
    visit: Visit, town: Town, disc: Path
) -> None:
    visitor = visit(width=360)
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    assert referral.ask.question in page.inner_text("main")
    assert page.locator("main textarea").count() == 0, "who was asked for by a doctor types nothing"
    visitor.must_be_usable_by_all(ALL)
    agree(page)
    visitor.must_be_usable_by_all(ALL)
    page.set_input_files("#folder", disc)
    page.get_by_role("heading", name="Are these yours?").wait_for()
    assert verdicts(page) == GIVEN
    assert page.locator(".verdicts tfoot .count").inner_text() == str(sum(GIVEN.values())) == "8"
    assert "Samplewright, Marisol" in page.inner_text("main")
    assert page.get_by_role("link", name="Next: check and send").count() == 0, "the question comes first"
    visitor.must_be_usable_by_all(ALL)
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    assert "within 3 working days" in page.inner_text("main")
    visitor.must_be_usable_by_all(ALL)
    assert owed(town, referral) == [], "nothing leaves before the last press"
    page.get_by_role("button", name="Send my pictures").click()
    page.get_by_role("heading", name="Your pictures arrived. We are checking them").wait_for()
    assert upload_of(town, referral).step == "sent"
    assert owed(town, referral) == ["store_images"]


def test_a_question_of_their_own_comes_with_a_zip(visit: Visit, town: Town, disc: Path, tmp_path: Path) -> None:
    visitor = visit(width=360)
    page = visitor.page
    root = on_their_own(visitor, "zip")
    page.goto(f"{root}tell")
    assert page.locator("main input:not([type=hidden]), main textarea").evaluate_all(
        "fields => new Set(fields.map(f => f.name)).size <= 10"
    ), "at most ten fields"
    visitor.must_be_usable_by_all(ALL)
    page.get_by_role("button", name="Next: add your pictures").click()
    assert page.locator("#faults a").all_inner_texts() == [
        "Tell us whether you feel very ill right now.",
        "Write the one question the expert should answer.",
        "Tick that you agree to share.",
    ]
    visitor.must_be_usable_by_all(SOME)
    page.get_by_label("Your question").fill("Do I need the operation?")
    page.get_by_text("Left", exact=True).click()
    agree(page)
    packed = tmp_path / "disc.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path in sorted(disc.rglob("*")):
            archive.write(path, path.relative_to(disc))
    give(page, packed)
    assert verdicts(page) == GIVEN, "a ZIP counts as the files in it"
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    assert "LEFT" in page.inner_text("main"), "a side is written in full"
    page.get_by_role("button", name="Send my pictures").click()
    page.get_by_role("heading", name="Your pictures arrived").wait_for()
    with town.ports.store.reading() as tx:
        asked = tx.referrals.find(site="open", patient="Patient/zip")[0].ask
    assert (asked.question, asked.side) == ("Do I need the operation?", Side.LEFT)


def test_all_of_it_works_without_javascript(visit: Visit, town: Town, disc: Path) -> None:
    visitor = visit(width=360, java_script_enabled=False)
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    page.get_by_role("button", name="Send these files").click()
    assert page.locator("#faults a").inner_text() == "Add your pictures first."
    page.set_input_files("#files", [path for path in sorted(disc.rglob("*")) if path.is_file()])
    page.get_by_role("button", name="Send these files").click()
    assert verdicts(page) == GIVEN
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    page.get_by_role("button", name="Send my pictures").click()
    assert upload_of(town, referral).step == "sent"


def test_a_missing_report_is_named_and_does_not_hold_up_the_case(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    give(page, *kept(tmp_path, pictures(ME)))
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    missing = page.locator("section", has=page.get_by_role("heading", name="What is still missing"))
    assert "The first report" in missing.inner_text()
    assert "The place that made the pictures can give it to you." in missing.inner_text()
    page.get_by_role("button", name="Send my pictures").click()
    assert upload_of(town, referral).step == "sent"


def test_without_pictures_there_is_nothing_to_press_send_on(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    root, _ = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    page.goto(f"{root}check")
    assert page.get_by_role("button", name="Send my pictures").count() == 0
    assert "Without them nobody can give a second opinion." in page.inner_text("main")
    visitor.must_be_usable_by_all(SOME)


def test_who_feels_very_ill_is_shown_whom_to_call_and_nothing_begins(visit: Visit, town: Town) -> None:
    visitor = visit(width=360)
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    page.get_by_role("radio", name="Yes").check()
    page.get_by_text("I agree to share them for this").click()
    page.get_by_role("button", name="Next: add your pictures").click()
    page.get_by_role("heading", name="Please call 911 now").wait_for()
    assert page.get_by_role("link", name="Call 911").get_attribute("href") == "tel:911"
    with town.ports.store.reading() as tx:
        assert tx.uploads.of_referral(referral.id) is None
    visitor.must_be_usable_by_all(SOME)


# -- sending ---------------------------------------------------------------------------------------------------------


def test_files_go_in_batches_of_twelve_with_a_true_count_told_at_quarters(
    visit: Visit, town: Town, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    held: list[Any] = []
    page.route("**/show/files", lambda route: held.append(route))
    page.set_input_files("#files", kept(tmp_path, pictures(ME, slices=15)))
    for done, told in ((0, "Sending your pictures"), (12, "12 of 30 files sent"), (24, "24 of 30 files sent")):
        page.get_by_text(f"{done} of 30 files sent").first.wait_for()
        assert page.locator("#sending-said").inner_text() == told
        while not held:
            page.wait_for_timeout(20)
        visitor.must_be_usable_by_all(((360, "dark"),))
        held.pop().continue_()
    page.get_by_role("heading", name="What we got").wait_for()
    assert verdicts(page) == {"Pictures received": 30}
    assert len(upload_of(town, referral).files) == 30


def test_sending_pauses_while_offline_and_goes_on_by_itself(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    root, _ = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    page.context.set_offline(True)
    page.set_input_files("#files", kept(tmp_path, pictures(ME)))
    page.get_by_role("heading", name="Paused. You are offline. It goes on by itself.").wait_for()
    page.context.set_offline(False)
    page.get_by_role("heading", name="What we got").wait_for()
    assert verdicts(page) == {"Pictures received": 4}
    visitor.faults[:] = [fault for fault in visitor.faults if "ERR_INTERNET_DISCONNECTED" not in fault]


def test_a_person_may_pause_and_resume_and_no_file_is_lost_or_doubled(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    root, _ = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    held: list[Any] = []
    page.route("**/show/files", lambda route: held.append(route))
    page.set_input_files("#files", kept(tmp_path, pictures(ME, slices=8)))
    page.get_by_role("button", name="Pause").click()
    page.get_by_role("heading", name="Paused. 0 of 16 files are sent and safe.").wait_for()
    page.unroute_all(behavior="ignoreErrors")
    page.get_by_role("button", name="Resume").click()
    page.get_by_role("heading", name="What we got").wait_for()
    assert verdicts(page) == {"Pictures received": 16}


def test_one_file_that_cannot_be_taken_does_not_hold_up_the_others(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    root, _ = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    bomb = tmp_path / "a-bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * 60_000_000)
    page.set_input_files("#files", [bomb, *kept(tmp_path, pictures(ME))])
    page.get_by_role("heading", name="One of these cannot be opened safely").wait_for()
    assert page.locator(".sending-count").inner_text() == "4 of 5 files sent"
    page.get_by_role("button", name="Show what arrived").click()
    page.get_by_role("heading", name="What we got").wait_for()
    assert verdicts(page)["Pictures received"] == 4


def test_files_can_be_dropped(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    root, _ = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    dropped = page.evaluate_handle(
        """bytes => {
            const held = new DataTransfer();
            bytes.forEach((one, n) => held.items.add(new File([new Uint8Array(one)], `IM${n}`)));
            return held;
        }""",
        [list(content) for content in pictures(ME)],
    )
    page.dispatch_event("#give", "drop", {"dataTransfer": dropped})
    page.get_by_role("heading", name="What we got").wait_for()
    assert verdicts(page) == {"Pictures received": 4}


def test_a_page_that_has_ended_while_sending_says_so_and_tries_no_more(
    visit: Visit, town: Town, tmp_path: Path
) -> None:
    visitor = visit()
    page = visitor.page
    root, _ = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/show/files") else None)
    page.context.clear_cookies()
    page.set_input_files("#files", kept(tmp_path, pictures(ME)))
    page.get_by_role("heading", name="This page has ended. What was sent is safe.").wait_for()
    page.wait_for_timeout(1500)
    assert len(asked) == 1


# -- whose they are --------------------------------------------------------------------------------------------------


def test_two_people_are_named_as_on_the_images_and_one_is_left_out(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit(width=360)
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    give(page, *kept(tmp_path, pictures(ME), "A"), *kept(tmp_path, pictures(STRANGER), "B"))
    panel = page.locator("section", has=page.get_by_role("heading", name="Pictures of more than one person"))
    assert "Samplewright, Marisol" in panel.inner_text()
    assert "Example, Ottoline" in panel.inner_text()
    assert page.get_by_role("link", name="Next: check and send").count() == 0
    visitor.must_be_usable_by_all(ALL)
    panel.get_by_role("button", name="Leave these out Example Ottoline").click()
    page.get_by_role("heading", name="Are these yours?").wait_for()
    assert verdicts(page) == {"Pictures received": 4, "Someone else’s": 4}
    left = [file for file in upload_of(town, referral).files if file.verdict == "someone-else"]
    assert [file.key for file in left] == [""] * 4, "nothing of the other person is kept"


def test_another_persons_pictures_stop_the_case_calmly_and_nothing_is_sent(
    visit: Visit, town: Town, tmp_path: Path
) -> None:
    visitor = visit(width=360)
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    give(page, *kept(tmp_path, pictures(STRANGER)))
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    page.get_by_role("button", name="Send my pictures").click()
    page.get_by_role("heading", name="These may be another person’s pictures").wait_for()
    said = page.inner_text("main")
    assert "Nothing was sent" in said
    assert "Example, Ottoline" in said
    assert not {"Samplewright", "1992", PATIENT.mrn} & set(said.replace(",", " ").split()), "the chart's side"
    assert page.get_by_role("link", name="Call 555-0100").count() == 1
    assert owed(town, referral) == []
    visitor.must_be_usable_by_all(ALL)
    page.goto(f"{root}check")
    assert page.get_by_role("button", name="Send my pictures").count() == 0, "no way around the stop"
    page.get_by_role("button", name="Leave these pictures out").click()
    page.get_by_role("heading", name="More to add?").wait_for()
    assert upload_of(town, referral).stopped == ""
    assert verdicts(page) == {"Someone else’s": 4}


def test_pictures_of_the_other_side_stop_the_case(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    give(page, *kept(tmp_path, [of(ME, laterality="R")]))
    page.get_by_role("button", name="Yes, these are mine").click()
    page.get_by_role("link", name="Next: check and send").click()
    page.get_by_role("button", name="Send my pictures").click()
    page.get_by_role("heading", name="These pictures show the other side").wait_for()
    assert "LEFT" in page.inner_text("main")
    assert owed(town, referral) == []
    visitor.must_be_usable_by_all(SOME)


def test_not_mine_takes_the_pictures_out(visit: Visit, town: Town, tmp_path: Path) -> None:
    visitor = visit()
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    agree(page)
    give(page, *kept(tmp_path, pictures(ME)))
    page.get_by_role("button", name="No, not mine").click()
    page.get_by_text("First add your pictures above.").wait_for()
    assert not any(file.key for file in upload_of(town, referral).files)


# -- afterwards ------------------------------------------------------------------------------------------------------

SAID = {
    "gathering": "We still need your pictures",
    "sent": "Sent. Waiting for the expert to accept",
    "question": "The expert has a question for your doctor",
    "returned": "The expert could not take this. Here is why, and what you can do",
    "accepted": "An expert has your case",
    "reading": "The expert is looking at your images",
    "signed": "The opinion is ready. We are sending it to your doctor",
    "delivered": "Your opinion is here",
    "seen": "Your opinion is here. Dr Ines Mockford has read it",
    "corrected": "The expert changed the opinion. Please read the new one",
    "withdrawn": "This request was stopped",
    "in-error": "This was filed by mistake. Do not use it",
    "quarantined": "We are checking something. We will contact you",
}


def test_each_status_has_its_own_plain_sentence(visit: Visit, town: Town) -> None:
    visitor = visit(width=360)
    for status, sentence in SAID.items():
        root = visitor.sit_down("patient", referral_id=town.referral(status).id)
        visitor.page.goto(f"{root}status")
        assert visitor.page.inner_text("h1") == sentence
        visitor.must_be_usable_by_all(SOME[:1])


def test_a_question_is_answered_by_who_started_the_case(visit: Visit, town: Town) -> None:
    visitor = visit(width=360)
    page = visitor.page
    party = town.line("patient")[0].party
    referral = town.referral("question", requester=party)
    page.goto(f"{visitor.sit_down('patient', referral_id=referral.id)}status")
    visitor.must_be_usable_by_all(ALL)
    page.get_by_role("button", name="Send the answer").click()
    assert page.locator("#faults a").inner_text() == "Write an answer first."
    page.get_by_label("Your answer").fill("No, none.")
    page.get_by_role("button", name="Send the answer").click()
    page.get_by_role("heading", name="The expert is looking at your images").wait_for()
    assert now_of(town, referral).messages[-1].text == "No, none."


def test_a_doctors_question_thread_is_not_the_patients(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    referral = town.referral("question")
    page.goto(f"{visitor.sit_down('patient', referral_id=referral.id)}status")
    assert referral.messages[0].text not in page.inner_text("main")
    assert page.get_by_role("button", name="Send the answer").count() == 0


def test_who_started_a_case_can_stop_it(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    referral = town.referral("sent", requester=town.line("patient")[0].party)
    page.goto(f"{visitor.sit_down('patient', referral_id=referral.id)}status")
    page.get_by_text("Stop this case", exact=True).click()
    page.get_by_role("button", name="Yes, stop this case").click()
    page.get_by_role("heading", name="This request was stopped").wait_for()
    assert now_of(town, referral).status is Status.WITHDRAWN


def test_the_opinion_is_told_in_plain_words_first_and_never_as_a_grade(visit: Visit, town: Town) -> None:
    visitor = visit(width=360)
    page = visitor.page
    referral = town.referral("seen")
    page.goto(f"{visitor.sit_down('patient', referral_id=referral.id)}status")
    page.get_by_role("link", name="Read it").click()
    said = page.inner_text("main")
    assert said.index("The expert thinks it is an old scar.") < said.index("These images do not support a biopsy.")
    assert "The expert sees it differently" in said
    assert "Grade" not in said
    assert "We also sent this to Dr Ines Mockford." in said
    assert "based on pictures and papers only" in said
    assert "Signed by Dr Tobias Exemplar" in said
    visitor.must_be_usable_by_all(ALL)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Save as PDF").click()
    assert saved.value.path().read_bytes().startswith(b"%PDF")
    with town.ports.store.reading() as tx:
        verbs = [row.verb for row in tx.audit.of_referral(referral.id)]
    assert {"view", "download"} <= set(verbs), "every look is written down"


def test_a_changed_opinion_says_first_what_changed_and_keeps_the_earlier_one(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    root = visitor.sit_down("patient", referral_id=town.referral("corrected").id)
    page.goto(f"{root}opinion")
    notice = page.locator(".notice")
    assert "The expert changed the opinion" in notice.inner_text()
    assert "The comparison date is 12 June 2025" in notice.inner_text()
    visitor.must_be_usable_by_all(SOME)
    page.get_by_role("link", name="Version 1").click()
    assert "Do not use this one." in page.inner_text("main")
    assert "Unchanged since June 2025." in page.inner_text("main")
    visitor.must_be_usable_by_all(SOME)
    page.get_by_role("link", name="Read the newest").click()
    page.get_by_role("heading", name="Your second opinion").wait_for()


def test_a_case_under_check_shows_no_opinion_anywhere(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    root = visitor.sit_down("patient", referral_id=town.referral("quarantined").id)
    for place in ("status", "opinion"):
        page.goto(f"{root}{place}")
        page.get_by_role("heading", name="We are checking something. We will contact you").wait_for()
        assert "scar" not in page.content()
    for place in ("opinion/letter/1", "opinion/reports/1"):
        assert page.goto(f"{root}{place}").status == 404


# -- the other language ----------------------------------------------------------------------------------------------


def test_the_steps_are_in_spanish_for_who_reads_spanish(visit: Visit, town: Town, disc: Path) -> None:
    visitor = visit(width=320)
    page = visitor.page
    root, referral = asked_by_doctor(visitor, town)
    page.goto(f"{root}tell")
    page.get_by_role("link", name="Español").click()
    assert page.locator("html").get_attribute("lang") == "es"
    assert "Esto no es para emergencias." in page.inner_text("aside.emergency")
    visitor.must_be_usable_by_all(SOME)
    page.locator("[name=very_ill][value=no]").check()
    page.get_by_text("Acepto compartirlas para esto").click()
    page.get_by_role("button", name="Siguiente: añadir imágenes").click()
    page.set_input_files("#folder", disc)
    page.get_by_role("heading", name="¿Son suyas?").wait_for()
    assert "14 de marzo de 1992" in page.inner_text("main")
    visitor.must_be_usable_by_all(SOME)
    page.get_by_role("button", name="Sí, son mías").click()
    page.get_by_role("link", name="Siguiente: revisar y enviar").click()
    visitor.must_be_usable_by_all(SOME)
    page.get_by_role("button", name="Enviar mis imágenes").click()
    page.get_by_role("heading", name="Sus imágenes llegaron. Las estamos revisando").wait_for()
    assert upload_of(town, referral).step == "sent"
