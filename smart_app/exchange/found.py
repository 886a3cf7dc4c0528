"""Reading and searching: the resources of one organisation's referrals, oldest change first, page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from smart_app.access import Actor, may
from smart_app.exchange.asked import Asked, cursor, names
from smart_app.exchange.errors import NotThere
from smart_app.exchange.shown import named, shown
from smart_app.ports import Ports
from smart_app.referral import Referral
from smart_app.sites import System

Resource = dict[str, Any]
VERB = {
    "ImagingStudy": "images",
    "DocumentReference": "reports",
    "Binary": "reports",
    "DiagnosticReport": "opinion",
}
"""What somebody must be allowed to see a resource of that type; "see" for every other."""
READ_AT_ONCE = 200


@dataclass(frozen=True)
class Page:
    """One page of a search. `next` is the cursor of the next one, empty on the last."""

    matches: tuple[Resource, ...] = ()
    included: tuple[Resource, ...] = ()
    next: str = ""
    total: int | None = None


def actor_of(system: System) -> Actor:
    """The system as the access table knows it."""
    return Actor("system", f"system|{system.id}", organisation=system.organisation)


def visible(who: Actor, referral: Referral, kind: str) -> bool:
    """May this system see resources of that type of this referral? The opinion is shown to the one who holds it."""
    verb = VERB.get(kind, "see")
    if verb == "opinion":
        return may(who, referral, "see") and may(who, referral, "revise") and not referral.hidden
    return may(who, referral, "see") and may(who, referral, verb)


def referral_of(ports: Ports, system: System, resource_id: str) -> tuple[datetime, Referral]:
    """The referral behind an id of ours, and when it changed last. Raises NotThere, also where it is another's."""
    with ports.store.reading() as tx:
        found = tx.referrals.changed(system.organisation, only=named(resource_id))
    if not found or not may(actor_of(system), found[0][1], "see"):
        raise NotThere("There is no such resource here.")
    return found[0]


def read(ports: Ports, system: System, kind: str, resource_id: str) -> Resource:
    """One resource. Raises NotThere."""
    at, referral = referral_of(ports, system, resource_id)
    if visible(actor_of(system), referral, kind):
        for resource in shown(ports, referral, kind, at):
            if resource["id"] == resource_id:
                return resource
    raise NotThere("There is no such resource here.")


def search(ports: Ports, system: System, asked: Asked) -> Page:
    """The page that was asked for."""
    matches: list[Resource] = []
    included: dict[tuple[str, str], Resource] = {}
    who, wanted = actor_of(system), names(asked.identifiers)
    if asked.count_only:
        return Page(total=_total(ports, system, asked))
    after, last = asked.after, ""
    while len(matches) < asked.count:
        batch = _batch(ports, system, asked, after)
        for at, referral in batch:
            after = (at, referral.id)
            if not visible(who, referral, asked.kind):
                continue
            fits = [r for r in shown(ports, referral, asked.kind, at) if _fits(r, asked, wanted)]
            matches += fits
            for kind in asked.includes if fits else ():
                if visible(who, referral, kind):
                    included |= {(kind, one["id"]): one for one in shown(ports, referral, kind, at)}
            if len(matches) >= asked.count:
                break
        if asked.referral or len(batch) < _size(asked):
            if not batch or after == (batch[-1][0], batch[-1][1].id):
                return Page(tuple(matches), tuple(included.values()))
            break
    if after is not None:
        last = cursor(*after)
    return Page(tuple(matches), tuple(included.values()), last)


def _batch(
    ports: Ports, system: System, asked: Asked, after: tuple[datetime, str] | None
) -> list[tuple[datetime, Referral]]:
    with ports.store.reading() as tx:
        if asked.referral:
            return tx.referrals.changed(
                system.organisation, only=asked.referral, since=asked.since, until=asked.until, after=after
            )
        return tx.referrals.changed(
            system.organisation,
            statuses=asked.stands,
            since=asked.since,
            until=asked.until,
            after=after,
            limit=_size(asked),
        )


def _size(asked: Asked) -> int:
    """How many referrals to read at once: as many as resources where each has one."""
    return asked.count if asked.kind in ("Task", "ServiceRequest", "Patient") else READ_AT_ONCE


def _fits(resource: Resource, asked: Asked, wanted: frozenset[str]) -> bool:
    if asked.ids and resource["id"] not in asked.ids:
        return False
    if asked.statuses and resource.get("status") not in asked.statuses:
        return False
    if not wanted:
        return True
    own = {(str(i.get("system", "")), str(i.get("value", ""))) for i in resource.get("identifier", [])}
    return any(f"{s}|{v}" in wanted or f"|{v}" in wanted for s, v in own)


def _total(ports: Ports, system: System, asked: Asked) -> int:
    """How many there are over all pages."""
    total, after = 0, None
    who, wanted = actor_of(system), names(asked.identifiers)
    while True:
        batch = _batch(ports, system, asked, after)
        for at, referral in batch:
            after = (at, referral.id)
            if visible(who, referral, asked.kind):
                total += sum(1 for r in shown(ports, referral, asked.kind, at) if _fits(r, asked, wanted))
        if asked.referral or len(batch) < _size(asked):
            return total
