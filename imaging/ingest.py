"""Pictures from any media onto a shelf, every file accounted for: judged, stored in batches, nothing copied twice."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, BinaryIO

from imaging.verdict import Found, Verdict

if TYPE_CHECKING:
    from imaging.archive import Put, Shelf


def ingest(shelf: Shelf, media: Iterable[Found]) -> Iterator[tuple[Found, Put | None]]:
    """Store every picture of `media` (from `imaging.media.walk`), in order; None for what is no picture.

    A picture is durable when it is answered. Raises ArchiveUnavailable, UnsafeMedia; what was answered stays stored.
    """
    waiting: deque[tuple[Found, bool]] = deque()

    def pictures() -> Iterator[BinaryIO]:
        for found in media:
            is_picture = found.verdict is Verdict.IMAGE
            waiting.append((found, is_picture))
            if is_picture:
                yield found.open()

    for put in shelf.put_all(pictures()):
        while not waiting[0][1]:
            yield waiting.popleft()[0], None
        yield waiting.popleft()[0], put
    for found, _ in waiting:
        yield found, None
