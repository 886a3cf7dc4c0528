"""Which pictures no rule can make safe. They are set aside for a person to decide, and never called de-identified.

Rule: pixels are never painted over; a picture that may have a name in it goes out as it is, or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from imaging.burned_in import burned_in_risk
from imaging.study import Header, Instance, Person

REASONS = {
    "encapsulated-document": "A document is packed in this file. Nobody can clean it by rules.",
    "burned-in-flag": "The header says that text is burned into the picture.",
    "burned-in-capture": "A captured screen or page: names are often printed into it.",
    "burned-in-kind": "A kind of picture into which machines often print the name.",
    "voice": "A recorded voice.",
    "private-kind": "An object of the maker's own kind. What it holds is described nowhere.",
    "overlay-in-pixels": "A drawing is hidden in unused bits of the pixels.",
    "more-than-the-picture": "There are more bytes in the pixels than the picture has, and they are not empty.",
    "mixed-study": "This study has files of another person, too.",
    "same-number-other-content": "It has the number of another picture, and other content.",
    "residual-identifier": "A name, number, date or UID of the input was found in what was to be released.",
    "cannot-be-rewritten": "The file can be read, and not be written anew.",
}
MAY_BE_RELEASED = frozenset({"burned-in-flag", "burned-in-capture", "burned-in-kind", "overlay-in-pixels"})
"""Reasons that a person who looked at the picture can set aside."""

VOICE = ("1.2.840.10008.5.1.4.1.1.9.4.1", "1.2.840.10008.5.1.4.1.1.9.4.2")
RAW_DATA = "1.2.840.10008.5.1.4.1.1.66"  # the maker's own format, in a public wrapping


@dataclass(frozen=True)
class Facts:
    """What the gate and the report need of an object, by tag, as text."""

    values: Mapping[int, str]
    groups: frozenset[int] = field(default=frozenset())  # groups from 0x6000 that are there
    document: bool = False

    def text(self, tag: int) -> str:
        """One value; empty where it is absent."""
        return self.values.get(tag, "")

    def number(self, tag: int, default: int = 0) -> int:
        """A whole number."""
        text = self.text(tag)
        return int(text) if text.isdigit() else default

    @property
    def sop_class(self) -> str:
        """SOP Class UID."""
        return self.text(0x00080016)


# What Facts are made of: enough to judge, to name and to count.
NEEDED = {
    0x00080005: "CS",
    0x00080008: "CS",
    0x00080016: "UI",
    0x00080018: "UI",
    0x00080060: "CS",
    0x00100010: "PN",
    0x00100020: "LO",
    0x00100021: "LO",
    0x00100030: "DA",
    0x00120062: "CS",
    0x00120063: "LO",
    0x00120064: "SQ",
    0x00180015: "CS",
    0x0020000D: "UI",
    0x0020000E: "UI",
    0x00280002: "US",
    0x00280008: "IS",
    0x00280010: "US",
    0x00280011: "US",
    0x00280100: "US",
    0x00280301: "CS",
    0x00280303: "CS",
}


def reason_against(facts: Facts) -> str:
    """Why this object is set aside; empty where rules alone can clean it."""
    if facts.document:
        return "encapsulated-document"
    if facts.sop_class in VOICE:
        return "voice"
    if not facts.sop_class.startswith("1.2.840.10008.") or facts.sop_class == RAW_DATA:
        return "private-kind"
    risk = burned_in_risk(_header(facts))
    if risk:
        return f"burned-in-{risk}"
    return "overlay-in-pixels" if facts.groups else ""


def _header(facts: Facts) -> Header:
    return Header(
        person=Person(),
        instance=Instance("", "", "", facts.sop_class, ""),
        modality=facts.text(0x00080060),
        burned_in=facts.text(0x00280301).upper(),
        image_type=tuple(part.strip() for part in facts.text(0x00080008).split("\\")),
    )


def picture_bytes(facts: Facts) -> int:
    """Bytes that the picture needs (PS3.5 section 8.1.1), uncompressed; 0 where the header does not say."""
    bits = facts.number(0x00280010) * facts.number(0x00280011) * facts.number(0x00280002, 1) * facts.number(0x00280100)
    return (bits * max(1, facts.number(0x00280008, 1)) + 7) // 8
