"""Applies the table to elements given as bytes: each is kept, changed or dropped, in every depth of sequences.

Rule: only values are made anew; what is kept is copied byte for byte.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from imaging.deidentify.dates import DUMMIES, moved
from imaging.deidentify.elements import (
    DEEPEST,
    Coding,
    Element,
    Odd,
    TooFew,
    elements,
    even,
    items,
    written,
    written_items,
)
from imaging.deidentify.keys import Keys
from imaging.deidentify.known import Known, words_of
from imaging.deidentify.profiles import Option, Profile
from imaging.deidentify.table import Action, action_for, fallback, safe_private, vrs
from imaging.deidentify.texts import decoded
from imaging.deidentify.words import cleaned

CHARSET, DESIGNATOR = 0x00080005, 0x00080102
REMOVED = b"REMOVED"
TEXT = frozenset(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"))
WIDTHS = {"FD": 8, "FL": 4, "SL": 4, "SS": 2, "UL": 4, "US": 2, "SV": 8, "UV": 8, "AT": 4}
# Coding schemes of standards bodies (PS3.16 table 8-1): their meanings are printed in books, not typed in hospitals.
PUBLIC_CODES = frozenset(
    {"SCT", "SRT", "SNM3", "DCM", "LN", "UCUM", "RADLEX", "FMA", "NCIt", "MDC", "UMLS", "NEU", "IBSI", "CPT4", "C4"}
    | {"I9", "I9C", "I10", "I10P", "ICDO3", "BI", "ACR", "BARI", "PATHLEX", "ISO3166_1", "ISO639_1", "RFC3066"}
    | {"RFC5646"}
)
LOCAL_SCHEME = b"99LOCAL"
OLDEST = 89  # years; above it an age alone tells a person (45 CFR 164.514(b)(2)(i)(C))
UIDS = re.compile(rb"[0-9.\\ \0]*")
OFFSET = re.compile(rb"[+-][0-9]{4}")  # from UTC
PERSONAL_VRS = frozenset(("PN", "UI", "DA", "DT"))


@dataclass(frozen=True)
class Patient:
    """Whose picture it is, as the output calls them, and the days by which their dates move."""

    pseudonym: str
    days: int


@dataclass
class Place:
    """Where in a file an element stands: what its neighbours said that it depends on."""

    patient: Patient
    charset: bytes = b""
    scheme: str = ""
    creators: dict[int, str] = field(default_factory=dict)  # by group and block
    depth: int = 0


class Cleaner:
    """The table of one profile, with the key of one run."""

    def __init__(self, profile: Profile, keys: Keys, known: Known) -> None:
        self.profile = profile
        self.keys = keys
        self.known = known
        self.safe = safe_private() if profile.has(Option.SAFE_PRIVATE) else frozenset()
        self._actions: dict[tuple[int, str], Action] = {}
        self._figures: set[tuple[int, bytes]] = set()  # tags, as they are written, of what stays and tells nobody
        self._vrs = vrs()

    def vr(self, tag: int, vr: bytes) -> str:
        """What the value is: the dictionary's word where the file has none, or says UN."""
        return self._vrs.get(tag, "UN") if vr in (b"", b"UN") else vr.decode("ascii", "replace")

    def action(self, tag: int, vr: str) -> Action:
        """What the profile does to it."""
        found = self._actions.get((tag, vr))
        if found is None:
            found = self._actions[tag, vr] = action_for(tag, self._vrs.get(tag, vr), self.profile)
        return found

    def item(self, data: bytes, start: int, end: int, coding: Coding, place: Place) -> bytes:
        """The elements of one item, or of a whole data set, cleaned. Raises Odd."""
        if place.depth > DEEPEST:
            raise Odd
        here = Place(place.patient, place.charset, depth=place.depth)
        out: list[tuple[int, bytes]] = []
        for found in elements(data, start, end, coding):
            self.look(data, found, here)
            out.append((found.tag, self.element(data, found, coding, here)))
        return b"".join(chunk for _, chunk in without_idle_creators(out))

    def look(self, data: bytes, found: Element, here: Place) -> None:
        """Note what later elements depend on."""
        if found.tag == CHARSET:
            here.charset = data[found.value : found.end]
        elif found.tag == DESIGNATOR:
            here.scheme = data[found.value : found.end].strip(b" \0").decode("ascii", "replace")
        elif found.tag >> 16 & 1 and 0x10 <= found.tag & 0xFFFF <= 0xFF:
            creator = data[found.value : found.end].strip(b" \0").decode("ascii", "replace")
            here.creators[found.tag >> 16 << 8 | found.tag & 0xFF] = creator

    def element(self, data: bytes, found: Element, coding: Coding, here: Place) -> bytes:
        """One element, cleaned; nothing where it is removed. Raises Odd."""
        if (found.tag, found.vr) in self._figures and not found.undefined:
            return data[found.start : found.end]
        vr = self.vr(found.tag, found.vr)
        action = self.action(found.tag, vr)
        if action is Action.PRIVATE:
            return data[found.start : found.end] if self.is_safe(found.tag, here) else b""
        if vr == "SQ":
            return self._sequence(data, found, coding, here, action)
        if found.undefined:
            raise Odd
        if action is Action.KEEP and vr not in TEXT and vr not in PERSONAL_VRS:
            self._figures.add((found.tag, found.vr))
        value = data[found.value : found.end]
        self.learn(found.tag, vr, value, here)
        new = self.new_value(found.tag, vr, action, value, here)
        if new is value:
            return data[found.start : found.end]
        return b"" if new is None else written(found.tag, found.vr, even(vr.encode(), new), coding.explicit)

    def is_safe(self, tag: int, here: Place) -> bool:
        """A private element that is listed; or a private creator, which goes later if nothing of it stays."""
        group, element = tag >> 16, tag & 0xFFFF
        if not self.safe:
            return False
        if 0x10 <= element <= 0xFF:
            return True
        return (here.creators.get(group << 8 | element >> 8, ""), group, element & 0xFF) in self.safe

    def learn(self, tag: int, vr: str, value: bytes, here: Place) -> None:
        """Remember what tells people, whether it stays or goes."""
        if vr == "UI" and self.action(tag, vr) is Action.KEEP:
            return
        if vr in PERSONAL_VRS or (vr in TEXT and len(value) <= 1024):
            self.known.learn(tag, vr, decoded(value, here.charset), here.patient.pseudonym, value)

    def _sequence(self, data: bytes, found: Element, coding: Coding, here: Place, action: Action) -> bytes:
        if found.vr == b"UN" and found.end > found.value:  # in implicit VR inside, whatever is around it
            raise Odd
        inner = Place(here.patient, here.charset, depth=here.depth + 1)
        try:
            contents = [self.item(data, start, end, coding, inner) for start, end in items(data, found, coding)]
        except TooFew:  # an item's delimiter is missing, and there are no more bytes to come
            raise Odd from None
        if action is Action.REMOVE:
            return b""
        if action is Action.EMPTY:
            contents = []
        elif action is Action.DUMMY:
            contents = [dummy_code(coding.explicit)]
        return written(found.tag, found.vr and b"SQ", written_items(contents), coding.explicit)

    def _tells(self, tag: int, vr: str, value: bytes, here: Place) -> bool:
        """Does a text that is to stay hold something known of the people?"""
        if vr not in TEXT:
            return False
        texts = (
            [value]
            if value.isascii() and b"\x1b" not in value
            else [value, decoded(value, here.charset).lower().encode("utf-8", "replace")]
        )
        return any(True for text in texts for _ in self.known.told(words_of(text), tag, vr, here.patient.pseudonym))

    def new_value(self, tag: int, vr: str, action: Action, value: bytes, here: Place) -> bytes | None:
        """The new value, None for none; the same object where it stays. A text that told the name becomes a dummy."""
        if action is Action.KEEP and not self._tells(tag, vr, value, here):
            return value if vr != "UI" or UIDS.fullmatch(value) else b""
        if action is Action.REMOVE:
            return None
        if action is Action.EMPTY:
            return b""
        if action is Action.UID:
            return b"\\".join(self.keys.uid(uid).encode() for uid in split_uids(value))
        if action is Action.DATE:
            return self._date(tag, vr, value, here.patient)
        if action is Action.PSEUDONYM:
            return here.patient.pseudonym.encode()
        if action is Action.AGE:
            return aged(value)
        if action is Action.CLEAN:
            return self._clean(tag, vr, value, here)
        if action is Action.SCHEME:
            return value if here.scheme in PUBLIC_CODES else LOCAL_SCHEME
        if action is Action.MEANING:
            if here.scheme in PUBLIC_CODES and not self._tells(tag, vr, value, here):
                return value
            return self._cleaned(value, here) or REMOVED
        return self._dummy(vr, value)

    def _date(self, tag: int, vr: str, value: bytes, patient: Patient) -> bytes | None:
        if vr not in ("DA", "DT", "TM"):  # an offset from UTC stays, a stamp of a signer goes
            offset = tag == 0x00080201 and OFFSET.fullmatch(value.strip(b" \0"))
            return value if offset else self._plain(tag, vr, value)
        return moved(vr, value, patient.days)

    def _plain(self, tag: int, vr: str, value: bytes) -> bytes | None:
        """What the basic profile does."""
        action = fallback(tag)
        return None if action is Action.REMOVE else b"" if action is Action.EMPTY else self._dummy(vr, value)

    def _cleaned(self, value: bytes, here: Place) -> bytes:
        own = self.known.own.get(here.patient.pseudonym, set())
        names = frozenset(word.decode("utf-8", "replace") for word in own) | self.known.staff
        text = decoded(value, here.charset)
        return b"\\".join(cleaned(part, names).encode("ascii", "ignore") for part in text.split("\\"))

    def _clean(self, tag: int, vr: str, value: bytes, here: Place) -> bytes | None:
        new = self._cleaned(value, here)
        if vr == "CS":
            new = new.upper()[:16]
        return new if new.strip(b"\\ ") else self._plain(tag, vr, value)

    def _dummy(self, vr: str, value: bytes) -> bytes:
        if vr in TEXT:
            return REMOVED
        if vr in DUMMIES:
            return DUMMIES[vr]
        if vr in WIDTHS:
            return bytes(max(len(value), WIDTHS[vr]))
        if vr == "UI":
            return b"\\".join(self.keys.uid(uid).encode() for uid in split_uids(value))
        return {"AS": b"000Y", "DS": b"0", "IS": b"0", "UR": b"http://removed.invalid"}.get(vr, b"\0\0")


def split_uids(value: bytes) -> list[str]:
    """The UIDs of a UI value, as text."""
    return [part.strip(b" \0").decode("ascii", "replace") for part in value.split(b"\\")]


def aged(value: bytes) -> bytes:
    """An AS value in which nobody is older than 90 years (PS3.5 section 6.2: nnnD, nnnW, nnnM, nnnY)."""
    text = value.strip(b" \0")
    if len(text) == 4 and text[:3].isdigit() and text[3:] in (b"D", b"W", b"M", b"Y"):
        years = int(text[:3]) if text[3:] == b"Y" else 0
        return b"090Y" if years > OLDEST else text
    return b""


def dummy_code(explicit: bool, order: str = "<") -> bytes:
    """The elements of a code that says nothing."""
    parts = ((0x00080100, b"SH", REMOVED), (0x00080102, b"SH", b"99SO"), (0x00080104, b"LO", REMOVED))
    return b"".join(written(tag, vr, value, explicit, order) for tag, vr, value in parts)


def without_idle_creators(chunks: list[tuple[int, bytes]]) -> list[tuple[int, bytes]]:
    """The same without private creators of which no element is left."""
    used = {tag >> 16 << 8 | (tag >> 8 & 0xFF) for tag, chunk in chunks if chunk and tag >> 16 & 1 and tag & 0xFF00}
    return [
        (tag, chunk)
        for tag, chunk in chunks
        if not (tag >> 16 & 1 and tag & 0xFFFF <= 0xFF) or tag >> 16 << 8 | tag & 0xFF in used
    ]
