"""The only Flask: pages for people, the same states as JSON for programs. Views call use cases and know no rules."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from flask import Flask, url_for

from smart_app.ports import Ports
from smart_app.settings import Settings
from smart_app.web import (
    answers,
    audited,
    cds,
    chartlook,
    dates,
    ended,
    errors,
    everybody,
    exchange,
    exchange_token,
    filed,
    found,
    headers,
    health,
    here,
    images,
    invitations,
    inviting,
    lacking,
    language,
    later,
    operate,
    outcome,
    people,
    phrases,
    presence,
    proxies,
    refer,
    review,
    rights,
    sessions,
    signin,
    sites,
    stepup,
    strays,
    styleguide,
    upload,
    viewer_pages,
    windows,
)
from smart_app.web.doors import open_doors

BLUEPRINTS = (
    signin.blueprint,
    windows.blueprint,
    presence.blueprint,
    everybody.blueprint,
    stepup.blueprint,
    invitations.blueprint,
    language.blueprint,
    chartlook.blueprint,
    refer.blueprint,
    later.blueprint,
    inviting.blueprint,
    upload.blueprint,
    found.blueprint,
    lacking.blueprint,
    outcome.blueprint,
    review.blueprint,
    operate.blueprint,
    images.blueprint,
    viewer_pages.blueprint,
    cds.blueprint,
    exchange_token.blueprint,
    exchange.blueprint,
    strays.blueprint,
    health.blueprint,
    audited.blueprint,
    sites.blueprint,
)


def create_app(settings: Settings, ports: Ports) -> Flask:
    """The web application over these ports."""
    app = Flask(__name__)
    app.extensions[sessions.PORTS] = ports
    app.extensions[here.DOORS] = open_doors(settings, ports.directory)
    app.config.update(
        SECRET_KEY=settings.secret,
        MAX_CONTENT_LENGTH=settings.max_upload_mb * 1_000_000 + sessions.FORM_LIMIT,
        MAX_FORM_MEMORY_SIZE=sessions.FORM_LIMIT,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=asset,
        csrf_token=sessions.csrf_token,
        home_of=windows.home_of,
        messaging=windows.messaging,
        idle_seconds=sessions.idle_seconds,
        language=language.chosen,
        practice=settings.practice,
        base_url=settings.base_url,
    )
    app.url_defaults(answers.line_defaults)
    for part in (
        headers,
        health,
        sessions,
        rights,
        errors,
        language,
        dates,
        phrases,
        people,
        proxies,
        ended,
        lacking,
        filed,
    ):
        part.install(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    if settings.practice:
        app.register_blueprint(styleguide.blueprint)
    return app


@cache
def _edition(name: str) -> str:
    return hashlib.sha256((Path(__file__).parent / "static" / name).read_bytes()).hexdigest()[:12]


def asset(name: str) -> str:
    """The address of one of our files, which changes when the file does, so that browsers may keep it for ever."""
    return url_for("static", filename=name, v=_edition(name))
