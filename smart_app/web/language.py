"""In which language a page speaks: the person's choice, then what the chart says of a patient, then the browser.

English is written in the templates; Spanish stands in `translations/es`. `make texts` collects and compiles.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Flask, g, redirect, request
from flask_babel import Babel
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smart_app.web.sessions import framed, ports

LANGUAGES = {"en": "English", "es": "Español"}
COOKIE = "__Host-second-opinion-language"

blueprint = Blueprint("language", __name__)


def chosen() -> str:
    """The language of this answer."""
    wish = request.cookies.get(COOKIE, "")
    if wish in LANGUAGES:
        return wish
    line = g.get("line")
    if line is not None and line.kind == "patient":
        spoken = str(line.context.get("language", "")).lower()[:2]
        if spoken in LANGUAGES:
            return spoken
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def zone() -> str:
    """The time zone of this answer: the site's. Where no site is on the line, that of the installation's first one."""
    sites = ports().directory.sites
    line = g.get("line")
    named = g.get("site") or (line.site if line is not None else "")
    return next((site.timezone for site in sites if site.id == named), sites[0].timezone if sites else "UTC")


@blueprint.get("/language/<code>")
def choose(code: str) -> Response:
    """Speak this language from now on, and go back to where the person was."""
    if code not in LANGUAGES:
        raise NotFound
    parts = urlsplit(request.args.get("back", "/"))
    back = parts.path if parts.path.startswith("/") and not parts.path.startswith(("//", "/\\")) else "/"
    answer = redirect(back, 303)
    answer.set_cookie(
        COOKIE,
        code,
        max_age=31536000,
        secure=True,
        httponly=True,
        samesite="None" if framed() else "Lax",
        partitioned=framed(),
    )
    return answer


def install(app: Flask) -> None:
    """Every text of every page goes through the catalogues."""
    Babel(app, locale_selector=chosen, timezone_selector=zone)
    app.jinja_env.globals["LANGUAGES"] = LANGUAGES
