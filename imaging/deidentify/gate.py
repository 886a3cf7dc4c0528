"""Which pictures no rule can make safe. They are set aside for a person to decide, and never called de-identified.

Rule: pixels are never painted over; a picture that may have a name in it goes out as it is, or not at all.
"""

from __future__ import annotations

from dataclasses import dataclass

from imaging.burned_in import burned_in_risk
from imaging.study import Header

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
class Content:
    """What the header's usual values leave out: a packed document, drawings hidden in pixels, bytes of the picture."""

    document: bool = False
    hidden_drawings: bool = False
    picture_bytes: int = 0  # that the picture needs (PS3.5 section 8.1.1), uncompressed; 0 where nothing says so
    cleaned_before: bool = False  # its own header says that somebody de-identified it
    shifted_before: bool = False  # and that the dates were moved


def reason_against(header: Header, content: Content) -> str:
    """Why this object is set aside; empty where rules alone can clean it."""
    sop_class = header.instance.sop_class_uid
    if content.document:
        return "encapsulated-document"
    if sop_class in VOICE:
        return "voice"
    if not sop_class.startswith("1.2.840.10008.") or sop_class == RAW_DATA:
        return "private-kind"
    risk = burned_in_risk(header)
    if risk:
        return f"burned-in-{risk}"
    return "overlay-in-pixels" if content.hidden_drawings else ""
