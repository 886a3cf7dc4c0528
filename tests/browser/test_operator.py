"""The operator's page in a real browser: what is parked, the decision that frees it, and who did what."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from smart_app.referral import Referral, Status
from tests.browser.conftest import OVERFLOW, Visitor
from tests.staged import EXPERT, OPERATOR, Town

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]

WIDTHS = (320, 1100, 1440)
UNCLEAR = "Version 1 was sent and the line closed before an answer. Look in the patient's documents."


def park(town: Town, referral: Referral, action: str, reason: str) -> str:
    """Something owed for that referral waits for a person; answers its id."""
    with town.ports.store.transaction() as tx:
        row = tx.outbox.owe(referral.id, action, version=1)
        tx.outbox.park(row, reason)
        tx.audit.write(town.ports.now(), EXPERT, "sign", referral.id, "version 1")
    return row


def state_of(town: Town, row: str) -> str:
    """What has become of that row."""
    with town.ports.store.reading() as tx:
        return tx.outbox.get(row).state


def must_be_usable_by_all(visitor: Visitor) -> None:
    """axe finds nothing and nothing runs out of the window, light and dark, at every width."""
    for scheme in ("light", "dark"):
        visitor.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for width in WIDTHS:
            visitor.page.set_viewport_size({"width": width, "height": 900})
            assert visitor.page.evaluate(OVERFLOW) <= 0, f"wider than its window of {width} px"
            assert visitor.axe() == [], f"at {width} px, {scheme}"


def test_the_desk_is_usable_by_all(visit: Visit, town: Town) -> None:
    visitor = visit(width=1440)
    park(town, town.referral("signed"), "file_opinion", UNCLEAR)
    park(town, town.referral("delivered"), "remind", "Nobody has read version 1.")
    town.referral("quarantined")
    visitor.page.goto(f"{visitor.sit_down('operator')}operate")
    must_be_usable_by_all(visitor)


def test_each_parked_row_has_exactly_the_buttons_that_fit(visit: Visit, town: Town) -> None:
    visitor = visit()
    opinion, reminder = town.referral("signed"), town.referral("delivered")
    park(town, opinion, "file_opinion", UNCLEAR)
    park(town, reminder, "remind", "Nobody has read version 1.")
    visitor.page.goto(f"{visitor.sit_down('operator')}operate")
    buttons = {
        referral.id: visitor.page.locator(f"section.yours tr:has(a[href*='{referral.id}']) .do a").all_inner_texts()
        for referral in (opinion, reminder)
    }
    assert buttons == {
        opinion.id: ["It is in the chart", "Send again"],
        reminder.id: ["Send again", "Done by hand"],
    }


def test_an_opinion_is_sent_again_after_a_page_that_says_to_look_first(visit: Visit, town: Town) -> None:
    """Safety: an opinion that may stand in the chart is never written twice by a slip of the hand."""
    visitor = visit()
    page = visitor.page
    row = park(town, town.referral("signed"), "file_opinion", UNCLEAR)
    root = visitor.sit_down("operator")
    page.goto(f"{root}operate/{row}/retry")
    assert "Look in the chart first" in page.inner_text("main")
    assert state_of(town, row) == "parked"
    must_be_usable_by_all(visitor)
    page.click("text=It is not there: send again")
    page.wait_for_selector("text=It is being sent again.")
    assert state_of(town, row) == "owed"


def test_a_name_that_no_chart_uses_comes_back_to_its_field(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    row = park(town, town.referral("signed"), "file_opinion", UNCLEAR)
    page.goto(f"{visitor.sit_down('operator')}operate/{row}/there")
    page.fill("#field-resource", "the document of Tuesday")
    page.click("text=Record that it is there")
    page.wait_for_selector("#fault-resource")
    must_be_usable_by_all(visitor)
    page.fill("#field-resource", "DocumentReference/not-there")
    page.click("text=Record that it is there")
    page.wait_for_selector(".notice[data-tone=stop]")
    assert page.input_value("#field-resource") == "DocumentReference/not-there"
    assert state_of(town, row) == "parked"


def test_what_was_done_by_hand_is_written_down_with_who_did_it(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    referral = town.referral("delivered")
    row = park(town, referral, "remind", "Nobody has read version 1.")
    page.goto(f"{visitor.sit_down('operator')}operate/{row}/close")
    page.click("text=Record that it is done")
    page.wait_for_selector("#fault-what")
    page.fill("#field-what", "Called Dr Mockford.")
    page.click("text=Record that it is done")
    page.wait_for_selector("text=Recorded: it was done by hand.")
    with town.ports.store.reading() as tx:
        line = tx.audit.of_referral(referral.id)[-1]
    assert (line.verb, line.who.name, line.why) == ("close", OPERATOR.name, "Called Dr Mockford.")


def test_an_opinion_is_never_closed_by_hand(visit: Visit, town: Town) -> None:
    """It stands in the chart or it does not: a person cannot say it away."""
    visitor = visit()
    row = park(town, town.referral("signed"), "file_opinion", UNCLEAR)
    answer = visitor.page.goto(f"{visitor.sit_down('operator')}operate/{row}/close")
    assert answer.status == 404


def test_a_held_case_is_released_by_saying_how_it_was_settled(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    referral = town.referral("quarantined")
    page.goto(f"{visitor.sit_down('operator')}operate/held/{referral.id}/release")
    assert "The face is another person's." in page.inner_text("main")
    page.click("text=Close the check and release")
    page.wait_for_selector("#fault-settled")
    must_be_usable_by_all(visitor)
    page.fill("#field-settled", "The ward confirmed the wristband.")
    page.click("text=Close the check and release")
    page.wait_for_selector("text=The check is closed.")
    with town.ports.store.reading() as tx:
        assert tx.referrals.get(referral.id).status is Status.DELIVERED


def test_the_audit_of_one_case_shows_only_that_case(visit: Visit, town: Town) -> None:
    visitor = visit()
    page = visitor.page
    mine, other = town.referral("signed"), town.referral("signed")
    park(town, mine, "file_opinion", UNCLEAR)
    park(town, other, "file_opinion", UNCLEAR)
    page.goto(f"{visitor.sit_down('operator')}operate?case={mine.id}")
    links = page.locator(".audit a").evaluate_all("links => links.map(link => link.getAttribute('href'))")
    assert links
    assert all(mine.id in link for link in links)


def test_a_report_that_was_not_taken_shows_both_sides_until_somebody_closes_it(visit: Visit, town: Town) -> None:
    """The quarantine desk: usable by all, closed only with a reason, never an opinion."""
    visitor = visit(width=1440)
    referral = town.referral("accepted")
    report = {
        "resourceType": "DiagnosticReport",
        "subject": {"reference": "Patient/somebody-else"},
        "resultsInterpreter": [{"display": "Dr Rana Outside"}],
        "conclusion": "No fracture.",
    }
    differs = (("patient", f"Patient/{referral.id}", "Patient/somebody-else"),)
    with town.ports.store.transaction() as tx:
        tx.strays.keep("north-pacs", referral.id, differs, report, town.ports.now())
    visitor.page.goto(f"{visitor.sit_down('operator')}operate")
    visitor.page.get_by_text("was not taken").first.wait_for()
    visitor.page.get_by_role("link", name="Open", exact=True).first.click()
    must_be_usable_by_all(visitor)
    shown = visitor.page.inner_text("main")
    assert "Patient/somebody-else" in shown
    assert referral.patient.mrn in shown
    visitor.page.get_by_role("button", name="Close it").click()
    visitor.page.get_by_role("alert").wait_for()
    visitor.page.get_by_label("What was done about it?").fill("Called them: filed under the wrong request.")
    visitor.page.get_by_role("button", name="Close it").click()
    visitor.page.get_by_text("No report waits here").wait_for()
    with town.ports.store.reading() as tx:
        assert tx.strays.open() == []
        assert tx.referrals.get(referral.id).opinion is None
