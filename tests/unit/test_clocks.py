"""Two promises with a time each, both paused by a question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from smart_app.referral import Referral, Status
from smart_app.sites import Directory, Site
from smart_app.worklists import business_days_after, clock, on_business_day, zone_of
from tests.unit.test_referral import DOCTOR, EXPERT, IDENTITY, STUDY, referral_in

MONDAY = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def sent() -> Referral:
    """Sent on Monday at nine."""
    return replace(referral_in(Status.GATHERING), expert=None).send(DOCTOR, MONDAY, (STUDY,), identity=IDENTITY)


def test_twelve_hours_to_accept() -> None:
    """The first promise runs from sending."""
    running = clock(sent(), MONDAY + HOUR, UTC)
    assert running is not None
    assert (running.name, running.due, running.overdue) == ("accept", MONDAY + 12 * HOUR, False)
    late = clock(sent(), MONDAY + 13 * HOUR, UTC)
    assert late is not None
    assert late.overdue


def test_three_business_days_to_the_opinion() -> None:
    """The second promise runs from accepting, over a weekend too."""
    assert business_days_after(MONDAY, 3, UTC) == MONDAY + timedelta(days=3)
    friday = MONDAY + timedelta(days=4)
    assert business_days_after(friday, 3, UTC) == friday + timedelta(days=5)
    running = clock(sent().accept(EXPERT, MONDAY), MONDAY, UTC)
    assert running is not None
    assert (running.name, running.due) == ("opinion", MONDAY + timedelta(days=3))


def test_a_question_stops_the_clock_and_the_answer_starts_it_again() -> None:
    """The time until the answer is added to the promise."""
    asked = sent().accept(EXPERT, MONDAY).ask_back(EXPERT, MONDAY + HOUR, "Any steroids?")
    paused = clock(asked, MONDAY + 200 * HOUR, UTC)
    assert paused is not None
    assert paused.paused
    assert not paused.overdue
    going = clock(asked.answer(DOCTOR, MONDAY + 6 * HOUR, "None"), MONDAY + 7 * HOUR, UTC)
    assert going is not None
    assert going.due == MONDAY + timedelta(days=3) + 5 * HOUR


def test_no_clock_runs_before_sending_nor_after_signing() -> None:
    """Nothing is promised then."""
    assert clock(referral_in(Status.GATHERING), MONDAY, UTC) is None
    assert clock(referral_in(Status.SIGNED), MONDAY, UTC) is None


CHICAGO, AUCKLAND = ZoneInfo("America/Chicago"), ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize("zone", [UTC, CHICAGO, AUCKLAND])
@pytest.mark.parametrize("pause", [0, 20, 44, 68, 200])
def test_no_opinion_is_due_on_a_weekend_where_it_was_asked(zone: ZoneInfo, pause: int) -> None:
    """Whatever the hour of accepting, whatever a question took, over both changes of the clock too."""
    for start in (MONDAY, datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 10, 29, tzinfo=UTC)):
        for hour in range(0, 7 * 24, 3):
            accepted = start + hour * HOUR
            case = sent().accept(EXPERT, accepted)
            if pause:
                case = case.ask_back(EXPERT, accepted, "Any steroids?").answer(DOCTOR, accepted + pause * HOUR, "None")
            running = clock(case, accepted, zone)
            assert running is not None
            assert running.due.astimezone(zone).weekday() < 5, (accepted, running.due)
            assert running.due > accepted + pause * HOUR


def test_weekdays_are_those_of_the_asking_hospital() -> None:
    """Friday 18:30 in Chicago is Saturday in UTC; Wednesday is due, at the same time of day."""
    friday = datetime(2026, 10, 30, 18, 30, tzinfo=CHICAGO)
    due = business_days_after(friday.astimezone(UTC), 3, CHICAGO)
    assert due.astimezone(CHICAGO).isoformat() == "2026-11-04T18:30:00-06:00"  # summer time has ended meanwhile
    sunday = datetime(2026, 11, 8, 10, tzinfo=CHICAGO)
    assert on_business_day(sunday, CHICAGO) == datetime(2026, 11, 9, 10, tzinfo=CHICAGO)


def test_the_zone_is_the_sites_and_utc_where_a_site_has_left() -> None:
    """A case of a hospital that is no longer connected still stands on the worklist."""
    here = Site("here", "Here", "open", (), timezone="America/Chicago")
    case = sent()
    assert zone_of(Directory((replace(here, id=case.site),)), case) == CHICAGO
    assert zone_of(Directory((here,)), case) is UTC
