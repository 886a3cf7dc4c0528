"""The practice as a web site: every face, page and control joined into one Flask app per port.

Rule: the patients' port carries only what patients reach there (the oracle patient persona).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Flask, Response, jsonify, render_template

from smart_app.sandbox import authorize, control, discovery, postbox, tokens
from smart_app.sandbox.foreign import ForeignShelf
from smart_app.sandbox.forward import ForwardFace
from smart_app.sandbox.house import Face, House
from smart_app.sandbox.identity import SignIn
from smart_app.sandbox.pages import Screens
from smart_app.sandbox.portal import Portal
from smart_app.sandbox.refusal import Refusal, operation_outcome, words
from smart_app.sandbox.server import FhirFace
from smart_app.sandbox.town import Town

SCREENS = Path(__file__).parent / "screens"


def practice_app(practice: Town, *, patients: bool) -> Flask:
    """The app for one port."""
    app = Flask("practice", template_folder=str(SCREENS), static_folder=str(SCREENS / "static"))
    app.jinja_env.globals.update(practice=practice)
    for house in practice.houses.values():
        for face in house.faces:
            if (face.origin == practice.patient_origin) == patients:
                _face(app, house, face)
    if not patients:
        for sign_in in practice.sign_ins.values():
            _sign_in(app, sign_in)
        control.join(app, practice)
        Screens(practice).join(app)
        Portal(practice).join(app)
        postbox.join(app, practice)
    app.add_url_rule("/oracle/r4/<tenant>/<path:rest>", "no-tenant", _no_such_tenant, methods=["GET", "POST", "PUT"])
    app.add_url_rule("/oracle/errors/<error>/instances/<instance>", "error-page", _error_page)
    app.register_error_handler(Refusal, _refused_page)
    _headers(app, practice)
    return app


def _refused_page(refusal: Refusal) -> tuple[str, int]:
    """A page that needs the server behind us, while that does not answer."""
    return render_template("refused.html", house=None, why=words(refusal.body) or str(refusal)), refusal.status


def _error_page(error: str, instance: str) -> str:
    """Where `error_uri` leads: what support would ask for."""
    return render_template("refused.html", house=None, why=f"The sign-in answered {error} (instance {instance}).")


def _no_such_tenant(tenant: str, rest: str) -> tuple[Response, int]:
    """Reached only for a tenant that is not ours, since ours has routes of its own."""
    del tenant, rest
    return jsonify(operation_outcome("forbidden", "Tenant not valid or accessible")), 403


def _face(app: Flask, house: House, face: Face) -> None:
    def route(url: str, name: str, view: Callable[[], Any], *methods: str) -> None:
        app.add_url_rule(face.path(url), f"{face.key}-{name}", view, methods=list(methods) or ["GET"])

    def said(document: Callable[[House, Face], dict[str, Any]]) -> Callable[[], Response]:
        return lambda: jsonify(document(house, face))

    smart = said(discovery.smart_configuration)
    openid = said(discovery.openid_configuration)
    route(f"{face.fhir_base}/.well-known/smart-configuration", "smart", smart)
    for number, issuer in enumerate({face.fhir_base, face.id_issuer.rstrip("/")}):
        route(f"{issuer}/.well-known/openid-configuration", f"openid-{number}", openid)
    route(face.keys, "keys", lambda: jsonify(house.key.jwks()))
    route(face.authorize, "authorize", lambda: authorize.authorize(house, face), "GET", "POST")
    route(face.token, "token", lambda: tokens.token(house, face), "POST")
    route(face.introspect, "introspect", lambda: tokens.introspect(house, face), "POST")
    if face.revoke:
        route(face.revoke, "revoke", lambda: tokens.revoke(house, face), "POST")
    shelf = house.records.shelf
    served = ForwardFace(house, face, shelf) if isinstance(shelf, ForeignShelf) else FhirFace(house, face)
    served.join(app)


def _sign_in(app: Flask, sign_in: SignIn) -> None:
    path = f"/idp/{sign_in.organisation.id}"
    name = f"idp-{sign_in.organisation.id}"
    app.add_url_rule(f"{path}/.well-known/openid-configuration", f"{name}-configuration", sign_in.configuration)
    app.add_url_rule(f"{path}/keys", f"{name}-keys", sign_in.keys)
    app.add_url_rule(f"{path}/authorize", f"{name}-authorize", sign_in.authorize, methods=["GET", "POST"])
    app.add_url_rule(f"{path}/token", f"{name}-token", sign_in.token, methods=["POST"])


def _headers(app: Flask, practice: Town) -> None:
    policy = (
        f"default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; "
        f"frame-src {practice.app_base} 'self'; form-action 'self' {practice.app_base}; base-uri 'none'; "
        f"frame-ancestors 'self' {practice.app_base}"
    )

    @app.after_request
    def add(answer: Response) -> Response:
        if answer.mimetype == "text/html":
            answer.headers.setdefault("Content-Security-Policy", policy)
            answer.headers["Referrer-Policy"] = "no-referrer"
            answer.headers["X-Content-Type-Options"] = "nosniff"
        return answer
