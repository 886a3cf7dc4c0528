"""The ways in: which EHR or sign-in service a person comes from, and what we need to receive them. No Flask here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fhir.chart import Chart, FhirChart
from launch.errors import UntrustedIssuer
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.tokens import open_session
from launch.vault import Vault
from smart_app.connect.trust import Way, issuers
from smart_app.settings import Settings
from smart_app.sites import Directory, Organisation, Site


@dataclass(frozen=True)
class Doors:
    """Every registration of this installation, and our own keys. One per process."""

    directory: Directory
    base_url: str
    keys: Keys
    way: Way
    vault: Vault

    @property
    def http(self) -> Outbound:
        """The way out, as the sites allow it now."""
        return self.way.http

    @property
    def callback(self) -> str:
        """Where an EHR sends the browser back to."""
        return f"{self.base_url}/callback"

    @property
    def sign_in_callback(self) -> str:
        """Where a sign-in service sends the browser back to."""
        return f"{self.base_url}/sign-in/callback"

    def chart(self, iss: str, audience: str) -> Issuer:
        """Our registration with that EHR. Raises UntrustedIssuer before any call leaves us."""
        return issuers(self.directory).trusted(iss, audience=audience)

    def visit(self, issuer: Issuer, token_endpoint: str, token: dict[str, Any], now: Callable[[], datetime]) -> Chart:
        """The chart as a person who has just come in may see it, before there is a line to keep a token in."""
        session = open_session(issuer, token_endpoint, token, keys=self.keys, http=self.http, now=now)
        return FhirChart(issuer.iss, session, timeout=8.0)

    def site(self, iss: str) -> Site:
        """The hospital behind that issuer. Raises UntrustedIssuer."""
        found = self.directory.site_of_issuer(iss)
        if found is None:
            raise UntrustedIssuer("This installation does not know that EHR.")
        return found[0]

    def sign_in(self, organisation_id: str) -> tuple[Organisation, Issuer]:
        """A reading organisation and our registration with its sign-in service. Raises UntrustedIssuer."""
        try:
            organisation = self.directory.organisation(organisation_id)
        except KeyError:
            raise UntrustedIssuer("This installation does not know that organisation.") from None
        return organisation, Issuer(
            iss=organisation.iss,
            client_id=organisation.client_id,
            scopes=("openid", "profile"),
            auth="client_secret_basic" if organisation.client_secret else "private_key_jwt",
            client_secret=organisation.client_secret,
            audience="expert",
        )


def open_doors(settings: Settings, directory: Directory) -> Doors:
    """Keys are made at the first start and stay on disk."""
    return Doors(
        directory=directory,
        base_url=settings.base_url,
        keys=Keys.create(settings.data / "keys", *settings.secrets),
        way=Way(directory, practice=settings.practice),
        vault=Vault(*settings.secrets),
    )
