"""One state in two forms; a language chosen without leaving; a launch that begins safely."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from smart_app.case import Party
from tests.webdesk import Desk

JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk") / "app")
    yield made
    made.close()


def test_a_live_page_learns_by_its_etag_that_nothing_changed(desk: Desk) -> None:
    """Decision 25: polling costs no body."""
    line, referral = desk.line(), desk.referral("question")
    url = f"/line/{line.id}/referrals/{referral.id}"
    page = desk.client().get(url)
    tag = re.search(r'data-live="([0-9a-f]+)"', page.text)
    assert tag is not None
    again = desk.client().get(url, headers={**JSON, "If-None-Match": f'"{tag.group(1)}"'})
    assert (again.status_code, again.data) == (304, b"")
    with desk.ports.store.transaction() as tx:
        kept = tx.referrals.get(referral.id)
        tx.referrals.save(kept.answer(kept.requester, desk.now, "None."))
    news = desk.client().get(url, headers={**JSON, "If-None-Match": f'"{tag.group(1)}"'})
    assert news.get_json()["status"] == "reading"


@pytest.mark.parametrize("back", ["https://evil.example/x", "//evil.example", "/\\evil.example", "javascript:x"])
def test_choosing_a_language_leads_back_and_nowhere_else(desk: Desk, back: str) -> None:
    said = desk.client().get("/language/es", query_string={"back": back})
    assert "evil" not in said.headers["Location"]
    assert said.headers["Location"].startswith("/")


def test_a_hospital_that_is_not_connected_is_refused_before_any_call(desk: Desk) -> None:
    """Safety of the launch: the issuer comes from a stranger."""
    said = desk.client().get("/launch", query_string={"iss": "https://evil.example/fhir", "launch": "x"}, headers=JSON)
    assert (said.status_code, said.get_json()["error"]["kind"]) == (403, "UntrustedIssuer")


def test_a_launch_by_form_is_read_again_where_the_browser_shows_its_cookie(desk: Desk) -> None:
    said = desk.client().post("/launch", data={"iss": "https://ehr.example/fhir", "launch": "x y"})
    assert said.status_code == 303
    assert said.headers["Location"] == "/launch?iss=https://ehr.example/fhir&launch=x+y"


def test_a_colleague_at_the_same_workstation_ends_whatever_was_open_there(desk: Desk) -> None:
    """Also the line of another hospital: who sits here now is not who opened it."""
    here, elsewhere = desk.line(), desk.line(site="oracle")
    colleague = desk.line(party=Party("clinician", "Dr B", "Practitioner/b"))
    form = {"csrf": desk.csrf(colleague)}
    window = desk.client().post(f"/line/{colleague.id}/handoff", data=form, headers=JSON).get_json()["url"]
    assert desk.client().get(window).status_code == 303
    open_still = {name: _opens(desk, line.id) for name, line in (("here", here), ("elsewhere", elsewhere))}
    assert open_still == {"here": False, "elsewhere": False}


def _opens(desk: Desk, line_id: str) -> bool:
    return desk.client().get(f"/line/{line_id}/", headers=JSON).status_code == 200
