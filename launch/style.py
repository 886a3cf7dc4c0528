"""How the EHR would like a page to look (`smart_style_url`, SMART App Launch 2.2, styling).

Rule: fetched from the EHR's own addresses only and without the token; of what comes back only plain colours, lengths
and known members are believed, since it ends in a stylesheet.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from launch.documents import Documents, Fetched, fetch_json
from launch.errors import LaunchError
from launch.outbound import Outbound, origin

_COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LENGTH = re.compile(r"\d{1,3}(?:\.\d{1,3})?(?:px|rem|em)|0")


@dataclass(frozen=True)
class Style:
    """The members we can honour: colours as `#rrggbb`, lengths as CSS has them; empty where not given or not plain."""

    color_background: str = ""
    color_error: str = ""
    color_highlight: str = ""
    color_modal_backdrop: str = ""
    color_success: str = ""
    color_text: str = ""
    dim_border_radius: str = ""
    dim_font_size: str = ""
    dim_spacing_size: str = ""


NOTHING = Style()


def fetch_style(
    url: str | None, *, http: Outbound, origins: Iterable[str], clock: Callable[[], float] = time.monotonic
) -> Style:
    """The style at that address, or none: whatever is wrong with it is no reason to stop. Raises nothing.

    `origins`: addresses of the EHR; a style elsewhere is not asked for.
    """
    if not url:
        return NOTHING
    try:
        if origin(http.check(url)) not in {origin(one) for one in origins}:
            return NOTHING

        def read(validators: Mapping[str, str]) -> Fetched:
            return fetch_json(http, url, validators)

        return _styles.get((url, http.practice), read, read_style, clock=clock)
    except LaunchError:
        return NOTHING


def read_style(document: Mapping[str, Any]) -> Style:
    """What of a style document can be believed."""
    found = {}
    for member in (one.name for one in fields(Style)):
        value = document.get(member)
        if not isinstance(value, str):
            continue
        if member.startswith("color_") and _COLOUR.fullmatch(value.strip()):
            found[member] = _six(value.strip().lower())
        elif member.startswith("dim_") and _LENGTH.fullmatch(value.strip()):
            found[member] = value.strip()
    return Style(**found)


def contrast(one: str, other: str) -> float:
    """The contrast of two colours written `#rrggbb`, 1 to 21 (WCAG 2.2, relative luminance)."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def forget() -> None:
    """Keep no style."""
    _styles.forget()


_styles: Documents[Style] = Documents()


def _six(colour: str) -> str:
    return colour if len(colour) == 7 else "#" + "".join(2 * digit for digit in colour[1:])


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
