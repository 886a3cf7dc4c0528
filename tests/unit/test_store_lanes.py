"""Lanes, against a plain model: whatever happens in whatever order, each lane runs its rows one after the other."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_app.case import Ask, Party, Patient
from smart_app.referral import Referral
from smart_app.store import LANES, Store

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BY = Party("operator", "Kim Vale")
acts = st.one_of(
    st.tuples(st.just("owe"), st.sampled_from(sorted(LANES)), st.integers(0, 3)),
    st.tuples(
        st.sampled_from(["done", "park", "later", "retry", "settle", "wait"]), st.integers(0, 9), st.integers(0, 3)
    ),
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    store = Store(f"sqlite:///{tmp_path_factory.mktemp('lanes') / 'store.db'}", now=lambda: AT)
    store.migrate()
    yield store
    store.close()


def first_of_each_lane(rows: list[dict[str, object]], now: datetime) -> set[object]:
    """What the rule says may run now."""
    firsts: dict[object, dict[str, object]] = {}
    for row in rows:
        if row["state"] != "done":
            firsts.setdefault(row["lane"], row)
    return {row["id"] for row in firsts.values() if row["state"] == "owed" and row["due"] <= now}


def test_whatever_happens_the_first_unfinished_row_of_each_lane_is_ready(store: Store) -> None:
    """A lane never skips a row, never blocks another lane, and never runs what is parked or not yet due."""
    numbers = iter(range(10**6))

    @settings(max_examples=40, deadline=None, database=None)
    @given(st.lists(acts, max_size=14))
    def holds(story: list[tuple[str, object, int]]) -> None:
        case, now, rows = f"r{next(numbers)}", AT, []
        with store.transaction() as tx:
            tx.referrals.add(Referral(case, "north", Patient("Patient/1", "Berg"), BY, Ask("Larger?"), "reading", AT))
            for act, what, hours in story:
                if act == "owe":
                    due = AT + timedelta(hours=hours)
                    row_id = tx.outbox.owe(case, str(what), due=due, version=1)
                    rows.append({"id": row_id, "lane": tx.outbox.get(row_id).lane, "state": "owed", "due": due})
                elif act == "wait":
                    now += timedelta(hours=hours)
                elif rows:
                    row = rows[int(str(what)) % len(rows)]
                    happen(tx, act, row, now + timedelta(hours=hours))
                ready = tx.outbox.ready(now, referral_id=case)
                assert {owed.id for owed in ready} == first_of_each_lane(rows, now)
                assert [owed.due for owed in ready] == sorted(owed.due for owed in ready)

    holds()


def happen(tx: object, act: str, row: dict[str, object], due: datetime) -> None:
    """The same act in the store and in the model; both must agree on whether it happened."""
    outbox, state = tx.outbox, row["state"]  # type: ignore[attr-defined]
    if act == "done":
        assert outbox.done(row["id"], "x") == (state != "done")
        row["state"] = "done"
    elif act == "park":
        assert outbox.park(row["id"], "x") == (state == "owed")
        row["state"] = "parked" if state == "owed" else state
    elif act == "later":
        assert outbox.later(row["id"], due, "x") == (state == "owed")
        row["due"] = due if state == "owed" else row["due"]
    elif act == "retry":
        assert outbox.retry(row["id"], BY) == (state == "parked")
        row.update({"state": "owed", "due": AT} if state == "parked" else {})
    else:
        assert outbox.settle(row["id"], BY, "x") == (state == "parked")
        row["state"] = "done" if state == "parked" else state
