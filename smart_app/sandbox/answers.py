"""What the practice chart answers, whoever asks and however: the one place where its rules are applied.

Rule: both faces (in memory and over HTTP) go through here, so that they cannot differ. Everything that is not a
success is a `Refusal`.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from smart_app.sandbox import searching, writing
from smart_app.sandbox.access import FREE_TYPES, Access, patient_of
from smart_app.sandbox.capability import statement
from smart_app.sandbox.personality import Personality
from smart_app.sandbox.refusal import Refusal, operation_outcome, outcome
from smart_app.sandbox.shelf import Shelf, Version

Resource = dict[str, Any]
Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Found:
    """All matches of one search, what was included beside them, and the chart's remarks."""

    matches: tuple[Resource, ...]
    included: tuple[Resource, ...] = ()
    remarks: tuple[Resource, ...] = ()


@dataclass(frozen=True)
class Answers:
    """One chart of one personality, seen with one token's rights."""

    shelf: Shelf
    personality: Personality
    base: str
    access: Access

    def seen_by(self, access: Access) -> Answers:
        """The same chart with other rights."""
        return replace(self, access=access)

    def read(self, resource_type: str, resource_id: str) -> Version:
        """The newest version. Raises Refusal."""
        self._offered(resource_type, "read")
        found = self.shelf.newest(resource_type, resource_id)
        reach = self._reach(resource_type, "r")
        if found is None or (found.deleted and not self.personality.etag):
            raise self._absent(resource_type, resource_id)
        if found.deleted:
            raise outcome(410, "deleted", f"{resource_type}/{resource_id} was deleted")
        if reach == "patient" and not self._own(found.resource):
            raise self.not_theirs()
        if self._hidden(found.resource):
            raise self._absent(resource_type, resource_id)
        return found

    def find(self, resource_type: str, parameters: Parameters) -> Found:
        """Everything that matches. Raises Refusal."""
        self._offered(resource_type, "search-type")
        reach = self._reach(resource_type, "s")
        asked = [(name, value) for name, value in parameters if name not in searching.CONTROL]
        remarks = []
        usable = []
        for name, value in asked:
            if self._knows(resource_type, name):
                usable.append((name, value))
            elif self.personality.unknown_parameter == "refuse":
                raise outcome(400, "not-supported", f"Unknown search parameter {name!r}")
            elif self.personality.unknown_parameter == "warn":
                remarks.append(operation_outcome("not-supported", f"Parameter {name} ignored", "warning", "59105"))
        self._patient_named(resource_type, usable, reach)
        matching = [
            version.resource
            for version in self.shelf.present(resource_type)
            if all(searching.matches(version.resource, name, value) for name, value in usable)
            and (reach == "all" or self._own(version.resource))
            and not self._hidden(version.resource)
        ]
        controls = dict(parameters)
        if "_sort" in controls and self.personality.unknown_parameter != "ignore":
            matching = searching.sort(matching, controls["_sort"])
        remarks += self._remarks(matching)
        return Found(tuple(matching), tuple(self._included(matching, controls.get("_include", ""))), tuple(remarks))

    def may_post(self, resource: Resource) -> None:
        """Raises Refusal where this may not be created here."""
        self._offered(writing.type_of(resource), "create")
        self._writable(resource, "c")

    def may_put(self, resource: Resource, if_match: str | None) -> Version | None:
        """What stands there now; None if nothing does and it may be put there. Raises Refusal."""
        resource_type, resource_id = writing.type_of(resource), str(resource.get("id") or "")
        self._offered(resource_type, "update")
        self._writable(resource, "u")
        before = self.shelf.newest(resource_type, resource_id)
        if before is None or before.deleted:
            if self.personality.name != "open" or not writing.usable_id(resource_id):
                raise self._absent(resource_type, resource_id)
        elif self._reach(resource_type, "u") == "patient" and not self._own(before.resource):
            raise self.not_theirs()
        self._version_agrees(before, if_match)
        return before

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> tuple[Version, bool]:
        """The new version and whether it is new (False: a conditional create found it there). Raises Refusal."""
        self.may_post(resource)
        resource_type = resource["resourceType"]
        with self.shelf.lock:
            if if_none_exist and self.personality.conditional_create:
                there = self.find(resource_type, _query(if_none_exist)).matches
                if len(there) > 1:
                    raise outcome(412, "multiple-matches", "More than one resource matches If-None-Exist")
                if there:
                    return self.read(resource_type, there[0]["id"]), False
            made = writing.prepare(self.personality, resource, self.access, self.shelf, None)
            writing.check_references(self.personality, made, self.shelf)
            return writing.keep(self.personality, made, self.base, self.shelf, self.access.client_id), True

    def update(self, resource: Resource, *, if_match: str | None = None) -> tuple[Version, bool]:
        """The new version and whether it is a new resource. Raises Refusal."""
        with self.shelf.lock:
            before = self.may_put(resource, if_match)
            kept = before.resource if before else None
            made = writing.prepare(self.personality, resource, self.access, self.shelf, kept)
            writing.check_references(self.personality, made, self.shelf)
            stored = writing.keep(self.personality, made, self.base, self.shelf, self.access.client_id, resource["id"])
            return stored, before is None

    def delete(self, resource_type: str, resource_id: str) -> Version:
        """The deletion. Raises Refusal."""
        self._offered(resource_type, "delete")
        found = self.read(resource_type, resource_id)
        self._writable(found.resource, "d")
        return self.shelf.put([found.resource], self.access.client_id, deleted=True)[0]

    def binary(self, binary_id: str) -> tuple[bytes, str]:
        """The bytes and their type. Raises Refusal."""
        found = self.read("Binary", binary_id)
        owner = found.resource.get("securityContext", {}).get("reference", "")
        owner_type, _, owner_id = owner.partition("/")
        if owner_id:
            self.read(owner_type, owner_id)
        data = base64.b64decode(found.resource.get("data", ""))
        return data, str(found.resource.get("contentType", "application/octet-stream"))

    def capability(self) -> Resource:
        """What this chart says of itself; open to everybody."""
        return statement(self.personality, self.base, self.shelf.now())

    def forbidden(self) -> Refusal:
        """No scope for this: as each kind of EHR says it."""
        if self.personality.forbidden == "empty":
            return Refusal(403)
        if self.personality.forbidden == "plain":
            message = (
                'code="urn:practice:error:oauth2:resource-access:insufficient-scopes",\nerror="insufficient_scope"'
            )
            return Refusal(403, {"code": 403, "message": message}, content_type="application/json")
        return outcome(403, "forbidden", "The token's scopes do not allow this")

    def not_theirs(self) -> Refusal:
        """Another patient's record."""
        if self.personality.forbidden == "empty":
            return outcome(403, "forbidden", "Not authorized for this patient", number="4118")
        return self.forbidden()

    def _offered(self, resource_type: str, interaction: str) -> None:
        declared = self.personality.declared.get(resource_type)
        if declared is None:
            raise outcome(404, "not-supported", f"Unknown resource type {resource_type}")
        if interaction not in declared:
            raise outcome(405, "not-supported", f"{resource_type} has no {interaction} here")
        if (resource_type, interaction) in self.personality.refused:
            raise self.forbidden()

    def _reach(self, resource_type: str, letter: str) -> str:
        reach = self.access.reach(resource_type, letter)
        if not reach:
            raise self.forbidden()
        return "all" if resource_type in FREE_TYPES else reach

    def _writable(self, resource: Resource, letter: str) -> None:
        reach = self._reach(resource["resourceType"], letter)
        if letter == "u" and self.personality.if_match == "required":
            self._reach(resource["resourceType"], "r")
        if reach == "patient" and patient_of(resource) not in ("", self.access.patient):
            raise self.not_theirs()

    def _own(self, resource: Resource) -> bool:
        owner = patient_of(resource)
        if owner:
            return owner == self.access.patient
        return resource["resourceType"] in FREE_TYPES or resource["resourceType"] == "Binary"

    def _hidden(self, resource: Resource) -> bool:
        """What a patient does not see: unsigned notes, and on some EHRs what was entered in error."""
        if self.access.persona != "patient":
            return False
        if resource.get("docStatus") == "preliminary":
            return True
        return self.personality.name == "oracle" and resource.get("status") == "entered-in-error"

    def _absent(self, resource_type: str, resource_id: str) -> Refusal:
        return outcome(404, "not-found", f"{resource_type}/{resource_id} is not known")

    def _knows(self, resource_type: str, name: str) -> bool:
        only = self.personality.search_only.get(resource_type)
        bare = name.partition(":")[0]
        return searching.known(name) and (only is None or bare in only or bare in ("_id", "_lastUpdated"))

    def _patient_named(self, resource_type: str, usable: Parameters, reach: str) -> None:
        names = {name.partition(":")[0] for name, _ in usable}
        if resource_type in self.personality.needs_patient and not names & {"patient", "subject", "_id", "identifier"}:
            raise outcome(400, "required", "A patient or _id parameter is required", number="59101")
        if reach == "patient":
            for name, value in usable:
                if name in ("patient", "subject") and value.rpartition("/")[2] != self.access.patient:
                    raise self.not_theirs()

    def _version_agrees(self, before: Version | None, if_match: str | None) -> None:
        if self.personality.if_match == "ignored" or (before is None and not if_match):
            return
        if not if_match:
            if self.personality.if_match == "required":
                raise outcome(400, "invalid", "Invalid request")
            return
        if before is None or if_match.strip().removeprefix("W/").strip('"') != str(before.number):
            raise outcome(self.personality.stale, "conflict", "The resource was changed since it was read")

    def _remarks(self, matching: list[Resource]) -> list[Resource]:
        """Epic mixes remarks into its bundles: nothing found, or more than a patient may see."""
        if self.personality.unknown_parameter != "warn":
            return []
        remarks = []
        if not matching:
            remarks.append(operation_outcome("not-found", "Resource request returns no results.", "warning", "4101"))
        if self.access.persona == "patient":
            remarks.append(operation_outcome("suppressed", "Additional data may exist.", "warning", "4119"))
        return remarks

    def _included(self, matching: list[Resource], include: str) -> list[Resource]:
        """`_include` of one reference parameter, such as `ImagingStudy:endpoint`."""
        name = include.partition(":")[2]
        if name not in searching.REFERENCE:
            return []
        wanted: dict[str, None] = {}
        for resource in matching:
            for path in searching.REFERENCE[name]:
                for item in searching.walk(resource, path):
                    if isinstance(item, dict) and "/" in str(item.get("reference", "")):
                        wanted["/".join(item["reference"].split("/")[-2:])] = None
        found = [self.shelf.newest(*reference.split("/")) for reference in wanted]
        return [version.resource for version in found if version and not version.deleted]


def _query(text: str) -> Parameters:
    return parse_qsl(text.rpartition("?")[2], keep_blank_values=True)
