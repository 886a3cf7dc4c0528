"""A page for a person, the same state as JSON for a program or a live page, and where a form leads afterwards."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from flask import Response, current_app, g, jsonify, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from smart_app.store.queue import enqueue_ready
from smart_app.web.errors import wants_json
from smart_app.web.sessions import csrf_token, polled, ports


def etag_of(state: dict[str, Any]) -> str:
    """One value for one state, so that a live page knows whether anything changed."""
    text = json.dumps(state, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def page(template: str, state: dict[str, Any], status: int = 200, **values: Any) -> Response:
    """The page of that template; or `state` as JSON, with the proof for its forms, where a program asks.

    `state` is public to whoever may see the page. Both carry one ETag; an unchanged state is 304 with no body. A page
    that looks by itself is told the ETag alone, so that nothing can be read without leaving its trace in the audit.
    """
    tag, line = etag_of(state), g.get("line")
    if polled():
        said = jsonify({})
    elif wants_json():
        said = jsonify({"csrf": csrf_token(), "line": line.id if line else "", **state})
    else:
        said = make_response(render_template(template, state=state, etag=tag, **values))
    said.status_code = status
    if status == 200:
        said.set_etag(tag)
        if wants_json() or polled():
            said.make_conditional(request)
    return said


def moved(endpoint: str, *, wakes: str = "", **values: Any) -> AnyResponse:
    """After a form: on to a page that may be reloaded; the worker is woken for what is owed to the referral `wakes`."""
    if wakes:
        wake(wakes)
    return redirect(url_for(endpoint, **values), 303)


def wake(referral_id: str) -> None:
    """Have the worker begin at once. Where it cannot be told, its own sweep finds what is owed."""
    if current_app.config.get("WAKE_WORKER", True):
        p = ports()
        enqueue_ready(p.settings, p.store, p.now(), referral_id)


def line_defaults(endpoint: str, values: dict[str, Any]) -> None:
    """`url_for` fills in the line of this request."""
    line = g.get("line")
    if line is None or "line_id" in values:
        return
    if current_app.url_map.is_endpoint_expecting(endpoint, "line_id"):
        values["line_id"] = line.id
