"""Sign-in of reading organisations and the operators' desk: OpenID Connect with a page of invented people.

Rule: code with PKCE and nonce only (OpenID Connect Core 1.0 section 3.1). Nobody stays signed in: each request asks who
is there, so every `max_age` is kept and `prompt=none` is refused. `login_hint` or `as` picks the person without hands;
with `prompt=login` the page is shown all the same, but to a program that asks for JSON.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, redirect, render_template, request

from smart_app.sandbox.clients import ClientRejected, Register
from smart_app.sandbox.grants import Code, Grants
from smart_app.sandbox.signing import SigningKey
from smart_app.sandbox.staff import Signed, find
from smart_app.sandbox.tokens import Denied, no_store, pkce_fits

ALGS = ("RS256", "RS384", "ES384", "ES256")
ACR = ("urn:practice:acr:chosen", "urn:practice:acr:chosen-twice")
"""How strongly one signs in here: the weakest first, given where no other is asked for."""


@dataclass(frozen=True)
class Member:
    """Somebody who reads or runs the desk."""

    slug: str
    name: str
    email: str
    roles: tuple[str, ...]
    title: str


@dataclass(frozen=True)
class Organisation:
    """One reading organisation, or the operators' desk."""

    id: str
    name: str
    members: tuple[Member, ...]


def _member(slug: str, name: str, organisation: str, title: str, *roles: str) -> Member:
    return Member(slug, name, f"{slug}@{organisation}.example", roles, title)


ORGANISATIONS = (
    Organisation(
        "northlight",
        "Northlight Imaging Opinions",
        (
            _member("exemplar", "Dr Ottavia Exemplar", "northlight", "Chest and general radiology", "expert"),
            _member("nakagawa", "Dr Ren Nakagawa", "northlight", "Neuroradiology", "expert"),
            _member("abernathy", "Dr Saoirse Abernathy", "northlight", "Breast imaging", "expert"),
            _member("thorne", "Mirela Thorne", "northlight", "Coordinator", "coordinator"),
            _member("visitor", "Piet Visitor", "northlight", "No part in Second Opinion"),
        ),
    ),
    Organisation(
        "stonequay",
        "Stonequay Musculoskeletal Readers",
        (
            _member("delacroix", "Dr Bastien Delacroix", "stonequay", "Musculoskeletal radiology", "expert"),
            _member("mbeki-hart", "Dr Thandi Mbeki-Hart", "stonequay", "Paediatric radiology", "expert"),
        ),
    ),
    Organisation(
        "desk",
        "Second Opinion Desk",
        (
            _member("operator", "Jonah Quill", "desk", "Operator", "operator"),
            _member("vasquez", "Inés Vásquez", "desk", "Privacy officer", "operator", "privacy"),
        ),
    ),
)


@dataclass
class SignIn:
    """The sign-in service of one organisation at `issuer`."""

    organisation: Organisation
    issuer: str
    register: Register
    key: SigningKey
    grants: Grants = field(default_factory=Grants)

    @property
    def authorize_endpoint(self) -> str:
        """Where people sign in."""
        return f"{self.issuer}/authorize"

    @property
    def token_endpoint(self) -> str:
        """Where codes are exchanged."""
        return f"{self.issuer}/token"

    def configuration(self) -> Response:
        """OpenID Connect Discovery 1.0 section 4."""
        return jsonify(
            {
                "issuer": self.issuer,
                "authorization_endpoint": self.authorize_endpoint,
                "token_endpoint": self.token_endpoint,
                "jwks_uri": f"{self.issuer}/keys",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "scopes_supported": ["openid", "profile", "email"],
                "token_endpoint_auth_methods_supported": ["private_key_jwt", "client_secret_basic", "none"],
                "token_endpoint_auth_signing_alg_values_supported": ["RS384", "ES384"],
                "code_challenge_methods_supported": ["S256"],
                "claims_supported": ["sub", "name", "email", "roles", "auth_time", "acr"],
                "acr_values_supported": list(ACR),
                "prompt_values_supported": ["login"],
            }
        )

    def keys(self) -> Response:
        """The public keys."""
        return jsonify(self.key.jwks())

    def people(self) -> list[Signed]:
        """Who can sign in."""
        return [Signed(m.slug, m.name, note=m.title, slug=m.email) for m in self.organisation.members]

    def authorize(self) -> Any:
        """The authorisation endpoint: a page of people, or at once with a hint."""
        given = request.values
        client = self.register.find(given.get("client_id", ""))
        redirect_uri = given.get("redirect_uri", "")
        if client is None or client.audience != "expert" or redirect_uri not in client.redirect_uris:
            return Response(
                render_template("refused.html", house=None, why="This app is not registered with this address."), 400
            )
        state = given.get("state", "")
        fault = _fault(given)
        if fault:
            return redirect(f"{redirect_uri}?{urlencode({'error': fault, 'state': state})}")
        hint = given.get("login_hint") or given.get("as") or ""
        if given.get("prompt") == "login" and not _is_program():
            hint = ""  # somebody must press a button
        person = find(self.people(), hint or given.get("chosen") or "")
        if person is None:
            kept = {name: given[name] for name in given if name != "chosen"}
            return Response(
                render_template(
                    "sign-in.html",
                    house=None,
                    organisation=self.organisation,
                    people=self.people(),
                    action=self.authorize_endpoint,
                    given=kept,
                    unknown=given.get("login_hint", ""),
                )
            )
        code = self.grants.give_code(
            Code(
                client_id=client.client_id,
                redirect_uri=redirect_uri,
                face=self.issuer,
                challenge=given["code_challenge"],
                nonce=given.get("nonce", ""),
                state=state,
                scopes=tuple(given.get("scope", "").split()),
                asked=(),
                context={"acr": _acr(given)},
                user=person.reference,
                persona="expert",
            )
        )
        return redirect(f"{redirect_uri}?{urlencode({'code': code, 'state': state})}")

    def token(self) -> Response:
        """The token endpoint."""
        try:
            return no_store(jsonify(self._exchange(request.form)))
        except Denied as denied:
            answer = jsonify({"error": denied.error, "error_description": str(denied)})
            answer.status_code = denied.status
            return no_store(answer)

    def _exchange(self, form: Mapping[str, str]) -> dict[str, Any]:
        try:
            client = self.register.prove(
                form, request.headers.get("Authorization", ""), self.token_endpoint, ALGS, public=True
            )
        except ClientRejected as problem:
            raise Denied("invalid_client", str(problem), 401) from problem
        if form.get("grant_type") != "authorization_code":
            raise Denied("unsupported_grant_type")
        code = self.grants.take_code(form.get("code", ""))
        if code is None or code.client_id != client.client_id or form.get("redirect_uri", "") != code.redirect_uri:
            raise Denied("invalid_grant", "the code is unknown, used, expired or another app's")
        if not pkce_fits(form.get("code_verifier", ""), code.challenge):
            raise Denied("invalid_grant", "the code verifier does not fit")
        now = int(time.time())
        claims: dict[str, Any] = {
            **self._claims(code.user),
            "iss": self.issuer,
            "aud": client.client_id,
            "iat": now,
            "exp": now + 600,
            "auth_time": now,
            "acr": code.context["acr"],
        }
        if code.nonce:
            claims["nonce"] = code.nonce
        return {
            "access_token": self.grants.opaque(),
            "token_type": "Bearer",
            "expires_in": 600,
            "scope": " ".join(code.scopes),
            "id_token": self.key.sign(claims),
        }

    def _claims(self, slug: str) -> dict[str, Any]:
        member = next(member for member in self.organisation.members if member.slug == slug)
        return {
            "sub": f"{self.organisation.id}|{member.slug}",
            "name": member.name,
            "email": member.email,
            "email_verified": True,
            "roles": list(member.roles),
        }


def _is_program() -> bool:
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"


def _acr(given: Mapping[str, str]) -> str:
    """The first way asked for that there is, else the weakest (`acr_values` is a wish, Core 1.0 section 3.1.2.1)."""
    return next((wish for wish in given.get("acr_values", "").split() if wish in ACR), ACR[0])


def _fault(given: Mapping[str, str]) -> str:
    if given.get("prompt") == "none":
        return "login_required"
    if not given.get("max_age", "0").isdecimal():
        return "invalid_request"
    if given.get("response_type") != "code":
        return "unsupported_response_type"
    if "openid" not in given.get("scope", "").split():
        return "invalid_scope"
    if not given.get("state") or not given.get("nonce"):
        return "invalid_request"
    if given.get("code_challenge_method") != "S256" or len(given.get("code_challenge", "")) != 43:
        return "invalid_request"
    return ""
