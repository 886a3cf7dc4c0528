"""Cleans a short text by keeping the words of the trade alone (Clean Descriptors Option, PS3.15 section E.3.5).

Rule: a word stays because it is known to be harmless, never because nothing was found against it.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

LONGEST = 128  # characters; a longer text is a story, and of a story too much would be lost or left
PARTS = re.compile(r"[A-Za-z0-9]+(?:\.[0-9]+[A-Za-z]*)?\*?|.", re.DOTALL)
ROW = re.compile(r"[0-9]+(?:[ ./:,-]+[0-9]+)+")  # of numbers: a date, a telephone, unless it is one decimal number
DECIMAL = re.compile(r"[0-9]{1,3}\.[0-9]{1,2}")
NUMBER = re.compile(r"[0-9]{1,3}(\.[0-9]{1,2})?(mm|cm|m|s|ms|sec|min|kv|kvp|ma|mas|d|x|hz|mhz|b|t|fps|pct)?")
KERNEL = re.compile(r"[bhuitjfr]r?[0-9]{2}[a-z]?")  # B30f, H31s, Br40
# Of these alone no sense is left.
FILLERS = frozenset(
    {"of", "and", "or", "the", "for", "in", "on", "at", "to", "from", "by", "with", "y", "e", "ou", "und", "de", "del"}
    | {"la", "el", "las", "los", "mit", "con", "dr", "pt", "s", "x", "z", "w", "c"}
)
JOINTS = frozenset("/+-_.,:()%*^ ")


@cache
def vocabulary() -> frozenset[str]:
    """The words that may stay, in lower case and without accents."""
    text = files("imaging.deidentify").joinpath("words.txt").read_text("utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def plain(text: str) -> str:
    """Lower case, without accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c for c in apart if not unicodedata.combining(c)).lower()


def cleaned(text: str, own: frozenset[str]) -> str:
    """What may stay of this text, as ASCII; empty where nothing may. `own` are words of the people, as `plain` gives.

    The order and the single signs between words that stay are kept; numbers of four and more figures go, since dates
    and patient numbers are made of them.
    """
    if len(text) > LONGEST:
        return ""
    apart = unicodedata.normalize("NFKD", text)
    letters = "".join(c for c in apart if not unicodedata.combining(c))
    letters = ROW.sub(lambda found: found[0] if DECIMAL.fullmatch(found[0]) else " ", letters)
    parts = PARTS.findall(letters)
    if not any(_stays(part.lower(), own) and part.lower() not in FILLERS for part in parts):
        return ""
    kept = [part if part in JOINTS or _stays(part.lower(), own) else " " for part in parts]
    return re.sub(r"\s+", " ", "".join(kept)).strip(" /+-_.,:^*%")


def _stays(word: str, own: frozenset[str]) -> bool:
    if word in own:
        return False
    return word in vocabulary() or NUMBER.fullmatch(word) is not None or KERNEL.fullmatch(word) is not None
