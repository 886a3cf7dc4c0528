"""The practice chart in memory, behind the same `Chart` as a hospital's. Rule: it answers as its HTTP face does."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fhir.chart import Page, Written
from fhir.errors import ChartRefused, ChartUnavailable, ChartUnclear
from smart_app.sandbox import people
from smart_app.sandbox.access import EVERYTHING, Access, patient_of
from smart_app.sandbox.answers import Answers
from smart_app.sandbox.journal import Journal
from smart_app.sandbox.personality import Personality
from smart_app.sandbox.refusal import Refusal, as_chart_error, words
from smart_app.sandbox.scenarios import Scenarios
from smart_app.sandbox.shelf import Shelf, Version, stamp
from smart_app.sandbox.transact import transact

Resource = dict[str, Any]


class Records:
    """One practice chart. Built with a journal it goes on where it was; `seen_by` gives the view of one token."""

    def __init__(
        self,
        personality: Personality,
        journal: Path | None = None,
        *,
        base: str = "",
        access: Access = EVERYTHING,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        make_shelf: Callable[[Journal, Callable[[], datetime]], Shelf] = Shelf,
    ) -> None:
        self.personality = personality
        self.journal = Journal(journal)
        entries = self.journal.entries()
        opened = next((entry["at"] for entry in entries if entry["kind"] == "opened"), None)
        if opened is None:
            opened = stamp(now())
            self.journal.append({"kind": "opened", "at": opened})
        self.opened = datetime.fromisoformat(opened)
        self.shelf = make_shelf(self.journal, now)
        address = base or f"http://practice.invalid{personality.fhir_path}"
        self.shelf.seed(people.chart(personality, self.opened, address))
        self.shelf.replay(entries)
        self.scenarios = Scenarios(self.journal, entries)
        self.answers = Answers(self.shelf, personality, address, access)

    @property
    def base(self) -> str:
        """The FHIR base URL."""
        return self.answers.base

    def seen_by(self, access: Access) -> Records:
        """The same chart with the rights of one token."""
        view = copy.copy(self)
        view.answers = self.answers.seen_by(access)
        return view

    def read(self, reference: str) -> Resource:
        """The resource. Raises the family of `fhir.errors`."""
        resource_type, _, resource_id = reference.removeprefix(self.base + "/").partition("/")
        with self._answering(writing=False):
            version = self.answers.read(resource_type, resource_id)
            self._in_the_way(patient_of(version.resource))
        return copy.deepcopy(version.resource)

    def search(self, resource_type: str, where: Mapping[str, str] | None = None, **params: str) -> Page:
        """Every match, with the chart's remarks as notes."""
        asked = [*(where or {}).items(), *params.items()]
        with self._answering(writing=False):
            for name, value in asked:
                if name in ("patient", "subject"):
                    self._in_the_way(value.rpartition("/")[2])
            found = self.answers.find(resource_type, asked)
        entries = tuple(copy.deepcopy(r) for r in (*found.matches, *found.included))
        return Page(entries, tuple(words(remark) for remark in found.remarks))

    def create(self, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        """One POST."""
        with self._answering(writing=True):
            self._before_write([resource])
            stored = self.answers.create(resource, if_none_exist=if_none_exist)
        return self._written([stored])[0]

    def update(self, resource: Resource, *, if_match: str | None = None) -> Written:
        """One PUT."""
        with self._answering(writing=True):
            self._before_write([resource])
            stored = self.answers.update(resource, if_match=if_match)
        return self._written([stored])[0]

    def transaction(self, bundle: Resource) -> list[Written]:
        """All or nothing."""
        with self._answering(writing=True):
            self._before_write([entry.get("resource", {}) for entry in bundle.get("entry", [])])
            stored = transact(self.answers, bundle)
        return self._written(stored)

    def capability(self) -> Resource | None:
        """The CapabilityStatement."""
        return self.answers.capability()

    def read_binary(self, url: str) -> tuple[bytes, str]:
        """Bytes and type of a Binary of this chart."""
        if "://" in url and not url.startswith(self.base + "/"):
            raise ChartRefused("This attachment lies outside the chart.")
        with self._answering(writing=False):
            return self.answers.binary(url.rpartition("/")[2])

    def scopes(self) -> set[str] | None:
        """What this view may do."""
        return set(self.answers.access.scopes)

    def _in_the_way(self, patient: str) -> None:
        if self.scenarios.of(patient) == "ehr-down":
            raise Refusal(503)

    def _before_write(self, resources: list[Resource]) -> None:
        self._in_the_way(next((found for found in map(patient_of, resources) if found), ""))

    def _written(self, stored: list[tuple[Version, bool]]) -> list[Written]:
        resources = [version.resource for version, _ in stored]
        if self.scenarios.lose_answer(resources):
            raise ChartUnclear("The connection ended before the chart had answered.")
        return [
            Written(version.reference, version.etag if self.personality.etag else None, 201 if new else 200)
            for version, new in stored
        ]

    @contextmanager
    def _answering(self, *, writing: bool) -> Iterator[None]:
        try:
            yield
        except Refusal as refusal:
            if refusal.status == 503:
                raise ChartUnavailable("The chart is not available now.", status=503) from refusal
            raise as_chart_error(refusal, writing=writing) from refusal
