"""Decodes values by Specific Character Set (0008,0005), well enough to recognise words. Never raises."""

from __future__ import annotations

from functools import lru_cache

DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C, 0x5C, 0x5E, 0x3D}


@lru_cache(maxsize=64)
def encodings(charset: bytes) -> tuple[str, ...]:
    """Python's names of the encodings that this value of (0008,0005) names."""
    from pydicom.charset import convert_encodings

    from imaging.quiet import quiet

    names = [part.strip(" \0") for part in charset.decode("ascii", "replace").split("\\")]
    with quiet():
        try:
            return tuple(convert_encodings(names))
        except (LookupError, ValueError):
            return ("latin-1",)


def decoded(value: bytes, charset: bytes) -> str:
    """The text of a value, without padding."""
    if value.isascii() and b"\x1b" not in value:
        return value.decode("ascii").strip(" \0")
    from pydicom.charset import decode_bytes

    from imaging.quiet import quiet

    with quiet():
        try:
            return decode_bytes(value, encodings(charset), DELIMITERS).strip(" \0")
        except (LookupError, ValueError):
            return value.decode("latin-1").strip(" \0")
