"""Our own side, seen from outside before a hospital is blamed: the key set as an EHR fetches it, and the clock.

An EHR fetches our key set without a cookie and without following redirects, and refuses us as `invalid_client` where
that fails; it never says so.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import requests

from launch.errors import KeysMissing, Redirected, UnsafeAddress
from launch.keys import Keys
from launch.outbound import LARGEST_ANSWER, Outbound
from smart_app.connect.finding import Finding

TOLERATED_SKEW = 60.0
"""Seconds. An assertion of ours lives for four minutes, and servers allow five at most."""


@dataclass(frozen=True)
class Evidence:
    """What is known of our side: the state of the key set ("good", "unseen", else what is wrong), the clock's lead."""

    key_set: str = "good"
    skew: float | None = None


def key_set_address(base_url: str, ring: str) -> str:
    """Where the key set of that ring is served."""
    return f"{base_url}/.well-known/jwks{f'-{ring}' if ring else ''}.json"


def look_at_key_set(url: str, ring: str, keys: Keys, http: Outbound, now: datetime) -> Finding:
    """Fetch our key set as an EHR does. Raises nothing."""
    facts = {"url": url}
    try:
        kids = {keys.ring(ring).signing(alg, now).kid for alg in ("RS384", "ES384")}
    except (KeysMissing, ValueError) as problem:
        return Finding("keys", "bad", "keys-missing", facts={"why": str(problem)})
    if urlsplit(url).scheme != "https" and not http.practice:
        return Finding("keys", "bad", "keys-not-https", facts=facts)
    try:
        with http.get(url, headers={"Accept": "application/json"}, allow_redirects=False, stream=True) as answer:
            status, where = answer.status_code, answer.headers.get("Location", "")
            body = answer.raw.read(LARGEST_ANSWER, decode_content=True)
    except Redirected as elsewhere:
        status, where = requests.codes.found, elsewhere.where
    except (requests.RequestException, UnsafeAddress, OSError):
        return Finding("keys", "warn", "keys-unseen", facts=facts)
    if 300 <= status < 400:
        return Finding("keys", "bad", "keys-redirect", facts={**facts, "where": urlsplit(where).netloc or where[:100]})
    if status != requests.codes.ok:
        return Finding("keys", "bad", "keys-status", facts={**facts, "status": str(status)})
    published = _kids(body)
    if published is None:
        return Finding("keys", "bad", "keys-no-json", facts=facts)
    if not kids <= published:
        return Finding("keys", "bad", "keys-others", facts=facts)
    return Finding("keys", "good", "keys-good", facts={**facts, "kids": " ".join(sorted(k[:8] for k in kids))})


def _kids(body: bytes) -> set[str] | None:
    try:
        rows: Any = json.loads(body)["keys"]
        return {str(row["kid"]) for row in rows}
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def lead_of_clock(date: str, now: datetime) -> float | None:
    """By how many seconds our clock is ahead of the server's `Date` header; None where there is none to read."""
    try:
        return (now - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return None


def look_at_clock(lead: float | None, host: str) -> Finding:
    """Is our clock the server's, as nearly as assertions need?"""
    if lead is None:
        return Finding("clock", "note", "clock-unknown", facts={"host": host})
    facts = {"host": host, "seconds": str(round(abs(lead)))}
    if abs(lead) <= TOLERATED_SKEW:
        return Finding("clock", "good", "clock-good", facts=facts)
    return Finding("clock", "bad", "clock-ahead" if lead > 0 else "clock-behind", facts=facts)
