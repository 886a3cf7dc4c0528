"""Where the measurements keep what takes long to make: drawn studies and the peers' environments."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path


def cache_folder() -> Path:
    """`SECOND_OPINION_BENCH_CACHE`, else `.bench` beside the checkout's other caches."""
    named = os.environ.get("SECOND_OPINION_BENCH_CACHE")
    folder = Path(named) if named else Path(__file__).resolve().parents[1] / ".bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made_once(name: str, make: Callable[[Path], None], *, of: bytes = b"") -> Path:
    """A folder or file of that name, made if it is not there whole; made anew when `of` (its sources) changes."""
    digest = hashlib.sha256(of).hexdigest()[:12]
    place = cache_folder() / f"{name}-{digest}"
    done = place.with_name(f"{place.name}.done")
    if not done.exists():
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        make(place)
        done.touch()
    return place
