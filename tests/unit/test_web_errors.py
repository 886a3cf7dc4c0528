"""One table of problems: nothing that can go wrong below is told as something else, and nothing leaks."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from werkzeug.exceptions import MethodNotAllowed

import fhir.errors
import imaging.errors
import launch.errors
import smart_app.referral
import smart_app.status
import smart_app.store.errors
import smart_app.web.errors
from fhir.errors import ChartRefused, ChartUnavailable, ChartUnclear, NotInChart
from imaging.errors import NotHere, UnsafeMedia
from launch.errors import DiscoveryFailed, GrantEnded, LaunchRefused, UntrustedIssuer
from smart_app.referral import NoSuchReferral, StaleReferral, Unfinished, WrongStatus
from smart_app.status import Stopped
from smart_app.store.errors import LedgerClosed, NoSuchRow, StoreUnavailable
from smart_app.web.errors import FAULT, BegunElsewhere, LineEnded, error_answer, notice_of
from tests.web import JSON, Web

ROOMS = (
    fhir.errors,
    launch.errors,
    imaging.errors,
    smart_app.referral,
    smart_app.status,
    smart_app.store.errors,
    smart_app.web.errors,
)
OURS_TO_MEND = {"StoreError", "StoreOutdated", "DocumentUnreadable", "LedgerClosed", "WebError"}
"""What a visitor can do nothing about and cannot cause: told as a fault of ours, with a number."""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    web = Web(tmp_path / "web")
    yield web
    web.close()


def made_here(room: ModuleType) -> list[type[Exception]]:
    """The error classes of that room."""
    found = inspect.getmembers(room, inspect.isclass)
    return [kind for _, kind in found if issubclass(kind, Exception) and kind.__module__ == room.__name__]


ALL = [kind for room in ROOMS for kind in made_here(room)]


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_error_of_every_room_has_words(kind: type[Exception]) -> None:
    """An error class somebody adds stands in the table by itself or by its family."""
    problem = kind.__new__(kind)
    Exception.__init__(problem, "because")
    if kind is LineEnded:
        problem.cookie = True
    assert (notice_of(problem) is FAULT) == (kind.__name__ in OURS_TO_MEND)


@pytest.mark.parametrize(
    ("problem", "status"),
    [
        (Unfinished("Say more.", question="missing"), 422),
        (Stopped("Another person.", "wrong-patient"), 409),
        (WrongStatus("Too late."), 409),
        (StaleReferral("Changed."), 409),
        (NoSuchReferral("None."), 404),
        (NotHere("None."), 404),
        (NotInChart("None."), 404),
        (ChartUnavailable("Silent."), 503),
        (ChartUnclear("Silent after sending."), 503),
        (ChartRefused("It may not be written."), 502),
        (UntrustedIssuer("Who?"), 403),
        (LaunchRefused("No."), 403),
        (GrantEnded("Over."), 401),
        (DiscoveryFailed("Silent."), 503),
        (UnsafeMedia("Too many files."), 413),
        (StoreUnavailable("Locked."), 503),
        (NoSuchRow("None."), 404),
        (BegunElsewhere("There."), 400),
        (LedgerClosed("Never."), 500),
        (MethodNotAllowed(), 405),
        (ValueError("Marguerite"), 500),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_page_and_program_get_the_same_status_and_one_shape(web: Web, problem: Exception, status: int) -> None:
    with web.app.test_request_context("/", headers=JSON):
        said = error_answer(problem)
    assert said.status_code == status or isinstance(problem, MethodNotAllowed)
    error = said.get_json()["error"]
    assert set(error) == {"kind", "why", "message", "fields"}
    assert error["kind"] == type(problem).__name__
    assert error["message"]
    with web.app.test_request_context("/"):
        page = error_answer(problem)
    assert page.status_code == said.status_code
    assert page.mimetype == "text/html"


def test_a_program_learns_which_fields_and_which_gate(web: Web) -> None:
    with web.app.test_request_context("/", headers=JSON):
        assert error_answer(Unfinished("x", side="missing")).get_json()["error"]["fields"] == {"side": "missing"}
        assert error_answer(Stopped("x", "two-people")).get_json()["error"]["why"] == "two-people"


def test_what_nobody_foresaw_is_told_with_a_number_and_without_its_text(
    web: Web, caplog: pytest.LogCaptureFixture
) -> None:
    """The text of an unforeseen error may quote a patient's value: it stands in no page and no log."""
    value = "Marguerite Holloway"  # a traceback quotes the line of source
    with caplog.at_level(logging.DEBUG), web.app.test_request_context("/"):
        try:
            raise ValueError(value)
        except ValueError as problem:
            page = error_answer(problem).get_data(as_text=True)
    assert value not in page + caplog.text
    number = next(word for word in caplog.text.split() if word.startswith("E-")).rstrip(":")
    assert number in page
    assert "test_web_errors.py" in caplog.text


def test_words_of_the_chart_are_escaped(web: Web) -> None:
    """A refusal is quoted to staff; its markup is not ours."""
    with web.app.test_request_context("/"):
        page = error_answer(ChartRefused("<script>alert(1)</script>")).get_data(as_text=True)
    assert "<script>alert" not in page
    assert "&lt;script&gt;" in page


def test_a_stranger_and_nobody_are_told_the_same(web: Web) -> None:
    """A refusal never says whether the case exists."""
    client, line = web.sit_down("clinician")
    referral = web.world.ask()
    pages = [
        client.get(f"/line/{line.id}/referrals/{name}", headers=JSON).json["error"] for name in (referral.id, "no-such")
    ]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("act", ["retry", "there", "close", "nonsense"])
def test_a_number_under_which_nothing_waits_is_said_plainly(web: Web, act: str) -> None:
    """An old bookmark, a cut address: a page without a fault's number, looking and deciding alike."""
    client, line = web.sit_down("operator")
    proof = web.csrf(client, line)
    answers = [client.get(f"/line/{line.id}/operate/no-such-row/{act}")]
    if act != "nonsense":
        form = {"csrf": proof, "resource": "DocumentReference/1", "what": "Called."}
        answers.append(client.post(f"/line/{line.id}/operate/no-such-row/{act}", data=form))
    for answer in answers:
        assert answer.status_code == 404
        assert "Nothing waits under this number" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("form", "page"),
    [
        ("referrals/r1/answer", "referrals/r1"),
        ("referrals/r1/acknowledge", "referrals/r1"),
        ("ask", ""),
        ("cases/r1/return", "cases/r1"),
        ("show/mine", "show"),
        ("send", ""),
    ],
)
def test_the_address_of_a_form_opened_as_a_page_leads_to_the_page(web: Web, form: str, page: str) -> None:
    """After a form came back its address stands in the browser; Enter there must not end at "nothing here"."""
    client, line = web.sit_down("clinician")
    answer = client.get(f"/line/{line.id}/{form}")
    assert (answer.status_code, answer.location) == (303, f"/line/{line.id}/{page}")
    assert client.get(f"/line/{line.id}/{form}", headers=JSON).status_code in (404, 405)


def test_a_stop_says_whose_page_it_is_and_where_to_go(web: Web) -> None:
    """Safety rules 4 and 18: the patient's name, and whom to call in an emergency, also where something went wrong."""
    client, line = web.sit_down("patient")
    page = client.get(f"/line/{line.id}/operate").get_data(as_text=True)
    assert "Marisol Testa Samplewright" in page
    assert "Not for emergencies" in page
    client, line = web.sit_down("operator")
    page = client.get(f"/line/{line.id}/operate/none/retry").get_data(as_text=True)
    assert "Deliveries" in page
    client, line = web.sit_down("clinician")
    page = client.get(f"/line/{line.id}/referrals/none").get_data(as_text=True)
    assert "SAMPLEWRIGHT, Marisol Testa" in page
    nowhere = client.get(f"/line/{line.id}/no/such/page").get_data(as_text=True)
    assert f'href="/line/{line.id}/"' in nowhere


def test_an_invitation_that_is_over_leads_to_the_hospital(web: Web) -> None:
    page = web.client().get("/invitation/nonsense").get_data(as_text=True)
    assert "Not for emergencies" in page
    assert 'href="/start"' in page


def test_what_was_begun_elsewhere_is_not_called_too_late(web: Web) -> None:
    """It did not take too long: the person is in the wrong window, and is told where to go on."""
    with web.app.test_request_context("/"):
        page = error_answer(BegunElsewhere("There.")).get_data(as_text=True)
    assert "This was begun in another browser" in page
    assert "too long" not in page


def test_a_window_without_cookies_is_told_so(web: Web) -> None:
    """The advice differs: signing in again would not help."""
    without = web.client().get("/line/x/").get_data(as_text=True)
    ended = web.client("unknown").get("/line/x/").get_data(as_text=True)
    assert "does not stay signed in" in without
    assert "has ended" in ended
