"""What every answer tells the browser, what no page of ours may hold, and what the request log may say."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import smart_app.web
from smart_app.web import asset
from smart_app.web.windows import HOME
from tests.web import EHR, OTHER_EHR, SITES, Web

ROOM = Path(smart_app.web.__file__).parent
TEMPLATES = sorted((ROOM / "templates").rglob("*.html"))
VIEWER = {"ohif.html"}
"""The viewer's own page is held to a policy of its own (see its tests)."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "web")
    yield web
    web.close()


def policy(answer) -> dict[str, set[str]]:
    """The content security policy, directive by directive."""
    parts = (part.split() for part in answer.headers["Content-Security-Policy"].split(";"))
    return {name: set(sources) for name, *sources in parts}


def answers(web: Web) -> list:
    """One answer of each sort: pages, JSON, refusals, the unknown, a redirect."""
    client, line = web.sit_down("clinician")
    urls = ("/", "/start", "/invitation", "/launch?iss=x", "/nothing", "/healthz", f"/line/{line.id}/", "/line/x/")
    return [client.get(url) for url in urls]


def test_every_answer_is_guarded(web: Web) -> None:
    for answer in answers(web):
        assert policy(answer)["default-src"] == {"'none'"}
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in answer.headers["Permissions-Policy"]
        assert "Server" not in answer.headers


def test_nobody_is_answered_by_trace(web: Web) -> None:
    """It would show a page's own script the cookie that is kept from it."""
    client, line = web.sit_down("clinician")
    for url in ("/", "/invitation", "/healthz", f"/line/{line.id}/", "/.well-known/jwks.json"):
        answer = client.open(url, method="TRACE")
        assert answer.status_code in (404, 405), url
        assert "Cookie" not in answer.text


def test_no_answer_at_all_may_be_kept_but_files_that_are_the_same_for_everybody(web: Web) -> None:
    """Every address there is, asked as a stranger and as each kind of person: no clinical answer in a disk cache."""
    kept = {"static", "viewer.asset", "signin.jwks", "chartlook.sheet"}  # files, public keys, colours
    places = [(web.client(), "none"), *((client, line.id) for client, line in map(web.sit_down, HOME))]
    asked = 0
    for rule in web.app.url_map.iter_rules():
        if rule.endpoint in kept or "GET" not in rule.methods:
            continue
        values = dict.fromkeys(rule.arguments, "none")
        values |= {name: 1 for name in ("number", "version", "frame") if name in values}
        for client, line_id in places:
            answer = client.get(rule.build({**values, "line_id": line_id})[1] if values else rule.rule)
            assert answer.headers["Cache-Control"] == "no-store", rule.rule
            asked += 1
    assert asked > 300


def test_over_https_it_stays_https(web: Web) -> None:
    """For a year, and for every name below ours."""
    settings = replace(web.world.ports.settings, base_url="https://opinion.example")
    web.app.extensions["second-opinion-ports"] = replace(web.world.ports, settings=settings)
    said = web.client().get("/healthz").headers["Strict-Transport-Security"]
    assert said == "max-age=31536000; includeSubDomains"


def test_pages_load_files_of_ours_alone(web: Web) -> None:
    """No inline script or style, no other origin, no base, no plug-in."""
    for answer in answers(web):
        said = policy(answer)
        assert {"script-src", "style-src", "img-src", "font-src", "connect-src", "form-action"} <= set(said)
        for name in set(said) - {"frame-ancestors"}:
            assert said[name] <= {"'self'", "'none'", "data:"}, name
        assert said["script-src"] == said["style-src"] == {"'self'"}
        assert said["base-uri"] == {"'none'"}


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_script_style_or_another_address(template: Path) -> None:
    """What the policy would stop is not written in the first place."""
    text = template.read_text("utf-8")
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"https?://(?!www\.w3\.org/)", text)
    assert "|safe" not in text.replace(" ", "").replace("DRAWN[name]|safe", "")
    if template.name not in VIEWER:
        assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", text))


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_form_that_changes_something_carries_the_proof(template: Path) -> None:
    text = template.read_text("utf-8")
    for form in re.findall(r"<form[^>]*method=\"post\".*?</form>", text, re.DOTALL | re.IGNORECASE):
        onward = "data-onward" in form  # to the EHR's own sign-in, which must not learn our proof
        assert onward != ("proof(" in form or 'name="csrf"' in form), form[:200]


# -- frames --------------------------------------------------------------------------------------------------------


def test_a_page_of_a_line_may_be_framed_by_its_own_hospital_only(web: Web) -> None:
    client, line = web.sit_down("clinician", site="open")
    other_client, other = web.sit_down("clinician", site="oracle")
    assert policy(client.get(f"/line/{line.id}/"))["frame-ancestors"] == {"'self'", EHR}
    assert policy(other_client.get(f"/line/{other.id}/"))["frame-ancestors"] == {"'self'", OTHER_EHR}


@pytest.mark.parametrize("kind", ["expert", "operator"])
def test_who_works_at_a_desk_of_their_own_is_framed_by_nobody(web: Web, kind: str) -> None:
    client, line = web.sit_down(kind)
    assert policy(client.get(f"/line/{line.id}/operate"))["frame-ancestors"] == {"'self'"}


@pytest.mark.parametrize("url", ["/", "/start", "/invitation", "/sign-in/northlight", "/handoff?code=x", "/nothing"])
def test_what_is_opened_by_hand_is_framed_by_nobody(web: Web, url: str) -> None:
    """A birth date typed into a foreign page's frame could be covered by it."""
    assert policy(web.client().get(url))["frame-ancestors"] == {"'self'"}


@pytest.mark.parametrize("url", ["/launch?iss=x", "/callback?state=x", "/line/x/"])
def test_a_refusal_on_the_way_in_can_be_read_in_the_frame(web: Web, url: str) -> None:
    """The chart is not known yet, so every chart we know may show the words."""
    expected = {"'self'", *(origin for site in SITES for origin in site.frame_ancestors)}
    assert policy(web.client().get(url))["frame-ancestors"] == expected


# -- files ---------------------------------------------------------------------------------------------------------


def test_files_are_kept_by_the_browser_for_as_long_as_they_are_the_same(web: Web) -> None:
    with web.app.test_request_context():
        url = asset("css/app.css")
    with web.client().get(url) as answer, web.client().get("/static/css/app.css") as bare:
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "Set-Cookie" not in answer.headers
        assert "immutable" not in bare.headers.get("Cache-Control", "")


def test_styles_and_scripts_ask_nobody_else() -> None:
    """Fonts, pictures and scripts are ours; nothing on a hospital's network asks outside."""
    for path in sorted((ROOM / "static").rglob("*")):
        if path.suffix in (".css", ".js"):
            text = path.read_text("utf-8")
            assert not re.search(r"https?://(?!www\.w3\.org/)|@import|\beval\(|innerHTML|document\.write", text), path


# -- the log -------------------------------------------------------------------------------------------------------


def test_the_log_names_routes_and_never_who_or_what(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    """An address holds a line, a referral or the secret of an invitation: none of it is written."""
    client, line = web.sit_down("clinician")
    referral = web.world.ask()
    with caplog.at_level(logging.DEBUG):
        client.get(f"/line/{line.id}/referrals/{referral.id}?name=Holloway")
        client.get("/invitation/a-secret-of-ours")
        client.get("/callback?state=a-state&code=a-code")
        client.get("/no/such/Holloway")
    assert "GET /line/<line_id>/referrals/<referral_id> 404" in caplog.text
    assert "GET /invitation/<secret> 404" in caplog.text
    for word in (line.id, referral.id, "Holloway", "a-secret-of-ours", "a-state", "a-code"):
        assert word not in caplog.text
