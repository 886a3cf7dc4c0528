"""A site is tested: by an operator's press or from the command line, with its line in the audit and the result kept."""

from __future__ import annotations

from datetime import datetime

from launch.keys import Keys
from launch.outbound import Outbound
from smart_app.case import Party
from smart_app.connect.finding import Finding, to_json, worst
from smart_app.connect.keep import kept_site, opened
from smart_app.connect.trust import inside
from smart_app.connect.walk import Walker
from smart_app.ports import Ports
from smart_app.sites import NoSuchSite, Site

PATIENCE = (3.0, 8.0)
"""Seconds to connect and without a byte: somebody is waiting in front of it, perhaps on the phone."""


def prove(ports: Ports, who: Party, site_id: str, keys: Keys) -> list[Finding]:
    """Walk to that site now. Raises NoSuchSite."""
    site, since = _site(ports, site_id)
    settings = ports.settings
    http = Outbound(practice=settings.practice, inside=inside(ports.directory), timeout=PATIENCE)
    found = Walker(keys, http, ports.now, settings.base_url, since).walk(site)
    with ports.store.transaction() as tx:
        if since is not None:
            tx.sites.record_test(site_id, ports.now(), to_json(found))
        tx.audit.write(ports.now(), who, "test-site", "", site_id, worst(found))
    return found


def _site(ports: Ports, site_id: str) -> tuple[Site, datetime | None]:
    """The site and when it was last changed here; one of the file has no such time."""
    try:
        kept = kept_site(ports, site_id)
    except NoSuchSite:
        if all(site.id != site_id for site in ports.directory.sites):
            raise
        return ports.directory.site(site_id), None
    return opened(ports, kept), kept.changed
