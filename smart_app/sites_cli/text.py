"""Sites and walks in English lines for a terminal. Rule: the sentences are those of the screens."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from typing import Any

from smart_app.connect.finding import Finding
from smart_app.web.site_fields import fault_words, field_words, label
from smart_app.web.site_words import AUDIENCE, STEP, SUPPORT, in_english

MARK = {"good": "ok  ", "note": "    ", "warn": "look", "bad": "FAIL"}
REGISTER = {
    "launch": "Launch address (chart)",
    "launch_patient": "Launch address (portal)",
    "redirect": "Redirect address",
    "jwks": "Key set (JWKS)",
    "start": "Patients start at",
}
WIDTH = 100

__all__ = ["faults_in_english", "field_words", "row_in_english", "site_in_english", "walk_in_english"]


def faults_in_english(fields: Mapping[str, str]) -> str:
    """Every fault at its field, one a line."""
    lines = [f"  {name}: {fault_words(code)}" for name, code in fields.items()]
    return "\n".join(("The site cannot be kept like this.", *lines))


def walk_in_english(found: list[Finding]) -> str:
    """What the walk found, and under each refusal what to say on the phone."""
    lines: list[str] = []
    for one in found:
        place = STEP[one.step] + (f" ({AUDIENCE[one.audience]})" if one.audience else "")
        lines += _wrapped(f"{MARK[one.level]}  {place}: {in_english(one.code, one.facts)}", "      ")
        if one.causes:
            lines.append("      Say on the phone, the likeliest first:")
            for number, cause in enumerate(one.causes, 1):
                lines += _wrapped(f"      {number}. {in_english(cause, one.facts)}", "         ")
        if one.facts.get("error_uri"):
            lines.append(f"      {SUPPORT % one.facts}")
    return "\n".join(lines)


def site_in_english(site: Mapping[str, Any]) -> str:
    """One site: what it is, what to register there, and every field that says something."""
    head = f"{site['id']}: {site['name']} ({site['state']}, {site['stage']}, kept in the {site['kept']})"
    lines = [head, "", "To register with the hospital:"]
    lines += [f"  {words + ':':26}{site['register'][name]}" for name, words in REGISTER.items()]
    lines += ["", "Fields:"]
    for name, text in site["fields"].items():
        lines += _wrapped(f"  {name} = {text}", "      ")
    for key in site["secrets"]:
        lines.append(f"  {key.replace(' ', '_')}_client_secret is kept, sealed")
    if site["tested"]:
        lines += ["", f"Last test: {site['result']}, {site['tested'][:16].replace('T', ' ')} UTC"]
    return "\n".join(lines)


def row_in_english(row: Mapping[str, Any]) -> str:
    """One site in one line."""
    tested = f"tested {row['tested'][:10]}: {row['result']}" if row["tested"] else "not tested"
    return f"{row['id']:20} {row['name']:36} {row['stage']:11} {row['state']:9} {tested}"


def question(field: str) -> str:
    """What a prompt asks for."""
    return ", ".join(label(field))


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
