"""Rewrites the pictures of a series by what they have in common: what was cleaned once is compared, not parsed again.

Rule: a template speeds things up and decides nothing. Where a file differs in what decides, the slower way is taken.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from imaging.burned_in import CAPTURES
from imaging.deidentify.elements import UNDEFINED, Coding, Element, Odd, TooFew, element_at, head_at
from imaging.deidentify.gate import Content
from imaging.deidentify.layout import PIXEL_TAGS, Layout, content_of
from imaging.deidentify.markers import markers
from imaging.deidentify.rewrite import CHARSET, Cleaner, Patient, Place, without_idle_creators

# What other elements depend on, or what decides whether the object may be cleaned at all.
DECIDING = frozenset(
    {CHARSET, 0x00080016, 0x00080060, 0x00100010, 0x00100020, 0x00100030, 0x0020000D, 0x00420011}
    | {0x00120062, 0x00120063, 0x00120064, 0x00280303, 0x00280301}
    | {0x00280002, 0x00280008, 0x00280010, 0x00280011, 0x00280100, 0x0020000E}
)
INSTANCE = 0x00080018
IMAGE_TYPE = 0x00080008  # differs in many series, and decides only where one of them is a captured screen
PAST_ALL = 1 << 32
MOST_NEW = 12  # elements that a file may have beside those of its template


@dataclass
class _Walk:
    """How far a file was compared: the next element of the template, the last tag met, what was kept."""

    at: int = 0
    last: int = 0
    new: int = 0
    out: list[bytes] = field(default_factory=list)


@dataclass
class Template:
    """One file, element by element: the bytes it had, and what became of them. A marker of ours had no bytes."""

    coding: Coding
    content: Content
    place: Place
    version: int  # of the names known when it was made
    sop_instance_uid: str  # of the file that was compared last
    tags: list[int]
    raws: list[bytes]
    chunks: list[bytes]
    lengths: list[int]

    def follow(self, cleaner: Cleaner, data: bytes, here: int, size: int) -> tuple[list[bytes], int] | None:
        """The cleaned elements of another file of the series, and where its pixels begin; None if it is too different.

        `data` are the file's first bytes. Raises Odd where they end too early, or are not well-formed.
        """
        walk, coding = _Walk(), Coding(self.coding.explicit, size)
        while True:
            here = self._alike(data, here, walk)
            found = _next(data, here, coding, walk.last)
            if found is None:
                break
            if not self._passed(found.tag, walk) or not self._other(cleaner, data, found, walk, coding):
                return None
            here = found.end
        return (walk.out, here) if self._passed(PAST_ALL, walk) else None

    def _alike(self, data: bytes, here: int, walk: _Walk) -> int:
        """Everything that is the same to the byte."""
        at, known, raws, chunks, lengths = walk.at, len(self.tags), self.raws, self.chunks, self.lengths
        starts_with, keep = data.startswith, walk.out.append
        while at < known and starts_with(raws[at], here):
            keep(chunks[at])
            here += lengths[at]
            at += 1
        if at > walk.at:
            walk.at, walk.last = at, self.tags[at - 1]
        return here

    def _passed(self, tag: int, walk: _Walk) -> bool:
        """Pass over what this file lacks before `tag`; False where that decides something."""
        while walk.at < len(self.tags) and self.tags[walk.at] < tag:
            if not self.raws[walk.at]:
                walk.out.append(self.chunks[walk.at])
            elif self.tags[walk.at] in DECIDING or self.tags[walk.at] in (INSTANCE, IMAGE_TYPE):
                return False
            walk.at += 1
        return True

    def _other(self, cleaner: Cleaner, data: bytes, found: Element, walk: _Walk, coding: Coding) -> bool:
        """An element with another value, or a new one; False where it decides something."""
        tag, at = found.tag, walk.at
        same = at < len(self.tags) and self.tags[at] == tag
        private = tag >> 16 & 1 == 1
        if tag in DECIDING or (private and cleaner.safe and (not same or tag & 0xFFFF <= 0xFF)):
            return False  # another creator makes other elements of those that follow
        walk.new += not same
        if walk.new > MOST_NEW or (not same and tag >> 16 & 0xFF00 == 0x6000):
            return False
        chunk = cleaner.element(data, found, coding, self.place)
        walk.out.append(chunk)
        if tag == IMAGE_TYPE and not (same and _no_captures(self.raws[at], data[found.start : found.end])):
            return False
        if tag == INSTANCE:
            self.sop_instance_uid = _text(data, found)
        if same:
            raw = data[found.start : found.end]
            self.raws[at], self.chunks[at], self.lengths[at] = raw, chunk, len(raw)
            walk.at += 1
        walk.last = tag
        return True


def _next(data: bytes, here: int, coding: Coding, last: int) -> Element | None:
    """The element that begins there; None at the pixels, or the end. Raises Odd."""
    if here >= coding.size:
        return None
    end = len(data)
    try:
        tag, vr, value, length = head_at(data, here, end, coding.explicit)
        if tag in PIXEL_TAGS:
            return None
        if length == UNDEFINED:
            found = element_at(data, here, end, coding)
        else:
            found = Element(tag, vr, here, value, value + length, undefined=False)
    except TooFew:
        raise Odd from None
    if found.end > end or tag <= last or tag >> 16 == 0xFFFE:
        raise Odd
    return found


def made_from(cleaner: Cleaner, layout: Layout, patient: Patient) -> Template:
    """Clean every element of a file, the slower way. Raises Odd."""
    data = layout.data
    place = Place(patient)
    for found in layout.elements:  # names first: they must not stand in what comes before them
        cleaner.look(data, found, place)
        if not found.undefined and found.end - found.value <= 1024:
            cleaner.learn(found.tag, cleaner.vr(found.tag, found.vr), data[found.value : found.end], place)
    version = cleaner.known.version
    chunks, place = _cleaned(cleaner, layout, patient)
    if cleaner.known.version != version:  # a name stood in a sequence, behind what it must not stand in
        version = cleaner.known.version
        chunks, place = _cleaned(cleaner, layout, patient)
    tags = [found.tag for found in layout.elements]
    raws = [data[found.start : found.end] for found in layout.elements]
    if cleaner.safe:
        kept = dict(without_idle_creators(list(zip(tags, chunks, strict=True))))
        chunks = [kept.get(tag, b"") for tag in tags]
    for tag, chunk in markers(cleaner.profile, patient.pseudonym, set(tags), layout.coding.explicit):
        at = bisect_left(tags, tag + 1)
        tags.insert(at, tag)
        raws.insert(at, b"")
        chunks.insert(at, chunk)
    lengths = [len(raw) for raw in raws]
    uid = next((_text(data, found) for found in layout.elements if found.tag == INSTANCE), "")
    return Template(layout.coding, content_of(layout), place, version, uid, tags, raws, chunks, lengths)


def _no_captures(*raws: bytes) -> bool:
    text = b"".join(raws).upper().decode("ascii", "replace")
    return not any(word in text for word in CAPTURES)


def _text(data: bytes, found: Element) -> str:
    return data[found.value : found.end].strip(b" \0").decode("ascii", "replace")


def _cleaned(cleaner: Cleaner, layout: Layout, patient: Patient) -> tuple[list[bytes], Place]:
    place, chunks = Place(patient), []
    for found in layout.elements:
        cleaner.look(layout.data, found, place)
        chunks.append(cleaner.element(layout.data, found, layout.coding, place))
    return chunks, place
