"""The token endpoint: codes, refresh and Backend Services. Rule: answers are spelled as each kind of EHR spells them.

RFC 6749, RFC 7636, SMART App Launch 2.2. Answers are never cached (`Cache-Control: no-store`).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping
from typing import Any

from flask import Response, jsonify, request

from smart_app.sandbox.access import Access, in_version_1
from smart_app.sandbox.clients import Client, ClientRejected
from smart_app.sandbox.grants import Code, Token
from smart_app.sandbox.house import Face, House
from smart_app.sandbox.scopes import REFRESH_SCOPES, granted
from smart_app.sandbox.staff import display

BACKEND_SECONDS = {"epic": 3600, "oracle": 570, "open": 300}


class Denied(Exception):
    """An OAuth error (RFC 6749 section 5.2)."""

    def __init__(self, error: str, why: str = "", status: int = 400) -> None:
        super().__init__(why)
        self.error = error
        self.status = status


def token(house: House, face: Face) -> Response:
    """The token endpoint."""
    form = request.form
    try:
        try:
            client = house.register.prove(
                form,
                request.headers.get("Authorization", ""),
                face.token,
                house.personality.assertion_algs,
                public=False,
            )
        except ClientRejected as problem:
            raise Denied(
                "invalid_client", str(problem), 401 if request.headers.get("Authorization") else 400
            ) from problem
        answer = _by_grant(house, face, client, form)
    except Denied as denied:
        return _error(house, face, denied)
    return no_store(jsonify(answer))


def _by_grant(house: House, face: Face, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    kind = form.get("grant_type")
    if kind == "authorization_code":
        return _exchange(house, face, client, form)
    if kind == "refresh_token":
        return _refresh(house, face, client, form)
    if kind == "client_credentials":
        return _backend(house, face, client, form)
    raise Denied("unsupported_grant_type")


def _exchange(house: House, face: Face, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    code = house.grants.take_code(form.get("code", ""))
    if code is None or code.client_id != client.client_id or code.face != face.key:
        raise Denied("invalid_grant", "code-invalid-or-expired")
    if form.get("redirect_uri", "") != code.redirect_uri:
        raise Denied("invalid_grant", "redirect_uri differs from the one of the request")
    if not pkce_fits(form.get("code_verifier", ""), code.challenge):
        raise Denied("invalid_grant", "the code verifier does not fit")
    access = Access(code.persona, code.scopes, code.context.get("patient", ""), code.user, client.client_id)
    wants_refresh = bool(set(code.asked) & set(REFRESH_SCOPES))
    made = house.grants.give_token(
        face.key, access, house.personality.token_seconds, context=code.context, refresh=wants_refresh
    )
    answer = _token_answer(house, made)
    if made.refresh:
        answer["refresh_token"] = made.refresh
    answer.update(_context(house, code))
    if "openid" in code.scopes:
        answer["id_token"] = _id_token(house, face, client, code)
    return answer


def pkce_fits(verifier: str, challenge: str) -> bool:
    """RFC 7636 section 4.6, S256."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return 43 <= len(verifier) <= 128 and hmac.compare_digest(digest, challenge)


def _refresh(house: House, face: Face, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    value = form.get("refresh_token", "")
    old = house.grants.behind_refresh(value)
    if old is None or old.access.client_id != client.client_id or old.face != face.key:
        raise Denied("invalid_grant", "the refresh token is unknown, used or revoked")
    asked = tuple(form.get("scope", "").split())
    if set(asked) - set(old.access.scopes) - set(REFRESH_SCOPES):
        raise Denied("invalid_scope", "a refresh cannot ask for more than was granted")
    rotates = house.personality.rotates_refresh
    made = house.grants.renew(value, house.personality.token_seconds, rotate=rotates, scopes=asked or None)
    if made is None:
        raise Denied("invalid_grant", "the refresh token was used a moment ago")
    answer = _token_answer(house, made)
    if rotates:
        answer["refresh_token"] = made.refresh
    return answer


def _backend(house: House, face: Face, client: Client, form: Mapping[str, str]) -> dict[str, Any]:
    if client.audience != "system" or face.persona == "patient":
        raise Denied("unauthorized_client", "this client has no background user")
    if not form.get("client_assertion") and house.name != "oracle":
        raise Denied("invalid_client", "Backend Services needs a signed assertion")
    asked = tuple(form.get("scope", "").split())
    scopes = granted(house.personality, "system", asked)
    if not scopes:
        raise Denied("invalid_scope", "none of these scopes can be granted")
    access = Access("system", scopes, client_id=client.client_id)
    return _token_answer(house, house.grants.give_token(face.key, access, BACKEND_SECONDS[house.name]))


def _token_answer(house: House, made: Token) -> dict[str, Any]:
    scopes = list(made.access.scopes)
    if house.personality.version_1_scopes:
        scopes = _odd_case([one for scope in scopes for one in in_version_1(scope)])
    seconds = round(made.expires - time.time())
    return {
        "access_token": made.value,
        "token_type": "Bearer",
        "expires_in": seconds,
        "scope": " ".join(dict.fromkeys(scopes)),
    }


def _odd_case(scopes: list[str]) -> list[str]:
    """Some sites answer `user/Encounter.Read` beside the usual spelling."""
    extra = [s.replace(".read", ".Read") for s in scopes if s.endswith("/Encounter.read")]
    return extra + scopes


def _context(house: House, code: Code) -> dict[str, Any]:
    """What was open when the app was started, with each kind's extra members and spelling."""
    answer: dict[str, Any] = dict(code.context)
    if opened := answer.pop("opened", "").split():
        answer["fhirContext"] = [{"reference": reference} for reference in opened]
    patient = code.context.get("patient")
    banner = code.persona == "patient"
    if house.name == "epic":
        answer["state"] = code.state
        answer["need_patient_banner"] = "true" if banner else "false"
        if patient:
            answer["__epic.dstu2.patient"] = f"T{patient[1:]}B"
        if code.context.get("encounter"):
            answer["location"] = answer["loginDepartment"] = "e4W4rmGe9QzuGm2Dy4NBqVc0KDe6yGld6HW95UuNQd03"
            answer["deptID"] = "10101"
    else:
        answer["need_patient_banner"] = banner
    if house.name == "oracle":
        answer["tenant"] = house.personality.fhir_path.rpartition("/")[2]
    return answer


def _id_token(house: House, face: Face, client: Client, code: Code) -> str:
    resource_type, _, resource_id = code.user.partition("/")
    found = house.records.shelf.newest(resource_type, resource_id)
    now = int(time.time())
    claims: dict[str, Any] = {
        "iss": face.id_issuer,
        "sub": resource_id,
        "aud": client.client_id,
        "iat": now,
        "exp": now + (300 if house.name == "epic" else 600),
    }
    if code.nonce:
        claims["nonce"] = code.nonce
    if "fhirUser" in code.scopes:
        claims["fhirUser"] = code.user if house.name == "open" else f"{face.fhir_base}/{code.user}"
    if house.name != "epic" and found:
        claims["name"] = display(found.resource)
    return house.key.sign(claims)


def introspect(house: House, face: Face) -> Response:
    """Token introspection (RFC 7662) for a client that proves itself."""
    try:
        house.register.prove(
            request.form,
            request.headers.get("Authorization", ""),
            face.introspect,
            house.personality.assertion_algs,
            public=False,
        )
    except ClientRejected:
        return no_store(Response(status=401))
    found = house.grants.token(request.form.get("token", ""))
    if found is None or found.face != face.key:
        return no_store(jsonify({"active": False}))
    answer: dict[str, Any] = {
        "active": True,
        "scope": " ".join(found.access.scopes),
        "client_id": found.access.client_id,
        "exp": int(found.expires),
        **found.context,
    }
    if found.access.user:
        answer["fhirUser"] = f"{face.fhir_base}/{found.access.user}"
        answer["sub"] = found.access.user.rpartition("/")[2]
    return no_store(jsonify(answer))


def revoke(house: House, face: Face) -> Response:
    """Token revocation (RFC 7009): refresh tokens only."""
    try:
        house.register.prove(
            request.form,
            request.headers.get("Authorization", ""),
            face.revoke,
            house.personality.assertion_algs,
            public=False,
        )
    except ClientRejected:
        return no_store(Response(status=401))
    house.grants.revoke(request.form.get("token", ""))
    return no_store(Response(status=200))


def _error(house: House, face: Face, denied: Denied) -> Response:
    body = {"error": denied.error}
    if house.name == "oracle":
        body["error_uri"] = f"{face.origin}/oracle/errors/{denied.error}/instances/practice"
    elif str(denied):
        body["error_description"] = str(denied)
    answer = jsonify(body)
    answer.status_code = denied.status
    if denied.status == 401:
        answer.headers["WWW-Authenticate"] = "Basic"
    return no_store(answer)


def no_store(answer: Response) -> Response:
    """Nobody keeps this answer."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Pragma"] = "no-cache"
    return answer
