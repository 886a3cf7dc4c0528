"""Where a case stands, in a word: what lies still is not "on its way", and a page asks for everything at once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from smart_app import review
from smart_app.case import Message
from smart_app.referral import Referral, Unfinished
from smart_app.store import Owed
from smart_app.web.people import differing
from smart_app.web.plainly import headline
from smart_app.web.progress import staff_steps
from smart_app.web.told import beside, standing
from tests.staged import EXPERT, OPERATOR, opinion
from tests.webdesk import Desk

WORDS = {"answer": "Yes.", "findings": "None.", "impression": "None.", "agreement": "1", "first_report_read": "none"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("standing") / "app")
    yield made
    made.close()


def parked(desk: Desk, referral: Referral, action: str = "file_opinion") -> tuple[Owed, ...]:
    """That act waits for a person."""
    with desk.ports.store.transaction() as tx:
        tx.outbox.park(tx.outbox.owe(referral.id, action, version=1), "Say “it is there” with its number.")
    with desk.app.test_request_context():
        return beside(referral).parked


@pytest.mark.parametrize(
    ("status", "stuck", "said"),
    [
        ("signed", False, "Signed, on its way to the chart"),
        ("signed", True, "Not in the chart"),
        ("unsigned", False, "In the chart, unsigned"),
        ("delivered", False, "In the chart, not read yet"),
        ("question", False, "Question from the expert"),
    ],
)
def test_what_lies_still_is_not_on_its_way(desk: Desk, status: str, stuck: bool, said: str) -> None:
    referral = desk.referral(status)
    rows = parked(desk, referral) if stuck else ()
    with desk.app.test_request_context():
        assert str(standing(referral, rows)[0]) == said


def test_the_expert_reads_of_their_own_question(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert standing(desk.referral("question"), (), reader=True)[0] == "Question out"
        assert standing(desk.referral("corrected"), (), reader=True)[0] == "Changed, not read yet"


def test_a_delivery_that_waits_for_the_desk_is_paused_and_its_words_are_the_desks_alone(desk: Desk) -> None:
    """The reason tells the desk which button to press; the doctor has no such button."""
    referral = desk.referral("signed")
    parked(desk, referral)
    with desk.app.test_request_context():
        assert staff_steps(referral, stuck=True)[-2].state == "pause"
    page = desk.client().get(f"/line/{desk.line().id}/referrals/{referral.id}").text
    assert "The desk was told and sees to it." in page
    assert "it is there" not in page
    assert "on its way" not in page


def test_a_question_stands_in_the_timeline_where_it_was_asked(desk: Desk) -> None:
    """Before the case was taken, or after."""
    after = desk.referral("question")
    asked = Message("question", EXPERT, desk.now - timedelta(hours=1), "Any steroid?")
    before = replace(desk.referral("sent"), messages=(asked,))
    with desk.app.test_request_context():
        assert [step.label for step in staff_steps(after)][2:4] == ["Accepted", "Question"]
        assert [step.label for step in staff_steps(before)][2:4] == ["Question", "Accepted"]


def test_the_timeline_says_which_version_is_signed(desk: Desk) -> None:
    corrected = desk.referral("corrected")
    with desk.app.test_request_context():
        signed = next(step for step in staff_steps(corrected) if step.label == "Signed")
        first = next(step for step in staff_steps(desk.referral("signed")) if step.label == "Signed")
    assert signed.lines[-1] == "version 2"
    assert "version" not in " ".join(first.lines)


def test_a_new_version_names_everything_it_lacks_at_once(desk: Desk) -> None:
    """Nobody ticks four boxes to learn that a line was missing too."""
    referral = desk.referral("delivered")
    with pytest.raises(Unfinished) as missing:
        review.revise(desk.ports, EXPERT, referral.id, WORDS, frozenset())
    assert missing.value.fields["change_reason"] == "missing"
    assert missing.value.fields["confirm_name"] == "unconfirmed"


def test_an_opinion_that_was_taken_back_is_folded_away_and_not_called_in_the_chart(desk: Desk) -> None:
    page = desk.client().get(f"/line/{desk.line().id}/referrals/{desk.referral('in-error').id}").text
    before, _, inside = page.partition("What it said. Do not use it")
    assert opinion(1, desk.now).answer not in before
    assert opinion(1, desk.now).answer in inside
    assert "The chart may still show it" in page


def test_who_held_a_case_and_why_is_told_to_the_doctor(desk: Desk) -> None:
    page = desk.client().get(f"/line/{desk.line().id}/referrals/{desk.referral('quarantined').id}").text
    assert "The face is another person" in page


def test_the_patients_headline_says_what_was_read(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert headline(desk.referral("seen"), None) == "Your opinion is here. Dr Ines Mockford has read it"


def test_a_date_differs_in_its_parts_and_a_number_is_no_name(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert differing("birth_date", "1992-03-14", "1951-01-02", "conflict") == (
            "<mark>14</mark> <mark>Mar</mark> 19<mark>92</mark>"
        )
        assert differing("birth_date", "2001-03-14", "1992-03-14", "conflict") == "14 Mar <mark>2001</mark>"
    page = desk.client().get(f"/line/{desk.line().id}/referrals/{desk.referral('sent').id}").text
    assert "Name variant" in page
    with desk.app.test_request_context():
        said = desk.app.jinja_env.globals["words"]["result_of"]["id", "variant"][0]
    assert str(said) == "Another number"


def test_why_a_case_was_held_and_how_that_was_settled_stands_in_the_audit(desk: Desk) -> None:
    """The page of the check says so to whoever settles it."""
    referral = desk.referral("delivered")
    review.hold(desk.ports, EXPERT, referral.id, "Another face.")
    review.release(desk.ports, OPERATOR, referral.id, " The ward confirmed the wristband. ")
    with desk.ports.store.reading() as tx:
        told = [(row.verb, row.why) for row in tx.audit.of_referral(referral.id)]
    assert ("hold", "Another face.") in told
    assert ("release", "The ward confirmed the wristband.") in told
