"""The FHIR face in front of somebody else's server: it asks for our token and checks its scopes, then passes on.

Rule: nothing is interpreted that need not be. Addresses are rewritten both ways, a patient's token sees its patient
only, scenarios of failure work as ever, and what the server answers is answered.
"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, urlencode

import requests
from flask import Flask, Response, request

from fhir.errors import ChartRefused
from fhir.statement import read_statement
from fhir.wire import type_and_id
from smart_app.sandbox.access import FREE_TYPES, Access, patient_of
from smart_app.sandbox.answers import Answers
from smart_app.sandbox.foreign import TIMEOUT, ForeignShelf
from smart_app.sandbox.grants import Token
from smart_app.sandbox.house import Face, House
from smart_app.sandbox.refusal import FHIR_JSON, Refusal, outcome
from smart_app.sandbox.server import OAUTH_URIS, FhirFace

Resource = dict[str, Any]
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
PASSED_ON = ("Accept", "Content-Type", "If-Match", "If-None-Match", "If-None-Exist", "Prefer", "Cache-Control")
PASSED_BACK = ("Content-Type", "ETag", "Last-Modified", "Location", "Content-Location", "Retry-After")
LETTERS = {"PUT": "u", "PATCH": "u", "DELETE": "d"}


class ForwardFace(FhirFace):
    """Serves the foreign server's records below our own address."""

    def __init__(self, house: House, face: Face, shelf: ForeignShelf) -> None:
        super().__init__(house, face)
        self._shelf = shelf

    def join(self, app: Flask) -> None:
        """Add the routes."""
        path = self.face.path(self.base)
        name = f"fhir-{self.face.key}"
        app.add_url_rule(f"{path}/metadata", f"{name}-metadata", self.metadata)
        view = self._guarded(self.pass_on)
        app.add_url_rule(path, f"{name}-system", view, methods=METHODS)
        app.add_url_rule(f"{path}/", f"{name}-system-slash", view, methods=METHODS)
        app.add_url_rule(f"{path}/<path:rest>", f"{name}-rest", view, methods=METHODS)

    def metadata(self) -> Response:
        """Their statement, with our way of signing in."""
        try:
            answer = self._send("GET", "metadata", b"")
        except Refusal as refusal:
            return self.refused(refusal)
        statement = read_statement(self._inward(answer.content)) if answer.ok else None
        if statement is None:
            return self.refused(outcome(502, "transient", "The server behind gives no statement"))
        addresses = {"authorize": self.face.authorize, "token": self.face.token}
        uris = {"url": OAUTH_URIS, "extension": [{"url": n, "valueUri": url} for n, url in addresses.items()]}
        for rest in statement.get("rest") or ():
            if isinstance(rest, dict):
                rest["security"] = {"cors": True, "extension": [uris]}
        return Response(json.dumps(statement, ensure_ascii=False), content_type=FHIR_JSON)

    def pass_on(self, answers: Answers, body: Any, rest: str = "") -> Response:
        """One request, allowed or refused by the token, answered by the server behind."""
        access = answers.access
        kind, _, below = rest.partition("/")
        reach = self._allowed(access, kind, below, body)
        query = parse_qsl(request.query_string.decode(), keep_blank_values=True)
        if reach == "patient":
            query = _narrowed(access, kind, below, query)
        address = rest + (f"?{self._outward(urlencode(query, safe='|,:/$').encode()).decode()}" if query else "")
        answer = self._send(request.method, address, self._outward(request.get_data(cache=True)))
        kind_of = answer.headers.get("Content-Type", "")
        readable = any(word in kind_of for word in ("json", "xml", "text"))
        content = self._inward(answer.content) if readable else answer.content
        if reach == "patient" and answer.ok:
            content = _own_only(access, content)
        self._remember(access, answer, content)
        back = Response(content, answer.status_code)
        for name in PASSED_BACK:
            if answer.headers.get(name):
                back.headers[name] = self._inward(answer.headers[name].encode()).decode()
        back.autocorrect_location_header = False
        return back

    def _allowed(self, access: Access, kind: str, below: str, body: Any) -> str:
        """How far the token reaches for this request. Raises Refusal."""
        if not kind and request.method == "POST":
            return _allowed_bundle(access, body)
        searching = not below or below.startswith("_search")
        letter = LETTERS.get(request.method) or ("s" if searching else "r")
        if request.method == "POST" and not below:
            letter = "c"
        # The next page of a search has no type in its address: it was allowed when the search was.
        reach = access.reach(kind, letter) if kind and not kind.startswith("$") else _any_reach(access)
        if "$" in below or kind.startswith("$"):
            reach = reach if reach == "all" else ""
        if not reach:
            raise outcome(
                403, "forbidden", f"This token was not given the right to do that with {kind or 'the server'}"
            )
        if reach == "patient" and letter not in "rs":
            self._must_be_own(access, letter, kind, below, body)
        return reach

    def _must_be_own(self, access: Access, letter: str, kind: str, below: str, body: Any) -> None:
        """A patient writes about that patient, and over nobody else's record. Raises Refusal."""
        standing = self._shelf.newest(kind, below) if letter == "u" else None
        bodies = [body, *([standing.resource] if standing else [])]
        if letter not in "cu" or not all(isinstance(b, dict) and patient_of(b) == access.patient for b in bodies):
            raise outcome(403, "forbidden", "This token belongs to another patient")

    def _about(self, token: Token, body: Any, where: dict[str, str]) -> str:
        """Whom this call concerns: asked for only where somebody is in trouble, since it costs a request."""
        if not self.house.records.scenarios.all():
            return token.access.patient
        kind, _, below = where.get("rest", "").partition("/")
        key = below.partition("/")[0]
        if kind == "Patient" and key and not key.startswith("_"):
            return key
        return super()._about(token, body, {"kind": kind, "key": key} if key and not key.startswith("_") else {})

    def _body(self) -> Any:
        request.get_data(cache=True)  # before a form is parsed out of it: it is passed on as it came
        return super()._body()

    def _loses(self, body: Any, where: dict[str, str]) -> bool:
        return super()._loses(body, where if where.get("rest") else {})

    def _of_this_host(self, answer: Response) -> Response:
        return answer

    def _send(self, method: str, address: str, content: bytes) -> requests.Response:
        headers = {name: request.headers[name] for name in PASSED_ON if request.headers.get(name)}
        headers = {name: self._outward(value.encode()).decode() for name, value in headers.items()}
        headers.setdefault("Accept", FHIR_JSON)
        try:
            below = bool(address) and not address.startswith("?")
            url = self._shelf.wire.url(address) if below else f"{self._shelf.wire.base}{address}"
        except ChartRefused as outside:
            raise outcome(404, "not-found", "There is no such address") from outside
        try:
            return self._shelf.session.request(
                method,
                url,
                data=content or None,
                headers=headers,
                timeout=(5, TIMEOUT),
                allow_redirects=False,
            )
        except requests.Timeout as problem:
            raise outcome(504, "timeout", "The server behind does not answer in time") from problem
        except requests.RequestException as problem:
            raise outcome(502, "transient", "The server behind cannot be reached") from problem

    def _outward(self, content: bytes) -> bytes:
        """Our address becomes none: a relative reference. Some servers take their own full address for a stranger's."""
        return content.replace(f"{self.base}/".encode(), b"")

    def _inward(self, content: bytes) -> bytes:
        """Their address becomes ours, also where it ends or a page's parameters follow."""
        theirs, ours = self._shelf.wire.base.encode(), self.base.encode()
        for after in (b"/", b'"', b"?"):
            content = content.replace(theirs + after, ours + after)
        return ours if content == theirs else content

    def _remember(self, access: Access, answer: requests.Response, content: bytes) -> None:
        """Who made what: the screens show it."""
        if request.method not in ("POST", "PUT") or not answer.ok:
            return
        if answer.status_code == 201:
            place = type_and_id(answer.headers.get("Location"))
            if place:
                self._shelf.wrote(place, access.client_id)
            return
        for entry in _json(content).get("entry") or ():
            response = entry.get("response") or {}
            place = type_and_id(response.get("location"))
            if place and str(response.get("status", "")).startswith("201"):
                self._shelf.wrote(place, access.client_id)


def _allowed_bundle(access: Access, body: Any) -> str:
    """A transaction or batch is allowed if each of its entries is."""
    letters = {"POST": "c", "PUT": "u", "PATCH": "u", "DELETE": "d", "GET": "r"}
    for entry in (body or {}).get("entry") or ():
        asked = entry.get("request") or {}
        kind = str(asked.get("url", "")).partition("?")[0].partition("/")[0]
        if access.reach(kind, letters.get(str(asked.get("method")), "-")) != "all":
            raise outcome(403, "forbidden", f"This token was not given the right to do that with {kind}")
    return "all"


def _any_reach(access: Access) -> str:
    """For an address without a type: whether the token is a person's or a whole chart's."""
    if any(scope.startswith(("user/", "system/")) for scope in access.scopes):
        return "all"
    return "patient" if access.patient else ""


def _narrowed(access: Access, kind: str, below: str, query: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A search by a patient's token is about that patient. Raises Refusal where another is named."""
    if not kind or kind in FREE_TYPES or (below and below != "_search"):
        return query
    name = "_id" if kind == "Patient" else "patient"
    for asked, value in query:
        if asked in (name, "subject") and value.rpartition("/")[2] != access.patient:
            raise outcome(403, "forbidden", "This token belongs to another patient")
    return query if any(asked == name for asked, _ in query) else [*query, (name, access.patient)]


def _own_only(access: Access, content: bytes) -> bytes:
    """Of an answer, what is about this patient or about nobody. Raises Refusal where nothing of it is."""
    found = _json(content)
    if not found:
        raise outcome(403, "forbidden", "What this is about cannot be told")
    if found.get("resourceType") == "Bundle":
        kept = [entry for entry in found.get("entry") or () if _may_see(access, entry.get("resource") or {})]
        return json.dumps(
            {**found, "entry": kept} if kept else {k: v for k, v in found.items() if k != "entry"}
        ).encode()
    if not _may_see(access, found):
        raise outcome(403, "forbidden", "This token belongs to another patient")
    return content


def _may_see(access: Access, resource: Resource) -> bool:
    kind = resource.get("resourceType")
    if kind == "Binary":
        owner = (resource.get("securityContext") or {}).get("reference", "")
        return bool(owner.endswith(f"Patient/{access.patient}"))
    return kind in FREE_TYPES or kind == "OperationOutcome" or patient_of(resource) == access.patient


def _json(content: bytes) -> Resource:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
