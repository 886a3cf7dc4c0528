"""A patient without a launch finds their hospital as they type: those connected here first, then every known name.

Rule: what is not connected is said not to be, with what to do; nothing is fetched from elsewhere, no logo either.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from flask import Response, request

from launch.issuers import normalised
from smart_app.sites import Site
from smart_app.store.brands import FoundBrand, folded
from smart_app.web.answers import page
from smart_app.web.sessions import ports

LISTED = 12
"""So many connected hospitals are shown before anything is typed; more are searched."""
SHOWN = 20
LONGEST = 100


@dataclass(frozen=True)
class Choice:
    """One line of the page. `site_id` is empty for a hospital that is not connected here."""

    name: str
    place: str = ""
    portal: str = ""
    also: str = ""
    site_id: str = ""


def hospitals() -> Response:
    """The page, or its state as JSON: what is connected, and what was found for the words in `q`."""
    typed = " ".join(request.args.get("q", "")[:LONGEST].split())
    sites = [site for site in ports().directory.sites if any(p.audience == "patient" for p in site.personas)]
    with ports().store.reading() as tx:
        known = sum(bundle.size for bundle in tx.brands.bundles())
        hits, total = tx.brands.search(typed, _addresses(sites), SHOWN)
    found = _found(typed, sites, hits)
    ours = [choice for choice in found if choice.site_id]
    others = [choice for choice in found if not choice.site_id]
    return page(
        "signin/start.html",
        {
            "typed": typed,
            "sites": [{"id": c.site_id, "name": c.name, "place": c.place, "portal": c.portal} for c in ours],
            "others": [{"name": c.name, "place": c.place} for c in others],
            "more": max(0, total - len(hits)),
        },
        typed=typed,
        ours=ours,
        others=others,
        more=max(0, total - len(hits)),
        searching=bool(known) or len(sites) > LISTED,
        number=sites[0].emergency_number if sites else "911",
        any_site=bool(sites),
    )


def _addresses(sites: Iterable[Site]) -> dict[str, Site]:
    return {
        normalised(persona.iss): site for site in sites for persona in site.personas if persona.audience == "patient"
    }


def _found(typed: str, sites: list[Site], hits: list[FoundBrand]) -> list[Choice]:
    """Our own sites that fit, then the brands; a brand that only repeats the name of a site of ours is left out."""
    wanted = folded(typed).split()
    if not wanted:
        return [_choice(site) for site in sorted(sites, key=_name)] if len(sites) <= LISTED else []
    own = [_choice(site) for site in sites if _fits(site, wanted)]
    by_address = _addresses(sites)
    named = {(choice.site_id, folded(choice.name)) for choice in own}
    for hit in hits:
        site_id = by_address[hit.endpoint].id if hit.endpoint in by_address else ""
        if (site_id, folded(hit.name)) not in named or hit.portal not in ("", _portal(own, site_id)):
            own.append(Choice(hit.name, hit.place, hit.portal, hit.alias, site_id))
    return own


def _name(site: Site) -> str:
    return site.brand.name or site.name


def _choice(site: Site) -> Choice:
    return Choice(_name(site), site.brand.place, site.brand.portal, site_id=site.id)


def _portal(choices: list[Choice], site_id: str) -> str:
    return next((choice.portal for choice in choices if choice.site_id == site_id), "")


def _fits(site: Site, wanted: list[str]) -> bool:
    said = " " + " ".join(folded(text) for text in (site.name, site.brand.name, site.brand.place, site.brand.portal))
    return all(f" {word}" in said for word in wanted)
