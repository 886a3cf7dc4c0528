"""Tokens for other organisations' systems: SMART Backend Services, answered by us.

A token is signed by this installation and lives five minutes; the registration is looked at again with every request,
so that one that is taken away ends at once.
"""

from __future__ import annotations

from flask import Blueprint, Response, jsonify, request
from itsdangerous import BadData, URLSafeTimedSerializer

from launch.callers import Caller, Used, client_of
from launch.errors import CallerRejected
from smart_app.exchange import done
from smart_app.exchange.errors import NotAllowed
from smart_app.exchange.shown import TYPES
from smart_app.sites import System
from smart_app.web.here import doors
from smart_app.web.sessions import ports

blueprint = Blueprint("exchange_token", __name__, url_prefix="/fhir")
LIFETIME = 300  # seconds; SMART Backend Services recommends five minutes at most
USED = Used()


@blueprint.get("/.well-known/smart-configuration")
def configuration() -> Response:
    """Where a token is had (SMART App Launch 2.2, Backend Services)."""
    said = jsonify(
        token_endpoint=f"{_base()}/token",
        grant_types_supported=["client_credentials"],
        token_endpoint_auth_methods_supported=["private_key_jwt"],
        token_endpoint_auth_signing_alg_values_supported=["RS384", "ES384"],
        scopes_supported=[f"system/{kind}.rs" for kind in TYPES] + ["system/Task.u", "system/DiagnosticReport.c"],
        capabilities=["client-confidential-asymmetric", "permission-v2"],
    )
    said.headers["Access-Control-Allow-Origin"] = "*"
    return said


@blueprint.post("/token")
def token() -> tuple[Response, int]:
    """A token for a system that proves itself (RFC 6749 section 4.4, RFC 7523)."""
    if request.form.get("grant_type") != "client_credentials":
        return _no_token("unsupported_grant_type", "Only client_credentials is offered.", 400)
    systems = {system.id: system for system in ports().directory.systems}
    callers = {name: Caller(name, system.jwks) for name, system in systems.items()}
    endpoint = f"{_base()}/token"
    try:
        caller = client_of(request.form, endpoint, callers, http=doors().http, now=ports().now, used=USED)
    except CallerRejected as problem:
        return _no_token("invalid_client", str(problem), 401)
    granted = _granted(request.form.get("scope", ""), systems[caller.iss].scopes)
    if not granted:
        return _no_token("invalid_scope", "None of these scopes is granted to this client.", 400)
    value = _tokens().dumps([caller.iss, granted])
    answer = jsonify(access_token=value, token_type="bearer", expires_in=LIFETIME, scope=" ".join(granted))  # noqa: S106
    return answer, 200


def bearer(authorization: str) -> tuple[System, frozenset[str]]:
    """The system behind that header and what its token allows. Raises CallerRejected."""
    scheme, _, value = authorization.partition(" ")
    try:
        name, scopes = _tokens().loads(value.strip(), max_age=LIFETIME) if scheme.lower() == "bearer" else ("", [])
    except BadData:
        name, scopes = "", []
    system = next((one for one in ports().directory.systems if one.id == name), None)
    if system is None:
        raise CallerRejected("The token is not known or has expired. Ask for a new one.")
    return system, frozenset(scopes)


def _granted(wanted: str, allowed: tuple[str, ...]) -> list[str]:
    """Of the scopes asked for, those that the registration reaches."""
    granted = []
    for scope in wanted.split():
        context, _, rest = scope.partition("/")
        kind, _, letters = rest.partition(".")
        try:
            for letter in {"read": "rs", "write": "cud", "*": "cruds"}.get(letters, letters):
                done.must(frozenset(allowed), kind, letter)
        except NotAllowed:
            continue
        if context == "system" and kind and letters:
            granted.append(scope)
    return granted


def _no_token(error: str, why: str, status: int) -> tuple[Response, int]:
    return jsonify(error=error, error_description=why), status


def _tokens() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(ports().settings.secret, salt="exchange-token")


def _base() -> str:
    return f"{ports().settings.base_url}/fhir"
