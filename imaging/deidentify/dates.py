"""Moves dates by whole days, so that a patient's intervals and times of day stay (PS3.15 section E.3.6)."""

from __future__ import annotations

import re
from datetime import date, timedelta

DAY = re.compile(rb"(\d{4})[.\-/]?(\d{2})[.\-/]?(\d{2})")
MOMENT = re.compile(rb"(\d{4})(\d{2})?(\d{2})?(\d{2,6}(?:\.\d{1,6})?)?([+-]\d{4})?")
CLOCK = re.compile(rb"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?")
DUMMIES = {"DA": b"19000101", "TM": b"000000", "DT": b"19000101000000"}


def moved(vr: str, value: bytes, days: int) -> bytes:
    r"""A DA, DT or TM value, each of its values moved by so many days; what is no date or time is left out.

    Times of day stay. A DT that gives only a year, or a month, is moved from the middle of it and stays as coarse.
    """
    return b"\\".join(_one(vr, part.strip(b" \0"), days) for part in value.split(b"\\"))


def _one(vr: str, text: bytes, days: int) -> bytes:
    if vr == "TM":
        return text if CLOCK.fullmatch(text) else b""
    found = (DAY if vr == "DA" else MOMENT).fullmatch(text)
    if found is None:
        return b""
    try:
        if vr == "DA":
            return _shifted(int(found[1]), int(found[2]), int(found[3]), days)
        year, month, day, clock, zone = found.groups()
        whole = _shifted(int(year), int(month or b"7"), int(day or b"15"), days)
    except (ValueError, OverflowError):
        return b""
    coarse = whole if day else whole[:6] if month else whole[:4]
    return coarse + (clock or b"") + (zone or b"")


def _shifted(year: int, month: int, day: int, days: int) -> bytes:
    return (date(year, month, day) + timedelta(days=days)).isoformat().replace("-", "").encode()
