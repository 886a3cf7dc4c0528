"""Which representation an element has where the file does not say: by pydicom's dictionaries, public and private."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=4096)
def vr_of(tag: int, creator: str) -> str:
    """As pydicom looks it up; "UN" where nobody knows. `creator` is the private creator of its block, or empty."""
    from pydicom.datadict import dictionary_VR, private_dictionary_VR
    from pydicom.tag import BaseTag

    if not tag >> 16 & 1:
        return dictionary_vr(tag) or "UN"
    number = BaseTag(tag)
    if number.is_private_creator:
        return "LO"
    try:
        return str(dictionary_VR(tag))
    except KeyError:
        pass
    if not creator or not tag & 0xFF00:
        return "UN"
    try:
        return str(private_dictionary_VR(number, creator))
    except KeyError:
        return "UN"


@lru_cache(maxsize=4096)
def dictionary_vr(tag: int) -> str:
    """Of the public dictionary; empty where it does not know the tag."""
    from pydicom.datadict import dictionary_VR

    try:
        return str(dictionary_VR(tag))
    except KeyError:
        return ""
