"""When which key signs: a new pair is published at once, signs once every EHR has seen it, and the old one ends later.

Rule: an EHR may keep our key set for more than a day (29 hours is documented), so nothing signs before it was published
that long, and nothing is taken away while an assertion made with it may still be on its way.
"""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from launch.errors import KeysMissing

SCHEDULE = "schedule.json"
SIGNS_AFTER = timedelta(hours=48)
KEPT_FOR = timedelta(hours=24)


@dataclass(frozen=True)
class Turn:
    """`signs_from` is None for a pair that was there first; `ends` is None for one that has no successor yet."""

    signs_from: datetime | None = None
    ends: datetime | None = None

    def signs(self, at: datetime) -> bool:
        """Was it told to sign by then, and has it not ended? A pair without a time signs only while no other does."""
        return self.signs_from is not None and self.signs_from <= at and not self.ended(at)

    def waits(self, at: datetime) -> bool:
        """Is it published and not signing yet?"""
        return self.signs_from is not None and at < self.signs_from

    def ended(self, at: datetime) -> bool:
        """Is it to be published no more?"""
        return self.ends is not None and self.ends <= at


def turn_of(turns: dict[int, Turn], number: int) -> Turn:
    """That pair's turn; the plain one where nothing was arranged."""
    return turns.get(number, Turn())


def read_schedule(folder: Path) -> dict[int, Turn]:
    """What was arranged for the pairs of that folder. Raises KeysMissing where the file is broken."""
    try:
        raw = json.loads((folder / SCHEDULE).read_text("utf-8"))
        return {int(number): Turn(_moment(turn["signs_from"]), _moment(turn["ends"])) for number, turn in raw.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as problem:
        raise KeysMissing(f"{SCHEDULE} in the folder of keys cannot be read.") from problem


def write_schedule(folder: Path, turns: dict[int, Turn]) -> None:
    """Keep it, whole or not at all."""
    text = json.dumps(
        {
            str(number): {
                "signs_from": turn.signs_from.isoformat() if turn.signs_from else None,
                "ends": turn.ends.isoformat() if turn.ends else None,
            }
            for number, turn in sorted(turns.items())
        },
        indent=1,
    )
    draft = folder / f".{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(folder / SCHEDULE)


def _moment(value: str | None) -> datetime | None:
    if value is None:
        return None
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    return moment
