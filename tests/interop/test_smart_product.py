"""The whole application launched by a SMART server that is not ours, in a real Chromium.

The launch value is so long that it goes as a form: what a browser, our own content policy and a sign-in that answers by
redirects make of it is seen here and nowhere else.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests

from launch import discovery, signatures
from tests.interop.peers import free_port, peer
from tests.interop.test_smart_server import signing
from tests.staged import Town

pytestmark = [pytest.mark.interop, pytest.mark.needs]

EXPECTED = "Failed to load resource: the server responded with a status of 401"  # a page that has ended
SITE = """
[[site]]
id = "peer"
name = "Peer Hospital"
profile = "open"
frame_ancestors = ["{origin}"]

[[site.persona]]
audience = "clinician"
iss = "{origin}/fhir"
client_id = "es384"
scopes = ["openid", "fhirUser", "profile", "offline_access", "user/Patient.rs", "user/Practitioner.rs", {reads}]
signing_alg = "ES384"
"""


class House:
    """The town with one more hospital, whose server is not ours."""

    def __init__(self, town: Town, origin: str) -> None:
        self.town, self.origin = town, origin

    def launch(self, **asked: Any) -> str:
        """Press the button in the chart: the address it opens."""
        made = requests.get(f"{self.origin}/ehr/launch", params=asked, timeout=10).json()
        request = requests.Request("GET", f"{self.town.base}/launch", params=made).prepare()
        return str(request.url)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    discovery.forget()
    signatures.forget()
    more = SITE.format(origin=origin, reads='"user/ImagingStudy.rs", "user/ServiceRequest.rs"')
    with Town(tmp_path_factory.mktemp("town"), more=more) as town:
        keys = requests.get(f"{town.base}/.well-known/jwks.json", timeout=10).json()
        callback = f"{town.base}/callback"
        with peer("smart-server.mjs", port=port, redirect=callback, jwks=keys, rotates=True, signing=signing()):
            yield House(town, origin)


@contextmanager
def window(**options: Any) -> Iterator[Any]:
    """A window of Chromium; whatever breaks a page's policy fails the test."""
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        pytest.skip("Chromium is not on this machine (apt-get install chromium)")
    faults: list[str] = []
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_context(**options).new_page()
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        yield page
        browser.close()
    assert [fault for fault in faults if not fault.startswith(EXPECTED)] == []


@pytest.mark.parametrize("long", [0, 6000], ids=["by redirect", "as a form"])
def test_a_clinician_launches_asks_and_leaves(house: House, long: int) -> None:
    with window() as page:
        page.goto(house.launch(long=long))
        page.wait_for_url(f"{house.town.base}/line/**")
        assert page.locator(".identity-name").inner_text() == "SAMPLEWRIGHT, Marisol"
        chosen = page.locator("input[name=chart_studies]:checked")
        assert chosen.count() == 1
        assert chosen.input_value() == "ImagingStudy/st-1"
        assert page.locator("select[name=chart_order]").input_value() == "ServiceRequest/sr-1"
        assert page.locator("body").get_attribute("data-banner") == "chart"
        radius = page.evaluate("() => getComputedStyle(document.documentElement).getPropertyValue('--r-2').trim()")
        assert radius == "6px", "the chart's own look arrived"
        assert not page.get_by_text("allows less than we ask").count()
        page.get_by_role("button", name="Leave this page").click()
        page.get_by_role("heading", level=1).wait_for()
        page.go_back()
        assert "pen Second Opinion again" in page.locator("main").inner_text()


def test_the_form_can_be_sent_without_scripts(house: House) -> None:
    with window(java_script_enabled=False, viewport={"width": 480, "height": 700}) as page:
        page.goto(house.launch(long=6000))
        assert page.get_by_role("heading", level=1).inner_text() == "On to the sign-in of your hospital"
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url(f"{house.town.base}/line/**")
        assert page.locator(".identity-name").inner_text() == "SAMPLEWRIGHT, Marisol"
