"""Sessions on both databases: secrets are not kept, what is used once is used once, and time ends everything."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from smart_app.case import Ask, Party, Patient
from smart_app.referral import Referral
from smart_app.store import Line, Store, digest
from smart_app.store.invitations import MOST

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DOCTOR = Party("clinician", "Dr Ada Ruiz", "https://ehr.example/Practitioner/1", "north")
NURSE = Party("clinician", "Jo Park", "https://ehr.example/Practitioner/2", "north")
HOUR = timedelta(hours=1)


def browser(store: Store) -> str:
    with store.transaction() as tx:
        return tx.sessions.open_browser(AT)


def line(store: Store, browser_id: str, party: Party = DOCTOR, **given: Any) -> Line:
    with store.transaction() as tx:
        return tx.sessions.add_line(browser_id, "clinician", party, expires=AT + 8 * HOUR, **given)


def everything(store: Store) -> str:
    """Every value of every session table, as text."""
    with store.reading() as tx:
        tables = ("launches", "browsers", "lines", "handoffs", "invitations")
        return str([tx.connection.execute(text(f"SELECT * FROM {table}")).all() for table in tables])


def at_once(act: Callable[[], Any], times: int = 8) -> list[Any]:
    """What each of several threads got."""
    with ThreadPoolExecutor(times) as pool:
        return [future.result() for future in [pool.submit(act) for _ in range(times)]]


def test_a_line_is_read_back_by_its_own_browser_only(store: Store) -> None:
    mine, other = browser(store), browser(store)
    opened = line(
        store, mine, site="north", patient="Patient/1", encounter="Encounter/2", context={"intent": "x"}, token="sealed"
    )
    with store.reading() as tx:
        assert tx.sessions.line(opened.id, mine) == opened
        assert tx.sessions.line(opened.id, other) is None
        assert tx.sessions.line("unknown", mine) is None
        assert tx.sessions.knows_browser(mine)
        assert not tx.sessions.knows_browser("guessed")


def test_no_secret_that_comes_back_to_us_is_kept(store: Store) -> None:
    """Who reads the database can take over nobody's session."""
    mine = browser(store)
    opened = line(store, mine)
    with store.transaction() as tx:
        tx.sessions.keep_pending("the-state", "{}", AT + HOUR)
        code = tx.sessions.give_handoff(opened.id, AT + HOUR)
    kept = everything(store)
    assert digest(mine) in kept
    assert not [secret for secret in (mine, "the-state", code) if secret in kept]


def test_a_line_ends_for_good_and_takes_its_token_with_it(store: Store) -> None:
    mine = browser(store)
    opened = line(store, mine, token="sealed-token")
    with store.transaction() as tx:
        tx.sessions.end_line(opened.id)
        tx.sessions.save_token(opened.id, "sealed-late-refresh")
        assert tx.sessions.line(opened.id, mine) is None
        assert tx.sessions.system_line(opened.id) is None
    assert "sealed" not in everything(store)


def test_a_refreshed_token_is_kept(store: Store) -> None:
    mine = browser(store)
    opened = line(store, mine, token="old")
    with store.transaction() as tx:
        tx.sessions.save_token(opened.id, "new")
        found = tx.sessions.system_line(opened.id)
    assert found is not None
    assert found.token == "new"


def test_time_ends_a_line_whether_or_not_it_is_used(store: Store, clock: Any) -> None:
    """Idle time is counted from the last use; the absolute end stands."""
    mine = browser(store)
    opened = line(store, mine)
    idle = timedelta(minutes=30)

    def open_now() -> bool:
        with store.reading() as tx:
            return tx.sessions.line(opened.id, mine, idle=idle) is not None

    clock.move(minutes=29)
    assert open_now()
    with store.transaction() as tx:
        tx.sessions.touch(opened.id)
    clock.move(minutes=29)
    assert open_now()
    clock.move(minutes=1)
    assert not open_now()
    with store.transaction() as tx:
        tx.sessions.touch(opened.id)
    assert open_now()
    clock.move(hours=8)
    with store.transaction() as tx:
        tx.sessions.touch(opened.id)
    assert not open_now()


def test_the_lines_of_a_person_are_found_in_every_browser(store: Store) -> None:
    """For a list of where one is signed in; the same number at another site is somebody else."""
    mine, elsewhere = browser(store), browser(store)
    first, other, far = line(store, mine, DOCTOR), line(store, mine, NURSE), line(store, elsewhere, DOCTOR)
    with store.transaction() as tx:
        assert {found.id for found in tx.sessions.lines_of_person(first)} == {first.id, far.id}
        assert [found.id for found in tx.sessions.lines_of(mine)] == [first.id, other.id]
        tx.sessions.end_line(far.id)
        assert [found.id for found in tx.sessions.lines_of_person(first)] == [first.id]
        assert tx.sessions.ended_line(far.id, elsewhere) is not None
        assert tx.sessions.ended_line(far.id, mine) is None


def test_a_launch_is_taken_once_even_when_the_callback_comes_many_times_at_once(store: Store) -> None:
    """A replayed callback finds nothing."""
    with store.transaction() as tx:
        tx.sessions.keep_pending("state", '{"iss": "x"}', AT + HOUR)

    def take() -> str | None:
        with store.transaction() as tx:
            return tx.sessions.take_pending("state")

    assert [answer for answer in at_once(take) if answer] == ['{"iss": "x"}']


def test_a_launch_that_waited_too_long_is_gone(store: Store, clock: Any) -> None:
    with store.transaction() as tx:
        tx.sessions.keep_pending("state", "{}", AT + timedelta(minutes=10))
    clock.move(minutes=10)
    with store.transaction() as tx:
        assert tx.sessions.take_pending("state") is None
        assert tx.sessions.take_pending("other") is None


def test_a_handoff_opens_its_line_once(store: Store, clock: Any) -> None:
    opened = line(store, browser(store))
    with store.transaction() as tx:
        code = tx.sessions.give_handoff(opened.id, AT + timedelta(seconds=60))
        late = tx.sessions.give_handoff(opened.id, AT + timedelta(seconds=60))

    def take() -> str | None:
        with store.transaction() as tx:
            found = tx.sessions.take_handoff(code)
            return found.id if found else None

    assert [answer for answer in at_once(take) if answer] == [opened.id]
    clock.move(seconds=60)
    with store.transaction() as tx:
        assert tx.sessions.take_handoff(late) is None


def test_a_handoff_of_a_line_that_has_ended_opens_nothing(store: Store) -> None:
    opened = line(store, browser(store))
    with store.transaction() as tx:
        code = tx.sessions.give_handoff(opened.id, AT + HOUR)
        tx.sessions.end_line(opened.id)
        assert tx.sessions.take_handoff(code) is None


@pytest.fixture
def invited(store: Store) -> Store:
    """The store with one referral and the invitation "secret" to it."""
    with store.transaction() as tx:
        patient = Patient("Patient/1", "Núñez", ("Ana",))
        tx.referrals.add(Referral("r1", "north", patient, DOCTOR, Ask("Larger?"), "reading", AT))
        tx.invitations.add("r1", digest("secret"), AT + HOUR)
    return store


def test_an_invitation_names_its_referral_until_it_expires_or_is_revoked(invited: Store, clock: Any) -> None:
    with invited.transaction() as tx:
        found = tx.invitations.get(digest("secret"))
        assert found is not None
        assert (found.referral_id, found.attempts) == ("r1", 0)
        assert tx.invitations.get(digest("guess")) is None
        tx.invitations.add("r1", digest("another"), AT + HOUR)
        assert tx.invitations.generation("r1") == 0
        assert tx.invitations.revoke("r1") == 2
        assert tx.invitations.generation("r1") == 2
        assert tx.invitations.get(digest("secret")) is None
        tx.invitations.add("r1", digest("third"), AT + HOUR)
        assert tx.invitations.get(digest("third")) is not None
    clock.move(hours=1)
    with invited.reading() as tx:
        assert tx.invitations.get(digest("third")) is None


def test_no_more_attempts_are_given_than_there_are_even_at_once(invited: Store) -> None:
    """Guessing in parallel wins nothing."""

    def guess() -> bool:
        with invited.transaction() as tx:
            return tx.invitations.attempt(digest("secret"))

    assert sorted(at_once(guess)) == [False] * 3 + [True] * MOST
    with invited.transaction() as tx:
        assert not tx.invitations.attempt(digest("unknown"))
        tx.invitations.entered(digest("secret"))
        assert tx.invitations.attempt(digest("secret"))


def test_what_expired_is_forgotten_and_what_did_not_is_kept(store: Store, clock: Any) -> None:
    old, new = browser(store), browser(store)
    gone = line(store, old)
    with store.transaction() as tx:
        tx.sessions.give_handoff(gone.id, AT + 20 * HOUR)
        tx.sessions.keep_pending("old", "{}", AT)
        tx.sessions.keep_pending("new", "{}", AT + 20 * HOUR)
        kept = tx.sessions.add_line(new, "expert", DOCTOR, expires=AT + 20 * HOUR)
    clock.move(hours=10)
    with store.transaction() as tx:
        tx.sessions.forget(clock())
        assert not tx.sessions.knows_browser(old)
        assert tx.sessions.line(kept.id, new) == kept
        assert tx.sessions.take_pending("new") == "{}"
    assert gone.id not in everything(store)
