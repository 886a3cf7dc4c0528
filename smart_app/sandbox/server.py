"""The FHIR face over HTTP. Rule: it adds to what `answers` decides only how each kind of EHR says it on the wire."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from flask import Flask, Response, request

from smart_app.sandbox import handing, scenarios
from smart_app.sandbox.access import patient_of
from smart_app.sandbox.answers import Answers
from smart_app.sandbox.bundles import searchset, shown, transaction_response
from smart_app.sandbox.cut import cut
from smart_app.sandbox.grants import Token
from smart_app.sandbox.house import Face, House
from smart_app.sandbox.refusal import FHIR_JSON, Refusal, outcome
from smart_app.sandbox.shelf import Version
from smart_app.sandbox.transact import transact

LARGEST = 20 * 1024 * 1024
OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"


class FhirFace:
    """Serves one FHIR base."""

    def __init__(self, house: House, face: Face) -> None:
        self.house = house
        self.face = face
        self.p = house.personality
        self.base = face.fhir_base
        self._fetched: set[str] = set()  # studies brought from the far archive, in the scenario `slow`

    def join(self, app: Flask) -> None:
        """Add the routes."""
        path = self.face.path(self.base)
        name = f"fhir-{self.face.key}"
        app.add_url_rule(f"{path}/metadata", f"{name}-metadata", self.metadata)
        app.add_url_rule(path, f"{name}-system", self._guarded(self.system), methods=["POST"])
        app.add_url_rule(f"{path}/", f"{name}-system-slash", self._guarded(self.system), methods=["POST"])
        app.add_url_rule(f"{path}/<kind>", f"{name}-type", self._guarded(self.of_type), methods=["GET", "POST"])
        app.add_url_rule(f"{path}/<kind>/_search", f"{name}-search", self._guarded(self.search), methods=["POST"])
        if self.p.name == "open":
            app.add_url_rule(f"{path}/wado/studies/<uid>", f"{name}-wado", self._guarded(self.pictures))
        methods = ["GET", "PUT", "DELETE", "PATCH"]
        app.add_url_rule(f"{path}/<kind>/<key>", f"{name}-one", self._guarded(self.one), methods=methods)

    def metadata(self) -> Response:
        """The CapabilityStatement: XML from Epic unless JSON is asked for."""
        if self.p.name == "epic" and "json" not in request.headers.get("Accept", ""):
            xml = '<CapabilityStatement xmlns="http://hl7.org/fhir"><status value="active"/></CapabilityStatement>'
            return Response(xml, content_type="application/fhir+xml; charset=utf-8")
        statement = self._answers(None).capability()
        addresses = {"authorize": self.face.authorize, "token": self.face.token}
        listed = [{"url": name, "valueUri": url} for name, url in addresses.items()]
        statement["rest"][0]["security"]["extension"] = [{"url": OAUTH_URIS, "extension": listed}]
        return _json(statement)

    def system(self, answers: Answers, body: Any) -> Response:
        """A transaction."""
        return _json(transaction_response(transact(answers, body or {})))

    def of_type(self, answers: Answers, body: Any, kind: str) -> Response:
        """Search or create."""
        if request.method == "GET":
            return self._page(answers, kind, parse_qsl(request.query_string.decode(), keep_blank_values=True))
        if not isinstance(body, dict) or body.get("resourceType") != kind:
            raise outcome(400, "invalid", f"A {kind} is expected")
        version, new = answers.create(body, if_none_exist=request.headers.get("If-None-Exist"))
        return self._stored(version, 201 if new else 200)

    def search(self, answers: Answers, body: Any, kind: str) -> Response:
        """POST _search: the query string is ignored."""
        del body
        return self._page(answers, kind, list(request.form.items(multi=True)))

    def one(self, answers: Answers, body: Any, kind: str, key: str) -> Response:
        """Read, update or delete."""
        if request.method == "GET":
            return self._binary(answers, key) if kind == "Binary" else self._version(answers.read(kind, key))
        if request.method == "PATCH":
            raise outcome(405, "not-supported", "No PATCH here")
        if request.method == "DELETE":
            return self._tagged(Response(status=204), answers.delete(kind, key))
        if not isinstance(body, dict) or body.get("resourceType") != kind or body.get("id") != key:
            raise outcome(400, "invalid", "The resource and its address differ")
        version, new = answers.update(body, if_match=request.headers.get("If-Match"))
        return self._stored(version, 201 if new else 200)

    def pictures(self, answers: Answers, body: Any, uid: str) -> Response:
        """A whole study (WADO-RS) for a token that may read its ImagingStudy."""
        del body
        found = handing.find(self.house, uid)
        if found is None:
            raise Refusal(404)
        holding, patient = found
        answers.find("ImagingStudy", [("patient", patient)])  # refuses who may not see this patient's studies
        accept = _accept()
        if "multipart/related" not in accept and "*/*" not in accept:
            raise Refusal(406)
        if self.house.records.scenarios.of(patient) == "slow" and uid not in self._fetched:
            self._fetched.add(uid)
            raise Refusal(503, headers={"Retry-After": "1"})  # "being prepared", SMART Imaging Access
        content, kind = handing.multipart(handing.files(self.house, holding, patient))
        return Response(content, content_type=kind)

    def _guarded(self, view: Callable[..., Response]) -> Callable[..., Response]:
        """The view behind token, scenario and error handling."""

        def guarded(**where: str) -> Response:
            try:
                token = self._token()
                self._json_accepted(where)
                body = self._body()
                patient = self._about(token, body, where)
                self._trouble(token, patient)
                answer = self._of_this_host(view(self._answers(token), body, **where))
                if request.method in ("POST", "PUT") and self._loses(body, where):
                    cut(request.environ)
                return answer
            except Refusal as refusal:
                return self.refused(refusal)

        return guarded

    def _of_this_host(self, answer: Response) -> Response:
        """Absolute addresses in the answer name the host that was asked, where a persona has a host of its own."""
        elsewhere = self.house.records.base
        if self.base != elsewhere and answer.is_json:
            answer.set_data(answer.get_data(as_text=True).replace(f'"{elsewhere}/', f'"{self.base}/'))
        return answer

    def _json_accepted(self, where: dict[str, str]) -> None:
        """Oracle speaks JSON only, and says so with an empty 406."""
        fits = "json" in _accept() or "*/*" in _accept() or where.get("kind") == "Binary"
        if self.p.name == "oracle" and not fits:
            raise Refusal(406)

    def _token(self) -> Token:
        header = request.headers.get("Authorization", "")
        found = self.house.grants.token(header[7:].strip()) if header[:7].lower() == "bearer " else None
        if found is None or found.face != self.face.key:
            raise self._unknown_token()
        return found

    def _unknown_token(self) -> Refusal:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        return Refusal(401, None, headers=headers)

    def _body(self) -> Any:
        if request.method not in ("POST", "PUT", "PATCH") or request.path.endswith("/_search"):
            return None
        if (request.content_length or 0) > LARGEST:
            raise outcome(413, "too-long", "The body is too large")
        if "json" not in request.content_type if request.content_type else True:
            raise outcome(415, "not-supported", "application/fhir+json is expected")
        try:
            return json.loads(request.get_data())
        except ValueError as problem:
            raise outcome(400, "invalid", "The body is not JSON") from problem

    def _about(self, token: Token, body: Any, where: dict[str, str]) -> str:
        """Whom this call concerns."""
        if isinstance(body, dict):
            inside = [entry.get("resource") for entry in body.get("entry", []) if isinstance(entry, dict)] or [body]
            found = next((p for p in (patient_of(r) for r in inside if isinstance(r, dict)) if p), "")
            if found:
                return found
        for name in ("patient", "subject"):
            if request.values.get(name):
                return request.values[name].rpartition("/")[2]
        if where.get("uid"):
            holding = handing.find(self.house, where["uid"])
            return holding[1] if holding else ""
        if where.get("key"):
            version = self.house.records.shelf.newest(where["kind"], where["key"])
            owner = version.resource.get("securityContext", {}).get("reference", "") if version else ""
            if owner:
                version = self.house.records.shelf.newest(*owner.split("/"))
            if version and patient_of(version.resource):
                return patient_of(version.resource)
        return token.access.patient

    def _trouble(self, token: Token, patient: str) -> None:
        self._trouble_with(patient)
        trouble = self.house.records.scenarios
        if trouble.refuses_token(patient, token.access.client_id, token.value):
            raise self._unknown_token()

    def _trouble_with(self, patient: str) -> None:
        which = self.house.records.scenarios.of(patient)
        if which == "slow":
            time.sleep(scenarios.SLOW_SECONDS)
        if which == "ehr-down":
            raise Refusal(503, headers={"Retry-After": "2"})

    def _loses(self, body: Any, where: dict[str, str]) -> bool:
        if not isinstance(body, dict):
            return False
        resources = [entry.get("resource", {}) for entry in body.get("entry", [])] if not where else [body]
        return self.house.records.scenarios.lose_answer(resources)

    def _answers(self, token: Token | None) -> Answers:
        answers = self.house.records.answers
        return answers.seen_by(token.access) if token else answers

    def _page(self, answers: Answers, kind: str, parameters: list[tuple[str, str]]) -> Response:
        return _json(searchset(self.p, self.base, kind, parameters, answers.find(kind, parameters)))

    def _version(self, version: Version) -> Response:
        return self._tagged(_json(shown(self.p, version.resource)), version)

    def _stored(self, version: Version, status: int) -> Response:
        prefer = request.headers.get("Prefer", "")
        told = "representation" in prefer if self.p.name == "epic" else "minimal" not in prefer
        answer = Response(status=status, content_type=FHIR_JSON)
        if self.p.name != "oracle" and told:
            answer = _json(shown(self.p, version.resource), status)
        answer.headers["Location"] = self._location(version)
        return self._tagged(answer, version)

    def _location(self, version: Version) -> str:
        if not self.p.absolute_location:
            return version.reference
        history = f"/_history/{version.number}" if self.p.name == "open" else ""
        return f"{self.base}/{version.reference}{history}"

    def _tagged(self, answer: Response, version: Version) -> Response:
        if self.p.etag:
            answer.headers["ETag"] = version.etag
            answer.headers["Last-Modified"] = version.at
        return answer

    def _binary(self, answers: Answers, key: str) -> Response:
        """A Binary as JSON or as it is. Oracle knows the JSON form of everything but a PDF."""
        raw, media = answers.binary(key)
        accept = _accept()
        if accept and FHIR_JSON in accept and media not in accept:
            if self.p.name == "oracle" and media == "application/pdf":
                raise outcome(404, "not-found", "Resource not found")
            data = base64.b64encode(raw).decode()
            return _json({"resourceType": "Binary", "id": key, "contentType": media, "data": data})
        if accept and media not in accept and "*/*" not in accept and self.p.name == "oracle":
            raise Refusal(406)
        return Response(raw, content_type=media)

    def refused(self, refusal: Refusal) -> Response:
        """A refusal on the wire."""
        answer = Response(status=refusal.status)
        if refusal.body is not None:
            answer = Response(json.dumps(refusal.body), refusal.status, content_type=refusal.content_type)
        answer.headers.update(refusal.headers)
        return answer


def _accept() -> str:
    return request.headers.get("Accept", "*/*")


def _json(body: dict[str, Any], status: int = 200) -> Response:
    text = json.dumps(body, ensure_ascii=False)
    return Response(text, status, content_type=f"{FHIR_JSON};charset=utf-8")
