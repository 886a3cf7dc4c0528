"""Body parts of DICOM as SNOMED CT codes (PS3.16 table L-1), and which of them have a left and a right.

Rule: an unknown part keeps its words and gets no code; nothing is guessed from a piece of a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from fhir import codes

Resource = dict[str, Any]
SNOMED_DESIGNATORS = frozenset({"SCT"})  # PS3.16 table 8-1; the retired SRT has other codes


@cache
def _table() -> dict[str, tuple[Resource, bool]]:
    """Each defined term: its coding, and whether the part is paired."""
    raw = json.loads(Path(__file__).with_name("body_parts.json").read_text("utf-8"))
    return {term: (codes.coding(codes.SNOMED, row[0], row[1]), "paired" in row[2:]) for term, row in raw.items()}


@cache
def _by_word() -> dict[str, Resource]:
    return {site["display"].casefold(): site for site, _ in _table().values()}


@cache
def _paired() -> dict[str, bool]:
    """By SNOMED CT code; a few codes stand for two terms, and one of them with sides is enough."""
    found: dict[str, bool] = {}
    for site, paired in _table().values():
        found[site["code"]] = found.get(site["code"], False) or paired
    return found


def body_site(body_part: str, region: Sequence[str] = ()) -> Resource | None:
    """A Coding for a part of the body: the region's own code, else a DICOM term or its English name, else the words.

    `body_part` is (0018,0015), `region` the (code, scheme, meaning) of (0008,2218), which says it better.
    """
    code, scheme, meaning = (*region, "", "", "")[:3]
    if scheme in SNOMED_DESIGNATORS and code.isdigit():
        return codes.coding(codes.SNOMED, code, meaning)
    text = body_part.strip() or meaning.strip()
    if not text:
        return None
    known = _table().get(re.sub(r"[\s_-]", "", text).upper())
    return known[0] if known else _by_word().get(text.casefold(), {"display": text})


def has_sides(site: Resource | None) -> bool:
    """May this part be left or right? A part that is not in the table may."""
    return _paired().get(str((site or {}).get("code", "")), True)


def side(letter: str, site: Resource | None) -> Resource | None:
    """The Coding of a laterality ("L", "R", "B"), only for a part that has sides."""
    return codes.LATERALITY.get(letter.strip().upper()) if has_sides(site) else None
