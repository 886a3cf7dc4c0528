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
from launch.issuers import Issuer
from launch.keys import Keys
from launch.outbound import Outbound
from launch.tokens import open_session
from launch.vault import Vault
from smart_app.connect.live import LiveDirectory, read_file
from smart_app.connect.trust import Way, issuer_of, issuers
from smart_app.mail import Letter, MailUnavailable, smtp_sender
from smart_app.ports import Ports
from smart_app.settings import Settings
from smart_app.sites import Directory, SiteDisabled
from smart_app.store import Line, Store

if TYPE_CHECKING:
    from flask import Flask

Now = Callable[[], datetime]


def join(settings: Settings) -> Ports:
    """Everything real, once per process. Raises ValueError where the directory file is wrong."""
    file = read_file(settings)
    store = Store(settings.database_url, now=utc_now)
    settings.data.mkdir(parents=True, exist_ok=True)
    directory = LiveDirectory(store, Vault(*settings.secrets), file)
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
        self._way = Way(directory, practice=settings.practice)
        self._keys = Keys.create(settings.data / "keys", *settings.secrets)
        self._vault = Vault(*settings.secrets)
        self._system: dict[str, tuple[Issuer, Outbound, FhirChart]] = {}
        self._lock = threading.Lock()

    def system(self, site: str) -> Chart:
        """The site's chart, opened by Backend Services. Raises LaunchError, KeyError, SiteDisabled."""
        found = self._directory.site(site)
        if found.disabled:
            raise SiteDisabled(f"{found.name} is disabled. Enable the site, then send again.")
        issuer, http = issuer_of(found, found.persona("system")), self._way.http
        with self._lock:
            kept = self._system.get(site)
            if kept is None or kept[:2] != (issuer, http):  # the site was changed while we run
                session = backend_session(issuer, keys=self._keys, http=http, now=self._now)
                kept = self._system[site] = (issuer, http, FhirChart(issuer.iss, session))
            return kept[2]

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
            discover(issuer.iss, http=self._way.http, client_id=issuer.client_id),
            self._token(line),
            keys=self._keys,
            http=self._way.http,
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
