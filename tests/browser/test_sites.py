"""The operator's hospitals and the patient's choice of one, in a real browser, in both schemes and widths."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import text

from smart_app.store.brands import Brand
from tests.browser.conftest import Visitor
from tests.staged import Town

pytestmark = [pytest.mark.browser, pytest.mark.needs]
Visit = Callable[..., Visitor]

SIZES = ((480, "light"), (1100, "light"), (480, "dark"), (1100, "dark"))
SMALLEST = (320, "light")
ONE, OTHER = (SIZES[0], SIZES[3]), (SIZES[1], SIZES[2])
"""Halves of the sizes, for a second look at a page; the long form takes its time."""


@pytest.fixture(autouse=True)
def _clean(town: Town) -> Iterator[None]:
    """No hospital but those of the practice's file, before and after."""
    yield
    with town.ports.store.transaction() as tx:
        for table in ("sites", "brand_endpoints", "brands", "brand_bundles"):
            tx.connection.execute(text(f"DELETE FROM {table}"))
    town.ports.directory.refresh()


def fill(visitor: Visitor, **fields: str) -> None:
    for name, value in fields.items():
        visitor.page.fill(f"#field-{name}", value)


def begin(visitor: Visitor, root: str) -> None:
    """From the list to the form of an Epic hospital."""
    page = visitor.page
    page.goto(f"{root}sites")
    page.click("text=Add a hospital")
    page.click("a:has-text('Epic')")


def added(visitor: Visitor, town: Town) -> str:
    """A hospital at the practice's own address under another path, so that the walk finds no FHIR there."""
    root = visitor.sit_down("operator")
    begin(visitor, root)
    address = f"{town.practice.origin}/nothing/here"
    fill(visitor, id="north", name="North Hospital", timezone="America/Chicago", frame_ancestors=town.practice.origin)
    for audience in ("clinician", "system"):
        fill(
            visitor,
            **{f"production_{audience}_iss": address, f"production_{audience}_client_id": f"north-{audience}"},
        )
    visitor.page.click("button:has-text('Save')")
    visitor.page.wait_for_selector("h1:has-text('North Hospital')")
    return root


def test_a_hospital_is_added_tested_and_disabled(visit: Visit, town: Town) -> None:
    """The whole life of one, by clicks; each page usable by all."""
    visitor = visit(width=1100)
    page = visitor.page
    root = added(visitor, town)
    assert f"{town.base}/callback" in page.inner_text("main")
    visitor.must_be_usable_by_all(ONE)
    page.click("button:has-text('Test now')")
    page.wait_for_selector(".walk")
    said = page.inner_text(".walk")
    assert "has no SMART configuration" in said
    assert "Our key set is served at" in said
    visitor.must_be_usable_by_all((*SIZES, SMALLEST))
    page.goto(f"{root}sites")
    assert "Does not work" in page.inner_text("tr:has-text('North Hospital')")
    visitor.must_be_usable_by_all((*SIZES, SMALLEST))
    page.click("a:has-text('North Hospital')")
    page.click("text=Disable this site")
    visitor.must_be_usable_by_all(ONE)
    page.click("button:has-text('Disable this site')")
    page.wait_for_selector("#fault-reason")
    page.fill("#field-reason", "The contract ended.")
    page.click("button:has-text('Disable this site')")
    page.wait_for_selector("text=The site is disabled. What is owed to it waits.")
    page.click("a:has-text('North Hospital')")
    page.click("button:has-text('Enable it')")
    page.wait_for_selector("button:has-text('Test now')")
    assert "This site is disabled" not in page.inner_text("main")


def test_a_walk_that_finds_everything_good_says_so(visit: Visit, town: Town) -> None:
    visitor = visit(width=1100)
    page = visitor.page
    page.goto(f"{visitor.sit_down('operator')}sites/epic")
    page.click("button:has-text('Test now')")
    page.wait_for_selector(".walk")
    said = page.inner_text(".walk")
    assert "The worker gets a token as second-opinion-system." in said
    assert "An opinion goes into the chart as a DocumentReference." in said
    assert "Does not work" not in said
    visitor.must_be_usable_by_all(OTHER)


def test_a_fault_leads_to_its_field_and_nothing_typed_is_lost(visit: Visit, town: Town) -> None:
    visitor = visit(width=1100)
    page = visitor.page
    begin(visitor, visitor.sit_down("operator"))
    visitor.must_be_usable_by_all(ONE)
    fill(visitor, id="North Hospital", name="North Hospital", timezone="Chicago", hours="whenever")
    fill(visitor, production_clinician_iss="not an address", production_clinician_client_id="x")
    fill(visitor, production_system_client_secret="typed-once")
    page.click("button:has-text('Save')")
    page.wait_for_selector("#faults")
    assert page.evaluate("document.activeElement.id") == "faults"
    visitor.must_be_usable_by_all((*OTHER, SMALLEST))
    page.click("#faults a:has-text('Time zone')")
    assert page.evaluate("document.activeElement.id") == "field-timezone"
    assert page.input_value("#field-hours") == "whenever"
    assert page.input_value("#field-production_system_client_secret") == "", "a secret never comes back"
    assert "typed-once" not in page.content()


def test_a_change_keeps_what_was_not_touched(visit: Visit, town: Town) -> None:
    visitor = visit(width=1100)
    page = visitor.page
    root = added(visitor, town)
    page.get_by_role("link", name="Change", exact=True).click()
    fill(visitor, phone="555-0100", hours="Mon-Fri 8:00-17:00")
    page.check("text=Northlight")
    page.click("button:has-text('Save')")
    page.wait_for_selector("h1:has-text('North Hospital')")
    town.ports.directory.refresh()
    site = town.ports.directory.site("north")
    assert (site.phone, str(site.hours), site.readers) == ("555-0100", "Mon-Fri 08:00-17:00", ("northlight",))
    assert [persona.client_id for persona in site.personas] == ["north-clinician", "north-system"]
    page.goto(f"{root}sites/north/edit")
    assert page.is_checked("text=Northlight")


# -- a patient looks for their hospital ------------------------------------------------------------------------------


@pytest.fixture
def thousands(town: Town) -> None:
    """Two thousand hospitals, one of them a clinic of the open practice."""
    many = [Brand(f"Hospital {n} of Town {n % 89}", f"Town {n % 89}", "MyPortal") for n in range(2000)]
    address = town.practice.houses["open"].face("patient").fhir_base
    clinic = Brand("Lakeside Clinic", "Madison, WI", "MyCedar", ("Old Lake Hospital",), (address,))
    with town.ports.store.transaction() as tx:
        tx.brands.replace("vendor", [*many, clinic], town.ports.now())


@pytest.mark.usefixtures("thousands")
def test_a_patient_finds_their_hospital_as_they_type(visit: Visit, town: Town) -> None:
    visitor = visit(width=480)
    page = visitor.page
    page.goto(f"{town.base}/start")
    assert page.locator(".hospitals a").count() == 3
    visitor.must_be_usable_by_all((*SIZES, SMALLEST))
    page.locator("#field-q").press_sequentially("lake")
    page.wait_for_selector("text=Lakeside Clinic")
    assert page.locator(".hospitals a").count() == 1
    assert page.evaluate("document.activeElement.id") == "field-q", "the field keeps the focus"
    assert page.inner_text("[role=status]") == "1 hospital found."
    visitor.must_be_usable_by_all(OTHER)
    page.fill("#field-q", "town 7")
    page.wait_for_selector("text=Not connected to Second Opinion yet")
    assert "Type more to find yours." in page.inner_text("[role=status]")
    visitor.must_be_usable_by_all(ONE)
    page.fill("#field-q", "madison")
    page.wait_for_selector("text=Lakeside Clinic")
    page.click("text=Lakeside Clinic")
    page.wait_for_url(f"{town.practice.origin}/**")


@pytest.mark.usefixtures("thousands")
def test_the_search_works_without_scripts_and_in_spanish(visit: Visit, town: Town) -> None:
    visitor = visit(width=480, java_script_enabled=False, locale="es-ES")
    page = visitor.page
    page.goto(f"{town.base}/start")
    page.fill("#field-q", "lakeside")
    page.click("button:has-text('Buscar')")
    assert "1 hospital encontrado." in page.inner_text("main")
    assert page.locator(".hospitals a").count() == 1
