"""A search result gathered page by page: every match once, the chart's remarks apart, nothing left out in silence."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from fhir.answers import outcome_words

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


class Gathered:
    """What has been read so far. `is_clean` says whether one resource alone is clean R4."""

    def __init__(self, is_clean: Callable[[Resource], bool]) -> None:
        self._is_clean = is_clean
        self._entries: list[Resource] = []
        self._seen: set[str] = set()
        self._notes: list[str] = []
        self._odd: list[str] = []
        self._complete = True

    def take(self, bundle: Mapping[str, Any]) -> str | None:
        """Take one page; answers the address of the next, or None. Odd entries are taken as they are."""
        for entry in _dicts(bundle.get("entry")):
            self._take_entry(entry)
        for link in _dicts(bundle.get("link")):
            if link.get("relation") == "next" and isinstance(link.get("url"), str):
                return str(link["url"])
        return None

    def stop(self, why: str) -> None:
        """There is more, and we do not fetch it."""
        self._complete = False
        self._notes.append(why)

    def page(self) -> Page:
        """Everything taken."""
        return Page(tuple(self._entries), tuple(dict.fromkeys(self._notes)), self._complete, tuple(self._odd))

    def _take_entry(self, entry: Mapping[str, Any]) -> None:
        resource = entry.get("resource")
        if not isinstance(resource, dict):
            self._notes.append("The chart listed a record without showing it.")
            return
        search = entry.get("search")
        mode = search.get("mode") if isinstance(search, dict) else None
        if mode == "outcome" or resource.get("resourceType") == "OperationOutcome":
            self._notes.append(outcome_words(resource) or "The chart added a remark without words.")
            return
        name = f"{resource.get('resourceType')}/{resource.get('id')}"
        if resource.get("id") and name in self._seen:
            return  # Oracle may list the same id on two pages
        self._seen.add(name)
        self._entries.append(resource)
        if not self._is_clean(resource):
            self._odd.append(name)


def _dicts(value: object) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
