"""Somebody else's FHIR server as the practice sees it: the patients, visits and documents of its screens are there.

Rule: what the practice needs (a doctor to sign in, a test patient on demand) is created there like anybody would, by
POST, and everything is asked for anew each time: the server is the record.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any
from urllib.parse import urlencode, urljoin

import requests

from fhir.errors import ChartError, ChartRefused, ChartUnavailable, NotInChart
from fhir.wire import Wire, type_and_id
from smart_app.sandbox.journal import Journal
from smart_app.sandbox.refusal import outcome
from smart_app.sandbox.shelf import Shelf, Version

Resource = dict[str, Any]
TIMEOUT = 30.0
PAGE = 100
PAGES = 5
KINDS = (
    *("DiagnosticReport", "DocumentReference", "Communication", "Observation"),
    *("ServiceRequest", "Task", "ImagingStudy", "Provenance"),
)
DOCTOR_KEY = ("https://second-opinion.example/practice", "doctor")


class ForeignShelf(Shelf):
    """The resources of the server at `base`. `token` is sent with every request of ours, if there is one."""

    def __init__(self, base: str, token: str, journal: Journal, now: Callable[[], datetime]) -> None:
        super().__init__(journal, now)
        self.session = requests.Session()
        self.session.trust_env = False
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"
        self.wire = Wire(base, self.session, TIMEOUT)
        self._foreign_journal = journal
        self._origins: dict[str, str] = {}
        self._doctor: Version | None = None

    def seed(self, resources: Iterable[Resource]) -> None:
        """Nothing is put there before somebody asks for it."""

    def replay(self, entries: Iterable[dict[str, Any]]) -> None:
        """Remember which of its records came through us, and by whom."""
        for entry in entries:
            if entry["kind"] == "written":
                self._origins[entry["reference"]] = entry["origin"]

    def wrote(self, reference: str, origin: str) -> None:
        """A record was made through us."""
        with self.lock:
            if reference not in self._origins:
                self._foreign_journal.append({"kind": "written", "reference": reference, "origin": origin})
                self._origins[reference] = origin

    def put(self, resources: Iterable[Resource], origin: str, *, deleted: bool = False) -> list[Version]:
        """PUT over what stands there, POST where nothing does: the server then chooses the id."""
        assert not deleted, "nothing of theirs is deleted"
        return [self._put(resource, origin) for resource in resources]

    def newest(self, resource_type: str, resource_id: str) -> Version | None:
        """What stands there now; None where nothing does."""
        if not resource_type or not resource_id:
            return None
        try:
            return self._version(self._get(f"{resource_type}/{resource_id}"))
        except (NotInChart, ChartRefused):
            return None

    def history(self, resource_type: str, resource_id: str) -> list[Version]:
        """The newest version alone: where it came from is all that is asked of it."""
        found = self.newest(resource_type, resource_id)
        return [found] if found else []

    def present(self, resource_type: str, patient: str = "") -> list[Version]:
        """All about that patient; without one the newest hundred of that type."""
        if resource_type == "Practitioner":
            return [self._the_doctor()]
        where = {"_count": str(PAGE), "_sort": "-_lastUpdated"}
        if patient:
            where["_id" if resource_type == "Patient" else "patient"] = patient
        try:
            return self._search(resource_type, where, PAGES if patient else 1)
        except (ChartRefused, NotInChart):
            del where["_sort"]
        try:
            return self._search(resource_type, where, PAGES if patient else 1)
        except (ChartRefused, NotInChart):
            return []  # a type that this server does not have

    def types(self) -> list[str]:
        """The types an app may have written."""
        return list(KINDS)

    def exists(self, reference: str) -> bool:
        """Is it there?"""
        return self.newest(*reference.split("/", 1)) is not None

    def _the_doctor(self) -> Version:
        """Somebody who can sign in: an invented practitioner, put there once."""
        system, value = DOCTOR_KEY
        with self.lock:
            if self._doctor is None:
                try:
                    found = self._search("Practitioner", {"identifier": f"{system}|{value}"}, 1)
                except ChartError as problem:
                    raise outcome(502, "transient", f"The server behind the practice: {problem}") from problem
                precondition = {"If-None-Exist": f"identifier={system}|{value}"}
                self._doctor = found[0] if found else self._post(_DOCTOR, "chart", precondition)
        return self._doctor

    def _put(self, resource: Resource, origin: str) -> Version:
        standing = self.newest(resource["resourceType"], str(resource.get("id", "")))
        if standing is None:
            return self._post({name: value for name, value in resource.items() if name != "id"}, origin)
        address = f"{resource['resourceType']}/{resource['id']}"
        self._write("PUT", address, resource, {"If-Match": standing.etag})
        return self._version(self._get(address))

    def _post(self, resource: Resource, origin: str, headers: dict[str, str] | None = None) -> Version:
        kind = resource["resourceType"]
        made = self._write("POST", kind, resource, headers)
        self.wrote(made, origin)
        return self._version(self._get(made))

    def _write(self, method: str, address: str, resource: Resource, headers: dict[str, str] | None = None) -> str:
        try:
            answer = self.wire.write(method, address, resource, headers)
        except ChartError as problem:
            raise outcome(502, "transient", f"The server behind the practice: {problem}") from problem
        kind = resource["resourceType"]
        place = type_and_id(answer.headers.get("Location"), kind) or type_and_id(address, kind)
        if place is None:
            raise outcome(502, "transient", "The server behind the practice does not say where it put a record.")
        return place

    def _get(self, address: str) -> Resource:
        try:
            found = self.wire.get(address).json()
        except (ChartUnavailable, ValueError) as problem:
            raise outcome(502, "transient", f"The server behind the practice: {problem}") from problem
        return found if isinstance(found, dict) else {}

    def _search(self, resource_type: str, where: dict[str, str], pages: int) -> list[Version]:
        address = f"{resource_type}?{urlencode(where)}"
        found: dict[str, Version] = {}
        for _ in range(pages):
            bundle = self._get(address)
            for entry in bundle.get("entry") or ():
                resource = entry.get("resource") or {}
                if resource.get("resourceType") == resource_type and resource.get("id"):
                    found.setdefault(resource["id"], self._version(resource))
            onward = [link.get("url") for link in bundle.get("link") or () if link.get("relation") == "next"]
            if not onward:
                break
            address = urljoin(f"{self.wire.base}/", str(onward[0]))
        return list(found.values())

    def _version(self, resource: Resource) -> Version:
        meta = resource.get("meta") or {}
        number = str(meta.get("versionId", "1"))
        reference = f"{resource.get('resourceType')}/{resource.get('id')}"
        return Version(
            resource,
            int(number) if number.isdecimal() else 1,
            str(meta.get("lastUpdated", "")),
            self._origins.get(reference, "chart"),
        )


_DOCTOR: Resource = {
    "resourceType": "Practitioner",
    "identifier": [{"system": DOCTOR_KEY[0], "value": DOCTOR_KEY[1]}],
    "active": True,
    "name": [
        {"use": "official", "text": "Dr. Ines Practice", "family": "Practice", "given": ["Ines"], "prefix": ["Dr."]}
    ],
}
