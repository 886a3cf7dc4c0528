"""The names, numbers, dates and places that the input gave away, so that the output can be searched for them.

Rule: it learns from every element, also from those that are removed; a shorter word is known only where it is a name.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

from imaging.deidentify.keys import REGISTERED
from imaging.deidentify.words import plain, vocabulary

PATIENT_NAMES = frozenset({0x00100010, 0x00101001, 0x00101005, 0x00101060, 0x00100011, 0x00100012, 0x00102297})
NUMBERS = frozenset(
    {0x00100020, 0x00101000, 0x00080050, 0x00380010, 0x00401001, 0x00400009, 0x00400253, 0x00402016, 0x00402017}
    | {0x00401006, 0x00401007, 0x00402006, 0x00402007, 0x00101090, 0x00102154, 0x00102155, 0x00200010}
    | {0x00380060, 0x00120040, 0x00120042}
)
PLACES = frozenset({0x00080080, 0x00080081, 0x00101040, 0x00080092, 0x00080094, 0x00380300, 0x00102299})
BIRTH = frozenset({0x00100030})
SHORTEST_NAME = 3  # letters
SHORTEST_NUMBER = 4  # signs that are letters or figures
FEW_SIGNS = 6  # a shorter number means something for its own patient only
FIGURES = frozenset(("DS", "IS"))
CODE = 0x00080100  # Code Value: short ones of every kind
# Manufacturers, models and programs: companies, although hospitals and authors may be called like them.
MAKERS = frozenset({0x00080070, 0x00081090, 0x00181016, 0x00181017, 0x00181018, 0x00181019, 0x00181020})
NONE: frozenset[bytes] = frozenset()
UID = re.compile(r"[0-9]+(\.[0-9]+){3,}")
NO_NAMES = frozenset(
    (
        "anonymous",
        "anonymized",
        "anonymised",
        "unknown",
        "removed",
        "none",
        "null",
        "test",
        "patient",
        "name",
        "physician",
    )
)

# Letters, figures and every byte of another script stay, in lower case; all else parts words.
APART = bytes(c + 32 if 65 <= c <= 90 else c if chr(c).isalnum() or c >= 0x80 else 32 for c in range(256))

Words = tuple[bytes, ...]


def words_of(text: bytes) -> Words:
    """The words of these bytes, as they are searched for."""
    return tuple(text.translate(APART).split())


class Known:
    """What is known of a run's people. Sets only grow; `version` changes when a word to look for was learned.

    A phrase is all its words, its kind, and the pseudonym of the only patient whom it concerns, or nothing for all.
    """

    def __init__(self) -> None:
        self.version = 0
        self.own: defaultdict[str, set[bytes]] = defaultdict(set)  # words of a patient's name, by pseudonym
        self.phrases: defaultdict[bytes, set[tuple[Words, str, str]]] = defaultdict(set)  # by the longest word
        self.literal: defaultdict[str, set[bytes]] = defaultdict(set)  # parts of names in other scripts, as they stood
        self.staff: set[str] = set()  # words of everybody else's names, plain
        self.births: defaultdict[str, set[bytes]] = defaultdict(set)  # every way of writing a birth date, by pseudonym
        self.days: set[bytes] = set()  # YYYYMMDD, and with hyphens, of everything that happened
        self.uids: set[bytes] = set()
        self._seen: set[tuple[int, str, str, str]] = set()

    def told(self, text: Words, tag: int, vr: str, pseudonym: str) -> Iterator[str]:
        """Kinds of what these words of one value tell: "name", "staff", "number" or "place"."""
        words = set(text)
        for word in words & self.own.get(pseudonym, NONE):
            if vr != "CS" or word.decode("utf-8", "replace") not in vocabulary():
                yield "name"
        for word in words & self.phrases.keys():
            for phrase, kind, owner in self.phrases[word]:
                by_chance = (kind in ("place", "staff") and tag in MAKERS) or (
                    kind == "number" and len(phrase) == 1 and (vr in FIGURES or (tag == CODE and len(word) < FEW_SIGNS))
                )
                if owner in ("", pseudonym) and not by_chance and holds(text, phrase):
                    yield kind

    def learn(self, tag: int, vr: str, text: str, pseudonym: str, raw: bytes = b"") -> None:
        """Take in one decoded value, and its bytes. `pseudonym` tells whose picture it stands in."""
        if vr == "UI":
            self.uids.update(part.encode() for part in re.split(r"[\\\0 ]+", text) if _is_instance(part))
            return
        if tag in BIRTH or vr in ("DA", "DT"):
            self._day(text, pseudonym if tag in BIRTH else "")
            return
        key = (tag, vr, text, pseudonym)
        if key in self._seen or not text.strip("\0 ^="):
            return
        self._seen.add(key)
        if vr == "PN":
            self._name(text, pseudonym if tag in PATIENT_NAMES else "")
            if tag in PATIENT_NAMES:
                self.literal[pseudonym].update(_foreign_parts(raw))
        elif tag in NUMBERS:
            for part in text.split("\\"):
                short = len(part.strip()) < FEW_SIGNS
                self._phrase(part, "number", SHORTEST_NUMBER, pseudonym if short else "")
        elif tag in PLACES:
            self._phrase(text, "place", 8)

    def _name(self, text: str, pseudonym: str) -> None:
        self.version += 1
        kind = "name" if pseudonym else "staff"
        for group in re.split(r"[=\\]", text):
            parts = [part.strip() for part in group.split("^")[:3] if part.strip()]
            if pseudonym:
                self.own[pseudonym].update(word for part in parts for word in _name_words(part))
            else:
                self.staff |= {word for part in parts for word in re.findall(r"\w{3,}", plain(part))}
            if len(parts) > 1:
                self._phrase(" ".join(parts[:2]), kind, 5)
                self._phrase(" ".join(parts[1::-1]), kind, 5)
            if parts and not pseudonym and plain(parts[0]) not in vocabulary() | NO_NAMES:
                self._phrase(parts[0], kind, 5)

    def _phrase(self, text: str, kind: str, shortest: int, owner: str = "") -> None:
        self.version += 1
        for written in spellings(text):
            words = words_of(written)
            if sum(map(len, words)) >= shortest:
                self.phrases[max(words, key=len)].add((words, kind, owner))

    def _day(self, text: str, born: str) -> None:
        for part in text.split("\\"):
            figures = re.sub(r"[.\-/]", "", part.strip("\0 "))[:8]
            if not re.fullmatch(r"[12][0-9]{7}", figures):
                continue
            year, month, day = figures[:4], figures[4:6], figures[6:]
            if born:
                self.births[born] |= set(_ways(year, month, day))
            else:
                self.days |= {figures.encode(), f"{year}-{month}-{day}".encode()}


def holds(text: Words, phrase: Words) -> bool:
    """Do the words of the phrase stand in the text, side by side?"""
    return b" " + b" ".join(phrase) + b" " in b" " + b" ".join(text) + b" "


def _foreign_parts(raw: bytes) -> Iterator[bytes]:
    """Parts of a name that ASCII cannot write, without the signs that change the script (ISO 2022)."""
    if raw.isascii() and b"\x1b" not in raw:
        return
    for part in re.split(rb"[\^=\\]|\x1b[$()\-][)(@-Z]?[@-Z]?", raw):
        if len(part.strip()) >= SHORTEST_NAME:
            yield part.strip()


def _name_words(part: str) -> Iterator[bytes]:
    for written in spellings(part):
        for word in words_of(written):
            text = word.decode("utf-8", "replace")
            if (len(text) >= SHORTEST_NAME or text[:1] >= "\u2e80") and text not in NO_NAMES:
                yield word


def _is_instance(uid: str) -> bool:
    return UID.fullmatch(uid) is not None and not uid.startswith(REGISTERED)


def _ways(year: str, month: str, day: str) -> Iterable[bytes]:
    for sign in ("-", "/", "."):
        yield sign.join((year, month, day)).encode()
        yield sign.join((day, month, year)).encode()
        yield sign.join((month, day, year)).encode()
    yield from (f"{year}{month}{day}".encode(), f"{day}{month}{year}".encode(), f"{month}{day}{year}".encode())


def spellings(text: str) -> set[bytes]:
    """A text as bytes, in the ways it may stand elsewhere: other case, without accents, UTF-8 and Latin-1."""
    ways = {text, text.lower(), text.upper(), text.title(), plain(text)}
    found = {way.encode("utf-8", "replace") for way in ways}
    for way in ways:
        try:
            found.add(way.encode("latin-1"))
        except UnicodeEncodeError:
            continue
    return found
