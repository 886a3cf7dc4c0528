"""LEFT and RIGHT, compared between the question, the images and the words of the opinion."""

from __future__ import annotations

import re
from collections.abc import Iterable

from smart_app.case import Side, StudyNote

WORDS = {
    Side.LEFT: re.compile(r"\b(left|izquierd[oa]s?)\b", re.IGNORECASE),
    Side.RIGHT: re.compile(r"\b(right|derech[oa]s?)\b", re.IGNORECASE),
}
OPPOSITE = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}
ABBREVIATED = re.compile(r"(?<![\w.])(?:L|R|Lt|Rt)\.?(?=\s+[a-z])")
DICOM = {"L": Side.LEFT, "R": Side.RIGHT, "B": Side.BILATERAL}


def side_of_images(studies: Iterable[StudyNote]) -> frozenset[Side]:
    """The sides named in the image headers (DICOM (0020,0060) and (0020,0062)); empty where none is."""
    return frozenset(DICOM[s.laterality] for study in studies for s in study.series if s.laterality in DICOM)


def images_disagree(asked: Side, studies: Iterable[StudyNote]) -> bool:
    """Do the headers name only the other side than the one asked about?"""
    if asked not in OPPOSITE:
        return False
    found = side_of_images(studies)
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
