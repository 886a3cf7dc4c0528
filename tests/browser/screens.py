"""`make screens`: one referral walked by clicks in a real Chromium, each step photographed for the README's tour."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from imaging.phantom import ct_study
from imaging.study import Person
from smart_app.house import Addresses, House
from smart_app.practised import Chart

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update"),
)
WHO = Person("Samplewright^Marisol", "1992-03-14", "F", "TST-0048213")
QUESTION = "Is the LEFT medial temporal change a low-grade glioma, or could it be hippocampal sclerosis?"
WORDS = {
    "answer": "Hippocampal sclerosis is much more likely. These images do not support a biopsy.",
    "findings": "LEFT hippocampus: volume loss, high signal, inner structure lost. No mass effect.",
    "impression": "LEFT hippocampal sclerosis.",
    "recommendation": "MRI with an epilepsy protocol before any tissue sampling.",
    "limits": "No thin coronal series in the outside study.",
    "plain_words": "The change is most likely an old scar, not a tumour. These pictures give no reason for a biopsy.",
}


class Tour:
    """A house, a browser, and the folder for the pictures."""

    def __init__(self, house: House, browser: Browser, folder: Path) -> None:
        self.house, self.browser, self.folder = house, browser, folder
        self.ehr = house.addresses.ehr_base
        self.app = house.addresses.app_base
        self.chart = Chart(self.ehr, "epic")
        self.patient = self.chart.add_patient(WHO)

    def window(self, width: int, height: int = 900, **more: object) -> BrowserContext:
        """A person's own browser."""
        return self.browser.new_context(viewport={"width": width, "height": height}, **more)  # type: ignore[arg-type]

    def take(self, page: Page, name: str, *, full: bool = False) -> None:
        """One picture."""
        path = self.folder / f"{name}.png"
        page.screenshot(path=path, full_page=full)
        with Image.open(path) as picture:
            # A third of the size, and no difference that an eye would find on a page.
            picture.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(path, optimize=True)
        print(f"  {name}", flush=True)

    def ask(self) -> BrowserContext:
        """The clinician asks in the chart's frame."""
        window = self.window(1280, 1000)
        page = window.new_page()
        page.goto(f"{self.ehr}/epic/patients/{self.patient}/")
        button = page.get_by_role("button", name="Second Opinion")
        page.get_by_role("link", name="Second Opinion").or_(button).first.click()
        frame = page.frame_locator("iframe")
        frame.get_by_label("One specific question").fill(QUESTION)
        frame.get_by_label("What will you decide").fill("Biopsy on 8 December, or not.")
        frame.get_by_text("LEFT", exact=True).click()
        frame.get_by_text("Northlight").first.click()
        self.take(page, "clinician-ask")
        frame.get_by_role("button", name="Ask, and invite the patient").click()
        frame.get_by_text("Waiting for the images").first.wait_for()
        self.take(page, "clinician-waiting")
        return window

    def give(self, disc: Path) -> None:
        """The patient's three steps on a phone."""
        page = self.window(390, 844).new_page()
        page.goto(self.chart.launch(self.patient, "patient"))
        self.take(page, "patient-tell", full=True)
        page.locator("[name=very_ill][value=no]").check()
        page.get_by_text("I agree").click()
        page.get_by_role("button", name="Next: add your pictures").click()
        page.set_input_files("#files", sorted(disc.iterdir()))
        page.get_by_role("button", name="Yes, these are mine").wait_for()
        self.take(page, "patient-show", full=True)
        page.get_by_role("button", name="Yes, these are mine").click()
        page.get_by_role("link", name="Next: check and send").click()
        self.take(page, "patient-check", full=True)
        page.get_by_role("button", name="Send my pictures").click()
        page.get_by_text("Waiting for the expert").first.wait_for(timeout=30_000)
        self.take(page, "patient-status", full=True)
        self.patient_page = page

    def read(self) -> None:
        """The expert takes the case, looks and signs."""
        page = self.window(1680, 1000).new_page()
        page.goto(f"{self.app}/sign-in/northlight?login_hint=exemplar")
        page.get_by_text(QUESTION[:40]).first.wait_for()
        self.take(page, "expert-worklist")
        page.get_by_role("link", name="SAMPLEWRIGHT").first.click()
        page.get_by_role("button", name="Accept, and read now").click()
        for name, words in WORDS.items():
            page.locator(f"[name={name}]").fill(words)
        page.locator("[name=agreement][value='5']").check(force=True)
        page.locator("[name=critical][value=no]").check(force=True)
        page.locator("[name=first_report_read][value=none]").check(force=True)
        for box in page.locator("[name=confirm]").all():
            box.check(force=True)
        page.wait_for_timeout(12_000)  # the viewer draws on the processor here
        self.take(page, "expert-case")
        page.get_by_role("button", name="Sign version 1").click()
        page.get_by_text("signed").first.wait_for()
        self.take(page, "expert-signed")

    def receive(self, window: BrowserContext) -> None:
        """The doctor who asked finds the opinion in the same place, and says that it was read."""
        page = window.pages[0]
        for _ in range(60):
            notes = self.chart.documents(self.patient)
            if notes:
                break
            page.wait_for_timeout(500)
        self.chart.sign_note(notes[0])
        frame = page.frame_locator("iframe")
        frame.get_by_role("button", name="I have read this").wait_for(timeout=40_000)
        self.take(page, "clinician-opinion")
        frame.get_by_text("Plan changes").click()
        frame.get_by_role("button", name="I have read this").click()
        frame.get_by_text("Read").first.wait_for()
        page.wait_for_timeout(800)
        self.take(page, "clinician-read")
        self.patient_page.reload()
        self.patient_page.get_by_role("link", name="Read it").click()
        self.take(self.patient_page, "patient-opinion", full=True)

    def operate(self) -> None:
        """The desk."""
        page = self.window(1360).new_page()
        page.goto(f"{self.app}/sign-in/desk?login_hint=operator")
        page.get_by_role("heading").first.wait_for()
        self.take(page, "operator")


def main() -> int:
    """Walk, and photograph. The folder is the first argument, or docs/screens."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "screens"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place, sync_playwright() as playwright:
        disc = Path(place) / "disc"
        disc.mkdir()
        drawn = ct_study(WHO, study_date="2026-11-03", description="MRI brain", modality="MR", slices=16, size=192)
        for number, content in enumerate(drawn):
            (disc / f"IM{number:04d}").write_bytes(content)
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(ARGUMENTS))
        with House(Path(place) / "house", Addresses.free()) as house:
            tour = Tour(house, browser, folder)
            window = tour.ask()
            tour.give(disc)
            tour.read()
            tour.receive(window)
            tour.operate()
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
