"""A site is added, changed, disabled and enabled. Secrets are sealed here, and every act has its line in the audit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from launch.vault import Vault
from smart_app.case import Party
from smart_app.connect.checks import Checks
from smart_app.connect.fields import flat, read_site
from smart_app.connect.live import with_secret
from smart_app.connect.templates import template, templates
from smart_app.ports import Ports
from smart_app.sites import NoSuchSite, Site, SiteStale
from smart_app.store.sites import KeptSite


def blank(template_id: str) -> Site:
    """A site as its template begins it, without a name and without a registration. Raises NoSuchSite."""
    if template_id not in templates():
        raise NoSuchSite(f"There is no template named {template_id!r}. There are: {', '.join(templates())}.")
    return Site("", "", template(template_id).profile, (), template=template_id)


def add_site(ports: Ports, who: Party, site_id: str, template_id: str, given: Mapping[str, str]) -> Site:
    """Keep a new site. Raises SiteUnfit, NoSuchSite for an unknown template."""
    checks = Checks(ports.directory, practice=ports.settings.practice)
    base = replace(blank(template_id), id=site_id)
    checks.new_id(site_id)
    site = read_site(given, base, checks)
    with ports.store.transaction() as tx:
        tx.sites.add(site, _sealed(ports, site), ports.now())
        tx.audit.write(ports.now(), who, "add-site", "", site.id, template_id)
    ports.directory.refresh()
    return site


def change_site(ports: Ports, who: Party, site_id: str, given: Mapping[str, str], version: int | None = None) -> Site:
    """Change what is given. With `version` only where nobody else has changed it. Raises SiteUnfit, SiteStale."""
    kept = kept_site(ports, site_id)
    base = opened(ports, kept)
    site = read_site(given, base, Checks(ports.directory, practice=ports.settings.practice))
    _save(ports, who, kept, site, version, "change-site", _changes(base, site))
    return site


def disable_site(ports: Ports, who: Party, site_id: str, reason: str) -> Site:
    """Nobody comes in from there, open lines end, and what is owed to it waits. Raises NoSuchSite."""
    kept = kept_site(ports, site_id)
    site = replace(opened(ports, kept), disabled=True)
    _save(ports, who, kept, site, None, "disable-site", reason)
    with ports.store.transaction() as tx:
        tx.sites.end_lines(site_id, ports.now())
    return site


def enable_site(ports: Ports, who: Party, site_id: str) -> Site:
    """People come in again. Raises NoSuchSite."""
    kept = kept_site(ports, site_id)
    site = replace(opened(ports, kept), disabled=False)
    _save(ports, who, kept, site, None, "enable-site", "")
    return site


def kept_site(ports: Ports, site_id: str) -> KeptSite:
    """That site as it is kept. Raises NoSuchSite, which says so of one that stands in the file."""
    with ports.store.reading() as tx:
        try:
            return tx.sites.get(site_id)
        except NoSuchSite:
            if any(site.id == site_id for site in ports.directory.sites):
                source = ports.directory.source
                raise NoSuchSite(f"Site {site_id!r} stands in {source} and is changed there.") from None
            raise


def opened(ports: Ports, kept: KeptSite) -> Site:
    """The site with its secrets, where they can be opened."""
    vault = Vault(*ports.settings.secrets)
    found = (with_secret(persona, kept, vault) or persona for persona in kept.site.registrations)
    return replace(kept.site, registrations=tuple(found))


def _save(ports: Ports, who: Party, kept: KeptSite, site: Site, version: int | None, verb: str, why: str) -> None:
    if version is not None and version != kept.version:
        raise SiteStale("Somebody else changed this site meanwhile. Nothing was saved; look at it again.")
    with ports.store.transaction() as tx:
        tx.sites.save(site, _sealed(ports, site), kept.version, ports.now())
        tx.audit.write(ports.now(), who, verb, "", site.id, why)
    ports.directory.refresh()


def _sealed(ports: Ports, site: Site) -> dict[str, str]:
    vault = Vault(*ports.settings.secrets)
    return {p.key: vault.seal(p.client_secret) for p in site.registrations if p.client_secret}


def _changes(before: Site, after: Site) -> str:
    """The names of the fields that differ; of a secret only that it was changed."""
    one, other = flat(before), flat(after)
    names = [name for name in other if one[name] != other[name]]
    secrets = {p.key: p.client_secret for p in before.registrations}
    names += [
        f"{p.stage}_{p.audience}_client_secret"
        for p in after.registrations
        if p.client_secret != secrets.get(p.key, "")
    ]
    return ", ".join(names)
