"""The one place where the parts are joined: settings in, ports and the web application out."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import requests

from fhir.chart import Chart, FhirChart
from imaging.archive import open_archive
from launch.backend import backend_session
from launch.discovery import discover
from launch.errors import GrantEnded
from launch.issuers import Issuer, Issuers
from launch.keys import Keys
from launch.outbound import Outbound
from launch.tokens import open_session
from launch.vault import Vault
from smart_app.mail import Letter, MailUnavailable, smtp_sender
from smart_app.ports import Ports
from smart_app.settings import Settings
from smart_app.sites import Directory, Persona, load_directory
from smart_app.store import Line, Store

if TYPE_CHECKING:
    from flask import Flask

Now = Callable[[], datetime]


def join(settings: Settings) -> Ports:
    """Everything real, once per process. Raises ValueError where the directory file is wrong."""
    directory = load_directory(settings.directory)
    store = Store(settings.database_url, now=utc_now)
    settings.data.mkdir(parents=True, exist_ok=True)
    return Ports(
        store=store,
        charts=EhrCharts(settings, directory, store, utc_now),
        archive=open_archive(settings.archive),
        mail=smtp_sender(settings.smtp, settings.mail_from) if settings.smtp else _no_mail,
        now=utc_now,
        directory=directory,
        settings=settings,
    )


def create_app(settings: Settings) -> Flask:
    """The web application."""
    from smart_app.web import create_app as create_web

    return create_web(settings, join(settings))


def utc_now() -> datetime:
    """The present moment."""
    return datetime.now(UTC)


def _no_mail(_: Letter) -> None:
    raise MailUnavailable("No mail server is set (SECOND_OPINION_SMTP).")


class EhrCharts:
    """The charts of every site, over HTTP: by our own key, or as the person on a line may see them."""

    def __init__(self, settings: Settings, directory: Directory, store: Store, now: Now) -> None:
        self._directory = directory
        self._store = store
        self._now = now
        self._http = Outbound(practice=settings.practice)
        self._keys = Keys.create(settings.data / "keys")
        self._vault = Vault(settings.secret)
        self._system: dict[str, FhirChart] = {}
        self._lock = threading.Lock()

    def system(self, site: str) -> Chart:
        """The site's chart, opened by Backend Services. Raises LaunchError, KeyError."""
        with self._lock:
            if site not in self._system:
                issuer = issuer_of(self._directory.site(site).persona("system"))
                session = backend_session(issuer, keys=self._keys, http=self._http, now=self._now)
                self._system[site] = FhirChart(issuer.iss, session)
            return self._system[site]

    def line(self, line_id: str) -> Chart:
        """The chart as the person on this line may see it. Raises GrantEnded, LaunchError."""
        line = self._open(line_id)
        iss = str(line.context["iss"])
        audience = "patient" if line.kind == "patient" else "clinician"
        issuer = issuers(self._directory).trusted(iss, audience=audience)
        return FhirChart(issuer.iss, self._session(issuer, line))

    def _session(self, issuer: Issuer, line: Line) -> requests.Session:
        return open_session(
            issuer,
            discover(issuer.iss, http=self._http, client_id=issuer.client_id),
            self._token(line),
            keys=self._keys,
            http=self._http,
            now=self._now,
            on_update=lambda token: self._keep(line.id, token),
            reread=lambda: self._token(self._open(line.id)),
        )

    def _open(self, line_id: str) -> Line:
        with self._store.reading() as tx:
            line = tx.sessions.system_line(line_id)
        if line is None or not line.token:
            raise GrantEnded("This launch has ended. Open the app again from the chart.")
        return line

    def _token(self, line: Line) -> dict[str, Any]:
        token: dict[str, Any] = json.loads(self._vault.open(line.token))
        return token

    def _keep(self, line_id: str, token: dict[str, Any]) -> None:
        with self._store.transaction() as tx:
            tx.sessions.save_token(line_id, self._vault.seal(json.dumps(token)))


def issuer_of(persona: Persona) -> Issuer:
    """The launch's own record of one persona of a site."""
    return Issuer(
        iss=persona.iss,
        client_id=persona.client_id,
        scopes=persona.scopes,
        auth=persona.auth,
        client_secret=persona.client_secret,
        audience=persona.audience,
    )


def issuers(directory: Directory) -> Issuers:
    """Every EHR persona that this installation trusts."""
    return Issuers(issuer_of(persona) for site in directory.sites for persona in site.personas)
