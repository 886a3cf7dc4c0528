"""Changing our signing keys: add a pair, let it take over, clear away what has ended. No step needs a restart."""

from __future__ import annotations

from datetime import datetime, timedelta

from launch.errors import RotationUnderWay
from launch.keyring import KEPT_FOR, SIGNS_AFTER, Turn, write_schedule
from launch.keys import Keys


def rotate(keys: Keys, at: datetime, *, after: timedelta = SIGNS_AFTER, kept: timedelta = KEPT_FOR) -> datetime:
    """Publish a new pair now; it signs `after` from `at`, and every older pair ends `kept` later. Answers that moment.

    Raises RotationUnderWay while an earlier new pair still waits for its turn.
    """
    numbers = sorted({key.number for key in keys.all()})
    waiting = next((number for number in numbers if keys.turn(number).waits(at)), None)
    if waiting is not None:
        signs_from = keys.turn(waiting).signs_from
        raise RotationUnderWay(f"Pair {waiting} is published and waits to sign from {signs_from:%Y-%m-%d %H:%M %Z}.")
    return _add(keys, numbers, at + after, at + after + kept)


def replace_now(keys: Keys, at: datetime) -> datetime:
    """A key may be in strangers' hands: a new pair signs from now, and no older one is published any more.

    EHRs that keep our key set refuse us until they read it again, which takes up to a day.
    """
    return _add(keys, sorted({key.number for key in keys.all()}), at, at)


def clear(keys: Keys, at: datetime) -> list[int]:
    """Remove the files of pairs that have ended. Answers their numbers."""
    gone = sorted({key.number for key in keys.all() if keys.turn(key.number).ended(at)})
    left = {key.number: keys.turn(key.number) for key in keys.all() if key.number not in gone}
    for number in gone:
        for alg in ("rs384", "es384"):
            (keys.folder / f"{alg}-{number}.pem").unlink(missing_ok=True)
    if gone:
        write_schedule(keys.folder, {number: turn for number, turn in left.items() if turn != Turn()})
    return gone


def _add(keys: Keys, numbers: list[int], signs_from: datetime, end: datetime) -> datetime:
    new = numbers[-1] + 1
    turns = {number: keys.turn(number) for number in numbers}
    for number, turn in turns.items():
        ends = end if turn.ends is None else min(turn.ends, end)
        turns[number] = Turn(turn.signs_from, ends)
    keys.add_pair(new)
    # The pair is published before the schedule says that it signs: a crash in between leaves the old pair signing.
    write_schedule(keys.folder, {**turns, new: Turn(signs_from)})
    keys.all()
    return signs_from
