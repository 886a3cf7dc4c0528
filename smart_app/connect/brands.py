"""User-access Brands bundles (SMART App Launch 2.2): the hospitals patients know, by name, town and portal.

A bundle holds Organizations (brands, with portals in an extension) and the Endpoints they lead to; a brand without
portals has those of the one it is part of. Older directories hold Endpoints alone, each with its hospital inside. Rule:
words and addresses are taken, logos are not; one odd entry never spoils a bundle.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from launch.issuers import normalised
from smart_app.sites import SiteError
from smart_app.store.brands import Brand

BRAND_PORTAL = "http://hl7.org/fhir/StructureDefinition/organization-portal"
FHIR_VERSION = "http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version"
LARGEST = 400_000_000
"""Bytes. A vendor's bundle with its logos inside has about a hundred million."""
LONGEST_NAME = 200
LONGEST_ADDRESS = 500
MOST_TOWNS = 60
GENERATIONS = 5  # brand, hospital, clinic, and no ring

Resource = dict[str, Any]


class BrandsUnreadable(SiteError):
    """The file is not a User-access Brands bundle. The message names it and says what it should be."""


@dataclass(frozen=True)
class BrandsRead:
    """What a bundle held. `without` counts brands that lead to no FHIR R4 address: found, and never connected."""

    brands: tuple[Brand, ...]
    without: int


def read_brands_file(path: Path) -> BrandsRead:
    """Read a bundle from a file. Raises BrandsUnreadable."""
    try:
        if path.stat().st_size > LARGEST:
            raise BrandsUnreadable(
                f"{path}: larger than {LARGEST // 1_000_000} MB; give one vendor's bundle at a time."
            )
        bundle = json.loads(path.read_bytes())
    except OSError as problem:
        raise BrandsUnreadable(f"{path}: cannot be read: {problem.strerror}.") from problem
    except (ValueError, RecursionError) as problem:
        raise BrandsUnreadable(f"{path}: is not JSON. Give the vendor's User-access Brands bundle.") from problem
    try:
        return read_brands(bundle)
    except BrandsUnreadable as problem:
        raise BrandsUnreadable(f"{path}: {problem}") from problem


def read_brands(bundle: object) -> BrandsRead:
    """Every brand of the bundle, one row for each portal. Raises BrandsUnreadable."""
    if not isinstance(bundle, dict) or bundle.get("resourceType") != "Bundle":
        raise BrandsUnreadable("is not a FHIR Bundle. Give the vendor's User-access Brands bundle.")
    shelf = _Shelf(bundle)
    found = [brand for organisation in shelf.of("Organization") for brand in _of_organisation(organisation, shelf)]
    found += [brand for endpoint in shelf.of("Endpoint") for brand in _of_endpoint(endpoint, shelf)]
    if not found:
        raise BrandsUnreadable("holds no Organization with a name and no Endpoint. Is it another kind of bundle?")
    brands = tuple(dict.fromkeys(found))
    return BrandsRead(brands, sum(not brand.endpoints for brand in brands))


class _Shelf:
    """The bundle's resources, found by full address or by type and id."""

    def __init__(self, bundle: Resource) -> None:
        self._by_name: dict[str, Resource] = {}
        self._all: list[Resource] = []
        self._base: dict[int, str] = {}
        self.used: set[int] = set()
        for entry in _dicts(bundle.get("entry")):
            resource = entry.get("resource")
            if not isinstance(resource, dict):
                continue
            url = _text(entry.get("fullUrl"), 1000)
            self._all.append(resource)
            self._base[id(resource)] = url
            for name in (url, f"{resource.get('resourceType')}/{resource.get('id')}"):
                self._by_name.setdefault(name, resource)

    def of(self, kind: str) -> list[Resource]:
        return [resource for resource in self._all if resource.get("resourceType") == kind]

    def find(self, reference: object, owner: Resource) -> Resource | None:
        """What a reference of `owner` leads to (Bundle resolution, FHIR R4 section 2.36.4)."""
        said = _text(reference.get("reference"), 1000) if isinstance(reference, dict) else ""
        if not said:
            return None
        base = self._base.get(id(owner), "")
        kind = said.partition("/")[0]
        absolute = urljoin(base[: base.rfind("/", 0, base.rfind("/"))] + "/", said) if "/" in base else said
        return self._by_name.get(absolute) or self._by_name.get(said) or self._by_name.get(f"{kind}/{said}")


def _of_organisation(organisation: Resource, shelf: _Shelf) -> Iterator[Brand]:
    name = _text(organisation.get("name"))
    if not name or organisation.get("active") is False:
        return
    places = [_place(address) for address in _dicts(organisation.get("address"))]
    towns = list(dict.fromkeys(place for place in places if place))
    codes = [_text(address.get("postalCode"), 20) for address in _dicts(organisation.get("address"))]
    aliases = tuple(alias for alias in map(_text, _list(organisation.get("alias"))) if alias)
    also = tuple(dict.fromkeys(word for word in (*towns[1:], *codes) if word))[:MOST_TOWNS]
    for portal, endpoints in _portals(organisation, shelf):
        yield Brand(name, towns[0] if towns else "", portal, aliases, endpoints, also)


def _portals(organisation: Resource, shelf: _Shelf) -> list[tuple[str, tuple[str, ...]]]:
    """(portal's name, its addresses) for each portal; those of the owner above where it has none itself."""
    here: Resource | None = organisation
    leads: tuple[str, ...] = ()
    for _ in range(GENERATIONS):
        if here is None:
            break
        owner = here
        found = [
            _portal(part, owner, shelf) for part in _dicts(owner.get("extension")) if part.get("url") == BRAND_PORTAL
        ]
        plain = _addresses(_list(owner.get("endpoint")), owner, shelf)
        if found and leads:
            return [(found[0][0], leads)]
        if found:
            return [(name, endpoints or (plain if len(found) == 1 else ())) for name, endpoints in found]
        leads = leads or plain
        here = shelf.find(owner.get("partOf"), owner)
    return [("", leads)]


def _portal(extension: Resource, owner: Resource, shelf: _Shelf) -> tuple[str, tuple[str, ...]]:
    parts = list(_dicts(extension.get("extension")))
    name = next((_text(part.get("valueString")) for part in parts if part.get("url") == "portalName"), "")
    leads = [part.get("valueReference") for part in parts if part.get("url") == "portalEndpoint"]
    return name, _addresses(leads, owner, shelf)


def _addresses(references: list[Any], owner: Resource, shelf: _Shelf) -> tuple[str, ...]:
    found = []
    for reference in references:
        endpoint = shelf.find(reference, owner)
        if endpoint is not None:
            shelf.used.add(id(endpoint))
            found.append(_address(endpoint))
    return tuple(dict.fromkeys(address for address in found if address))


def _of_endpoint(endpoint: Resource, shelf: _Shelf) -> Iterator[Brand]:
    """An Endpoint that no Organization leads to is a directory of the older kind: its hospital is inside it."""
    if id(endpoint) in shelf.used:
        return
    inside = next((one for one in _dicts(endpoint.get("contained")) if one.get("resourceType") == "Organization"), {})
    owner = shelf.find(endpoint.get("managingOrganization"), endpoint) or inside
    name = _text(owner.get("name")) or _text(endpoint.get("name"))
    address = _address(endpoint)
    if name and address:
        places = [_place(one) for one in _dicts(owner.get("address"))]
        yield Brand(name, places[0] if places else "", "", (), (address,))


def _address(endpoint: Resource) -> str:
    """The FHIR R4 address as issuers are compared; empty for another standard, another release, or one that is off."""
    coding = endpoint.get("connectionType")
    kind = coding.get("code") if isinstance(coding, dict) else None
    if endpoint.get("status", "active") != "active" or kind not in (None, "hl7-fhir-rest"):
        return ""
    releases = [part.get("valueCode") for part in _dicts(endpoint.get("extension")) if part.get("url") == FHIR_VERSION]
    if releases and not any(str(release).startswith("4.") for release in releases):
        return ""
    try:
        address = normalised(_text(endpoint.get("address"), 2000))
    except ValueError:
        return ""
    return address if len(address) <= LONGEST_ADDRESS else ""


def _place(address: Resource) -> str:
    return ", ".join(part for part in (_text(address.get("city"), 80), _text(address.get("state"), 40)) if part)


def _text(value: object, longest: int = LONGEST_NAME) -> str:
    """One line of what can be printed."""
    if not isinstance(value, str):
        return ""
    return " ".join("".join(c if c.isprintable() else " " for c in value[: longest * 2]).split())[:longest]


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _dicts(value: object) -> Iterator[Resource]:
    yield from (item for item in _list(value) if isinstance(item, dict))
