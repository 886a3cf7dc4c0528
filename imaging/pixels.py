"""Draws one frame as a JPEG, for thumbnails. Never for reading: the viewer decodes the stored bytes itself.

Rule: decoders meet bytes of strangers, so they run in a process of their own, with a limit of time and memory.
"""

from __future__ import annotations

from pathlib import Path

from imaging.confined import Confines, run
from imaging.errors import CannotDraw

MOST_PIXELS = 64_000_000  # of one frame
SECONDS = 30.0
MEMORY = 3_000_000_000  # bytes of address space
LARGEST_SIDE = 4096  # pixels of a drawn picture


def render(path: Path, frame: int = 1, size: int = 256) -> bytes:
    """Frame number `frame` (from 1) as a JPEG that fits into `size` by `size` pixels. Raises CannotDraw.

    The window is the one in the file, or the range of the picture where the file names none.
    """
    size = max(16, min(size, LARGEST_SIDE))
    ended = run("imaging.drawing", str(path), str(frame), str(size), confines=Confines(SECONDS, MEMORY))
    if ended.code is None:
        raise CannotDraw("Drawing this picture takes too long.")
    if ended.code == 0 and ended.out.startswith(b"\xff\xd8"):
        return ended.out
    # Only our own sentences are passed on: what a decoder says may quote the file.
    reasons = {3: f"The picture is larger than {MOST_PIXELS // 1_000_000} megapixels.", 4: "There is no such frame."}
    raise CannotDraw(reasons.get(ended.code, "This picture cannot be drawn here."))
