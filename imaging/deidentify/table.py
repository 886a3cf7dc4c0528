"""From the tables of PS3.15 Annex E and a profile to one action for each attribute.

Rule: what no table and no dictionary describes is removed; what a table leaves open is decided for the stricter side.
"""

from __future__ import annotations

import csv
from enum import IntEnum
from functools import cache
from importlib.resources import files

from imaging.deidentify.profiles import Option, Profile


class Action(IntEnum):
    """What happens to an attribute (PS3.15 table E.1-1a), the open codes decided."""

    KEEP = 0  # K, unless its text holds a word of the person's own name
    REMOVE = 1  # X
    EMPTY = 2  # Z
    DUMMY = 3  # D
    UID = 4  # U
    DATE = 5  # C of a date or time
    CLEAN = 6  # C of a text: words of the trade stay, all others go
    TREE = 7  # a sequence that stays, with each of its items cleaned
    PSEUDONYM = 8  # D of what tells the person
    AGE = 9  # K, ages above 89 years joined
    MEANING = 10  # of a code: kept for a public coding scheme, else cleaned
    SCHEME = 11  # of a code: kept for a public one, else one name for all, since hospitals name theirs after themselves
    PRIVATE = 12  # X of a private element, unless its creator and number are listed as safe


WHEN_OPEN = {
    "X": Action.REMOVE,
    "Z": Action.EMPTY,
    "D": Action.DUMMY,
    "U": Action.UID,
    # An empty or a dummy value conforms where removal might not (types 1 and 2 of PS3.5 section 7.4).
    "X/Z": Action.EMPTY,
    "X/D": Action.DUMMY,
    "Z/D": Action.DUMMY,
    "X/Z/D": Action.DUMMY,
    "X/Z/U*": Action.TREE,
    "M": Action.MEANING,
    "S": Action.SCHEME,
}
SPECIAL = {
    0x00100010: Action.PSEUDONYM,  # Patient's Name
    0x00100020: Action.PSEUDONYM,  # Patient ID
    0x00120040: Action.PSEUDONYM,  # Clinical Trial Subject ID
}
# Untabulated UIDs that name kinds, languages and codings, never an instance (PS3.6 Annex A).
OF_KINDS = frozenset(
    {0x00080016, 0x0008001A, 0x0008001B, 0x00080062, 0x0008010C, 0x0008010D, 0x00080117, 0x00080118, 0x0008040E}
    | {0x00081150, 0x0008115A, 0x00083002, 0x00340003, 0x04000010, 0x30100052, 0x30100053}
)
BINARY_KEPT = frozenset({0x00282000, 0x00700256, 0x00701808})  # a colour profile, a pattern, a table
CODES = frozenset({0x00401101})  # Person Identification Code Sequence: of type 1 where it stands
DATES = ("DA", "DT", "TM")
SHORT_TEXT = ("LO", "SH", "ST", "CS")  # of a longer one too little would be left to make sense of
CUT_BY_GROUP = (0x5000, 0x6000)  # curves and overlays, each of 256 groups
SECURITY_SCREENING = 0x4010  # luggage and its owners: no image of a patient has it


@cache
def rows(name: str = "attributes.csv") -> dict[int, dict[str, str]]:
    """One table, by tag: `keyword`, `vr`, the basic profile's code, and a code (K, C or nothing) for each option."""
    return {int(row["tag"], 16): row for row in _lines(name)}


def _lines(name: str) -> csv.DictReader[str]:
    return csv.DictReader(files("imaging.deidentify").joinpath(name).read_text("utf-8").splitlines())


@cache
def safe_private() -> frozenset[tuple[str, int, int]]:
    """Creator, group and element (its last byte) of each private element that is known to be safe."""
    listed = _lines("private.csv")
    return frozenset((row["creator"], int(row["group"], 16), int(row["element"], 16)) for row in listed)


@cache
def vrs() -> dict[int, str]:
    """The VR of every attribute that PS3.6 or a table here names; the first of several that are possible."""
    from pydicom._dicom_dict import DicomDictionary  # the table itself; pydicom.datadict gives it by one tag only

    tabulated = {tag: row["vr"] for source in ("attributes.csv", "own.csv") for tag, row in rows(source).items()}
    known = {tag: str(entry[0])[:2] for tag, entry in DicomDictionary.items() if entry[0] != "NONE"}
    return {**{tag: vr for tag, vr in tabulated.items() if vr}, **known}


def action_for(tag: int, vr: str, profile: Profile) -> Action:
    """What this profile does to the attribute. `vr` is the dictionary's, else the file's."""
    group = tag >> 16
    if group & 1:
        return Action.PRIVATE
    if tag & 0xFFFF == 0 or group in (0x0000, SECURITY_SCREENING) or group & 0xFF00 in CUT_BY_GROUP:
        return Action.REMOVE
    row = rows().get(tag) or rows("own.csv").get(tag)
    if row is not None:
        return _tabulated(tag, row, profile)
    return _untabulated(tag, vr, profile)


def _tabulated(tag: int, row: dict[str, str], profile: Profile) -> Action:
    if tag in SPECIAL:
        return SPECIAL[tag]
    vr, basic = row["vr"], WHEN_OPEN[row["basic"]]
    wanted = {row[option.column] for option in profile.options if option.column}
    if "K" in wanted and vr not in (*DATES, "UR", "AE"):  # an address leads to a site that knows
        return Action.TREE if vr == "SQ" else Action.AGE if vr == "AS" else Action.KEEP
    if profile.has(Option.DATES) and (row["dates"] == "C" or "K" in wanted):  # one true date would tell the shift
        return Action.DATE
    if row["structure"] == "C" or row["graphics"] == "C":
        return Action.TREE if vr == "SQ" else basic
    if profile.has(Option.DESCRIPTORS) and row["descriptors"] == "C" and vr in SHORT_TEXT:
        return Action.CLEAN
    return _of_sequence(tag, row["basic"]) if vr == "SQ" else basic


def _of_sequence(tag: int, basic: str) -> Action:
    """A sequence has no dummy value: its items' own attributes are cleaned, or it is a code and a dummy code stands."""
    if basic == "D":
        return Action.DUMMY if tag in CODES else Action.TREE
    return {"X/D": Action.REMOVE, "X/Z/D": Action.EMPTY}.get(basic, WHEN_OPEN[basic])


def _untabulated(tag: int, vr: str, profile: Profile) -> Action:
    if tag not in vrs():
        return Action.REMOVE
    if vr == "SQ":
        return Action.TREE
    if vr == "UI":
        return Action.KEEP if tag in OF_KINDS else Action.UID
    if vr in DATES:
        return Action.DATE if profile.has(Option.DATES) else Action.EMPTY
    if vr in ("ST", "LT", "UT", "UC"):
        return Action.CLEAN if vr == "ST" and profile.has(Option.DESCRIPTORS) else Action.EMPTY
    if vr == "PN":
        return Action.EMPTY
    unclear = vr in ("AE", "UR", "UN") or (vr == "OB" and tag not in BINARY_KEPT and tag >> 16 not in (0x7FE0, 0x5400))
    return Action.REMOVE if unclear else Action.KEEP


def fallback(tag: int) -> Action:
    """What the basic profile alone does, for a text of which nothing is left or which cannot be cleaned."""
    row = rows().get(tag) or rows("own.csv").get(tag)
    return WHEN_OPEN[row["basic"]] if row is not None else Action.EMPTY
