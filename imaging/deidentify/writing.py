"""Writes one object while the next is cleaned: the disk and the processor work at the same time.

Rule: an object is in the ledger only after it is written; at most a few are on their way.
"""

from __future__ import annotations

import io
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace

from imaging.deidentify.instance import Rewritten
from imaging.deidentify.ledger import Entry, Ledger
from imaging.deidentify.output import Output

MOST_WAITING = 4


class Writer:
    """The objects on their way aside. Only `settle` and what calls it may raise OutputUnusable."""

    def __init__(self, output: Output, book: Ledger) -> None:
        self._output, self._book = output, book
        self._thread = ThreadPoolExecutor(1)
        self._waiting: deque[tuple[Future[int], Entry]] = deque()

    def put(self, entry: Entry, done: Rewritten) -> list[str]:
        """Write it, now or soon. Answers tokens of objects whose source could not be read to its end."""
        source = done.source
        if done.deflate or not isinstance(source, io.BufferedReader):
            lost = self.settle()
            self._book.add(replace(entry, written=self._output.write(entry.place, done)))
            return lost
        mine = open(os.dup(source.fileno()), "rb")  # noqa: SIM115, PTH123  (its giver closes his while we write)
        self._waiting.append((self._thread.submit(self._write, entry.place, replace(done, source=mine)), entry))
        return self.settle(MOST_WAITING)

    def _write(self, place: str, done: Rewritten) -> int:
        with done.source:
            return self._output.write(place, done)

    def settle(self, most: int = 0) -> list[str]:
        """Wait until no more than so many are on their way. Answers as `put`. Raises OutputUnusable."""
        lost = []
        while len(self._waiting) > most:
            future, entry = self._waiting.popleft()
            try:
                self._book.add(replace(entry, written=future.result()))
            except OSError:
                lost.append(entry.token)
        return lost

    def close(self) -> None:
        """Let what is on its way end, and start no more."""
        self._thread.shutdown(cancel_futures=True)
        for future, _ in self._waiting:
            future.cancel()
        self._waiting.clear()
