"""The web application beside two authorisation servers on loopback that do as the standard says, unless told otherwise.

Real HTTP on the way out, the application's own test client as the browser: what a launch there and back looks like to
the person, to the hospital and to the audit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from launch import discovery, signatures, style
from smart_app.sites import Directory, Organisation, Persona, Site
from smart_app.store.audit import AuditLine
from smart_app.web import create_app
from smart_app.web.refused import EXTENSION, VERB
from tests.unit.launch_authority import Authority
from tests.web import SilentCharts, Web

SCOPES = ("openid", "fhirUser", "user/Patient.rs", "offline_access")
PAGE = {"Accept": "text/html"}


def site_of(name: str, authority: Authority) -> Site:
    """A hospital with both doors at that server."""
    personas = tuple(Persona(audience, authority.iss, "our-app", SCOPES) for audience in ("clinician", "patient"))
    return Site(name, f"{name.title()} hospital", "open", personas, frame_ancestors=(authority.url,))


@dataclass
class Doorway(Web):
    """Two hospitals, "open" and "oracle", and a reading organisation that signs in at the first one's server."""

    here: Authority = field(default_factory=Authority)
    there: Authority = field(default_factory=Authority)

    def __post_init__(self) -> None:
        discovery.forget()
        signatures.forget()
        for authority in (self.here, self.there):
            authority.__enter__()
        super().__post_init__()
        reader = Organisation(
            "northlight", "Northlight Reading Panel", self.here.issuer, "our-app", email="p@example.org"
        )
        directory = Directory((site_of("open", self.here), site_of("oracle", self.there)), (reader,))
        self.world.ports = replace(self.world.ports, directory=directory, charts=SilentCharts())
        self.app = create_app(self.world.ports.settings, self.world.ports)
        self.app.config["WAKE_WORKER"] = False
        keys = self.client().get("/.well-known/jwks.json").json
        for authority in (self.here, self.there):
            authority.now, authority.client_keys = self.world.now, keys

    def close(self) -> None:
        """Stop both servers and let go of the files."""
        super().close()
        for authority in (self.here, self.there):
            authority.__exit__()

    def as_made(self) -> Doorway:
        """Both servers as they were made, nothing remembered of them, and a later hour."""
        for kept in (discovery, signatures, style):
            kept.forget()
        self.world.later(minutes=20)
        for authority in (self.here, self.there):
            authority.published = [{**authority.key.as_dict(private=False), "kid": "first", "use": "sig"}]
            authority.configuration_changes, authority.token_changes, authority.claims_changes = {}, {}, {}
            authority.answers, authority.codes, authority.kid = {}, None, "first"
            authority.seen.clear()
            authority.now = self.world.now
        self.app.extensions.pop(EXTENSION, None)
        return self

    # -- a launch, step by step ----------------------------------------------------------------------------------------

    def press(self, client: FlaskClient, authority: Authority | None = None, **query: str) -> dict[str, str]:
        """The chart opens us: what we send the browser away with."""
        asked = {"iss": (authority or self.here).iss, "launch": "opaque", **query}
        answer = client.get("/launch", query_string=asked, headers=PAGE)
        assert answer.status_code == 303, answer.text
        self.away = answer.headers["Location"]
        return {name: values[0] for name, values in parse_qs(urlsplit(self.away).query).items()}

    def sign_in(self, authority: Authority | None = None) -> dict[str, str]:
        """The person signs in at the address of the last `press`: what comes back."""
        return (authority or self.here).browser_follows(self.away)

    def come_back(self, client: FlaskClient, answer: dict[str, Any], **headers: str) -> TestResponse:
        """The browser returns to the callback."""
        return client.get("/callback", query_string=answer, headers={**PAGE, **headers})

    def launch(self, client: FlaskClient, authority: Authority | None = None) -> TestResponse:
        """There and back, up to the callback's own answer."""
        self.press(client, authority)
        return self.come_back(client, self.sign_in(authority))

    # -- what is left of it --------------------------------------------------------------------------------------------

    def lines(self) -> int:
        """How many lines are open."""
        with self.world.ports.store.reading() as tx:
            from sqlalchemy import func, select

            from smart_app.store.tables import lines

            query = select(func.count()).select_from(lines).where(lines.c.ended.is_(None))
            return int(tx.sessions._connection.execute(query).scalar_one())

    def refusals(self) -> list[AuditLine]:
        """The refused launches in the audit, newest first."""
        with self.world.ports.store.reading() as tx:
            return [row for row in tx.audit.latest(1000) if row.verb == VERB]
