"""Searches what is about to be released for everything the input told of its people. The last word before release.

Rule: it reads the bytes that were written, knows nothing of how they were made, and when in doubt it objects.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from imaging.deidentify.known import APART, NONE, Known, words_of
from imaging.deidentify.markers import MARKED
from imaging.deidentify.rewrite import UIDS
from imaging.quiet import quiet

CALENDAR = frozenset(("DA", "DT", "TM"))
FEW = 16
ISO_DAY = re.compile(rb"[0-9]{4}-[0-9]{2}-[0-9]{2}")
LONG_ENOUGH = 5  # letters; shorter words come up in compressed pixels by chance
# Everything but figures and points parts a UID from others.
UID_APART = bytes(c if 48 <= c <= 57 or c == 46 else 32 for c in range(256))


@dataclass(frozen=True)
class Leak:
    """What kind of identifier was found, and in which attribute. Never what it was."""

    kind: str  # "name", "number", "place", "birth-date", "date" or "uid"
    tag: str  # eight figures, of the outermost attribute; "7FE00010" for pixels


class Scanner:
    """Knows what to look for in the objects of one run. `dates_move`: a date in a date's place is one of ours."""

    def __init__(self, known: Known, *, dates_move: bool) -> None:
        self._known = known
        self._names = frozenset(known.phrases)
        self._days = frozenset(known.days)
        self._births = frozenset(way for ways in known.births.values() for way in ways)
        self._days_and_births = self._days | self._births
        self._iso = tuple(day for day in known.days if b"-" in day)
        self._dates_move = dates_move

    def suspects(self, written: bytes, pseudonym: str) -> bool:
        """May these bytes of a header hold something known? Fast, and wrong only in one direction."""
        words = set(written.translate(APART).split())
        if not (words.isdisjoint(self._known.own.get(pseudonym, NONE)) and words.isdisjoint(self._days_and_births)):
            return True
        for part in (*self._births_of(pseudonym), *self._known.literal.get(pseudonym, NONE)):
            if part in written:
                return True
        if self._has_day(written):
            return True
        if words & self._names and any(True for _ in self._known.told(words_of(written), 0, "", pseudonym)):
            return True
        return not self._known.uids.isdisjoint(written.translate(UID_APART).split())

    def _has_day(self, written: bytes) -> bool:
        if len(self._iso) <= FEW:
            return any(day in written for day in self._iso)
        return not self._days.isdisjoint(ISO_DAY.findall(written))

    def leaks(self, written: bytes, pseudonym: str) -> list[Leak]:
        """Everything known that stands in a header, attribute by attribute. Slow; for what `suspects` suspects."""
        from pydicom import dcmread

        found: dict[Leak, None] = {}
        with quiet():
            dataset = dcmread(io.BytesIO(written), stop_before_pixels=True, force=True)
            for tag in sorted(dataset.keys()):
                if int(tag) in MARKED:
                    continue
                for inner, vr, value in _leaves(dataset, tag):
                    kinds = self._kinds(inner, vr, value, pseudonym)
                    found.update((Leak(kind, f"{int(tag):08X}"), None) for kind in kinds)
        return list(found)

    def reads(self, written: bytes) -> bool:
        """Is this header readable to its end, and does it say that the identity was removed?"""
        from pydicom import dcmread

        with quiet():
            try:
                dataset = dcmread(io.BytesIO(written), stop_before_pixels=True, force=True)
                for element in dataset.iterall():
                    str(element.tag)
                return str(dataset.get("PatientIdentityRemoved")) == "YES"
            except Exception:  # noqa: BLE001  (pydicom raises whatever the bytes provoke)
                return False

    def _kinds(self, tag: int, vr: str, value: bytes, pseudonym: str) -> Iterator[str]:
        if not self._known.uids.isdisjoint(value.translate(UID_APART).split()):
            yield "uid"
        if vr == "UI" and UIDS.fullmatch(value):
            return
        text = words_of(value)
        yield from self._known.told(text, tag, vr, pseudonym)
        if any(part in value for part in self._known.literal.get(pseudonym, NONE)):
            yield "name"
        if vr in CALENDAR and self._dates_move and tag >> 16 != 0x0010:
            return
        if not self._births.isdisjoint(text) or any(birth in value for birth in self._births_of(pseudonym)):
            yield "birth-date"
        if not self._days.isdisjoint(text) or self._has_day(value):
            yield "date"

    def _births_of(self, pseudonym: str) -> set[bytes] | frozenset[bytes]:
        return self._known.births.get(pseudonym, NONE)

    def pixels_suspect(self, first: bytes, pseudonym: str) -> bool:
        """Do compressed pixels begin with comments that hold something known? Short words are not looked for."""
        long_enough = tuple(word for word in words_of(first) if len(word) >= LONG_ENOUGH)
        return any(True for _ in self._known.told(long_enough, 0x7FE00010, "OB", pseudonym))


def _leaves(dataset: Any, tag: Any) -> Iterator[tuple[int, str, bytes]]:
    """Tag, VR and bytes of an element's values, in every depth."""
    element = dataset.get_item(tag, keep_deferred=True)
    raw = element.value if isinstance(getattr(element, "value", None), bytes) else None
    try:
        whole = dataset[tag]
    except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
        yield int(tag), "UN", raw or b""
        return
    if whole.VR != "SQ":
        yield int(tag), str(whole.VR), str(whole.value).encode("utf-8", "replace") if raw is None else raw
        return
    for item in whole.value or []:
        for inner in sorted(item.keys()):
            yield from _leaves(item, inner)
