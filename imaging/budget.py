"""Counts what is read against the limits, over everything that one person gives at once; and how to go on inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Protocol

from imaging.errors import UnsafeMedia
from imaging.verdict import Found, Judge, Limits, judge

FREE = 16_000_000  # bytes that a container may hold whatever its own size


class Budget:
    """Files and bytes so far. What a ZIP or a disc image holds is counted, the container itself is not.

    `judge` says what one file is, while it stands open.
    """

    def __init__(self, limits: Limits, files: int = 0, size: int = 0, judge: Judge = judge) -> None:
        self.limits = limits
        self.judge = judge
        self._files = files
        self._bytes = size
        self._ceiling: int | None = None
        self._seconds = 0.0

    def count(self, size: int) -> None:
        """One more file of that size. Raises UnsafeMedia naming the limit."""
        self._files += 1
        self._bytes += size
        if self._files > self.limits.files:
            raise UnsafeMedia(f"More than {self.limits.files:,} files. Give them in smaller parts.")
        if self._bytes > self.limits.total_bytes:
            raise UnsafeMedia(f"More than {self.limits.total_bytes:,} bytes. Give them in smaller parts.")
        if self._ceiling is not None and self._bytes > self._ceiling:
            raise UnsafeMedia(f"The ZIP unpacks to more than {self.limits.ratio} times its size. It was not read on.")

    def spend(self, seconds: float) -> None:
        """So long a file took to read. Raises UnsafeMedia naming the limit."""
        self._seconds += seconds
        if self._seconds > self.limits.seconds:
            raise UnsafeMedia(f"Reading takes longer than {self.limits.seconds:,.0f} seconds. Give smaller parts.")

    @contextmanager
    def container(self, size: int) -> Iterator[None]:
        """While a container of that size is read: all that lies in it, containers in it too, is bounded by its size."""
        outermost = self._ceiling is None
        if outermost:
            self._ceiling = self._bytes + self.limits.ratio * size + FREE
        try:
            yield
        finally:
            if outermost:
                self._ceiling = None


class Deeper(Protocol):
    """How what lies inside a container is judged: one file, or everything in it.

    `opened` is a stream of it that stands open already, and is closed by the one who is called.
    """

    def __call__(
        self,
        name: str,
        size: int,
        opener: Callable[[], BinaryIO],
        nesting: int,
        budget: Budget,
        opened: BinaryIO | None = None,
    ) -> Iterator[Found]: ...
