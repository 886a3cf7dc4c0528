"""The ways in, against the practice EHR: launch, sign-in, and what happens when a browser or a state is not the one."""

from __future__ import annotations

from collections.abc import Iterator
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import pytest
import requests

from smart_app.case import Party
from tests.staged import Town

JSON = {"Accept": "application/json"}
EHRS = ("epic", "oracle", "open")


class Window(requests.Session):
    """A browser window: a Secure cookie goes to loopback over http too, as browsers have it."""

    def __init__(self) -> None:
        super().__init__()
        self.cookies.set_policy(DefaultCookiePolicy(secure_protocols=("https", "http")))
        self.headers.update(JSON)

    def prepare_request(self, request: requests.Request) -> requests.PreparedRequest:
        """Requests merges cookies into a jar that forgets our policy."""
        prepared = super().prepare_request(request)
        prepared.headers.pop("Cookie", None)
        prepared.prepare_cookies(self.cookies)
        return prepared

    def until(self, path: str, url: str) -> str:
        """Follow redirects until one leads to that path of the app; answers that address unopened."""
        while True:
            answer = self.get(url, allow_redirects=False, timeout=20)
            url = urljoin(url, answer.headers["Location"])
            if urlsplit(url).path == path:
                return url


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with Town(tmp_path_factory.mktemp("town")) as running:
        yield running


def error_of(answer: requests.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json().get("error", {}).get("kind")


@pytest.mark.parametrize("ehr", EHRS)
def test_a_clinicians_launch_opens_the_patient_of_the_chart(town: Town, ehr: str) -> None:
    window = Window()
    page = window.get(town.launch_url(ehr=ehr, family="Holloway-Test"), timeout=20)
    assert page.json()["patient"]["name"] == "HOLLOWAY-TEST, Marisol Testa"
    line = _line(town, page)
    assert (line.kind, line.site, line.encounter.partition("/")[0]) == ("clinician", ehr, "Encounter")
    assert line.party.role == "clinician"
    assert line.party.name
    assert line.party.reference.startswith("Practitioner/")


@pytest.mark.parametrize("ehr", EHRS)
def test_a_patients_launch_opens_step_one_for_that_patient(town: Town, ehr: str) -> None:
    """A portal may share the chart's address: its own door says which audience it is."""
    page = Window().get(town.launch_url("patient", ehr), timeout=20)
    assert urlsplit(page.url).path.endswith("/tell")
    line = _line(town, page)
    assert (line.kind, line.party) == (
        "patient",
        Party("patient", line.party.name, line.patient, line.party.organisation),
    )
    assert line.context["patient"]["birth_date"] == "1992-03-14"


def _line(town: Town, page: requests.Response) -> Any:
    with town.ports.store.reading() as tx:
        return tx.sessions.system_line(page.json()["line"])


def test_the_token_rests_sealed(town: Town) -> None:
    line = _line(town, Window().get(town.launch_url(), timeout=20))
    assert line.token
    assert "access_token" not in line.token
    assert town.ports.charts.line(line.id).read(line.patient)["id"] == line.patient.partition("/")[2]


def test_a_state_is_good_once(town: Town) -> None:
    window = Window()
    back = window.until("/callback", town.launch_url())
    assert window.get(back, timeout=20).ok
    assert error_of(window.get(back, timeout=20)) == (400, "LaunchExpired")


def test_another_browser_cannot_finish_a_launch_that_was_begun_here(town: Town) -> None:
    """RFC 9700 section 4.7: else a stranger's chart could be slipped under somebody's hands."""
    stranger, window = Window(), Window()
    window.get(town.launch_url(), timeout=20)
    back = stranger.until("/callback", town.launch_url())
    assert error_of(window.get(back, timeout=20)) == (400, "BegunElsewhere")


def test_a_link_to_somebody_elses_launch_opens_nothing_in_a_window_that_was_never_here(town: Town) -> None:
    """Only a frame may come back without our cookie."""
    alone = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "cross-site"}
    for step in ("/callback", "/arrive"):
        link = Window().until(step, town.launch_url())
        assert error_of(Window().get(link, headers=alone, timeout=20)) == (400, "BegunElsewhere")
    offered = requests.get(Window().until("/arrive", town.launch_url()), headers=JSON, timeout=20).json()["url"]
    assert error_of(Window().get(town.base + offered, headers=alone, timeout=20)) == (400, "BegunElsewhere")


def test_a_frame_that_keeps_no_cookie_is_offered_a_window_of_its_own(town: Town) -> None:
    """Field failure 1: the launch survives without any cookie, and the person is not left at a dead end."""
    frame = requests.Session()  # its jar sends no Secure cookie over http: the frame that keeps none
    frame.headers.update(JSON)
    page = frame.get(town.launch_url(), timeout=20)
    assert urlsplit(page.url).path == "/arrive"
    window = Window()
    opened = window.get(town.base + page.json()["url"], timeout=20)
    assert opened.json()["patient"]["name"] == "SAMPLEWRIGHT, Marisol Testa"


@pytest.mark.parametrize(
    ("organisation", "person", "home"), [("northlight", "exemplar", "worklist"), ("desk", "operator", "operate")]
)
def test_experts_and_operators_sign_in_with_their_own_organisation(
    town: Town, organisation: str, person: str, home: str
) -> None:
    page = Window().get(f"{town.base}/sign-in/{organisation}?login_hint={person}", timeout=20)
    assert urlsplit(page.url).path.endswith(f"/{home}")
    line = _line(town, page)
    assert (line.organisation, line.patient, line.token) == (organisation, "", "")
    assert line.party.reference.startswith("http")


def test_a_sign_in_ends_in_the_browser_that_began_it_or_nowhere(town: Town) -> None:
    back = Window().until("/sign-in/callback", f"{town.base}/sign-in/northlight?login_hint=exemplar")
    assert error_of(Window().get(back, timeout=20)) == (400, "BegunElsewhere")


def test_a_refusal_of_the_ehr_is_told_and_nothing_opens(town: Town) -> None:
    window = Window()
    back = urlsplit(window.until("/callback", town.launch_url()))
    state = parse_qs(back.query)["state"][0]
    refused = back._replace(query=urlencode({"error": "access_denied", "state": state}))
    assert error_of(window.get(refused.geturl(), timeout=20)) == (403, "LaunchRefused")


def test_two_charts_in_one_browser_never_mix(town: Town) -> None:
    """Safety rule 4: a line carries its own patient, and its address names it."""
    window = Window()
    first = window.get(town.launch_url(family="Firstly"), timeout=20)
    second = window.get(town.launch_url(family="Secondly"), timeout=20)
    again = window.get(first.url, timeout=20)
    assert again.json()["patient"]["name"].startswith("FIRSTLY")
    assert second.json()["patient"]["name"].startswith("SECONDLY")
    assert len([c for c in window.cookies if c.name.startswith("__Host-second-opinion")]) == 1


# -- somebody acts for the patient -----------------------------------------------------------------------------------


def proxy_launch(town: Town) -> str:
    """A mother presses the portal's button for her child."""
    people = requests.get(f"{town.practice.origin}/practice/open/patients", timeout=10).json()["patients"]
    mother = next(p for p in people if p["reference"].startswith("RelatedPerson/"))
    asked = {"patient": mother["patient"], "user": mother["reference"], "audience": "patient"}
    return str(
        requests.post(f"{town.practice.origin}/practice/open/launches", json=asked, timeout=10).json()["launch_url"]
    )


@pytest.fixture
def mother(town: Town) -> Iterator[dict[str, Any]]:
    """Her record in the chart, put back afterwards."""
    shelf = town.practice.houses["open"].records.shelf
    found = next(iter(shelf.present("RelatedPerson"))).resource
    yield found
    shelf.put([found], "chart")


def test_who_acts_for_a_patient_is_named_on_every_page_with_what_they_are_to_them(
    town: Town, mother: dict[str, Any]
) -> None:
    window = Window()
    page = window.get(proxy_launch(town), timeout=20)
    line = _line(town, page)
    assert (line.party.role, line.patient) == ("proxy", mother["patient"]["reference"])
    assert line.party.reference == f"RelatedPerson/{mother['id']}"
    form = {"csrf": page.json()["csrf"], "question": "Broken?", "side": "right", "agree": "yes", "very_ill": "no"}
    root = f"{town.base}/line/{line.id}"
    assert window.post(f"{root}/tell", data=form, timeout=20).ok
    for path in ("tell", "emergency", "show", "check", "status", "opinion", "opinion/letter/9"):
        shown = window.get(f"{root}/{path}", headers={"Accept": "text/html"}, timeout=20).text
        assert "Teodora Castellan (mother) acts for Milo Castellan." in shown, path
    with town.ports.store.reading() as tx:
        referral = tx.referrals.find(site="open", patient=line.patient)[0]
    assert referral.requester == line.party
    assert [said.by for said in referral.consents] == [line.party]


@pytest.mark.parametrize("changed", [{"active": False}, {"period": {"end": "2020-01-01"}}])
def test_a_right_that_the_chart_has_ended_opens_nothing(
    town: Town, mother: dict[str, Any], changed: dict[str, Any]
) -> None:
    """Re-checked at each launch, whatever the portal still offers."""
    town.practice.houses["open"].records.shelf.put([{**mother, **changed}], "chart")
    assert error_of(Window().get(proxy_launch(town), timeout=20)) == (403, "NoLongerProxy")
    with town.ports.store.reading() as tx:
        assert tx.audit.latest(1)[0].verb == "refuse-proxy"


# -- the people of a reading organisation ----------------------------------------------------------------------------


@pytest.mark.parametrize(("person", "role"), [("exemplar", "expert"), ("thorne", "coordinator")])
def test_a_part_comes_from_the_roles_that_the_sign_in_service_names(town: Town, person: str, role: str) -> None:
    line = _line(town, Window().get(f"{town.base}/sign-in/northlight?login_hint={person}", timeout=20))
    assert (line.kind, line.party.role) == ("expert", role)
    refused = Window().get(f"{town.base}/sign-in/northlight?login_hint=visitor", timeout=20)
    assert error_of(refused) == (403, "NoPart")


def test_before_signing_the_service_shows_its_page_to_a_person_and_takes_a_program_at_its_word(town: Town) -> None:
    window = Window()
    line = _line(town, window.get(f"{town.base}/sign-in/northlight?login_hint=exemplar", timeout=20))
    root = f"{town.base}/line/{line.id}"
    page = window.get(f"{root}/prove/go?to=worklist", headers={"Accept": "text/html"}, timeout=20)
    assert "Choose who you are." in page.text
    assert urlsplit(page.url).path.startswith("/idp/northlight/")
    done = window.get(f"{root}/prove/go?to=worklist", timeout=20)
    assert done.url == f"{root}/worklist?proven=1"


def test_the_sign_in_service_keeps_the_rules_of_asking_again(town: Town) -> None:
    """OpenID Connect Core 1.0 section 3.1.2.1: `none` may show nothing, and a `max_age` is a number."""
    asked = urlsplit(Window().until("/sign-in/callback", f"{town.base}/sign-in/northlight?login_hint=exemplar"))
    assert "code" in parse_qs(asked.query)
    away = Window().get(f"{town.base}/sign-in/northlight", allow_redirects=False, timeout=20).headers["Location"]
    for wish, error in (("prompt=none", "login_required"), ("max_age=soon", "invalid_request")):
        back = requests.get(f"{away}&{wish}", allow_redirects=False, timeout=20).headers["Location"]
        assert parse_qs(urlsplit(back).query)["error"] == [error]
