"""A page takes on the look of the chart it stands in, as far as it stays readable (`smart_style_url`, SMART 2.2).

Rule: a stylesheet of our own making, from values that were judged (`launch.style`). A ground colour is taken where our
text keeps its contrast on it (WCAG 2.2, 1.4.3), and in the light theme only; the colours of our signs never change.
"""

from __future__ import annotations

from flask import Blueprint, Response

from launch.errors import LaunchError
from launch.outbound import Outbound
from launch.style import Style, contrast, fetch_style
from smart_app.web.here import doors
from smart_app.web.sessions import current_line

blueprint = Blueprint("chartlook", __name__, url_prefix="/line/<line_id>")
PATIENCE = (1.0, 2.0)
"""Seconds to connect and to answer: a page does not wait for its colours."""
KEPT = 600
INKS = {"#13252c": 7.0, "#566970": 4.5, "#0d5567": 4.5}
"""Our text colours of the light theme (tokens.css: --ink, --ink-3, --petrol) -> the contrast each needs."""
ROUNDEST = 16.0


@blueprint.get("/chart.css")
def sheet() -> Response:
    """The few declarations that make our page look like its chart; empty where the chart has no wish."""
    line = current_line()
    said = Response(declarations(_style(line.context.get("style", ""), str(line.context.get("iss", "")), line.kind)))
    said.mimetype = "text/css"
    said.headers["Cache-Control"] = f"private, max-age={KEPT}"
    return said


def _style(url: str, iss: str, kind: str) -> Style:
    if not url or kind not in ("clinician", "patient"):
        return Style()
    try:
        issuer = doors().chart(iss, kind)
    except LaunchError:
        return Style()
    known = doors().http
    http = Outbound(practice=known.practice, timeout=PATIENCE, inside=known.inside)
    return fetch_style(url, http=http, origins=(issuer.iss, *issuer.origins))


def declarations(style: Style) -> str:
    """CSS of nothing but custom properties and one line under the band."""
    said = []
    radius = _pixels(style.dim_border_radius)
    if radius is not None:
        said.append(f":root{{--r-1:{radius / 2:g}px;--r-2:{radius:g}px;--r-3:{min(radius * 1.75, 20):g}px}}")
    ground = style.color_background
    if ground and all(contrast(ground, ink) >= needed for ink, needed in INKS.items()):
        said.append(f'@media (prefers-color-scheme:light){{:root:not([data-theme="dark"]){{--paper:{ground}}}}}')
    if style.color_highlight:
        said.append(f".identity{{border-block-end:3px solid {style.color_highlight}}}")
    return "\n".join(said)


def _pixels(length: str) -> float | None:
    """A length in CSS pixels, no rounder than a page can be; None where it is not given."""
    if not length:
        return None
    number = float(length.rstrip("pxrem") or 0)
    return min(number * (16 if length.endswith("em") else 1), ROUNDEST)
