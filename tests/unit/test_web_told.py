"""How a case is told: dates and names as people read them, steps, clocks, differences, and what is kept back."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from smart_app.web import dates
from smart_app.web.people import band_of, differing
from smart_app.web.progress import clocks, patient_steps, staff_steps
from smart_app.web.told import beside, changes, referral_state
from tests.staged import PATIENT, conflicting_upload, opinion
from tests.webdesk import Desk

JSON = {"Accept": "application/json"}
AT = datetime(2026, 11, 3, 20, 10, tzinfo=UTC)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    made = Desk(tmp_path_factory.mktemp("desk") / "app")
    yield made
    made.close()


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", ["3 Nov 2026", "14 March 1992", "Tuesday, 3 November", "3 Nov, 20:10", "3 Nov 2025, 20:10"]),
        ("es", ["3 nov 2026", "14 de marzo de 1992", "martes, 3 de noviembre", "3 nov, 20:10", "3 nov 2025, 20:10"]),
    ],
)
def test_times_are_told_in_the_sites_zone_and_the_persons_language(desk: Desk, language: str, said: list[str]) -> None:
    with desk.app.test_request_context(headers={"Accept-Language": language}):
        a_year_ago = AT.replace(year=2025)
        told = [
            dates.day(AT),
            dates.long_day("1992-03-14"),
            dates.weekday(AT),
            dates.moment(AT),
            dates.moment(a_year_ago),
        ]
    assert told == said


@pytest.mark.parametrize(
    ("born", "years"),
    [("1992-03-14", "34 y"), ("2026-04-24", "7 months"), ("2026-10-25", "0 months"), ("1992", ""), ("", "")],
)
def test_an_age_is_told_in_months_under_two_years_and_never_guessed(desk: Desk, born: str, years: str) -> None:
    with desk.app.test_request_context():
        assert dates.age(born) == years


@pytest.mark.parametrize("known", ["1992", "", "unreadable"])
def test_a_date_that_is_partly_known_is_shown_as_far_as_it_is_known(desk: Desk, known: str) -> None:
    with desk.app.test_request_context():
        assert dates.day(known) == known


def test_a_patients_own_band_says_name_and_birth_date_and_no_more(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert band_of(PATIENT, plain=True) == {
            "name": "Marisol Testa Samplewright",
            "facts": [("Born", "14 March 1992")],
        }
        assert band_of(PATIENT)["name"] == "SAMPLEWRIGHT, Marisol Testa"


def test_a_difference_is_marked_by_character_in_dates_and_by_word_in_names(desk: Desk) -> None:
    with desk.app.test_request_context():
        assert differing("birth_date", "1992-03-14", "1968-03-14", "conflict") == "14 Mar 19<mark>92</mark>"
        name = differing("name", "SAMPLEWRIGHT, Marisol Testa", "SAMPLEWRIGHT^MARIA^TESTA", "conflict")
        assert name == "SAMPLEWRIGHT, <mark>Marisol</mark> Testa"
        assert "<script>" not in differing("name", "<script>", "x", "conflict")


STEPS = {
    "gathering": "done now todo todo todo todo",
    "sent": "done done now todo todo todo",
    "accepted": "done done done now todo todo",
    "question": "done done done pause todo todo todo",
    "signed": "done done done done done now todo",
    "unsigned": "done done done done done now todo",
    "delivered": "done done done done done done now",
    "seen": "done done done done done done done",
    "corrected": "done done done done done now todo",
    "returned": "done done stop",
    "quarantined": "done done done done done done stop",
}


@pytest.mark.parametrize("status", STEPS)
def test_the_timeline_never_rounds_up(desk: Desk, status: str) -> None:
    """Signed is not delivered, delivered is not seen, and a stop is shown as one."""
    with desk.app.test_request_context():
        assert " ".join(step.state for step in staff_steps(desk.referral(status))) == STEPS[status]


@pytest.mark.parametrize(
    ("status", "states"),
    [
        ("gathering", "now todo todo todo"),
        ("sent", "done now todo todo"),
        ("reading", "done done now todo"),
        ("question", "done done pause todo"),
        ("signed", "done done done now"),
        ("delivered", "done done done done"),
        ("withdrawn", "done stop"),
    ],
)
def test_a_patient_gets_four_plain_steps(desk: Desk, status: str, states: str) -> None:
    with desk.app.test_request_context():
        assert " ".join(step.state for step in patient_steps(desk.referral(status))) == states


def test_two_clocks_are_told_and_a_question_stops_the_one_that_runs(desk: Desk) -> None:
    with desk.app.test_request_context():
        told = clocks(desk.referral("question"), desk.now)
    assert [(c["text"], c["state"]) for c in told] == [("2 h", "done"), ("paused by the question", "pause")]


def test_while_a_case_is_checked_the_opinion_is_told_to_nobody(desk: Desk) -> None:
    """Safety rule 6."""
    line, referral = desk.line(), desk.referral("quarantined")
    root = f"/line/{line.id}/referrals/{referral.id}"
    state = desk.client().get(root, headers=JSON).get_json()
    assert (state["status"], state["opinion"]) == ("quarantined", None)
    page = desk.client().get(root).text
    assert "Hippocampal sclerosis is" not in page
    assert desk.client().get(f"{root}/letter/1").status_code == 404
    kinds = [e["resource"]["resourceType"] for e in desk.client().get(f"{root}/record").get_json()["entry"]]
    assert "DiagnosticReport" not in kinds


def test_the_record_is_a_bundle_of_what_was_asked_sent_and_said(desk: Desk) -> None:
    line, referral = desk.line(), desk.referral("delivered")
    said = desk.client().get(f"/line/{line.id}/referrals/{referral.id}/record")
    kinds = [entry["resource"]["resourceType"] for entry in said.get_json()["entry"]]
    assert said.content_type == "application/fhir+json"
    assert sorted(kinds) == ["DiagnosticReport", "ImagingStudy", "Observation", "Provenance", "ServiceRequest", "Task"]


def test_another_patients_referral_is_not_there(desk: Desk) -> None:
    """Decision 20, and safety rule 4: the line's own patient only."""
    referral = desk.referral("delivered")
    line = desk.line(patient="Patient/another")
    for path in ("", "/record", "/letter/1", "/reports/1"):
        assert desk.client().get(f"/line/{line.id}/referrals/{referral.id}{path}", headers=JSON).status_code == 404


def test_a_view_of_an_opinion_is_written_down_once_and_a_poll_is_no_view(desk: Desk) -> None:
    """Safety rule 19."""
    line, referral = desk.line(), desk.referral("delivered")
    url = f"/line/{line.id}/referrals/{referral.id}"
    polls = [desk.client().get(url, headers={**a, "Second-Opinion-Poll": "1"}) for a in (JSON, {})]
    before = _views(desk, referral.id)
    assert [poll.json for poll in polls] == [{}, {}], "a poll shows nothing"
    assert {poll.headers["ETag"] for poll in polls} == {desk.client().get(url, headers=JSON).headers["ETag"]}
    desk.client().get(url)
    desk.client().get(url)
    assert (before, _views(desk, referral.id)) == ([], ["opinion version 1"])


def _views(desk: Desk, referral_id: str) -> list[str]:
    with desk.ports.store.reading() as tx:
        return [row.what for row in tx.audit.of_referral(referral_id) if row.verb == "view"]


def test_an_older_version_says_so_and_leads_to_the_newest(desk: Desk) -> None:
    line, referral = desk.line(), desk.referral("corrected")
    page = desk.client().get(f"/line/{line.id}/referrals/{referral.id}?version=1").text
    assert "This is version 1. It was replaced." in page
    newest = desk.client().get(f"/line/{line.id}/referrals/{referral.id}").text
    assert "not 12 January 2025" in newest
    assert "You read version 1" in newest


def test_what_changed_is_told_word_by_word(desk: Desk) -> None:
    with desk.app.test_request_context():
        told = changes(opinion(1, AT, impression="Since June."), opinion(2, AT, impression="Since <12> June."))
    assert told == [("Impression", "Since June.", "Since <ins>&lt;12&gt;</ins> June.")]


def test_a_version_that_was_replaced_cannot_be_confirmed(desk: Desk) -> None:
    """Safety rule 14: an earlier reader must acknowledge again."""
    line, referral = desk.line(), desk.referral("corrected")
    form = {"csrf": desk.csrf(line), "version": "1", "next_step": "plan-stays"}
    said = desk.client().post(f"/line/{line.id}/referrals/{referral.id}/acknowledge", data=form, headers=JSON)
    assert (said.status_code, said.get_json()["error"]["kind"]) == (409, "StaleReferral")


def test_programs_see_a_mismatch_whole_on_the_clinicians_line(desk: Desk) -> None:
    line, referral = desk.line(), desk.referral("gathering")
    with desk.ports.store.transaction() as tx:
        tx.uploads.add(conflicting_upload(referral.id))
    with desk.app.test_request_context():
        state = referral_state(line, referral, beside(referral))
    assert state["stopped"] == "wrong-patient"
    assert state["mismatch"][0] == {
        "field": "birth_date",
        "chart": "1992-03-14",
        "images": "1968-03-14",
        "result": "conflict",
    }


def test_a_chart_that_does_not_answer_stops_nobody_from_asking(desk: Desk) -> None:
    line = desk.line()
    page = desk.client().get(f"/line/{line.id}/").text
    assert "The chart did not give everything." in page
    form = {"csrf": desk.csrf(line), "question": "Is it?", "side": "none", "organisation": "northlight"}
    said = desk.client().post(f"/line/{line.id}/ask", data=form)
    assert "/referrals/" in said.headers["Location"]


def test_a_registration_that_allows_less_is_named_on_the_first_page(desk: Desk) -> None:
    """Field failure 7: a refusal is said at once, and not by a 403 much later."""
    allowed = {"patient": {**PATIENT.__dict__, "given": list(PATIENT.given)}, "iss": "https://ehr.example"}
    line = desk.line(context={**allowed, "missing": ["offline_access", "user/ImagingStudy.rs"]})
    page = desk.client().get(f"/line/{line.id}/").text
    assert "Not allowed: reading imaging studies." in page
    assert "user/ImagingStudy" not in page, "a scope is no word of a screen"


def test_an_overdue_promise_is_told_as_one(desk: Desk) -> None:
    referral = desk.referral("reading")
    with desk.app.test_request_context():
        told = clocks(referral, desk.now + timedelta(days=9))
    assert told[-1]["state"] == "stop"
    assert told[-1]["text"].startswith("overdue by ")
