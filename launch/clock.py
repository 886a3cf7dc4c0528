"""The time, as it is handed in. Rule: nothing in this package looks at the wall clock by itself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment with a zone."""


def moment(now: Clock | datetime) -> datetime:
    """The moment meant, in UTC. Raises ValueError for a time without a zone."""
    at = now if isinstance(now, datetime) else now()
    if at.tzinfo is None:
        raise ValueError("a time without a zone cannot be compared with a server's")
    return at.astimezone(UTC)
