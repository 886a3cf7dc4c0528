"""Could a word of another script be that word in Latin letters? Passports, clinics and scanners write differently.

Rule: it is only a reason to ask a person. A name that fits in Latin letters is a variant, never a match.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

# What a letter may become, parted by "|"; nothing between or beside "|" means that it may be left out.
CYRILLIC = {
    "а": "a", "б": "b", "в": "v|w", "г": "g|h", "ґ": "g", "д": "d", "е": "ye|je|ie|e", "ё": "yo|jo|io|e|o",
    "є": "ye|ie|e", "ж": "zh|j|z", "з": "z|s", "и": "i|y", "і": "i", "ї": "yi|i", "й": "y|i|j|", "к": "k|c", "л": "l",
    "м": "m", "н": "n", "о": "o", "п": "p", "р": "r", "с": "ss|s", "т": "t", "у": "u|ou", "ф": "f|ph",
    "х": "kh|ch|h|x", "ц": "ts|tz|c|z", "ч": "ch|tsch|c", "ш": "sh|sch|s", "щ": "shch|schtsch|sch|sh", "ъ": "",
    "ы": "y|i", "ь": "y|", "э": "e", "ю": "yu|ju|iu|u", "я": "ya|ja|ia|a", "ђ": "dj|d", "ј": "j|y", "љ": "lj|l",
    "њ": "nj|n", "ћ": "c|ch", "џ": "dz|dzh",
}  # fmt: skip
GREEK = {
    "α": "a", "β": "v|b", "γ": "g|gh|y", "δ": "d|dh", "ε": "e", "ζ": "z", "η": "i|e", "θ": "th|t", "ι": "i",
    "κ": "k|c", "λ": "l", "μ": "m", "ν": "n", "ξ": "x|ks", "ο": "o", "π": "p", "ρ": "r|rh", "σ": "s", "ς": "s",
    "τ": "t", "υ": "y|i|u|v|f", "φ": "f|ph", "χ": "ch|h|kh|x", "ψ": "ps", "ω": "o",
}  # fmt: skip
ARABIC = {
    "ا": "a|e|i|o|aa|", "ب": "b", "ة": "h|t|at|ah|a|", "ت": "t", "ث": "th|t|s", "ج": "j|g|dj", "ح": "h",
    "خ": "kh|ch|h", "د": "d", "ذ": "dh|d|z", "ر": "r", "ز": "z", "س": "s", "ش": "sh|ch", "ص": "s", "ض": "d|dh",
    "ط": "t", "ظ": "z|dh", "ع": "a|e|i|o|u|", "غ": "gh|g", "ف": "f", "ق": "q|k|g", "ك": "k|c", "ل": "l", "م": "m",
    "ن": "n", "ه": "h|", "و": "w|v|ou|u|o", "ى": "a|i", "ي": "y|i|e|", "ئ": "", "ء": "", "ؤ": "ou|u|o|",
}  # fmt: skip
HEBREW = {
    "א": "a|e|i|o|u|", "ב": "b|v", "ג": "g", "ד": "d", "ה": "h|a|ah|", "ו": "v|w|o|u|ou", "ז": "z", "ח": "ch|h|kh",
    "ט": "t", "י": "y|i|e|j|", "כ": "k|ch|kh|c", "ך": "ch|kh|k", "ל": "l", "מ": "m", "ם": "m", "נ": "n", "ן": "n",
    "ס": "s", "ע": "a|e|i|o|u|", "פ": "p|f|ph", "ף": "f|ph", "צ": "tz|ts|z", "ץ": "tz|ts|z", "ק": "k|q|c", "ר": "r",
    "ש": "sh|s", "ת": "t|th",
}  # fmt: skip
VOWELS = frozenset("aeiouy")
MOST_VOWELS = 3  # that scripts without them leave out between two letters

# The sounds of a Hangul syllable (Unicode section 3.12), in the romanisations that people use.
INITIALS = (
    "g|k", "kk", "d|t", "n", "tt|dd", "r|l|rh", "m", "b|p", "pp|bb", "s|sh", "ss", "", "j|ch|z", "jj", "ch", "k", "t",
    "p", "h",
)  # fmt: skip
MEDIALS = (
    "a|ah", "ae|ai|e", "ya", "yae", "eo|u|o|uh", "e", "yeo|yu|you|yo", "ye", "o|oh", "wa", "wae", "oe|oi", "yo",
    "u|ou|o|wo", "wo|weo", "we", "wi", "yu|you", "eu|u|e", "ui|eui|e|i|ie", "i|e|yi",
)  # fmt: skip
FINALS = (
    "", "k|g", "k", "k", "n", "n", "n", "d|t", "l|r", "lk", "lm", "lb", "ls", "lt", "lp", "l", "m", "p|b", "p", "t|s",
    "t", "ng", "t", "t", "k", "t", "p", "t",
)  # fmt: skip
SURNAMES = {
    "이": "yi|i|le|rhe|ri|rhie",
    "박": "bak|pak|park|bahk",
    "최": "choe|choi|chey",
    "임": "im|lim|yim|rim",
    "노": "no|noh|roh|ro",
    "우": "u|wo|wu",
    "유": "yu|yo|you|ryu|rhyu",
}
"""Syllables that people write otherwise than their sounds say (doubled letters written once)."""

Steps = tuple[tuple[str, ...], ...]


def fits(word: str, latin: str) -> bool:
    """Could `word` (folded, in its own script) be written as `latin` (folded, a to z)? Doubled letters count once.

    Words of one letter fit nothing: they would fit too much.
    """
    steps, vowels = _steps(word)
    if not steps or not latin.isascii() or not latin.isalpha():
        return False
    wanted = _once(latin)
    places = _skipped({0}, wanted) if vowels else {0}
    for options in steps:
        places = {at + len(option) for at in places for option in options if wanted.startswith(option, at)}
        if vowels:
            places = _skipped(places, wanted)
    return len(wanted) in places


def _once(letters: str) -> str:
    return "".join(letter for letter, _ in groupby(letters))


def _skipped(places: set[int], wanted: str) -> set[int]:
    """These places, and those that are reached from them over a few vowels."""
    reached = set(places)
    for at in places:
        for more in range(MOST_VOWELS):
            if at + more >= len(wanted) or wanted[at + more] not in VOWELS:
                break
            reached.add(at + more + 1)
    return reached


@lru_cache(maxsize=2048)
def _steps(word: str) -> tuple[Steps, bool]:
    """What each letter may become, and whether vowels stand unwritten between them; nothing for other scripts."""
    letters = unicodedata.normalize("NFC", word)
    for table in (CYRILLIC, GREEK, ARABIC, HEBREW):
        if len(letters) > 1 and all(letter in table for letter in letters):
            once = _once(letters)  # "й" without its mark is an "и", and may follow one
            pieces = re.findall("кс|.", once) if table is CYRILLIC else once
            options = ("ks|x" if piece == "кс" else table[piece] for piece in pieces)
            return tuple(_options(option) for option in options), table in (ARABIC, HEBREW)
    if letters and all(0xAC00 <= ord(letter) <= 0xD7A3 for letter in letters):
        return tuple(step for letter in letters for step in _syllable(letter)), False
    return (), False


def _syllable(letter: str) -> Steps:
    if letter in SURNAMES:
        return (_options(SURNAMES[letter]),)
    number = ord(letter) - 0xAC00
    parts = (INITIALS[number // 588], MEDIALS[number % 588 // 28], FINALS[number % 28])
    return tuple(_options(part) for part in parts)


def _options(written: str) -> tuple[str, ...]:
    return tuple(_once(option) for option in written.split("|"))
