"""The practice screens in a real browser: our app is framed from another site, and every page can be used by all."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode

import pytest

from smart_app.sandbox import Practice
from smart_app.sandbox.people import seed_id
from smart_app.sandbox.personality import EPIC

pytestmark = [pytest.mark.browser, pytest.mark.needs]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)


class Framed(BaseHTTPRequestHandler):
    """Stands where the app stands, and remembers how it was opened."""

    seen: list[tuple[str, dict[str, str]]] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.seen.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>app</title><p>the app</p>")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Framed)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    base = f"http://localhost:{server.server_address[1]}"
    with Practice(tmp_path_factory.mktemp("practice"), app_base=base, smtp_port=0) as running:
        yield running
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(driver: Any) -> Iterator[Any]:
    browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
    yield browser.new_page()
    browser.close()


def test_the_button_opens_the_app_in_a_frame_of_another_site(practice: Practice, page: Any) -> None:
    Framed.seen.clear()
    page.goto(f"{practice.origin}/epic/")
    page.click("text=Marguerite Anne Holloway")
    page.click("text=Second Opinion")
    page.frame_locator("iframe").get_by_text("the app").wait_for()
    path, headers = next(entry for entry in Framed.seen if entry[0].startswith("/launch?"))
    assert "launch=" in path
    assert headers["sec-fetch-site"] == "cross-site"
    assert headers["sec-fetch-dest"] == "iframe"


def test_a_clinician_signs_a_note_on_the_screen(practice: Practice, page: Any) -> None:
    records = practice.houses["epic"].records
    patient = seed_id(EPIC, "perrault")
    note = {
        "resourceType": "DocumentReference",
        "id": "eOnScreen",
        "status": "current",
        "docStatus": "preliminary",
        "type": {"text": "Consult note"},
        "subject": {"reference": f"Patient/{patient}"},
    }
    records.shelf.put([note], "second-opinion-system")
    page.goto(f"{practice.origin}/epic/patients/{patient}/notes")
    page.click("text=Sign this note")
    page.get_by_text("final").first.wait_for()
    assert records.read("DocumentReference/eOnScreen")["docStatus"] == "final"


def test_a_mother_asks_for_her_child_in_the_portal(practice: Practice, page: Any) -> None:
    """The app is opened at the top of the window, for the child, by the mother."""
    Framed.seen.clear()
    page.goto(f"{practice.origin}/portal/oracle/")
    page.click("text=Teodora Castellan")
    assert "Milo Castellan" in page.inner_text("h1")
    page.click("text=Get a second opinion")
    page.get_by_text("the app").wait_for()
    _, headers = next(entry for entry in Framed.seen if entry[0].startswith("/launch/patient?"))
    assert headers["sec-fetch-dest"] == "document"
    assert practice.patient_origin.rpartition(":")[2] in page.url


@pytest.mark.parametrize("width", [1280, 390])
def test_no_practice_page_breaks_a_rule_of_accessibility_or_its_own_policy(
    practice: Practice, page: Any, width: int
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
    page.set_viewport_size({"width": width, "height": 800})
    patient = seed_id(EPIC, "holloway")
    paths = ["", "epic/", "mailbox", "portal/", "portal/epic/sign-in", "portal/epic/sign-in?as=holloway"]
    paths += [f"epic/patients/{patient}/{tab}" for tab in ("", "notes", "results", "imaging")]
    for path in paths:
        page.goto(f"{practice.origin}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), path
        # axe is put in by the driver, which the page's own policy does not concern
        found = Axe().run(page).response["violations"]
        assert not found, (path, json.dumps([(rule["id"], rule["nodes"][0]["html"]) for rule in found]))
    assert not faults


@pytest.mark.parametrize(
    ("path", "client", "redirect", "person"),
    [
        ("/idp/northlight/authorize", "second-opinion", "/sign-in/callback", "Dr Ottavia Exemplar"),
        ("/epic/oauth2/authorize", "second-opinion-patient", "/callback", "Zoé Perrault"),
    ],
)
def test_a_person_signs_in_by_hand_and_is_sent_back_to_the_app(
    practice: Practice, page: Any, path: str, client: str, redirect: str, person: str
) -> None:
    """The page's own policy lets its forms end at the app."""
    asked = {
        "response_type": "code",
        "client_id": client,
        "redirect_uri": practice.app_base + redirect,
        "scope": "openid fhirUser launch/patient",
        "state": "a-state-of-enough-letters",
        "nonce": "a-nonce",
        "aud": practice.houses["epic"].faces[0].fhir_base,
        "code_challenge": "a" * 43,
        "code_challenge_method": "S256",
    }
    page.goto(f"{practice.origin}{path}?{urlencode(asked)}")
    page.click(f"text={person}")
    if client == "second-opinion-patient":
        page.click("button:has-text('Allow') >> nth=0")
    page.get_by_text("the app").wait_for()
    assert page.url.startswith(f"{practice.app_base}{redirect}?code=")
