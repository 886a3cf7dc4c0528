"""Sites as programs and screens show them: plain values, never a secret, only whether there is one."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from smart_app.connect.addresses import to_register
from smart_app.connect.fields import flat
from smart_app.connect.finding import Finding, from_json, worst
from smart_app.ports import Ports
from smart_app.sites import NoSuchSite, Site
from smart_app.store.sites import KeptSite


def rows(ports: Ports) -> list[dict[str, Any]]:
    """Every site in short: of the file and of the database."""
    kept = _kept(ports)
    return [_row(site, kept.get(site.id)) for site in ports.directory.sites]


def whole(ports: Ports, site_id: str) -> dict[str, Any]:
    """One site: its fields, which secrets are kept, what to register with the hospital, the last walk.

    Raises NoSuchSite.
    """
    kept = _kept(ports).get(site_id)
    site = kept.site if kept else next((one for one in ports.directory.sites if one.id == site_id), None)
    if site is None:
        raise NoSuchSite(f"There is no site named {site_id!r}.")
    return {
        **_row(site, kept),
        "version": kept.version if kept else 0,
        "fields": {name: text for name, text in flat(site).items() if text},
        "secrets": sorted(kept.sealed) if kept else [p.key for p in site.registrations if p.client_secret],
        "register": to_register(ports.settings.base_url, site),
        "findings": findings(from_json(kept.test)) if kept else [],
    }


def findings(found: list[Finding]) -> list[dict[str, Any]]:
    """What a walk found, as plain values."""
    return [{**asdict(one), "causes": list(one.causes)} for one in found]


def _kept(ports: Ports) -> dict[str, KeptSite]:
    with ports.store.reading() as tx:
        return {one.site.id: one for one in tx.sites.all()}


def _row(site: Site, kept: KeptSite | None) -> dict[str, Any]:
    tested = kept.tested if kept else None
    return {
        "id": site.id,
        "name": site.name,
        "template": site.template,
        "profile": site.profile,
        "stage": site.stage,
        "state": "disabled" if site.disabled else "enabled",
        "kept": "database" if kept else "file",
        "tested": tested.isoformat() if tested else "",
        "result": worst(from_json(kept.test)) if kept and tested else "",
    }
