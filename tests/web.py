"""The web application over a World: browsers with cookies, lines, and a clock one can move. No network."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient

from launch.errors import GrantEnded
from smart_app.case import Party, Patient
from smart_app.sites import Directory, Organisation, Persona, Site
from smart_app.store import Line
from smart_app.web import create_app
from smart_app.web.sessions import COOKIE
from smart_app.web.windows import HOME
from tests.viewing import made_keys
from tests.world import DESK, EXPERT, World

PATIENT = Patient("Patient/p1", "Samplewright", ("Marisol", "Testa"), "1992-03-14", "female", "TST-0048213")
CLINICIAN = Party("clinician", "Dr Ines Mockford", "Practitioner/mockford", "Open hospital")
PARTIES = {
    "clinician": CLINICIAN,
    "patient": Party("patient", PATIENT.name, PATIENT.reference),
    "expert": EXPERT,
    "operator": DESK,
}
EHR = "https://ehr.example"
OTHER_EHR = "https://other-ehr.example"
JSON = {"Accept": "application/json"}
FRAMED = {"Sec-Fetch-Dest": "iframe", "Sec-Fetch-Site": "cross-site"}
SITES = tuple(
    Site(
        name,
        f"{name.title()} hospital",
        name,
        tuple(Persona(a, f"{ancestor}/{a}", "us", ("openid", "fhirUser")) for a in ("clinician", "patient")),
        frame_ancestors=(ancestor,),
    )
    for name, ancestor in (("open", EHR), ("oracle", OTHER_EHR))
)
ORGANISATIONS = (
    Organisation("northlight", "Northlight Reading Panel", "https://idp.example", "us", email="panel@example.org"),
    Organisation("desk", "Desk", "https://idp.example", "us", role="operator", email="desk@example.org"),
)


class SilentCharts:
    """Charts that do not answer: every page must go on without them."""

    def system(self, site: str) -> Any:
        """No page opens a chart by our own key."""
        raise AssertionError(f"a page opened the chart of {site} as the system")

    def line(self, line_id: str) -> Any:
        """The grant is over."""
        raise GrantEnded("ended")


@dataclass
class Web:
    """The app, and short ways to sit down at it."""

    folder: Path
    world: World = field(init=False)
    app: Flask = field(init=False)

    def __post_init__(self) -> None:
        (self.folder / "keys").mkdir(mode=0o700, parents=True)
        for name, content in made_keys().items():
            (self.folder / "keys" / name).touch(mode=0o600)
            (self.folder / "keys" / name).write_bytes(content)
        self.world = World(self.folder)
        self.world.ports = replace(self.world.ports, directory=Directory(SITES, ORGANISATIONS), charts=SilentCharts())
        self.app = create_app(self.world.ports.settings, self.world.ports)
        self.app.config["WAKE_WORKER"] = False

    def browser(self) -> str:
        """A browser that we know; its id."""
        with self.world.ports.store.transaction() as tx:
            return tx.sessions.open_browser(self.world.now)

    def client(self, browser: str = "") -> FlaskClient:
        """A browser window; without an id, one that was never here."""
        client = self.app.test_client()
        if browser:
            client.set_cookie(COOKIE, browser)
        return client

    def line(self, kind: str, browser: str, **more: Any) -> Line:
        """An open line of that browser."""
        place: dict[str, Any] = {"expert": {"organisation": "northlight"}, "operator": {"organisation": "desk"}}.get(
            kind, {"site": "open", "patient": PATIENT.reference}
        )
        context: dict[str, Any] = {"iss": f"{EHR}/{kind}"}
        context["patient"] = {**PATIENT.__dict__, "given": list(PATIENT.given)}
        if kind == "expert":  # has just signed in
            context = {"proven": self.world.now.isoformat()}
        given = {"expires": self.world.now + timedelta(hours=12), "context": context, **place, **more}
        party = given.pop("party", PARTIES[kind])
        with self.world.ports.store.transaction() as tx:
            return tx.sessions.add_line(browser, kind, party, **given)

    def sit_down(self, kind: str, **more: Any) -> tuple[FlaskClient, Line]:
        """A new browser with one line open."""
        browser = self.browser()
        return self.client(browser), self.line(kind, browser, **more)

    def csrf(self, client: FlaskClient, line: Line) -> str:
        """The proof that the forms of this line carry, as its first page gives it."""
        return str(client.get(f"/line/{line.id}/{HOME[line.kind]}", headers=JSON).json["csrf"])

    def close(self) -> None:
        """Let go of the files."""
        self.world.ports.store.close()


def proof_in(page: str) -> str:
    """The proof that the forms of that page carry."""
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found, "the page has no form of ours"
    return found.group(1)
