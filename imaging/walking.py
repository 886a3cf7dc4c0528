"""Walks a disc, folder, file or ZIP safely and gives every file a verdict in plain words. Nothing is lost silently.

Rule: names from outside never touch the disk, and every file given is counted exactly once.
"""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from imaging.budget import Budget
from imaging.errors import UnsafeMedia
from imaging.inside import look_inside
from imaging.verdict import LIMITS, LINK_WHY, Found, Judge, Limits, Verdict, judge, shown


def walk(paths: Iterable[Path], limits: Limits = LIMITS, judge: Judge = judge) -> Iterator[Found]:
    """Every file under these paths, ZIPs read in place. Raises UnsafeMedia naming the limit that would be broken.

    Another `judge` may do its work on each file while it stands open, right before that file is answered.
    A ZIP counts as the files in it. Links inside a folder are not followed: they could lead anywhere.
    """
    budget = Budget(limits, judge=judge)
    for path in paths:
        if not path.is_dir():
            yield from _file(path, path.name, budget, follow=True)
            continue
        for file, name in _under(path, limits):
            yield from _file(file, name, budget, follow=False)


def look_into(path: Path, name: str, limits: Limits = LIMITS, *, files: int = 0, size: int = 0) -> Iterator[Found]:
    """One given file, or everything in it where it is a ZIP or a disc image, under the name its giver knows.

    For files that wait under a name of ours: the giver's name explains what the bytes leave open, and is shown.
    `files` and `size` (bytes) count what the same person gave before. Raises UnsafeMedia naming the limit.
    """
    yield from _file(path, name, Budget(limits, files, size), follow=False)


def _under(top: Path, limits: Limits) -> Iterator[tuple[Path, str]]:
    """Everything in a folder that is not a folder, in a stable order, with the name to show."""
    unread: list[OSError] = []
    for folder, folders, names in os.walk(top, followlinks=False, onerror=unread.append):
        folders.sort()
        inner = Path(folder).relative_to(top)
        if len(inner.parts) > limits.depth:
            raise UnsafeMedia(f"Folders are nested deeper than {limits.depth}.")
        for name in sorted(names):
            yield Path(folder) / name, str(inner / name)
    for problem in unread:
        closed = Path(str(problem.filename))
        yield closed, f"{closed.name}/"


def _file(path: Path, name: str, budget: Budget, *, follow: bool) -> Iterator[Found]:
    """One file, or everything in it where it is a ZIP."""
    name = shown(name, budget.limits.name_length)

    def opener() -> BinaryIO:
        return path.open("rb")

    size = 0
    try:
        mode = path.stat(follow_symlinks=follow)
        size = mode.st_size
        if stat.S_ISREG(mode.st_mode):
            yield from look_inside(name, size, opener, budget.limits.nesting + 1, budget)
            return
        budget.count(0)
        if stat.S_ISLNK(mode.st_mode):
            yield Found(name, 0, Verdict.NOT_AN_IMAGE, LINK_WHY, None, _nothing)
        elif stat.S_ISDIR(mode.st_mode):
            yield Found(name, 0, Verdict.UNREADABLE, "The folder could not be opened.", None, _nothing)
        else:
            yield Found(name, 0, Verdict.NOT_AN_IMAGE, "This is no file.", None, _nothing)
    except OSError as problem:
        budget.count(size)
        why = f"The file could not be read ({type(problem).__name__})."
        yield Found(name, size, Verdict.UNREADABLE, why, None, opener)


def _nothing() -> BinaryIO:
    return io.BytesIO()
