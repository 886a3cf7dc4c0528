"""Compares two names of people as writing habits differ: accents, order, hyphens, particles, initials, scripts.

Rule: words may be missing on one side, never contradicted on both. In doubt the names are of two people.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from imaging.romanise import fits

MATCH, VARIANT, CONFLICT, ABSENT = "match", "variant", "conflict", "absent"

TITLES = frozenset(
    ("dr", "mr", "mrs", "ms", "miss", "mx", "prof", "md", "phd", "msc", "herr", "frau", "mme", "sra", "srta")
)
GENERATIONS = {"sr": "1", "senior": "1", "jr": "2", "junior": "2", "ii": "2", "iii": "3", "iv": "4"}
ROMANCE = ("de", "del", "della", "dello", "dei", "di", "da", "das", "do", "dos", "du", "la", "le", "las", "los", "lo")
GERMANIC = ("van", "von", "vom", "zu", "zum", "zur", "der", "den", "des", "ten", "ter", "te", "af", "av")
SEMITIC = ("al", "el", "ul", "bin", "bint", "ibn", "ben", "abu")
PARTICLES = frozenset((*ROMANCE, *GERMANIC, *SEMITIC, "y", "e", "i"))
LETTERS = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ð": "d", "þ": "th", "ı": "i", "ŋ": "ng"}
TWO_LETTERS = {"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"}
# Marks that writers leave out: Latin, Greek and Cyrillic accents, Hebrew points, Arabic vowel signs and hamza.
# The vowel signs of Indic scripts and the voicing marks of kana make other names, and stay.
OPTIONAL_MARKS = ((0x0300, 0x036F), (0x0591, 0x05C7), (0x0610, 0x061A), (0x064B, 0x065F), (0x0670, 0x0670))
SILENT = "'’‘ʼ`´.·\u0640\u200c\u200d"
LONGEST_JOIN = 5  # words written as one: "van der Berg", "Vanderberg"

Spellings = frozenset[str]


@dataclass(frozen=True)
class _Word:
    spellings: Spellings
    given: bool
    weak: bool  # a particle beside a real word: may be missing


@dataclass(frozen=True)
class Name:
    """A name in its parts, as one side writes them, without titles. `generation` is "1" for senior, "2" for junior."""

    family: tuple[str, ...]
    given: tuple[str, ...]
    generation: str = ""
    words: tuple[_Word, ...] = field(default=(), compare=False)

    @property
    def scripts(self) -> frozenset[str]:
        """The scripts it is written in, by the first word of their characters' names ("LATIN", "CJK")."""
        text = "".join((*self.family, *self.given))
        return frozenset(unicodedata.name(c, "?").split()[0] for c in text if c.isalpha())


def name_of(family: str, given: str, suffix: str = "") -> Name:
    """A name from its parts. A title or suffix counts as a name where nothing else is left of its part."""
    families, elder = _without(_tokens(family))
    givens, younger = _without(_tokens(given))
    suffixes = [GENERATIONS[token] for token in map(_bare, _tokens(suffix)) if token in GENERATIONS]
    generation = next(iter((*elder, *younger, *suffixes)), "")
    words = (*_words(families, given=False), *_words(givens, given=True))
    return Name(tuple(families), tuple(givens), generation, words)


def dicom_name(group: str) -> Name:
    """One group of a DICOM person name: family^given^middle^prefix^suffix (PS3.5 section 6.2.1)."""
    parts = (*group.split("^"), "", "", "", "")
    return name_of(parts[0], f"{parts[1]} {parts[2]}", parts[4])


def compare_names(ours: Name, theirs: Name) -> str:
    """ "match" where both are written alike but for case and titles, "variant" for another writing, else "conflict"."""
    if ours.generation and theirs.generation and ours.generation != theirs.generation:
        return CONFLICT
    if not ours.words or not theirs.words:
        return CONFLICT
    if ours == theirs:
        return MATCH
    paired = _Pairing(ours.words, theirs.words)
    return VARIANT if paired.agrees(ours) else CONFLICT


class _Pairing:
    """Which words of one name stand for which of the other."""

    def __init__(self, ours: Sequence[_Word], theirs: Sequence[_Word]) -> None:
        self._ours = list(ours)
        self._theirs = list(theirs)
        self._met_ours: set[int] = set()
        self._met_theirs: set[int] = set()
        self._pair(_same)
        self._join(self._ours, self._met_ours, self._theirs, self._met_theirs)
        self._join(self._theirs, self._met_theirs, self._ours, self._met_ours)
        self._pair(_initial)

    def _pair(self, alike: Callable[[_Word, _Word], bool]) -> None:
        for one, word in enumerate(self._ours):
            if one in self._met_ours:
                continue
            for other, candidate in enumerate(self._theirs):
                if other not in self._met_theirs and alike(word, candidate):
                    self._met_ours.add(one)
                    self._met_theirs.add(other)
                    break

    @staticmethod
    def _join(short: list[_Word], met_short: set[int], long: list[_Word], met_long: set[int]) -> None:
        """Words side by side on one side that the other writes as one."""
        for whole, word in enumerate(long):
            if whole in met_long:
                continue
            for start, end in _runs(len(short), met_short):
                joined = _joined(short[start:end])
                if joined & word.spellings or _romanised(joined, word.spellings):
                    met_long.add(whole)
                    met_short.update(range(start, end))
                    break

    def agrees(self, ours: Name) -> bool:
        """No word contradicted, and a part of the family name and a given name in common."""
        left_ours = [w for n, w in enumerate(self._ours) if n not in self._met_ours and not w.weak]
        left_theirs = [w for n, w in enumerate(self._theirs) if n not in self._met_theirs and not w.weak]
        if left_ours and left_theirs:
            return False
        if not ours.given or not ours.family:
            return not left_ours and not left_theirs
        met = [self._ours[n] for n in self._met_ours]
        return any(w.given for w in met) and any(not w.given and not w.weak for w in met)


def _same(one: _Word, other: _Word) -> bool:
    return bool(one.spellings & other.spellings) or _romanised(one.spellings, other.spellings)


def _romanised(ones: Spellings, others: Spellings) -> bool:
    """Is one of them in another script, and the other how that may be written in Latin letters?"""
    return any(fits(one, other) or fits(other, one) for one in ones for other in others)


def _initial(one: _Word, other: _Word) -> bool:
    """A given name and its first letter. Only alphabets have initials: one Hangul or Han character is a name."""
    if not one.given:
        return False
    for short in one.spellings | other.spellings:
        if len(short) == 1 and unicodedata.name(short, "").startswith(("LATIN", "GREEK", "CYRILLIC")):
            longer = other.spellings if short in one.spellings else one.spellings
            if any(word.startswith(short) for word in longer):
                return True
    return False


def _runs(count: int, met: set[int]) -> list[tuple[int, int]]:
    """Every stretch of two or more words side by side of which none is paired yet."""
    return [
        (start, end)
        for start in range(count)
        for end in range(start + 2, min(count, start + LONGEST_JOIN) + 1)
        if not met & set(range(start, end))
    ]


def _joined(words: Sequence[_Word]) -> Spellings:
    return frozenset(
        {"".join(min(w.spellings, key=len) for w in words), "".join(max(w.spellings, key=len) for w in words)}
    )


def _tokens(text: str) -> list[str]:
    """Words as written, case aside. Widths and composed forms are one and the same writing."""
    return unicodedata.normalize("NFKC", text).casefold().replace("^", " ").replace(",", " ").split()


def _bare(token: str) -> str:
    return token.strip(".")


def _without(tokens: list[str]) -> tuple[list[str], list[str]]:
    """The tokens without titles and generations, and the generations."""
    kept = [t for t in tokens if _bare(t) not in TITLES and _bare(t) not in GENERATIONS]
    if not kept:
        return tokens, []
    return kept, [GENERATIONS[_bare(t)] for t in tokens if _bare(t) in GENERATIONS]


def _words(tokens: list[str], *, given: bool) -> list[_Word]:
    split = [_spellings(part) for token in tokens for part in _parts(token)]
    split = [spellings for spellings in split if spellings]
    particles = [bool(spellings & PARTICLES) for spellings in split]
    alone = all(particles)
    return [
        # A single letter among given names is an initial, not a particle.
        _Word(s, given=given, weak=particle and not alone and not (given and min(map(len, s)) == 1))
        for s, particle in zip(split, particles, strict=True)
    ]


def _parts(token: str) -> list[str]:
    """A token cut at everything that is no letter, mark or digit; silent signs are dropped, not cut at."""
    kept = "".join(c for c in token if c not in SILENT)
    return "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in kept).split()


def _spellings(word: str) -> Spellings:
    """How a word may be written without its marks: "müller" as "muller" and as "mueller"."""
    composed = unicodedata.normalize("NFC", word)
    longer = "".join(TWO_LETTERS.get(c, c) for c in composed)
    return frozenset({_plain(composed), _plain(longer)}) - {""}


def _plain(word: str) -> str:
    kept = (c for c in unicodedata.normalize("NFKD", word) if not _optional(ord(c)))
    return unicodedata.normalize("NFC", "".join(LETTERS.get(c, c) for c in kept))


def _optional(point: int) -> bool:
    return any(first <= point <= last for first, last in OPTIONAL_MARKS)
