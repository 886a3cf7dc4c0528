"""The studies that are measured on, drawn once and kept."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks import ct
from benchmarks.cache import made_once

SOURCE = Path(ct.__file__).read_bytes()


def folder_of(count: int, series: int, size: int = 512) -> Path:
    """A folder with so many CT pictures in so many series; `size` is a picture's width."""

    def make(folder: Path) -> None:
        print(f"Drawing {count:,} pictures (once)", file=sys.stderr, flush=True)
        ct.write_study(folder, count, series, seed=f"{count}/{series}/{size}", size=size)

    return made_once(f"ct-{count}-{series}-{size}", make, of=SOURCE)


def zip_of(count: int, series: int) -> Path:
    """The same as a deflated ZIP."""
    folder = folder_of(count, series)
    return made_once(f"ct-{count}-{series}-zip", lambda path: ct.write_zip(path, folder), of=SOURCE)
