"""What is owed, and what was meant to be written, on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from smart_app.case import Ask, Party, Patient
from smart_app.referral import Referral
from smart_app.store import LANES, LedgerClosed, NoSuchRow, Owed, Store

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOCTOR = Party("clinician", "Dr Ada Ruiz", "https://ehr.example/Practitioner/1", "north")
OPERATOR = Party("operator", "Kim Vale", "https://id.example/users/9", "reading")


@pytest.fixture
def cases(store: Store) -> Store:
    """The store with referrals r1 and r2 in it."""
    with store.transaction() as tx:
        for name in ("r1", "r2"):
            patient = Patient("Patient/1", "Núñez", ("Ana",))
            tx.referrals.add(Referral(name, "north", patient, DOCTOR, Ask("Larger?"), "reading", AT))
    return store


def ready(store: Store, at: datetime = AT, **options: object) -> list[str]:
    """Ids of what may run at that time."""
    with store.reading() as tx:
        return [owed.id for owed in tx.outbox.ready(at, **options)]


def owe(store: Store, referral_id: str, action: str, *, due: datetime | None = None, **arguments: object) -> str:
    with store.transaction() as tx:
        return tx.outbox.owe(referral_id, action, due=due, **arguments)


def row(store: Store, row_id: str) -> Owed:
    with store.reading() as tx:
        return tx.outbox.get(row_id)


def test_what_is_owed_is_read_back_with_its_arguments(cases: Store) -> None:
    owed = row(cases, owe(cases, "r1", "file_opinion", version=2, why="signed"))
    assert (owed.referral_id, owed.action, owed.arguments) == ("r1", "file_opinion", {"version": 2, "why": "signed"})
    assert (owed.state, owed.attempt, owed.due, owed.created, owed.lane) == ("owed", 1, AT, AT, "chart")
    with pytest.raises(NoSuchRow):
        row(cases, "nothing")


def test_an_action_without_a_lane_cannot_be_owed(cases: Store) -> None:
    """A new action must choose what it waits for."""
    with pytest.raises(ValueError, match="no lane"):
        owe(cases, "r1", "sing_a_song")


def test_nothing_is_owed_for_an_unknown_referral(cases: Store) -> None:
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        owe(cases, "r3", "mirror_referral")


def test_only_what_is_due_is_ready_and_the_longest_due_comes_first(cases: Store) -> None:
    late = owe(cases, "r1", "remind", due=AT + timedelta(hours=1), version=1)
    now = owe(cases, "r1", "mirror_referral")
    early = owe(cases, "r2", "mirror_referral", due=AT - timedelta(hours=1))
    assert ready(cases) == [early, now]
    assert ready(cases, AT + timedelta(hours=1)) == [early, now, late]
    assert ready(cases, limit=1) == [early]
    assert ready(cases, referral_id="r1") == [now]


def test_only_the_first_unfinished_row_of_a_lane_is_ready(cases: Store) -> None:
    """Order holds within a lane of one referral; lanes and referrals do not wait for each other."""
    first, second = (owe(cases, "r1", "file_opinion", version=v) for v in (1, 2))
    image = owe(cases, "r1", "store_images")
    other = owe(cases, "r2", "file_opinion", version=1)
    assert set(ready(cases)) == {first, image, other}
    with cases.transaction() as tx:
        assert tx.outbox.its_turn(first)
        assert not tx.outbox.its_turn(second)
        tx.outbox.done(first, "In the chart.")
    assert set(ready(cases)) == {second, image, other}


def test_a_row_that_waits_holds_up_its_lane(cases: Store) -> None:
    """Version 2 is never filed while version 1 may still be tried again."""
    first, second = (owe(cases, "r1", "file_opinion", version=v) for v in (1, 2))
    with cases.transaction() as tx:
        assert tx.outbox.later(first, AT + timedelta(minutes=5), "The chart does not answer.")
    assert ready(cases) == []
    assert ready(cases, AT + timedelta(minutes=5)) == [first]
    assert second not in ready(cases, AT + timedelta(minutes=5))


def test_a_parked_row_holds_up_its_own_lane_only(cases: Store) -> None:
    stuck = owe(cases, "r1", "file_opinion", version=1)
    behind = owe(cases, "r1", "file_opinion", version=2)
    mirror = owe(cases, "r1", "mirror_referral")
    with cases.transaction() as tx:
        assert tx.outbox.park(stuck, "The chart refused it.")
    assert ready(cases) == [mirror]
    with cases.transaction() as tx:
        assert [owed.id for owed in tx.outbox.parked()] == [stuck]
        assert tx.outbox.settle(stuck, OPERATOR, "Filed by hand.")
    assert set(ready(cases)) == {behind, mirror}
    assert row(cases, stuck).outcome == "Filed by hand."


@pytest.mark.parametrize("action", ["check_note", "remind"])
def test_waiting_on_one_version_never_holds_up_the_next(cases: Store, action: str) -> None:
    """A note that nobody signs in the chart must not delay a correction, nor the wait for its signature."""
    waiting = owe(cases, "r1", action, version=1)
    correction = owe(cases, "r1", "file_opinion", version=2)
    newer = owe(cases, "r1", action, version=2)
    with cases.transaction() as tx:
        tx.outbox.later(waiting, AT + timedelta(days=1), "Not signed yet.")
    assert set(ready(cases)) == {correction, newer}


def test_send_again_is_a_new_attempt_and_a_second_press_changes_nothing(cases: Store) -> None:
    """The queue answers an old attempt with its old result."""
    stuck = owe(cases, "r1", "file_opinion", version=1)
    with cases.transaction() as tx:
        assert not tx.outbox.retry(stuck, OPERATOR)
        tx.outbox.park(stuck, "The chart refused it.")
        assert tx.outbox.retry(stuck, OPERATOR)
        assert not tx.outbox.retry(stuck, OPERATOR)
        assert not tx.outbox.settle(stuck, OPERATOR, "It is there.")
    assert (row(cases, stuck).state, row(cases, stuck).attempt) == ("owed", 2)
    assert ready(cases) == [stuck]


def test_trouble_is_counted_from_its_beginning_and_forgotten_when_it_has_passed(cases: Store) -> None:
    """A wait that is no trouble (a note not signed yet) does not count towards giving up."""
    owed = owe(cases, "r1", "check_note", version=1)
    for hour in (1, 2):
        with cases.transaction() as tx:
            tx.outbox.later(owed, AT, "Down.", attempt=hour, failed_at=AT + timedelta(hours=hour))
    assert (row(cases, owed).failures, row(cases, owed).failing_since) == (2, AT + timedelta(hours=1))
    with cases.transaction() as tx:
        tx.outbox.later(owed, AT, "Not signed yet.", attempt=3)
    assert (row(cases, owed).failures, row(cases, owed).failing_since, row(cases, owed).attempt) == (0, None, 4)


def test_an_old_attempt_cannot_record_over_a_newer_one(cases: Store) -> None:
    """A worker that was thought dead comes back after somebody pressed “send again”."""
    owed = owe(cases, "r1", "file_opinion", version=1)
    with cases.transaction() as tx:
        assert tx.outbox.renew(owed, 1)
        assert not tx.outbox.renew(owed, 1)
        assert not tx.outbox.park(owed, "Old news.", attempt=1)
        assert not tx.outbox.later(owed, AT, "Old news.", attempt=1)
    assert (row(cases, owed).state, row(cases, owed).reason, row(cases, owed).attempt) == ("owed", "", 2)


def test_what_is_done_stays_done(cases: Store) -> None:
    """An action may say so in its own transaction; the worker says so again, or says something else."""
    owed = owe(cases, "r1", "store_images")
    with cases.transaction() as tx:
        assert tx.outbox.done(owed, "12 images stored.")
        assert not tx.outbox.done(owed, "Again.")
        assert not tx.outbox.park(owed, "Then it failed.")
        assert not tx.outbox.later(owed, AT, "Then it failed.")
        assert not tx.outbox.retry(owed, OPERATOR)
    assert (row(cases, owed).state, row(cases, owed).outcome, row(cases, owed).finished) == (
        "done",
        "12 images stored.",
        AT,
    )


def test_everything_owed_for_a_referral_is_listed_in_order(cases: Store) -> None:
    rows = [owe(cases, "r1", action) for action in ("store_images", "mirror_referral", "notify_expert")]
    owe(cases, "r2", "store_images")
    with cases.reading() as tx:
        assert [owed.id for owed in tx.outbox.of_referral("r1")] == rows


def test_every_lane_is_named_by_arguments_its_action_has() -> None:
    """`{version}` is the only argument a lane may be named by; it is empty where an action has none."""
    assert {lane.format(version=1) for lane in LANES.values()} >= {"chart", "images", "mirror", "note:1"}


# -- the write ledger ----------------------------------------------------------------------------------------


def test_the_ledger_holds_the_intent_before_and_the_outcome_after(store: Store) -> None:
    """An intent without an outcome is how the next attempt knows that it must look first."""
    with store.transaction() as tx:
        assert tx.ledger.get("r1:1") is None
        tx.ledger.intend("r1:1", "row", "ab" * 32, AT)
    with store.reading() as tx:
        entry = tx.ledger.get("r1:1")
    assert entry is not None
    assert (entry.state, entry.row_id, entry.sha256, entry.at) == ("intended", "row", "ab" * 32, AT)
    with store.transaction() as tx:
        tx.ledger.outcome("r1:1", "written", "DocumentReference/7", AT + timedelta(seconds=1))
        tx.ledger.outcome("r1:1", "written", "DocumentReference/7", AT + timedelta(seconds=2))
        entry = tx.ledger.get("r1:1")
        assert entry is not None
        assert (entry.state, entry.resource) == ("written", "DocumentReference/7")
        assert [e.state for e in tx.ledger.lines("r1:1")] == ["intended", "written"]


def test_what_was_written_cannot_be_intended_again_or_become_something_else(store: Store) -> None:
    with store.transaction() as tx:
        tx.ledger.intend("r1:1", "row", "00", AT)
        tx.ledger.outcome("r1:1", "written", "DocumentReference/7", AT)
    with pytest.raises(LedgerClosed), store.transaction() as tx:
        tx.ledger.intend("r1:1", "row", "00", AT)
    with pytest.raises(LedgerClosed), store.transaction() as tx:
        tx.ledger.outcome("r1:1", "refused", "", AT)


def test_an_unclear_write_may_be_found_later_or_tried_again(store: Store) -> None:
    with store.transaction() as tx:
        tx.ledger.intend("r1:1", "row", "00", AT)
        tx.ledger.outcome("r1:1", "unclear", "", AT)
        tx.ledger.intend("r1:1", "row", "00", AT)
        tx.ledger.outcome("r1:1", "refused", "", AT)
        tx.ledger.intend("r1:1", "row", "00", AT)
        tx.ledger.outcome("r1:1", "written", "DocumentReference/7", AT)
        assert [e.state for e in tx.ledger.lines("r1:1")][::2] == ["intended"] * 3


def test_an_outcome_needs_an_intent_and_a_known_word(store: Store) -> None:
    with pytest.raises(LedgerClosed), store.transaction() as tx:
        tx.ledger.outcome("r1:1", "written", "DocumentReference/7", AT)
    with pytest.raises(ValueError, match="not an outcome"), store.transaction() as tx:
        tx.ledger.outcome("r1:1", "perhaps", "", AT)
