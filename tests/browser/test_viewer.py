"""The viewer in a real Chromium: pictures for who may look, nothing for others, and nothing leaves the house."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Frame, Page, Playwright
from pydicom import dcmread
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

from smart_app.settings import default_viewer
from smart_app.web.viewer import installed
from smart_app.web.viewer_pages import BROWSER_KEYS
from tests.viewing import COOKIE, House, open_house, served, two_studies

pytestmark = [pytest.mark.browser, pytest.mark.needs]

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
SOFTWARE_GL = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
MORE_THAN_BLANK = 12  # grey levels
WITHIN = 60_000  # milliseconds; a busy machine draws without a graphics card
COUNT_GREYS = """() => {
  const greys = new Set();
  for (const canvas of document.querySelectorAll("canvas.cornerstone-canvas")) {
    if (!canvas.width || !canvas.height) continue;
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    for (let at = 0; at < pixels.length; at += 4) greys.add(pixels[at]);
  }
  return greys.size;
}"""
WATCH_POLICY = """
  window.broken = [];
  document.addEventListener("securitypolicyviolation", (event) =>
    window.broken.push(event.effectiveDirective + " " + event.blockedURI));
"""


@pytest.fixture(scope="module")
def browser(driver: Playwright) -> Iterator[Browser]:
    """The system's Chromium, drawing in software."""
    if installed(default_viewer()) is None:
        pytest.skip("the viewer is not packed (make viewer)")
    chromium = driver.chromium.launch(executable_path=CHROMIUM, args=SOFTWARE_GL)
    yield chromium
    chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser profile of its own."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    context.add_init_script(WATCH_POLICY)
    yield context
    context.close()


@pytest.fixture
def house(tmp_path: Path) -> House:
    return open_house(tmp_path, two_studies(size=128, slices=12))


def give_cookie(context: BrowserContext, house: House, base: str) -> None:
    """What the browser got when its line was opened."""
    context.add_cookies(
        [
            {
                "name": COOKIE,
                "value": house.browser,
                "url": base.replace("http:", "https:"),
                "secure": True,
                "httpOnly": True,
                "sameSite": "None",
            }
        ]
    )


def viewer_of(page: Page) -> Frame:
    """The frame that the viewer is in."""
    page.wait_for_selector("iframe.viewer-frame")
    handle = page.query_selector("iframe.viewer-frame")
    assert handle is not None
    frame = handle.content_frame()
    assert frame is not None
    return frame


def wait_for_picture(page: Page) -> Frame:
    """The viewer's frame, once a picture stands in it."""
    frame = viewer_of(page)
    frame.wait_for_function(f"() => ({COUNT_GREYS})() > {MORE_THAN_BLANK}", timeout=WITHIN)
    return frame


class Watched:
    """Everything a page asked for and complained about."""

    def __init__(self, page: Page) -> None:
        self.urls: list[str] = []
        self.errors: list[str] = []
        self.refused: list[str] = []
        page.on("request", lambda request: self.urls.append(request.url))
        page.on("response", lambda r: self.refused.append(f"{r.status} {r.url}") if r.status >= 400 else None)
        page.on("console", lambda m: self.errors.append(m.text) if m.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))


def test_a_case_is_shown_under_its_persons_name_and_nothing_leaves_the_house(
    house: House, context: BrowserContext
) -> None:
    """Pictures, band and notice stand; no request to elsewhere, no broken policy, no patient in a URL or in storage."""
    line = house.line()
    with served(house) as base:
        give_cookie(context, house, base)
        page = context.new_page()
        watched = Watched(page)
        page.goto(f"{base}/viewer/{line.id}/{house.referral.id}/viewer")
        frame = wait_for_picture(page)
        frame.wait_for_selector("text=12-Jun-2025", timeout=WITHIN)
        assert page.locator(".viewer-band h1").inner_text() == "SAMPLEWRIGHT, Marisol Testa"
        assert page.locator("text=Not cleared for primary diagnosis, nor for mammography.").is_visible()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.evaluate("document.documentElement.scrollHeight <= innerHeight")
        elsewhere = [url for url in watched.urls if not url.startswith((base + "/", "blob:", "data:"))]
        assert elsewhere == []
        assert watched.errors == []
        assert watched.refused == []
        assert page.evaluate("window.broken") == []
        assert frame.evaluate("window.broken") == []
        assert not [
            url for url in watched.urls if re.search("OUT-77|0048213|Samplewright|19920314", url, re.IGNORECASE)
        ]
        kept = frame.evaluate("({...localStorage, ...sessionStorage})")
        assert set(kept) <= BROWSER_KEYS
        assert not re.search(
            "OUT-77|0048213|Samplewright|1992", f"{kept} {page.evaluate('document.cookie')}", re.IGNORECASE
        )
        assert frame.evaluate("async () => (await indexedDB.databases()).length + (await caches.keys()).length") == 0
        assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
    with house.ports.store.reading() as tx:
        looks = {row.what for row in tx.audit.of_referral(house.referral.id) if row.verb == "look"}
    assert looks == {f"images of study {uid}" for uid in house.uids}


def test_without_the_cookie_nothing_is_shown(house: House, context: BrowserContext) -> None:
    """An address that was copied, or found in a history, opens nothing; with the cookie it is the same address."""
    address = f"/viewer/{house.line().id}/{house.referral.id}/viewer"
    with served(house) as base:
        page = context.new_page()
        answer = page.goto(base + address)
        assert answer is not None
        assert answer.status == 404
        assert page.locator("iframe, canvas").count() == 0
        assert "SAMPLEWRIGHT" not in page.content()
        give_cookie(context, house, base)
        page.goto(base + address)
        wait_for_picture(page)


def test_a_line_that_has_ended_shows_no_further_picture(house: House, context: BrowserContext) -> None:
    """The open viewer asks for every study anew and gets nothing more."""
    line = house.line()
    with served(house) as base:
        give_cookie(context, house, base)
        page = context.new_page()
        page.goto(f"{base}/viewer/{line.id}/{house.referral.id}/viewer?StudyInstanceUIDs={house.uids[1]}")
        wait_for_picture(page)
        with house.ports.store.transaction() as tx:
            tx.sessions.end_line(line.id)
        statuses = viewer_of(page).evaluate(
            "async (urls) => Promise.all(urls.map(async (url) => (await fetch(url)).status))",
            [house.root(line), f"{house.root(line)}/{house.uids[1]}/metadata"],
        )
        assert statuses == [404, 404]


@pytest.mark.parametrize("name", ["CT1_J2KR", "CT1_JLSL", "CT1_JPLL", "CT1_RLE", "MR1_JPLY", "SYNTH_HTJ2K_201.dcm"])
def test_compressed_pictures_are_decoded_in_the_browser_under_our_policy(
    tmp_path: Path, shared: Path, browser: Browser, name: str
) -> None:
    """Stored bytes go out as they are: the viewer's own WebAssembly decoders must run where nothing else may."""
    show(browser, open_house(tmp_path, [(shared / "data" / "dicom" / "compressed_wg04" / name).read_bytes()]))


def test_a_photograph_like_jpeg_is_decoded_and_marked_as_lossy(tmp_path: Path, browser: Browser) -> None:
    """JPEG baseline, 8 bit, has a decoder of its own; its series is named in the notice."""
    notice = show(browser, open_house(tmp_path, [jpeg_baseline()]))
    assert "Compressed with loss: CT head 1." in notice


def jpeg_baseline() -> bytes:
    """One drawn picture as 8-bit JPEG (transfer syntax 1.2.840.10008.1.2.4.50)."""
    dataset = dcmread(io.BytesIO(two_studies()[1]))
    grey = np.clip(dataset.pixel_array / 8 + 128, 0, 255).astype(np.uint8)
    jpeg = io.BytesIO()
    Image.fromarray(grey).save(jpeg, "JPEG", quality=90)
    dataset.BitsAllocated = dataset.BitsStored = 8
    dataset.HighBit, dataset.PixelRepresentation = 7, 0
    dataset.WindowCenter, dataset.WindowWidth = 128, 256
    dataset.LossyImageCompression = "01"
    dataset.PixelData = encapsulate([jpeg.getvalue()])
    dataset["PixelData"].VR = "OB"
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def show(browser: Browser, house: House) -> str:
    """Open the case in a narrow window; once its picture stands there, in most of the room, what the notice says."""
    context = browser.new_context(viewport={"width": 720, "height": 700})
    context.add_init_script(WATCH_POLICY)
    try:
        with served(house) as base:
            give_cookie(context, house, base)
            page = context.new_page()
            page.goto(f"{base}/viewer/{house.line().id}/{house.referral.id}/viewer")
            frame = wait_for_picture(page)
            assert frame.evaluate("window.broken") == []
            room = "document.querySelector('canvas.cornerstone-canvas').getBoundingClientRect().width / innerWidth"
            assert frame.evaluate(room) > 0.6
            return page.locator(".viewer-notice").inner_text()
    finally:
        context.close()
