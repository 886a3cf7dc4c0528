"""What every answer says to the browser: who may frame it, what it may load, that nothing is kept; and the request log.

Pages are held to `default-src 'none'` with files of our own: no inline script, no inline style, nobody else's anything.
"""

from __future__ import annotations

import logging
import time

from flask import Flask, g, request
from werkzeug.wrappers import Response

from smart_app.web.sessions import ports

log = logging.getLogger("second_opinion.requests")

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors {ancestors}"
)
DRAWING = "default-src 'none'; style-src 'unsafe-inline'"
"""For our drawings (SVG), which carry their colours with them."""
FEATURES = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), midi=()"
LAUNCHING = ("/launch", "/callback", "/arrive", "/line/")


def frame_ancestors() -> str:
    """Who may show this page in a frame: the EHR of the line's site; while launching any EHR we know; else nobody."""
    directory = ports().directory
    line = g.get("line")
    named = line.site if line is not None else g.get("site", "")
    if named:
        sites = [site for site in directory.sites if site.id == named]
    elif line is None and request.path.startswith(LAUNCHING):
        sites = [site for site in directory.sites if not site.disabled]
    else:
        sites = []
    allowed = {origin for site in sites for origin in site.frame_ancestors}
    return " ".join(["'self'", *sorted(allowed)])


def _begin() -> None:
    g.begun = time.monotonic()


def _guard(answer: Response) -> Response:
    headers = answer.headers
    if request.endpoint == "static":
        headers.setdefault("Content-Security-Policy", DRAWING)
        if "v" in request.args:
            headers["Cache-Control"] = "public, max-age=31536000, immutable"
    else:
        headers.setdefault("Content-Security-Policy", POLICY.format(ancestors=frame_ancestors()))
        headers.setdefault("Cache-Control", "no-store")
        headers.setdefault("Vary", "Cookie, Accept, Accept-Language")
    headers.setdefault("Referrer-Policy", "no-referrer")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Permissions-Policy", FEATURES)
    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
    headers.setdefault("X-Robots-Tag", "noindex")
    if ports().settings.base_url.startswith("https:"):
        headers.setdefault("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
    return answer


def _write(answer: Response) -> Response:
    """One line per request, with the template of the route: never a path, a query or a name."""
    route = request.url_rule.rule if request.url_rule is not None else "(no such route)"
    if request.endpoint != "static":
        milliseconds = (time.monotonic() - g.get("begun", time.monotonic())) * 1000
        log.info("%s %s %d %.0f ms", request.method, route, answer.status_code, milliseconds)
    return answer


def install(app: Flask) -> None:
    """Put the headers on every answer, and write the log: to standard error where nobody has arranged otherwise."""
    log.setLevel(logging.INFO)
    if not log.hasHandlers():
        log.addHandler(logging.StreamHandler())
    app.before_request(_begin)
    app.after_request(_write)
    app.after_request(_guard)
