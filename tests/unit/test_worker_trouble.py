"""What the worker makes of trouble: a wait, longer each time and with an end, or a question to a person."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhir.errors import ChartRefused, ChartUnavailable, ChartUnclear
from smart_app.deliver import ACTIONS, Later, Parked
from smart_app.referral import StaleReferral
from smart_app.store import LANES, Owed, StoreUnavailable
from smart_app.worker import GIVE_UP_AFTER, after_trouble

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def owed(failures: int = 0, since: timedelta | None = None) -> Owed:
    """A row that has failed so often, since so long ago."""
    began = NOW - since if since is not None else None
    return Owed(
        "row",
        "r1",
        "file_opinion",
        {},
        NOW,
        failures + 1,
        "owed",
        "",
        NOW,
        "chart",
        failures=failures,
        failing_since=began,
    )


def waits(failures: int, error: Exception) -> list[float]:
    """Seconds until the next attempt, over many tries."""
    outcomes = [after_trouble(owed(failures, timedelta()), error, NOW) for _ in range(50)]
    return [(outcome.due - NOW).total_seconds() for outcome in outcomes if isinstance(outcome, Later)]


def test_every_action_of_the_worker_has_a_lane() -> None:
    """What can be done can be owed, and the other way round."""
    assert set(LANES) == set(ACTIONS)


def test_waits_grow_to_a_quarter_of_an_hour_and_never_keep_step() -> None:
    """Rows that failed together must not come back together."""
    error = ChartUnavailable("The chart does not answer.")
    for failures, longest in ((0, 2), (1, 4), (5, 64), (9, 900), (1000, 900)):
        seconds = waits(failures, error)
        assert len(seconds) == 50
        assert longest / 2 <= min(seconds) < max(seconds) <= longest


def test_a_server_that_says_when_to_come_back_is_heard_up_to_an_hour() -> None:
    assert min(waits(0, ChartUnavailable("Busy.", retry_after=120))) == 120
    assert max(waits(0, ChartUnavailable("Busy.", retry_after=10**6))) == 3600


def test_after_two_days_of_trouble_a_person_decides() -> None:
    """Counted from the first failure, not from when the row was written: a reminder may be days old when it is due."""
    error = ChartUnavailable("The chart does not answer.")
    assert isinstance(after_trouble(owed(40, GIVE_UP_AFTER - timedelta(seconds=1)), error, NOW), Later)
    gave_up = after_trouble(owed(40, GIVE_UP_AFTER), error, NOW)
    assert isinstance(gave_up, Parked)
    assert "The chart does not answer." in gave_up.reason
    assert isinstance(after_trouble(owed(), error, NOW), Later)


@pytest.mark.parametrize(
    "error",
    [
        ChartUnavailable("Busy."),
        StaleReferral("Somebody else changed it."),
        StoreUnavailable("The database is busy."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_trouble_that_may_pass_is_tried_again(error: Exception) -> None:
    """A server that is away, a colleague who was faster, a database that was busy."""
    assert isinstance(after_trouble(owed(), error, NOW), Later)


@pytest.mark.parametrize(
    "error", [ChartUnclear("No answer."), ChartRefused("No such code.")], ids=["unclear", "refused"]
)
def test_a_no_and_an_unclear_answer_are_never_tried_again_by_themselves(error: Exception) -> None:
    """Whatever an action let through: the second write would be a guess."""
    parked = after_trouble(owed(), error, NOW)
    assert isinstance(parked, Parked)
    assert str(error) in parked.reason


def test_an_error_outside_our_families_shows_its_kind_only() -> None:
    """Its message was written for nobody, and may hold a name or a token."""
    parked = after_trouble(owed(), KeyError("Ana Núñez"), NOW)
    assert isinstance(parked, Parked)
    assert "KeyError" in parked.reason
    assert "Ana" not in parked.reason
