"""The three ways an owed act can end, and who it is done by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from smart_app.case import Party
from smart_app.ports import Ports
from smart_app.store import Owed

SYSTEM = Party("system", "Second Opinion")


@dataclass(frozen=True)
class Done:
    """Nothing more is owed. `text` says what came of it."""

    text: str


@dataclass(frozen=True)
class Later:
    """Try again at `due`."""

    due: datetime
    why: str


@dataclass(frozen=True)
class Parked:
    """A person must decide. `reason` is a sentence for the operator."""

    reason: str


Outcome = Done | Later | Parked
Action = Callable[[Ports, Owed], Outcome]
