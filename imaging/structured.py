"""A structured report (PS3.3 section A.35) as plain lines: each heading, and below it what is said."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

DEEPEST = 20
MOST_ITEMS = 5_000


def in_words(report: Dataset) -> str:
    """The report's content tree as text, in its order, indented by depth; pictures and places are left out."""
    lines = []
    title = _meaning(report, "ConceptNameCodeSequence")
    if title:
        lines += [title, ""]
    for number, (depth, line) in enumerate(_lines(report, 0)):
        if number >= MOST_ITEMS:
            lines.append("…")
            break
        lines.append("  " * depth + line)
    return "\n".join(lines) + "\n"


def _lines(item: Dataset, depth: int) -> Iterator[tuple[int, str]]:
    for child in item.get("ContentSequence") or []:
        name, said = _meaning(child, "ConceptNameCodeSequence"), _value(child)
        if name or said:
            yield depth, ": ".join(part for part in (name, said) if part)
        if depth < DEEPEST:
            yield from _lines(child, depth + 1)


def _value(item: Dataset) -> str:
    """What one content item says (PS3.3 table C.17.3-7); empty for containers and references."""
    kind = str(item.get("ValueType", ""))
    if kind == "CODE":
        return _meaning(item, "ConceptCodeSequence")
    if kind == "NUM":
        return _number(item)
    if kind == "PNAME":
        return str(item.get("PersonName", "")).replace("^", " ").strip()
    keyword = {"TEXT": "TextValue", "DATE": "Date", "TIME": "Time", "DATETIME": "DateTime"}.get(kind, "")
    return str(item.get(keyword, "")).strip() if keyword else ""


def _number(item: Dataset) -> str:
    for measured in item.get("MeasuredValueSequence") or []:
        units = next((str(u.get("CodeValue", "")) for u in measured.get("MeasurementUnitsCodeSequence") or []), "")
        return f"{measured.get('NumericValue', '')} {'' if units == '1' else units}".strip()
    return ""


def _meaning(item: Dataset, keyword: str) -> str:
    return next((str(code.get("CodeMeaning", "")).strip() for code in item.get(keyword) or []), "")
