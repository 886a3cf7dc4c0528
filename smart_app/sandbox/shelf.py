"""The resources of one practice chart: every version of each, in memory, and in the journal.

Rule: nothing is changed in place; a change is a new version, and several changes can be one journal line (a
transaction is wholly there or not at all after a restart).
"""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from smart_app.sandbox.access import patient_of
from smart_app.sandbox.journal import Journal


@dataclass(frozen=True)
class Version:
    """One version of one resource. `origin` is "seed", "chart" (made on the screens) or a client id."""

    resource: dict[str, Any]
    number: int
    at: str
    origin: str
    deleted: bool = False

    @property
    def reference(self) -> str:
        """`Type/id`."""
        return f"{self.resource['resourceType']}/{self.resource['id']}"

    @property
    def etag(self) -> str:
        """The weak tag of this version."""
        return f'W/"{self.number}"'


def stamp(now: datetime) -> str:
    """An instant as FHIR writes it, in UTC, to the millisecond."""
    return now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{now.microsecond // 1000:03d}Z"


class Shelf:
    """Every resource of one chart."""

    def __init__(self, journal: Journal, now: Callable[[], datetime]) -> None:
        self.now = now
        self.lock = threading.RLock()
        self._journal = journal
        self._kept: dict[str, dict[str, list[Version]]] = {}

    def seed(self, resources: Iterable[dict[str, Any]]) -> None:
        """Put resources there that need no journal line, since every start makes the same ones."""
        for resource in resources:
            self._keep(_version(resource, 1, resource.get("meta", {}).get("lastUpdated") or stamp(self.now()), "seed"))

    def replay(self, entries: Iterable[dict[str, Any]]) -> None:
        """Put back what the journal tells."""
        for entry in entries:
            for line in entry.get("versions", ()):
                self._keep(Version(**line))

    def put(self, resources: Iterable[dict[str, Any]], origin: str, *, deleted: bool = False) -> list[Version]:
        """Add one new version of each resource, all or none. Each has its `id` already."""
        at = stamp(self.now())
        with self.lock:
            made = []
            for resource in resources:
                kept = self.history(resource["resourceType"], resource["id"])
                made.append(_version(resource, len(kept) + 1, at, origin, deleted=deleted))
            self._journal.append({"kind": "write", "versions": [vars(version) for version in made]})
            for version in made:
                self._keep(version)
        return made

    def history(self, resource_type: str, resource_id: str) -> list[Version]:
        """Every version, oldest first; empty if there was never one."""
        return self._kept.get(resource_type, {}).get(resource_id, [])

    def newest(self, resource_type: str, resource_id: str) -> Version | None:
        """The newest version, which may be a deleted one; None if there was never one."""
        kept = self.history(resource_type, resource_id)
        return kept[-1] if kept else None

    def present(self, resource_type: str, patient: str = "") -> list[Version]:
        """The newest version of everything of that type (about that patient) that is not deleted, as it arrived."""
        with self.lock:
            found = [kept[-1] for kept in self._kept.get(resource_type, {}).values() if not kept[-1].deleted]
        return [version for version in found if not patient or patient_of(version.resource) == patient]

    def types(self) -> list[str]:
        """Every type there is a resource of."""
        with self.lock:
            return list(self._kept)

    def exists(self, reference: str) -> bool:
        """Is there such a resource, not deleted? `reference` is `Type/id`."""
        resource_type, _, resource_id = reference.partition("/")
        found = self.newest(resource_type, resource_id)
        return found is not None and not found.deleted

    def _keep(self, version: Version) -> None:
        resource = version.resource
        self._kept.setdefault(resource["resourceType"], {}).setdefault(resource["id"], []).append(version)


def _version(resource: dict[str, Any], number: int, at: str, origin: str, *, deleted: bool = False) -> Version:
    kept = copy.deepcopy(resource)
    kept["meta"] = {**kept.get("meta", {}), "versionId": str(number), "lastUpdated": at}
    return Version(kept, number, at, origin, deleted)
