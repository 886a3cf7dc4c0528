"""Draws one frame as a JPEG, for thumbnails. Never for reading: the viewer decodes the stored bytes itself.

Rule: decoders meet bytes of strangers, so they run in a process of their own, with a limit of time and memory.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

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
    program = [sys.executable, "-m", "imaging.drawing", str(path), str(frame), str(size)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])}
    try:
        drawn = subprocess.run(program, env=environment, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired as problem:
        raise CannotDraw("Drawing this picture takes too long.") from problem
    if drawn.returncode == 0 and drawn.stdout.startswith(b"\xff\xd8"):
        return drawn.stdout
    # Only our own sentences are passed on: what a decoder says may quote the file.
    reasons = {3: f"The picture is larger than {MOST_PIXELS // 1_000_000} megapixels.", 4: "There is no such frame."}
    raise CannotDraw(reasons.get(drawn.returncode, "This picture cannot be drawn here."))
