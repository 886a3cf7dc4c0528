"""From the directory to what the launch library knows: one Issuer for each registration in use, and the way out."""

from __future__ import annotations

import threading

from launch.issuers import Issuer, Issuers
from launch.outbound import Outbound, origin
from smart_app.sites import Directory, Persona, Site


def issuer_of(site: Site, persona: Persona) -> Issuer:
    """The launch's own record of one registration of a site."""
    return Issuer(
        iss=persona.iss,
        client_id=persona.client_id,
        scopes=persona.scopes,
        auth=persona.auth,
        client_secret=persona.client_secret,
        audience=persona.audience,
        signing_alg=persona.signing_alg,
        origins=site.origins,
        ring=persona.ring,
    )


def issuers(directory: Directory) -> Issuers:
    """Every EHR registration that this installation trusts now."""
    return Issuers(issuer_of(site, persona) for site in directory.sites for persona in site.personas)


def inside(directory: Directory) -> frozenset[str]:
    """The origins that may have private addresses, as `launch.outbound` compares them."""
    return frozenset(origin(url) for site in directory.sites for url in site.inside)


class Way:
    """The way out to every hospital. Made anew when an operator allows or forbids another private address."""

    def __init__(self, directory: Directory, *, practice: bool) -> None:
        self._directory, self._practice = directory, practice
        self._lock = threading.Lock()
        self._http: Outbound | None = None

    @property
    def http(self) -> Outbound:
        """The session that keeps to the addresses allowed now."""
        wanted = inside(self._directory)
        with self._lock:
            if self._http is None or self._http.inside != wanted:
                self._http = Outbound(practice=self._practice, inside=wanted)
            return self._http
