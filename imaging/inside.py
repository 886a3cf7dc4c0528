"""One file, or everything in it where it is a ZIP or the image of a disc: the only place that decides which."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import BinaryIO

from imaging.budget import Budget
from imaging.discs import is_disc, on_disc
from imaging.errors import UnsafeMedia
from imaging.kinds import program_in_front
from imaging.verdict import Found, Verdict
from imaging.zips import DAMAGED, holds_document, in_zip, is_zip

SMALLEST_DISC = 0x8006  # bytes; sixteen empty sectors come before the mark


def look_inside(
    name: str,
    size: int,
    opener: Callable[[], BinaryIO],
    nesting: int,
    budget: Budget,
    opened: BinaryIO | None = None,
) -> Iterator[Found]:
    """Judge the file that `opener` opens, down to `nesting` containers deep. Raises UnsafeMedia naming the limit.

    `opened` is a stream of it that stands open already.
    """
    found = None
    try:
        with opened or opener() as stream:
            start = stream.read(4)
            packed = is_zip(name, start)
            if not packed and not (size >= SMALLEST_DISC and is_disc(stream)):
                found = _one(name, size, stream, opener, budget)
    except DAMAGED as problem:
        why = f"The file could not be read ({type(problem).__name__})."
        found = Found(name, size, Verdict.UNREADABLE, why, None, opener)
    if found is not None:
        budget.count(0 if found.verdict is Verdict.TOO_LARGE else size)
        yield found
        return
    if nesting == 0 and not (packed and holds_document(opener)):
        raise UnsafeMedia(f"ZIPs and disc images are nested deeper than {budget.limits.nesting}.")
    within = in_zip if packed else on_disc
    with budget.container(size):
        yield from within(name, size, opener, nesting - 1, budget, look_inside)


def _one(name: str, size: int, stream: BinaryIO, opener: Callable[[], BinaryIO], budget: Budget) -> Found:
    if size > budget.limits.file_bytes:
        why = f"Larger than {budget.limits.file_bytes:,} bytes."
        return Found(name, size, Verdict.TOO_LARGE, why, None, opener)
    stream.seek(0)
    start = stream.read(132)
    program = program_in_front(start[:128]) if start[128:] == b"DICM" else ""
    stream.seek(0)
    started = time.monotonic()
    verdict, header, why = budget.judge(name, stream, size)
    budget.spend(time.monotonic() - started)
    return Found(name, size, verdict, why, header, opener, program)
