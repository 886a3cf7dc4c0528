"""Text in other character sets, by pydicom's own decoders, so that a name is the same whoever reads it."""

from __future__ import annotations


def decoded_text(raw: bytes, vr: str, character_sets: str) -> list[str]:
    """The values of one text element ("LO", "SH", "ST" or "PN"), in these Specific Character Sets parted by "\\"."""
    from pydicom.charset import convert_encodings
    from pydicom.multival import MultiValue
    from pydicom.values import convert_PN, convert_single_string, convert_text

    from imaging.quiet import quiet

    sets = character_sets.split("\\")
    with quiet():
        encodings = convert_encodings(sets if len(sets) > 1 else sets[0])
        if vr == "ST":
            return [convert_single_string(raw, encodings, vr)]
        found = convert_PN(raw, encodings) if vr == "PN" else convert_text(raw, encodings, vr)
    return [str(value) for value in (found if isinstance(found, MultiValue) else [found])]
