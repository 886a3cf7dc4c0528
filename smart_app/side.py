"""LEFT and RIGHT, compared between the question, the images and the words of the opinion."""

from __future__ import annotations

import re
from collections.abc import Iterable

from smart_app.case import Side

WORDS = {
    Side.LEFT: re.compile(r"\b(left|izquierd[oa]s?)\b", re.IGNORECASE),
    Side.RIGHT: re.compile(r"\b(right|derech[oa]s?)\b", re.IGNORECASE),
}
OPPOSITE = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}
ABBREVIATED = re.compile(r"(?<![\w.])(?:L|R|Lt|Rt)\.?(?=\s+[a-z])")
DICOM = {"L": Side.LEFT, "R": Side.RIGHT, "B": Side.BILATERAL}


def images_disagree(asked: Side, letters: Iterable[str]) -> bool:
    """Do the headers' lateralities (DICOM (0020,0060), (0020,0062)) name only the other side than the one asked?"""
    if asked not in OPPOSITE:
        return False
    found = {DICOM[letter] for letter in letters if letter in DICOM}
    return bool(found) and not found & {asked, Side.BILATERAL}


def words_disagree(asked: Side, *texts: str) -> bool:
    """Do these words speak of the other side and never of the one asked about?"""
    if asked not in OPPOSITE:
        return False
    text = " ".join(texts)
    return bool(WORDS[OPPOSITE[asked]].search(text)) and not WORDS[asked].search(text)


def abbreviated(*texts: str) -> str:
    """The first side written as a letter, which a reader can misread; empty where there is none."""
    match = ABBREVIATED.search(" ".join(texts))
    return match.group(0) if match else ""
