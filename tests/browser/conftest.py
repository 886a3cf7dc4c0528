"""A real Chromium, the app beside a practice EHR, and what must hold for every page of ours in every test.

A page that breaks its own content policy, reports an error, or asks anybody but the app and the practice, fails it.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.staged import Town

WIDTHS = (320, 480, 1040)
SCHEMES = ("light", "dark")
EVERY = tuple((width, scheme) for scheme in SCHEMES for width in WIDTHS)
SOME = ((320, "light"), (480, "dark"), (1040, "light"))
FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
)
HOUSE = {"localhost", "127.0.0.1", "ehr.localhost"}
NOT_FAULTS = (
    "Failed to load resource: the server responded with a status of 4",  # a refusal the test asked for
    "Timer 'scriptToView' does not exist",  # the packed viewer's own stopwatch, stopped twice when a page is left early
)
OVERFLOW = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.fixture(scope="session")
def driver() -> Iterator[Any]:
    """playwright, once for all: a second one in the same process refuses to start."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not (shutil.which("chromium") or shutil.which("google-chrome")):
        pytest.skip("Chromium is not on this machine (apt-get install chromium)")
    with playwright.sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(driver: Any) -> Iterator[Any]:
    """The system's Chromium, driven by playwright."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    browser = driver.chromium.launch(executable_path=path, args=list(FLAGS))
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """The app and the practice EHR, one for all screens."""
    with Town(tmp_path_factory.mktemp("town")) as running:
        yield running


@dataclass
class Visitor:
    """One person's browser window, watched: `faults` holds whatever no page of ours may do."""

    town: Town
    page: Any
    faults: list[str] = field(default_factory=list)

    def sit_down(self, kind: str = "clinician", **more: Any) -> str:
        """Open a line for this browser; answers the address of its root, with a slash at the end."""
        line, browser = self.town.line(kind, **more)
        self.page.context.add_cookies([self.town.cookie(browser)])
        return f"{self.town.base}/line/{line.id}/"

    def must_be_usable_by_all(self, sizes: tuple[tuple[int, str], ...] = EVERY) -> None:
        """axe finds nothing, and nothing runs out of the window, at every width, light and dark.

        `sizes=SOME` is enough for one more state of a page that was looked at in full: each width, both schemes.
        """
        for width, scheme in sizes:
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.set_viewport_size({"width": width, "height": 900})
            assert self.page.evaluate(OVERFLOW) <= 0, f"the page is wider than its window of {width} px"
            assert self.axe() == [], f"at {width} px, {scheme}"

    def axe(self) -> list[str]:
        """What axe finds, one line each."""
        from axe_playwright_python.sync_playwright import Axe

        found = Axe().run(self.page, options={"runOnly": {"type": "tag", "values": TAGS}}).response["violations"]
        return [f"{v['id']}: {node['target']} {node['html'][:150]}" for v in found for node in v["nodes"]]


@pytest.fixture
def visit(chromium: Any, town: Town) -> Iterator[Callable[..., Visitor]]:
    """`visit()` gives a watched browser window of its own; `visit(java_script_enabled=False)` and the like too."""
    contexts, visitors = [], []

    def come(width: int = 1040, **options: Any) -> Visitor:
        context = chromium.new_context(**{"viewport": {"width": width, "height": 900}, "locale": "en-GB", **options})
        context.set_default_timeout(15_000)
        visitor = Visitor(town, context.new_page())
        watch(visitor, context)
        contexts.append(context)
        visitors.append(visitor)
        return visitor

    yield come
    for context in contexts:
        context.close()
    assert [fault for visitor in visitors for fault in visitor.faults] == []


def watch(visitor: Visitor, context: Any) -> None:
    """Write down whatever no page of ours may do."""
    context.on("console", lambda message: _hear(visitor, message))
    context.on("weberror", lambda error: visitor.faults.append(f"script: {error.error}"))
    context.on("request", lambda asked: _watch(visitor, asked.url))


def _hear(visitor: Visitor, message: Any) -> None:
    if message.type in ("error", "warning") and not message.text.startswith(NOT_FAULTS):
        visitor.faults.append(f"console: {message.text}")


def _watch(visitor: Visitor, url: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("data", "blob", "about") and parts.hostname not in HOUSE:
        visitor.faults.append(f"asked elsewhere: {parts.scheme}://{parts.netloc}")
