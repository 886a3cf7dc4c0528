"""What a launch brings to the screen: the study it was opened for, its look, its form, and its end at the chart."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import pytest
import requests
from flask.testing import FlaskClient

from smart_app.web.doors import Doors
from smart_app.web.here import DOORS
from tests.contract.test_web_launch import JSON, Window
from tests.launching import PAGE, Doorway
from tests.staged import Town
from tests.web import FRAMED

REVOKE = "/oauth2/revoke"
LOOK = {"color_background": "#edeae3", "color_highlight": "#69b5ce", "dim_border_radius": "6px"}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Doorway]:
    door = Doorway(tmp_path_factory.mktemp("door") / "app")
    yield door
    door.close()


@pytest.fixture
def door(built: Doorway) -> Doorway:
    return built.as_made()


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(tmp_path_factory.mktemp("town")) as running:
        yield running


def arrive(door: Doorway, client: FlaskClient) -> str:
    """A launch up to the address of its first page."""
    back = door.launch(client)
    return str(client.get(back.headers["Location"], headers=PAGE).headers["Location"])


# -- the study or order the chart opened us for ------------------------------------------------------------------------


def chart_of(town: Town, patient: str, kind: str) -> list[dict[str, Any]]:
    found = town.practice.houses["open"].records.search(kind, patient=patient).entries
    return [entry for entry in found if entry["resourceType"] == kind]


def launch_for(town: Town, patient: str, opened: list[str]) -> requests.Response:
    asked = {"patient": patient, "opened": opened}
    made = requests.post(f"{town.practice.origin}/practice/open/launches", json=asked, timeout=10).json()
    window = Window()
    page = window.get(made["launch_url"], timeout=20)
    return window.get(page.url, headers={"Accept": "text/html"}, timeout=20)


def test_the_study_and_the_order_on_the_charts_screen_are_chosen_already(town: Town) -> None:
    """fhirContext (SMART App Launch 2.2): an order of a colleague is shown too where the chart opened us for it."""
    house = town.practice.houses["open"]
    for version in house.records.shelf.present("Patient"):
        patient = version.resource["id"]
        studies, orders = chart_of(town, patient, "ImagingStudy"), chart_of(town, patient, "ServiceRequest")
        if studies and orders:
            break
    else:
        raise AssertionError("the practice has nobody with a study and an order")
    study, order = f"ImagingStudy/{studies[-1]['id']}", f"ServiceRequest/{orders[0]['id']}"
    page = launch_for(town, patient, [study, order]).text
    assert re.findall(r'name="chart_studies" value="([^"]+)" checked', page) == [study]
    assert re.findall(r'<option value="(ServiceRequest/[^"]+)" selected', page) == [order]
    assert "The chart opened this page for what is chosen here." in page
    plain = launch_for(town, patient, []).text
    assert "checked" not in re.findall(r"<fieldset>.*?In this chart.*?</fieldset>", plain, re.DOTALL)[0]
    assert "The chart opened this page for" not in plain
    strange = launch_for(town, patient, ["ImagingStudy/of-somebody-else", "https://evil.example/ImagingStudy/1"]).text
    assert "of-somebody-else" not in strange
    assert "evil.example" not in strange


# -- staff who come first to the app -----------------------------------------------------------------------------------


def test_a_clinician_signs_in_at_the_hospital_and_picks_the_patient_there(town: Town) -> None:
    """Standalone launch of a provider; the practice EHR shows its own list of patients."""
    window = Window()
    window.headers["Accept"] = "text/html"
    page = window.get(f"{town.base}/start/open/staff", timeout=20)
    for wanted in ("Practitioner/", "Patient/", "yes"):
        page = pressed(window, page, wanted)
    assert urlsplit(page.url).path.startswith("/line/")
    assert page.ok
    facts = window.get(page.url, headers=JSON, timeout=20).json()
    with town.ports.store.reading() as tx:
        found = tx.sessions.system_line(facts["line"])
    assert found is not None
    assert (found.kind, found.encounter) == ("clinician", "")
    assert found.patient.startswith("Patient/")


def pressed(window: Window, page: requests.Response, wanted: str) -> requests.Response:
    """Press the button of that page whose value begins with `wanted`."""
    for form in re.findall(r"<form\b.*?</form>", page.text, re.DOTALL):
        button = re.search(rf'<button name="(\w+)" value="({wanted}[^"]*)"', form)
        if button:
            action = re.search(r'action="([^"]+)"', form)
            assert action
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
            filled = {name: value.replace("&amp;", "&").replace("&#43;", "+") for name, value in hidden.items()}
            return window.post(urljoin(page.url, action[1]), {**filled, button[1]: button[2]}, timeout=20)
    raise AssertionError(f"no button for {wanted} on {page.url}: {page.text[:800]}")


# -- a launch too long for an address ----------------------------------------------------------------------------------


def test_a_long_launch_goes_as_a_form_that_needs_no_script(door: Doorway) -> None:
    door.here.configuration_changes = {"capabilities": ["authorize-post"]}
    client, long = door.client(), 'x"><script>alert(1)</script>' + "y" * 4000
    page = client.get("/launch", query_string={"iss": door.here.iss, "launch": long}, headers={**PAGE, **FRAMED})
    assert page.status_code == 200
    assert re.search(rf'<form method="post" action="{re.escape(door.here.url)}/oauth2/authorize"', page.text)
    assert "<script>alert" not in page.text
    fields = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert fields["code_challenge_method"] == "S256"
    assert fields["aud"] == door.here.iss
    assert len(fields["launch"]) > 4000
    policy = page.headers["Content-Security-Policy"]
    assert "form-action 'self' https: http:" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    told = client.get("/launch", query_string={"iss": door.here.iss, "launch": long}, headers=JSON).json
    assert told["action"] == f"{door.here.url}/oauth2/authorize"
    door.away = f"{told['action']}?" + "&".join(f"{k}={v}" for k, v in told["fields"].items() if k != "launch")
    assert door.come_back(client, door.sign_in()).status_code == 303


# -- leaving -----------------------------------------------------------------------------------------------------------


def leave(client: FlaskClient, address: str) -> None:
    proof = client.get(address, headers=JSON).json["csrf"]
    gone = client.post(f"{address}leave", data={"csrf": proof}, headers={**PAGE, "Sec-Fetch-Site": "same-origin"})
    assert gone.status_code == 200


def told(door: Doorway, count: int) -> list[dict[str, str]]:
    """What the chart was told, as soon as it was told that many things."""
    for _ in range(100):
        if len(door.here.requests_to(REVOKE)) >= count:
            break
        time.sleep(0.05)
    return [seen.form for seen in door.here.requests_to(REVOKE)]


def test_who_leaves_hands_the_grant_back_to_the_chart(door: Doorway) -> None:
    """RFC 7009, with our own signature; and nobody waits for the chart's answer."""
    door.here.configuration_changes = {"revocation_endpoint": f"{door.here.url}{REVOKE}"}
    door.here.answers[REVOKE] = [(200, {}, b""), (200, {}, b"")]
    client = door.client()
    address = arrive(door, client)
    leave(client, address)
    forms = told(door, 2)
    assert [form["token_type_hint"] for form in forms] == ["refresh_token", "access_token"]
    assert all(form["client_assertion"] for form in forms)
    assert client.get(address, headers=PAGE).status_code == 401


def test_a_chart_that_does_not_listen_keeps_nobody(door: Doorway) -> None:
    door.here.configuration_changes = {"revocation_endpoint": f"{door.here.url}{REVOKE}"}
    door.here.answers[REVOKE] = [(0, {}, b"")] * 4
    client = door.client()
    leave(client, arrive(door, client))
    assert len(told(door, 1)) == 1, "told once, and not again"


def test_the_grant_stays_while_another_window_of_the_same_launch_is_open(door: Doorway) -> None:
    """A window of its own shares the grant of the frame it came from; the last to leave hands it back."""
    door.here.configuration_changes = {"revocation_endpoint": f"{door.here.url}{REVOKE}"}
    door.here.answers[REVOKE] = [(200, {}, b"")] * 4
    client, window = door.client(), door.client()
    address = arrive(door, client)
    proof = client.get(address, headers=JSON).json["csrf"]
    same = {**JSON, "Sec-Fetch-Site": "same-origin"}
    link = client.post(f"{address}handoff", data={"csrf": proof}, headers=same).json["url"]
    own = window.get(link, headers={"Sec-Fetch-Site": "same-origin"}).headers["Location"]
    leave(client, address)
    time.sleep(0.3)
    assert door.here.requests_to(REVOKE) == []
    assert window.get(own, headers=PAGE).status_code == 200
    leave(window, own)
    assert len(told(door, 2)) == 2


# -- the look of the chart ---------------------------------------------------------------------------------------------


def test_a_page_takes_on_the_look_of_its_chart(door: Doorway) -> None:
    door.here.answers["/style.json"] = [(200, {"Cache-Control": "max-age=600"}, LOOK)]
    door.here.token_changes = {"smart_style_url": f"{door.here.url}/style.json", "need_patient_banner": "false"}
    client = door.client()
    address = arrive(door, client)
    page = client.get(address, headers=PAGE).text
    assert 'data-banner="chart"' in page
    assert f'<link rel="stylesheet" href="{address}chart.css">' in page
    assert door.here.requests_to("/style.json") == [], "the page waits for no colours"
    sheet = client.get(f"{address}chart.css")
    assert sheet.mimetype == "text/css"
    assert "--r-2:6px" in sheet.text
    assert "--paper:#edeae3" in sheet.text
    assert ".identity{border-block-end:3px solid #69b5ce}" in sheet.text
    seen = door.here.requests_to("/style.json")[0]
    assert "authorization" not in seen.headers
    assert door.client().get(f"{address}chart.css").status_code == 401


@pytest.mark.parametrize(
    ("wish", "paper"),
    [
        ({"color_background": "#13252c"}, False),  # our text would vanish
        ({"color_background": "#9aa5a8"}, False),
        ({"color_background": "#ffffff"}, True),
        ({"color_background": "red;}body{display:none"}, False),
    ],
)
def test_a_wish_that_makes_our_text_hard_to_read_is_not_met(door: Doorway, wish: dict[str, str], paper: bool) -> None:
    """WCAG 2.2, 1.4.3: contrast comes before likeness."""
    door.here.answers["/style.json"] = [(200, {}, wish)]
    door.here.token_changes = {"smart_style_url": f"{door.here.url}/style.json"}
    client = door.client()
    sheet = client.get(f"{arrive(door, client)}chart.css").text
    assert ("--paper" in sheet) is paper
    assert "body" not in sheet


def test_a_style_elsewhere_is_not_fetched(door: Doorway) -> None:
    door.here.token_changes = {"smart_style_url": f"{door.there.url}/style.json"}
    client = door.client()
    assert client.get(f"{arrive(door, client)}chart.css").text == ""
    assert door.there.requests_to("/style.json") == []


# -- a refusal the hospital can look up --------------------------------------------------------------------------------


def test_the_page_of_a_refusal_leads_to_what_the_hospitals_help_desk_needs(door: Doorway) -> None:
    """Oracle's `error_uri` holds the number its support asks for."""
    client = door.client()
    door.press(client)
    answer = door.sign_in()
    uri = "https://authorization.example/errors/instances/343ff05b"
    refused = {"state": answer["state"], "error": "invalid_request", "error_uri": uri}
    page = door.come_back(client, refused)
    assert f'<a href="{uri}" target="_blank" rel="noopener noreferrer">' in page.text
    door.press(client)
    script = {"state": door.sign_in()["state"], "error": "x", "error_uri": "javascript:alert(1)"}
    assert "javascript:" not in door.come_back(client, script).text


def test_the_door_of_a_hospital_is_shown_on_the_front_page(door: Doorway) -> None:
    page = door.client().get("/", headers=PAGE).text
    assert 'href="/start/open/staff"' in page
    sent = door.client().get("/start/open/staff")
    assert parse_qs(urlsplit(sent.headers["Location"]).query)["client_id"] == ["our-app"]
    assert door.client().get("/start/nowhere/staff").status_code == 404


def test_a_renewal_that_allows_less_is_told_on_the_next_page(door: Doorway) -> None:
    """RFC 6749 section 6: a renewed token may have fewer scopes than the launch; what counts is the token held now."""
    client = door.client()
    address = arrive(door, client)
    assert "allows less than we ask" not in client.get(address, headers=PAGE).text
    with door.world.ports.store.transaction() as tx:
        line = tx.sessions.system_line(address.split("/")[2])
        assert line is not None
        vault = doors_of(door).vault
        token = json.loads(vault.open(line.token))
        tx.sessions.save_token(line.id, vault.seal(json.dumps({**token, "scope": "openid user/Patient.r"})))
    page = client.get(address, headers=PAGE).text
    assert "allows less than we ask" in page
    assert "Not allowed: reading the patient’s name and birth date." in page


def doors_of(door: Doorway) -> Doors:
    found: Doors = door.app.extensions[DOORS]
    return found
