"""The chart seam: what the product may ask of a hospital's records, and the real chart over HTTP.

Reads are tolerant and may be repeated. A write is sent once and never retried here: who calls decides from the
error family whether it surely was not written, was refused, or is unclear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

Resource = dict[str, Any]


@dataclass(frozen=True)
class Page:
    """All matches of one search, over however many pages the chart cut it into.

    `entries` are matches and included resources as the chart sent them, each once. `notes` are the chart's own words
    (OperationOutcome entries) and ours. `complete` is False where the chart had more than we fetched. `odd` names the
    entries ("Type/id") that are not clean R4 and may be partly readable; they stand in `entries` all the same.
    """

    entries: tuple[Resource, ...]
    notes: tuple[str, ...] = ()
    complete: bool = True
    odd: tuple[str, ...] = ()


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

    Raises only the family of `fhir.errors`. References are "Type/id" relative to `base`.
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
