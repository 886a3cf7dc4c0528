"""LEFT and RIGHT, compared between the question, the images' headers and the words of report and opinion.

Rule: a source that names no side says nothing. Two sources disagree where each names a side and they have none in
common; then nothing is sent and nothing is signed (English and Spanish).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from smart_app.case import Side

OPPOSITE = {Side.LEFT: Side.RIGHT, Side.RIGHT: Side.LEFT}
DICOM = {"L": Side.LEFT, "R": Side.RIGHT, "B": Side.BILATERAL}
BOTH = frozenset(OPPOSITE)

WORDS = {
    Side.LEFT: re.compile(r"\b(left|izquierd[oa]s?|izqd?[oa]?)\b|(?<![\w.])(?:L|Lt|LT)\.?(?=\s+[a-z])", re.UNICODE),
    Side.RIGHT: re.compile(r"\b(right|derech[oa]s?|dch[oa]s?)\b|(?<![\w.])(?:R|Rt|RT)\.?(?=\s+[a-z])", re.UNICODE),
}
PAIRED = (
    "sides|knees|hips|breasts|lungs|kidneys|shoulders|hands|feet|wrists|ankles|elbows|ears|eyes|legs|arms"
    "|lados|rodillas|caderas|mamas|pulmones|riñones|hombros|manos|pies|muñecas|tobillos|codos|oídos|ojos|piernas|brazos"
)
BILATERAL = re.compile(
    rf"\bbilateral(?:ly|es|mente)?\b|\b(?:both|ambos|ambas)\s+(?:the\s+|las\s+|los\s+)?(?:{PAIRED})\b"
)
# Words that look like a side and are none: idioms, handedness, and parts of organs that have a left and a right of
# their own on whichever side of the body is asked about.
NO_SIDE = re.compile(
    r"\b(?:right|left)[- ]hand(?:ed|er|edness)\b|\bright (?:now|away|after|before|here|there)\b|\b(?:all|quite) right\b"
    r"|\bleft (?:the (?:hospital|department|room|country)|untreated|over|alone|behind|without|as it)\b"
    r"|\b(?:right|left)[- ](?:ventric\w+|atri(?:um|al)|heart|bundle|coronary|main coronary|hepatic)\b"
    r"|\b(?:right|left) lobe of (?:the )?liver\b"
    r"|\b(?:ventrículo|aurícula|corazón|rama|coronaria|lóbulo hepático)\s+(?:derech[oa]|izquierd[oa])\b"
    r"|\bderechos?\s+a(?:l)?\s+(?!la\b|el\b)\w+r\b"
)
ABBREVIATED = re.compile(r"(?<![\w.])(?:L|R|Lt|Rt|LT|RT)\.?(?=\s+[a-z])|\b(?:izqd?[oa]?|dch[oa]s?)\b\.?", re.UNICODE)


def sides_in_words(*texts: str) -> frozenset[Side]:
    """LEFT, RIGHT, or both, as these words name them; empty where they name none."""
    text = _plain(" ".join(texts))
    found = {side for side, words in WORDS.items() if words.search(text)}
    return BOTH if BILATERAL.search(text) else frozenset(found)


def _plain(text: str) -> str:
    """Case aside, but for the single letters, which are only sides when they are capitals."""
    text = unicodedata.normalize("NFKC", text)
    kept = re.sub(r"[^\W\d_]{3,}", lambda word: word.group().casefold(), text)
    return NO_SIDE.sub(" ", kept)


def sides_in_headers(letters: Iterable[str]) -> frozenset[Side]:
    """The same from DICOM lateralities ((0020,0060), (0020,0062)); anything else than L, R and B says nothing."""
    found = {DICOM[letter] for letter in letters if letter in DICOM}
    return BOTH if Side.BILATERAL in found else frozenset(found)


def sides_asked(asked: Side) -> frozenset[Side]:
    """The same from a question; one about both sides, or none, is in disagreement with nothing."""
    return frozenset({asked}) if asked in OPPOSITE else frozenset()


def disagreement(sources: Mapping[str, frozenset[Side]]) -> tuple[str, str] | None:
    """The first two sources that each name a side and share none, by their names; None where there are none such."""
    speaking = [(name, sides) for name, sides in sources.items() if sides]
    for number, (one, sides) in enumerate(speaking):
        for other, theirs in speaking[number + 1 :]:
            if not sides & theirs:
                return one, other
    return None


def images_disagree(asked: Side, letters: Iterable[str]) -> bool:
    """Do the headers' lateralities name only the other side than the one asked?"""
    return disagreement({"question": sides_asked(asked), "headers": sides_in_headers(letters)}) is not None


def words_disagree(asked: Side, *texts: str) -> bool:
    """Do these words speak of the other side and never of the one asked about?"""
    return disagreement({"question": sides_asked(asked), "words": sides_in_words(*texts)}) is not None


def abbreviated(*texts: str) -> str:
    """The first side written as a letter or shortened, which a reader can misread; empty where there is none."""
    match = ABBREVIATED.search(" ".join(texts))
    return match.group(0) if match else ""


def doubt(
    asked: Side, letters: Iterable[str], reported: Iterable[str], conclusion: str, rest: str
) -> tuple[str, str] | None:
    """Why an opinion cannot be signed as it names the side: two of question, headers, report, opinion, conclusion.

    `reported` are the sides that the first report names, as values of `Side`. The conclusion alone is compared too: a
    reader acts on it without the findings.
    """
    said = {
        "question": sides_asked(asked),
        "headers": sides_in_headers(letters),
        "report": frozenset(Side(side) for side in reported),
        "opinion": sides_in_words(conclusion, rest),
    }
    ended = {"question": said["question"], "conclusion": sides_in_words(conclusion)}
    return disagreement(said) or disagreement(ended)
