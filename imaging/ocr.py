"""Text that a reading program sees in a picture. It can raise a doubt, never clear one: it misses one word in ten.

Rule: the picture is drawn by our own confined process; the program gets a plain PNG; its words are counted, not kept.
"""

from __future__ import annotations

import io
import subprocess
from pathlib import Path

from imaging.errors import CannotDraw
from imaging.pixels import render

SIDE = 1024  # pixels of the picture that is read
SECONDS = 20.0
SURE = 60  # per cent that the program is sure of a word
LETTERS = 3  # of a word that counts
WORDS = 2  # of which one picture is said to have text


def has_text(path: Path, program: str, frame: int = 1) -> bool:
    """Does `program` (tesseract) see words in that frame? No where it cannot be drawn or read: that clears nothing."""
    try:
        drawn = render(path, frame, SIDE)
    except CannotDraw:
        return False
    command = [program, "stdin", "stdout", "--psm", "11", "tsv"]
    try:
        read = subprocess.run(command, input=_inverted(drawn), capture_output=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return sum(map(_is_word, read.stdout.decode("utf-8", "replace").splitlines())) >= WORDS


def _inverted(drawn: bytes) -> bytes:
    """Dark letters on white, which is what such programs are made for."""
    from PIL import Image, ImageOps

    out = io.BytesIO()
    ImageOps.invert(Image.open(io.BytesIO(drawn)).convert("L")).save(out, "PNG")
    return out.getvalue()


def _is_word(line: str) -> bool:
    """A line of tesseract's table: eleven columns of places and how sure it is, then the word."""
    columns = line.split("\t")
    if len(columns) != 12 or not columns[10].replace(".", "", 1).isdigit():
        return False
    return float(columns[10]) >= SURE and sum(c.isalnum() for c in columns[11]) >= LETTERS
