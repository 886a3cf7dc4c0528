"""The chart seam: what the product may ask of a hospital's records, and the real chart over HTTP.

Reads are tolerant and may be repeated. A write is sent once and never retried here: who calls decides from the
error family whether it surely was not written, was refused, or is unclear.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import urlencode, urljoin

import requests

from fhir.check import check
from fhir.errors import ChartError, ChartRefused, ChartUnavailable, ChartUnclear, NotInChart
from fhir.pages import Gathered, Page
from fhir.wire import FHIR_JSON, Answer, Wire, below, type_and_id

Resource = dict[str, Any]
PAGES = 20

__all__ = ["Chart", "FhirChart", "Page", "Resource", "Written"]


@dataclass(frozen=True)
class Written:
    """What the chart said of one write: where it stands ("Type/id"), its ETag if one was given, the HTTP status.

    Status 200 for a conditional create means that a match stood there already.
    """

    reference: str
    etag: str | None = None
    status: int = 201


class Chart(Protocol):
    """One hospital's records, seen with one person's or one installation's rights.

    Raises only the family of `fhir.errors`, and what the session raises before anything is sent (a grant that has
    ended). References are "Type/id" relative to `base`.
    """

    @property
    def base(self) -> str:
        """The FHIR base URL, without a trailing slash."""
        ...

    def read(self, reference: str) -> Resource:
        """The resource. Raises NotInChart, ChartRefused, ChartUnavailable."""
        ...

    def search(self, resource_type: str, where: Mapping[str, str] | None = None, **params: str) -> Page:
        """Every match; parameters that are no Python names (`_count`, `date:missing`) go in `where`."""
        ...

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        """One POST. Raises ChartUnclear where it left us and no answer came."""
        ...

    def update(self, resource: Resource, *, if_match: str | None = None) -> Written:
        """One PUT to the resource's own id. Raises ChartConflict where the version has moved on."""
        ...

    def transaction(self, bundle: Resource) -> list[Written]:
        """All or nothing; one answer per entry, in order."""
        ...

    def capability(self) -> Resource | None:
        """The CapabilityStatement, or None where it cannot be had or read."""
        ...

    def read_binary(self, url: str) -> tuple[bytes, str]:
        """Bytes and content type of a Binary, absolute below `base` or relative to it."""
        ...

    def scopes(self) -> set[str] | None:
        """What this chart has granted us; None where that is not known, which takes nothing away."""
        ...


class FhirChart:
    """A FHIR R4 server behind a session that signs. One per person or installation; not shared between threads.

    `timeout` is in seconds without a byte. Every resource of ours is checked before it is sent (`fhir.check`).
    """

    def __init__(self, base: str, session: requests.Session, *, timeout: float = 20.0) -> None:
        self._wire = Wire(base, session, timeout)
        self._session = session
        self._statement: Resource | None = None

    @property
    def base(self) -> str:
        """The FHIR base URL, without a trailing slash."""
        return self._wire.base

    def read(self, reference: str) -> Resource:
        """The resource, as a dict. Raises NotInChart, ChartRefused, ChartUnavailable."""
        self._wire.url(reference)
        wanted = type_and_id(reference)
        if wanted is None:
            raise NotInChart("That reference names no record of this chart.")
        found: Resource = self._server.request_json(reference)
        if found.get("resourceType") != wanted.partition("/")[0]:
            raise ChartRefused("The chart answered with another kind of record than we asked for.")
        return found

    def search(self, resource_type: str, where: Mapping[str, str] | None = None, **params: str) -> Page:
        """Every match, each once, from at most 20 pages; the next links never leave the base."""
        query = urlencode({**params, **(where or {})})
        gathered = Gathered(is_clean)
        address: str | None = f"{resource_type}?{query}" if query else resource_type
        for _ in range(PAGES):
            bundle = self._server.request_json(address)
            if bundle.get("resourceType") != "Bundle":
                raise ChartRefused("The chart answered a search with something that is no search result.")
            address = gathered.take(bundle)
            if address is None:
                break
            if not below(self.base, urljoin(self.base + "/", address)):
                gathered.stop("The chart pointed outside itself for the rest; we did not go there.")
                break
        else:
            gathered.stop(f"There is more in the chart than the first {PAGES} pages.")
        return gathered.page()

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        """One POST. With `if_none_exist` (a query string) a standing match is answered with status 200."""
        check(resource)
        headers = {"If-None-Exist": if_none_exist} if if_none_exist else {}
        answer = self._wire.write("POST", resource["resourceType"], resource, headers)
        return _written(answer, resource["resourceType"])

    def update(self, resource: Resource, *, if_match: str | None = None) -> Written:
        """One PUT to the resource's own id; `if_match` is an ETag such as `W/"3"`."""
        check(resource)
        address = f"{resource['resourceType']}/{resource['id']}"
        answer = self._wire.write("PUT", address, resource, {"If-Match": if_match} if if_match else {})
        return _written(answer, resource["resourceType"], otherwise=address)

    def remove(self, reference: str) -> None:
        """One DELETE, for what was made only to try something out: nothing of a patient's is ever removed."""
        self._wire.write("DELETE", reference, None)

    def transaction(self, bundle: Resource) -> list[Written]:
        """POST a transaction Bundle; one answer per entry, in order. Raises ChartUnclear on an answer that fits not."""
        check(bundle)
        types = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
        answer = self._wire.write("POST", "", bundle)
        try:
            entries = answer.json()["entry"]
            return [_of_entry(entry, kind) for entry, kind in zip(entries, types, strict=True)]
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            raise ChartUnclear("The chart took a transaction but did not say what became of it.") from problem

    def capability(self) -> Resource | None:
        """The CapabilityStatement, fetched once; None where it cannot be had or read."""
        if self._statement is None:
            try:
                found = self._server.request_json("metadata")
            except ChartError:
                return None
            if found.get("resourceType") == "CapabilityStatement":
                self._statement = found
        return self._statement

    def read_binary(self, url: str) -> tuple[bytes, str]:
        """Bytes and content type. Asks for FHIR JSON first, then for anything: charts differ in what they give."""
        try:
            answer = self._wire.get(url)
        except (ChartRefused, NotInChart) as refused:
            if refused.status not in (404, 406, 415):
                raise
            answer = self._wire.get(url, accept="*/*")
        content_type = answer.headers.get("Content-Type", "application/octet-stream").partition(";")[0].strip()
        if content_type not in (FHIR_JSON, "application/json"):
            return answer.body, content_type
        try:
            binary = answer.json()
            if binary["resourceType"] != "Binary":
                return answer.body, content_type
            return base64.b64decode(binary.get("data", ""), validate=False), str(binary["contentType"])
        except (ValueError, KeyError, TypeError) as problem:
            raise ChartUnavailable("The chart's answer cannot be read as a document.") from problem

    def scopes(self) -> set[str] | None:
        """What the session was granted, if it is one that knows (`granted`). Raises what the session raises."""
        granted = getattr(self._session, "granted", None)
        return set(granted()) if callable(granted) else None

    @cached_property
    def _server(self) -> Any:
        return _guarded_server(self._wire)


def _written(answer: Answer, kind: str, otherwise: str | None = None) -> Written:
    """Where it stands, from Location (absolute, relative, with or without /_history), else from the body."""
    try:
        body = answer.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict) or body.get("resourceType") != kind:
        body = {}
    reference = (
        type_and_id(answer.headers.get("Location"), kind)
        or type_and_id(answer.headers.get("Content-Location"), kind)
        or (f"{kind}/{body['id']}" if body.get("id") else otherwise)
    )
    if reference is None:
        raise ChartUnclear("The chart says that it has written, but not where.", status=answer.status)
    return Written(reference, _as_etag(answer.headers.get("ETag")) or _etag(body), answer.status)


def _of_entry(entry: Resource, kind: str) -> Written:
    response = entry["response"]
    status = int(str(response["status"])[:3])
    body = entry.get("resource") or {}
    reference = type_and_id(response.get("location"), kind)
    if reference is None and body.get("resourceType") == kind:
        reference = f"{kind}/{body['id']}"
    if reference is None or not 200 <= status < 300:
        raise ValueError("an entry without a place")
    return Written(reference, _as_etag(response.get("etag")) or _etag(body), status)


def _as_etag(value: object) -> str | None:
    """Inside a Bundle HAPI writes the bare version where R4 wants a weak ETag (http.html#versioning)."""
    if not isinstance(value, str) or not value:
        return None
    return value if '"' in value else f'W/"{value}"'


def _etag(body: Resource) -> str | None:
    meta = body.get("meta")
    version = meta.get("versionId") if isinstance(meta, dict) else None
    return f'W/"{version}"' if version else None


def is_clean(resource: Resource) -> bool:
    """Does fhirclient's strict reading accept this one resource?"""
    from fhirclient.models.fhirabstractbase import FHIRValidationError
    from fhirclient.models.fhirelementfactory import FHIRElementFactory

    try:
        FHIRElementFactory.instantiate(resource.get("resourceType"), resource)
    except (FHIRValidationError, AttributeError, KeyError, TypeError, ValueError):
        return False
    return True


def _guarded_server(wire: Wire) -> Any:
    """fhirclient's server on our session: same reading and paging, but no request leaves the base."""
    from fhirclient.server import FHIRServer

    class GuardedServer(FHIRServer):  # type: ignore[misc]
        def _get(self, path: str, headers: object = None, nosign: bool = False) -> Answer:  # noqa: ARG002
            return wire.get(path)

        def request_json(self, path: str, nosign: bool = False) -> Resource:
            try:
                found = super().request_json(path, nosign)
            except ValueError as problem:
                raise ChartUnavailable("The chart's answer cannot be read.") from problem
            if not isinstance(found, dict):
                raise ChartUnavailable("The chart's answer is no FHIR record.")
            return found

    return GuardedServer(None, base_uri=wire.base)
