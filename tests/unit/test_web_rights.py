"""Every address asks the table of rights before its view runs: none is forgotten, and a no is a no over HTTP too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from fhir.check import check
from smart_app.access import TABLE, VERBS, actor, may
from smart_app.case import Consent, Party
from smart_app.referral import Referral
from smart_app.store import Line
from smart_app.web.rights import DOORS, FREE, NEEDS
from smart_app.web.sessions import COOKIE, OWN_GUARD, csrf_token
from tests.staged import CLINICIAN, EXPERT, PATIENT, opinion
from tests.web import JSON, Web
from tests.webdesk import Desk

HIMSELF = Party("patient", PATIENT.name, PATIENT.reference)
COLLEAGUE = Party("clinician", "Dr B", "Practitioner/b")
MOTHER = Party("proxy", "Teodora", "RelatedPerson/t")
PLACE = {"site": "open", "patient": PATIENT.reference}
PEOPLE = {
    "asker": ("clinician", CLINICIAN, PLACE),
    "covering": ("clinician", COLLEAGUE, PLACE),
    "another chart": ("clinician", CLINICIAN, {"site": "open", "patient": "Patient/other"}),
    "another site": ("clinician", CLINICIAN, {"site": "oracle", "patient": PATIENT.reference}),
    "patient": ("patient", HIMSELF, PLACE),
    "proxy": ("patient", MOTHER, PLACE),
    "another patient": ("patient", HIMSELF, {"site": "open", "patient": "Patient/other"}),
    "holder": ("expert", EXPERT, {}),
    "colleague": ("expert", replace(EXPERT, reference="https://readers.example|8"), {}),
    "coordinator": ("expert", replace(EXPERT, role="coordinator", reference="https://readers.example|9"), {}),
    "elsewhere": ("expert", EXPERT, {"organisation": "stonequay"}),
    "operator": ("operator", Party("operator", "R", "https://desk.example|1"), {}),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    desk = Desk(tmp_path_factory.mktemp("rights") / "web")
    yield desk
    desk.close()


def rules(web: Web) -> list[Rule]:
    return [rule for rule in web.app.url_map.iter_rules() if "line_id" in rule.arguments]


def test_every_address_of_a_line_says_what_it_needs(desk: Desk) -> None:
    """The guard refuses what is listed nowhere; this names it. And nothing is listed that does not exist."""
    named = {rule.endpoint for rule in rules(desk.web) if rule.endpoint.partition(".")[0] not in OWN_GUARD}
    assert named == FREE | set(NEEDS)
    assert set(NEEDS.values()) <= VERBS


def test_an_address_that_says_nothing_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    client, line = desk.web.sit_down("clinician")
    assert client.get(f"/line/{line.id}/referrals/{desk.referral('sent').id}", headers=JSON).status_code == 404
    monkeypatch.delitem(NEEDS, "refer.follow")
    assert client.get(f"/line/{line.id}/referrals/x", headers=JSON).status_code == 403


def seated(desk: Desk, name: str) -> tuple[FlaskClient, Line]:
    kind, party, place = PEOPLE[name]
    return desk.web.sit_down(kind, party=party, **place)


def address(rule: Rule, line: Line, referral: Referral) -> str:
    values = dict.fromkeys(rule.arguments, "none") | {"line_id": line.id, "referral_id": referral.id}
    return str(rule.build({**values, **{n: 1 for n in ("number", "version") if n in values}})[1])


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("status", ["sent", "delivered"])
def test_what_the_table_refuses_is_refused_at_every_address(desk: Desk, name: str, status: str) -> None:
    """With the right browser, line and proof: only the right to do it is missing."""
    referral = desk.referral(status)
    client, line = seated(desk, name)
    proof = proof_of(desk, client, line)
    asked = 0
    for rule in rules(desk.web):
        verb, door = NEEDS.get(rule.endpoint), DOORS.get(rule.endpoint.partition(".")[0])
        if verb is None or "referral_id" not in rule.arguments:
            continue
        if line.kind == door and may(actor(line), referral, verb):
            continue
        method = "POST" if "POST" in rule.methods else "GET"
        answer = client.open(address(rule, line, referral), method=method, data={"csrf": proof}, headers=JSON)
        kind = answer.json["error"]["kind"]
        expected = {"NoSuchReferral", "NotYours"} if line.kind == door else {"WrongDoor"}
        assert kind in expected, (rule.rule, kind)
        asked += 1
    assert asked > 8
    with desk.ports.store.reading() as tx:
        assert tx.referrals.get(referral.id) == referral


def proof_of(desk: Desk, client: FlaskClient, line: Line) -> str:
    """The proof for forms of that line, whoever sits there."""
    with desk.app.test_request_context(headers={"Cookie": f"{COOKIE}={client.get_cookie(COOKIE).value}"}):
        return csrf_token(line.id)


@pytest.mark.parametrize("name", PEOPLE)
def test_images_ask_the_same_table(desk: Desk, name: str) -> None:
    referral = desk.referral("delivered")
    client, line = seated(desk, name)
    answer = client.get(f"/dicomweb/{line.id}/{referral.id}/studies", headers={"Accept": "application/dicom+json"})
    assert (answer.status_code != 404) is may(actor(line), referral, "images")


# -- who was refused ---------------------------------------------------------------------------------------------


def refusals(desk: Desk, line: Line) -> list[tuple[str, str]]:
    """The referrals and routes that this person was refused, oldest first."""
    with desk.ports.store.reading() as tx:
        rows = [row for row in tx.audit.latest(1000) if row.verb == "refuse-right" and row.who == line.party]
    return [(row.referral_id, row.what) for row in reversed(rows)]


def test_who_asks_for_what_is_not_theirs_is_written_down_once_a_minute(desk: Desk) -> None:
    """Another's case, pages of other people, and what was guessed; of what is no id, the route alone."""
    desk.web.world.later(minutes=2)  # past the rows that this minute may still have
    stranger = Party("clinician", "Dr S", "Practitioner/curious")
    client, line = desk.web.sit_down("clinician", party=stranger, **{**PLACE, "site": "oracle"})
    referral = desk.referral("delivered")
    named, guessed = "/line/<line_id>/referrals/<referral_id>", "0199-guessed"
    for asked in (referral.id, referral.id, guessed, "Maria%20Beispiel%20born%201950"):
        assert client.get(f"/line/{line.id}/referrals/{asked}", headers=JSON).status_code == 404
    assert client.get(f"/line/{line.id}/worklist", headers=JSON).status_code == 403
    assert refusals(desk, line) == [
        (referral.id, named), (guessed, named), ("", named), ("", "/line/<line_id>/worklist"),
    ]  # fmt: skip
    desk.web.world.later(minutes=2)
    client.get(f"/line/{line.id}/referrals/{referral.id}", headers=JSON)
    assert len(refusals(desk, line)) == 5


def test_who_may_is_no_refusal(desk: Desk) -> None:
    client, line = seated(desk, "asker")
    before = refusals(desk, line)
    referral = desk.referral("delivered")
    assert client.get(f"/line/{line.id}/referrals/{referral.id}", headers=JSON).status_code == 200
    assert refusals(desk, line) == before


def test_who_asks_for_pictures_that_are_not_theirs_is_written_down(desk: Desk) -> None:
    desk.web.world.later(minutes=2)
    stranger = replace(EXPERT, reference="https://readers.example|curious")
    client, line = desk.web.sit_down("expert", party=stranger)
    case = desk.referral("delivered")
    for asked in (case.id, case.id, "0199-guessed"):
        address = f"/dicomweb/{line.id}/{asked}/studies"
        assert client.get(address, headers={"Accept": "application/dicom+json"}).status_code == 404
    assert [one for one, _ in refusals(desk, line)] == [case.id, "0199-guessed"]


# -- a coordinator -----------------------------------------------------------------------------------------------


def test_a_coordinator_sees_every_open_case_of_their_organisation_and_neither_images_nor_words(desk: Desk) -> None:
    """Who chases what is missing needs no opinion."""
    client, line = seated(desk, "coordinator")
    cases = {status: desk.referral(status) for status in ("sent", "reading", "delivered")}
    listed = {case["id"] for case in client.get(f"/line/{line.id}/worklist", headers=JSON).json["cases"]}
    assert {cases["sent"].id, cases["reading"].id} <= listed
    for status, referral in cases.items():
        page = client.get(f"/line/{line.id}/cases/{referral.id}").text
        assert page.count("<iframe") == 0, status
        assert not any(word in page for word in WORDS), status
        for act in ("accept", "begin", "draft", "sign", "return", "retract"):
            assert f"cases/{referral.id}/{act}" not in page, (status, act)
    page = client.get(f"/line/{line.id}/cases/{cases['sent'].id}").text
    assert f"cases/{cases['sent'].id}/ask" in page
    assert client.get(f"/viewer/{line.id}/{cases['sent'].id}/viewer").status_code == 404


# -- an answer that the patient keeps --------------------------------------------------------------------------------

WORDS = ("hippocampus is small", "old scar", "epilepsy protocol")


def kept(desk: Desk, status: str = "signed") -> Referral:
    """Asked by the patient, who keeps the answer; its words are in no page of a doctor."""
    made = desk.referral(status)
    return change(desk, replace(made, requester=HIMSELF, ask=replace(made.ask, copy_to_doctor=False)))


def change(desk: Desk, referral: Referral) -> Referral:
    with desk.ports.store.transaction() as tx:
        return tx.referrals.save(referral)


def test_no_page_of_a_doctor_holds_a_word_of_an_answer_that_is_kept(desk: Desk) -> None:
    """The page, its state for programs, the record as FHIR, the letter and the images."""
    referral = kept(desk)
    client, line = seated(desk, "asker")
    root = f"/line/{line.id}/referrals/{referral.id}"
    page, state = client.get(root), client.get(root, headers=JSON)
    assert "The patient keeps the answer to themselves." in page.text
    assert (state.json["opinion"], state.json["kept"]) == (None, True)
    for word in WORDS:
        assert word not in page.text
        assert word not in state.text
        assert word not in client.get(f"/line/{line.id}/").text
    for closed in ("record", "letter/1", "reports/1"):
        assert client.get(f"{root}/{closed}", headers=JSON).status_code == 404
    with desk.ports.store.reading() as tx:
        assert not [row for row in tx.audit.of_referral(referral.id) if row.verb == "view"]


def test_the_patient_reads_it_at_once_and_lets_it_go_by_one_press(desk: Desk) -> None:
    referral = kept(desk)
    client, line = seated(desk, "patient")
    line = desk.web.line("patient", client.get_cookie(COOKIE).value, referral_id=referral.id, party=HIMSELF)
    assert WORDS[1] in client.get(f"/line/{line.id}/opinion").text
    doctor, chart = seated(desk, "asker")
    assert "Let my doctors read it" in client.get(f"/line/{line.id}/status").text
    form = {"csrf": proof_of(desk, client, line), "copy_to_doctor": "yes"}
    assert client.post(f"/line/{line.id}/share", data=form).status_code == 303
    assert WORDS[0] in doctor.get(f"/line/{chart.id}/referrals/{referral.id}").text
    with desk.ports.store.reading() as tx:
        assert [row.action for row in tx.outbox.of_referral(referral.id)] == ["file_opinion", "mirror_referral"]


def test_what_is_critical_is_shown_to_the_doctors_and_the_patient_is_told_so(desk: Desk) -> None:
    referral = kept(desk, "reading")
    change(desk, referral.sign(opinion(1, desk.now, critical=True), desk.now))
    doctor, chart = seated(desk, "asker")
    assert WORDS[0] in doctor.get(f"/line/{chart.id}/referrals/{referral.id}").text
    client, line = seated(desk, "patient")
    line = desk.web.line("patient", client.get_cookie(COOKIE).value, referral_id=referral.id, party=HIMSELF)
    page = client.get(f"/line/{line.id}/status").text
    assert "For your safety your doctors read it too." in page
    assert "Keep the answer to myself" not in page


def test_no_row_of_the_table_is_without_a_way_to_be_asked() -> None:
    """Each verb guards an address, images, or a part of a page."""
    parts = {"images", "opinion", "mismatch", "share", "invite"}
    assert set(NEEDS.values()) | parts == VERBS
    assert {role for role, _ in TABLE} == {
        "clinician",
        "patient",
        "proxy",
        "expert",
        "coordinator",
        "operator",
        "system",
    }


def test_the_record_names_who_asked_for_whom_and_who_agreed(desk: Desk) -> None:
    made = desk.referral("sent")
    agreed = Consent(MOTHER, desk.now, copy_to_doctor=True, wording="1")
    change(desk, replace(made, requester=MOTHER).agree(agreed))
    client, line = seated(desk, "asker")
    bundle = client.get(f"/line/{line.id}/referrals/{made.id}/record").json
    check(bundle)
    kinds = {entry["resource"]["resourceType"]: entry["resource"] for entry in bundle["entry"]}
    assert kinds["Consent"]["performer"][0]["reference"] == MOTHER.reference
    assert kinds["Provenance"]["agent"][0]["onBehalfOf"]["reference"] == PATIENT.reference
    assert kinds["Provenance"]["agent"][0]["who"]["reference"] == MOTHER.reference
