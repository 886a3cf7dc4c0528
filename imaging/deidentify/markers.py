"""What a cleaned file says of itself: who made it so, by which codes, and a file meta group of its own."""

from __future__ import annotations

import struct
from collections.abc import Container

from imaging.deidentify.elements import written, written_items
from imaging.deidentify.profiles import Option, Profile

IMPLEMENTATION = "2.25.199103674126405861287640186220365049843"  # ours (PS3.7 section D.3.3.2), of a random UUID
VERSION = "SECOND_OPINION_1"
METHOD = "DICOM PS3.15 Annex E, profile"
MARKED = frozenset({0x00120062, 0x00120063, 0x00120064, 0x00280303})


NAMES = ((0x00100010, b"PN"), (0x00100020, b"LO"))


def markers(
    profile: Profile, pseudonym: str, present: Container[int], explicit: bool, order: str = "<"
) -> list[tuple[int, bytes]]:
    """The elements that say what was done (PS3.15 section E.1, C.7.1.1 and C.12.1 of PS3.3), in tag order.

    Where an object names no patient, it names ours: else its patients could not be kept apart.
    """
    names = [(tag, vr) for tag, vr in NAMES if tag not in present]
    codes = [
        b"".join(
            written(tag, vr, text.encode(), explicit, order)
            for tag, vr, text in ((0x00080100, b"SH", value), (0x00080102, b"SH", "DCM"), (0x00080104, b"LO", meaning))
        )
        for value, meaning in profile.codes
    ]
    dates = b"MODIFIED" if profile.has(Option.DATES) else b"REMOVED"
    return [
        *((tag, written(tag, vr, pseudonym.encode(), explicit, order)) for tag, vr in names),
        (0x00120062, written(0x00120062, b"CS", b"YES", explicit, order)),
        (0x00120063, written(0x00120063, b"LO", f"{METHOD} {profile.name}".encode(), explicit, order)),
        (0x00120064, written(0x00120064, b"SQ", written_items(codes, order), explicit, order)),
        (0x00280303, written(0x00280303, b"CS", dates, explicit, order)),
    ]


class MetaWriter:
    """Preamble and file meta group of one kind of object: only the instance differs."""

    def __init__(self, sop_class: str, syntax: str) -> None:
        self._before = written(0x00020001, b"OB", b"\0\1", explicit=True) + _uid(0x00020002, sop_class)
        name = written(0x00020013, b"SH", VERSION.encode(), explicit=True)
        self._behind = _uid(0x00020010, syntax) + _uid(0x00020012, IMPLEMENTATION) + name

    def head(self, sop_instance: str) -> bytes:
        """An empty preamble, the prefix and the group; no application's name, nothing private (PS3.10 section 7.1)."""
        group = self._before + _uid(0x00020003, sop_instance) + self._behind
        return bytes(128) + b"DICM" + written(0x00020000, b"UL", struct.pack("<L", len(group)), explicit=True) + group


def _uid(tag: int, uid: str) -> bytes:
    return written(tag, b"UI", uid.encode("ascii", "replace"), explicit=True)
