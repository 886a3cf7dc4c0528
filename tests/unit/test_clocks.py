"""Two promises with a time each, both paused by a question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from smart_app.referral import Referral, Status
from smart_app.worklists import business_days_after, clock
from tests.unit.test_referral import DOCTOR, EXPERT, IDENTITY, STUDY, referral_in

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sent() -> Referral:
    """Sent on Monday at nine."""
    return replace(referral_in(Status.GATHERING), expert=None).send(DOCTOR, MONDAY, (STUDY,), identity=IDENTITY)


def test_twelve_hours_to_accept() -> None:
    """The first promise runs from sending."""
    running = clock(sent(), MONDAY + HOUR)
    assert running is not None
    assert (running.name, running.due, running.overdue) == ("accept", MONDAY + 12 * HOUR, False)
    late = clock(sent(), MONDAY + 13 * HOUR)
    assert late is not None
    assert late.overdue


def test_three_business_days_to_the_opinion() -> None:
    """The second promise runs from accepting, over a weekend too."""
    assert business_days_after(MONDAY, 3) == MONDAY + timedelta(days=3)
    friday = MONDAY + timedelta(days=4)
    assert business_days_after(friday, 3) == friday + timedelta(days=5)
    running = clock(sent().accept(EXPERT, MONDAY), MONDAY)
    assert running is not None
    assert (running.name, running.due) == ("opinion", MONDAY + timedelta(days=3))


def test_a_question_stops_the_clock_and_the_answer_starts_it_again() -> None:
    """The time until the answer is added to the promise."""
    asked = sent().accept(EXPERT, MONDAY).ask_back(EXPERT, MONDAY + HOUR, "Any steroids?")
    paused = clock(asked, MONDAY + 200 * HOUR)
    assert paused is not None
    assert paused.paused
    assert not paused.overdue
    going = clock(asked.answer(DOCTOR, MONDAY + 6 * HOUR, "None"), MONDAY + 7 * HOUR)
    assert going is not None
    assert going.due == MONDAY + timedelta(days=3) + 5 * HOUR


def test_no_clock_runs_before_sending_nor_after_signing() -> None:
    """Nothing is promised then."""
    assert clock(referral_in(Status.GATHERING), MONDAY) is None
    assert clock(referral_in(Status.SIGNED), MONDAY) is None
