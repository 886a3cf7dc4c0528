"""The viewer's pages and files: who is named, what is promised, and what the browser is allowed to do."""

from __future__ import annotations

import gzip
import html
import re
from dataclasses import replace
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from smart_app.referral import Status
from smart_app.web.viewer import ASSETS
from smart_app.web.viewer.pack import pack
from tests.viewer_package import package
from tests.viewing import COOKIE, OTHER_EXPERT, PATIENT, House, open_house


@pytest.fixture
def small_viewer(tmp_path: Path) -> Path:
    """A package of the viewer's shape."""
    return package(tmp_path)


@pytest.fixture
def house(tmp_path: Path, small_viewer: Path) -> House:
    pack(small_viewer, tmp_path / "viewer")
    return open_house(tmp_path / "house", viewer=tmp_path / "viewer")


@pytest.fixture
def client(house: House) -> FlaskClient:
    """The house's browser, with its cookie."""
    client = house.app.test_client()
    client.set_cookie(COOKIE, house.browser)
    return client


def page(house: House, line_id: str, end: str = "viewer") -> str:
    """The address of the case's page."""
    return f"/viewer/{line_id}/{house.referral.id}/{end}"


def policy_of(client: FlaskClient, address: str) -> str:
    """The content security policy of an answer."""
    return client.get(address, buffered=True).headers["Content-Security-Policy"]


def frame_of(text: str) -> str:
    """The address of the frame in a page."""
    return html.unescape(re.search(r'<iframe class="viewer-frame" src="([^"]+)"', text).group(1))


def test_the_page_names_the_person_and_what_the_viewer_is_not_for(house: House, client: FlaskClient) -> None:
    """Staff read name, birth date, sex and number; the one notice of ours is always there."""
    text = client.get(page(house, house.line().id)).text
    for words in ("SAMPLEWRIGHT, Marisol Testa", "14 Mar 1992 (33 y)", "Female", "TST-0048213"):
        assert words in text
    assert "Not cleared for primary diagnosis, nor for mammography." in text


def test_a_patients_page_says_name_and_birth_date_only(house: House, client: FlaskClient) -> None:
    """A patient's window may be looked at by others in the room."""
    text = client.get(page(house, house.line("patient").id)).text
    assert "Marisol Testa Samplewright" in text
    assert "14 March 1992" in text
    assert "TST-0048213" not in text
    assert "Female" not in text


@pytest.mark.parametrize("birth_date", ["1992", "1992-03", ""])
def test_a_birth_date_that_is_not_whole_is_shown_as_it_is(house: House, client: FlaskClient, birth_date: str) -> None:
    """Nothing is rounded up to a day."""
    house.change(patient=replace(PATIENT, birth_date=birth_date))
    text = client.get(page(house, house.line().id)).text
    assert f"<dd>{birth_date or 'not known'}</dd>" in text


def test_a_name_is_text_and_never_markup(house: House, client: FlaskClient) -> None:
    """A chart's name cannot add to the page."""
    house.change(patient=replace(PATIENT, family="<script>x</script>"))
    text = client.get(page(house, house.line().id)).text
    assert "<script" not in text.lower()


def test_the_page_opens_the_studies_named_or_all_of_the_case(house: House, client: FlaskClient) -> None:
    """By the address, in its order; a study that is not of this case is not opened."""
    address = page(house, house.line().id)
    assert frame_of(client.get(address).text).endswith(f"StudyInstanceUIDs={house.uids[0]},{house.uids[1]}")
    one = client.get(f"{address}?StudyInstanceUIDs={house.uids[1]}").text
    assert frame_of(one).endswith(f"StudyInstanceUIDs={house.uids[1]}")
    assert client.get(f"{address}?StudyInstanceUIDs={house.uids[0]},1.2.3").status_code == 404


def test_lossy_series_are_named(tmp_path: Path, small_viewer: Path, shared: Path) -> None:
    """A series whose header says that compression lost something is marked in words."""
    content = (shared / "data" / "dicom" / "compressed_wg04" / "MR1_JPLY").read_bytes()
    pack(small_viewer, tmp_path / "viewer")
    house = open_house(tmp_path / "house", [content], viewer=tmp_path / "viewer")
    client = house.app.test_client()
    client.set_cookie(COOKIE, house.browser)
    assert "Compressed with loss: " in client.get(page(house, house.line().id)).text


def test_pictures_without_loss_are_not_called_lossy(house: House, client: FlaskClient) -> None:
    """No mark where there is nothing to mark."""
    assert "Compressed with loss" not in client.get(page(house, house.line().id)).text


@pytest.mark.parametrize("end", ["viewer", "ohif/viewer", "ohif/", "ohif/anything/below"])
def test_who_may_not_look_gets_no_page(house: House, client: FlaskClient, end: str) -> None:
    """The pages ask as the images do."""
    lines = [house.line("operator"), house.line(organisation="another-room"), house.line(party=OTHER_EXPERT)]
    house.change(status=Status.ACCEPTED, expert=house.line().party)
    for line in lines:
        assert client.get(page(house, line.id, end)).status_code == 404
    assert house.app.test_client().get(page(house, house.line().id, end)).status_code == 404


def test_the_viewer_is_told_this_case_and_no_inline_script(house: House, client: FlaskClient) -> None:
    """Every script is a file; the roots it is told are those of this line and case."""
    line = house.line()
    answer = client.get(page(house, line.id, "ohif/viewer"), headers={"Sec-Fetch-Dest": "iframe"})
    scripts = re.findall(r"<script([^>]*)>(.*?)</script>", answer.text, re.DOTALL)
    assert len(scripts) == 2
    assert all(not body for _, body in scripts)
    assert f'data-images="/dicomweb/{line.id}/{house.referral.id}"' in answer.text
    assert f'data-pages="/viewer/{line.id}/{house.referral.id}/ohif"' in answer.text
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', answer.text):
        assert client.get(address, buffered=True).status_code == 200, address


def test_the_policy_of_the_viewer_lets_nothing_in_or_out(house: House, client: FlaskClient) -> None:
    """No inline script, no eval of text, no other origin; for its workers too, which obey their own file's policy."""
    line = house.line()
    for address in (page(house, line.id, "ohif/viewer"), f"{ASSETS}app.bundle.0a1b.js"):
        policy = policy_of(client, address)
        rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
        assert rules["default-src"] == "'none'"
        assert rules["script-src"] == "'self' 'wasm-unsafe-eval'"
        assert rules["connect-src"] == "'self'"
        assert rules["frame-ancestors"] == "'self'"
        assert "http" not in policy
    around = policy_of(client, page(house, line.id))
    assert "script-src" not in around
    assert "unsafe" not in around


def test_the_viewer_opened_without_its_band_leads_to_the_page_with_it(house: House, client: FlaskClient) -> None:
    """Nobody reads images in a window that does not say whose they are."""
    line = house.line()
    address = page(house, line.id, f"ohif/viewer?StudyInstanceUIDs={house.uids[1]}")
    answer = client.get(address, headers={"Sec-Fetch-Dest": "document"})
    assert answer.status_code == 303
    assert answer.location == page(house, line.id, f"viewer?StudyInstanceUIDs={house.uids[1]}")


def test_pages_are_kept_by_no_cache_and_files_for_ever(house: House, client: FlaskClient) -> None:
    """A page names a person; a file of the viewer is the same for everybody."""
    line = house.line()
    for end in ("viewer", "ohif/viewer"):
        assert client.get(page(house, line.id, end)).headers["Cache-Control"] == "no-store"
    answer = house.app.test_client().get(f"{ASSETS}app.bundle.css", buffered=True)
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert line.id not in ASSETS


def test_a_file_is_sent_compressed_to_who_takes_that_and_plain_to_who_does_not(client: FlaskClient) -> None:
    """The bytes are the same either way."""
    packed = client.get(f"{ASSETS}app.bundle.css", headers={"Accept-Encoding": "gzip, br"}, buffered=True)
    plain = client.get(f"{ASSETS}app.bundle.css", headers={"Accept-Encoding": "identity"}, buffered=True)
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.content_type == plain.content_type == "text/css; charset=utf-8"
    assert gzip.decompress(packed.data) == plain.data
    again = client.get(
        f"{ASSETS}app.bundle.css", headers={"Accept-Encoding": "gzip", "If-None-Match": packed.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "name", ["pack.json", "../house/queue.db", "..%2fhouse%2fsecond-opinion.db", "app.bundle.css.gz", "absent.js", ""]
)
def test_only_files_of_the_manifest_are_served(client: FlaskClient, name: str) -> None:
    """A name is looked up, never joined to a folder first."""
    assert client.get(ASSETS + name).status_code == 404


def test_another_edition_is_not_served_under_this_address(client: FlaskClient) -> None:
    """An address that names an edition keeps its word."""
    assert client.get("/viewer/assets/0.0.0-1/app.bundle.css").status_code == 404


def test_without_the_viewer_the_page_says_how_to_install_it(tmp_path: Path, small_viewer: Path) -> None:
    """One command, named; and once it has run, the next request shows the viewer."""
    house = open_house(tmp_path / "house", viewer=tmp_path / "viewer")
    client = house.app.test_client()
    client.set_cookie(COOKIE, house.browser)
    address = page(house, house.line().id)
    answer = client.get(address)
    assert answer.status_code == 503
    assert "<code>second-opinion viewer install</code>" in answer.text
    assert "SAMPLEWRIGHT" in answer.text
    assert client.get(f"{ASSETS}app.bundle.css").status_code == 404
    pack(small_viewer, tmp_path / "viewer")
    assert client.get(address).status_code == 200
