"""The practice as a whole: where it may stand, what its directory says, what the control face and the post do."""

from __future__ import annotations

import io
import re
import smtplib
import zipfile
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest
import requests

from imaging.header import read_header
from imaging.media import survey
from smart_app.sandbox import NotForProduction, Practice, directory_toml
from smart_app.sandbox.access import Access
from smart_app.sandbox.people import seed_id
from smart_app.sandbox.personality import OPEN, ORACLE
from smart_app.sandbox.scenarios import SCENARIOS
from smart_app.sandbox.scopes import granted
from smart_app.sandbox.site import practice_app
from smart_app.sandbox.town import Town, refuse_production
from smart_app.sites import load_directory

APP = "http://localhost:9"


@pytest.fixture(scope="module")
def practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practice]:
    with Practice(tmp_path_factory.mktemp("practice"), app_base=APP, smtp_port=0) as running:
        yield running


def control(practice: Practice, path: str, body: dict | None = None) -> dict:
    url = f"{practice.origin}/practice/{path}"
    answer = requests.get(url, timeout=10) if body is None else requests.post(url, json=body, timeout=10)
    return {"status": answer.status_code, **answer.json()}


@pytest.mark.parametrize(
    ("environ", "host", "app_base"),
    [
        ({"SECOND_OPINION_BASE_URL": "https://opinion.example.org"}, "127.0.0.1", APP),
        ({"SECOND_OPINION_SECRET": "x", "SECOND_OPINION_PRACTICE": "0"}, "127.0.0.1", APP),
        ({}, "0.0.0.0", APP),
        ({}, "192.0.2.7", APP),
        ({}, "127.0.0.1", "https://opinion.example.org"),
    ],
)
def test_it_does_not_start_beside_real_settings_or_where_others_can_reach_it(
    environ: dict[str, str], host: str, app_base: str, tmp_path: Path
) -> None:
    with pytest.raises(NotForProduction):
        Town(tmp_path, app_base=app_base, host=host, environ=environ)
    assert not list(tmp_path.iterdir())


def test_it_starts_beside_settings_that_call_themselves_a_practice() -> None:
    refuse_production({"SECOND_OPINION_BASE_URL": APP, "SECOND_OPINION_PRACTICE": "1"}, "127.0.0.1", APP)


def test_the_directory_names_three_sites_and_who_reads_for_them(practice: Practice, tmp_path: Path) -> None:
    """Every issuer in it answers, and Oracle's patients come by another door."""
    file = tmp_path / "directory.toml"
    file.write_text(directory_toml(APP, practice.port, practice.patient_port), "utf-8")
    directory = load_directory(file)
    assert [site.profile for site in directory.sites] == ["epic", "oracle", "open"]
    for site in directory.sites:
        assert site.frame_ancestors == (practice.origin,)
        for persona in site.personas:
            known = requests.get(f"{persona.iss}/.well-known/smart-configuration", timeout=10)
            assert known.json()["token_endpoint"]
    oracle = directory.site("oracle")
    assert oracle.persona("patient").iss != oracle.persona("clinician").iss
    assert {organisation.role for organisation in directory.organisations} == {"expert", "operator"}
    for organisation in directory.organisations:
        known = requests.get(f"{organisation.iss}/.well-known/openid-configuration", timeout=10)
        assert known.json()["issuer"] == organisation.iss


@pytest.mark.parametrize("ehr", ["epic", "oracle", "open"])
@pytest.mark.parametrize("audience", ["clinician", "patient", "system"])
def test_what_the_directory_asks_for_is_granted(practice: Practice, ehr: str, audience: str) -> None:
    house = practice.houses[ehr]
    asked = practice.scopes(ehr, audience)
    given = granted(house.personality, audience, asked, patient_face=audience == "patient")
    allowed = Access("any", given)
    for scope in asked:
        if "/" in scope and not scope.startswith("launch/"):
            kind, letters = scope.partition("/")[2].split(".")
            for letter in {"read": "rs", "write": "cu"}.get(letters, letters):
                if (kind, letter) != ("Binary", "s"):
                    assert allowed.reach(kind, letter), scope


def test_a_patient_is_added_with_an_open_visit(practice: Practice) -> None:
    given = {"family": "Samplewright", "given": "Marisol", "birth_date": "1992-03-14", "sex": "female", "mrn": "T-1"}
    made = control(practice, "epic/patients", given)
    assert made["status"] == 201
    patient = practice.houses["epic"].records.read(f"Patient/{made['id']}")
    assert patient["identifier"][0]["value"] == "T-1"
    assert practice.houses["epic"].records.read(f"Encounter/{made['encounter']}")["status"] == "in-progress"


def test_what_an_added_patient_lacks_stays_absent(practice: Practice) -> None:
    """Images without a birth date must not meet a chart that has one made up."""
    given = {"family": "Samplewright", "given": "", "birth_date": "", "sex": "", "mrn": "", "encounter": False}
    made = control(practice, "open/patients", given)
    patient = practice.houses["open"].records.read(f"Patient/{made['id']}")
    assert made["encounter"] == ""
    assert not {"birthDate", "gender"} & set(patient)
    assert "given" not in patient["name"][0]


@pytest.mark.parametrize(
    "asked",
    [{"patient": "nobody"}, {"patient": "holloway", "user": "nobody"}, {"patient": "holloway", "audience": "x"}],
)
def test_a_launch_for_what_does_not_exist_is_refused(practice: Practice, asked: dict) -> None:
    assert control(practice, "epic/launches", asked)["status"] == 400


def test_a_note_is_signed_once(practice: Practice) -> None:
    house = practice.houses["epic"]
    note = {
        "resourceType": "DocumentReference",
        "id": "eNote",
        "docStatus": "preliminary",
        "subject": {"reference": f"Patient/{seed_id(house.personality, 'odwyer')}"},
    }
    house.records.shelf.put([note], "second-opinion-system")
    assert control(practice, "epic/notes/eNote/sign", {})["status"] == 200
    assert house.records.read("DocumentReference/eNote")["docStatus"] == "final"
    assert control(practice, "epic/notes/eNote/sign", {})["status"] == 404


def test_the_list_of_what_was_written_names_opinions_only_unless_all_is_asked_for(practice: Practice) -> None:
    house = practice.houses["open"]
    patient = seed_id(OPEN, "odwyer")
    for kind in ("DiagnosticReport", "Task"):
        member = "for" if kind == "Task" else "subject"
        resource = {"resourceType": kind, "id": f"made-{kind}", member: {"reference": f"Patient/{patient}"}}
        house.records.shelf.put([resource], "second-opinion-system")
    named = control(practice, f"open/documents?patient={patient}")["documents"]
    assert [line["reference"] for line in named] == ["DiagnosticReport/made-DiagnosticReport"]
    assert len(control(practice, f"open/documents?patient={patient}&all=1")["documents"]) == 2


def test_a_letter_is_kept_and_its_links_can_be_pressed(practice: Practice) -> None:
    message = EmailMessage()
    message["From"] = "second-opinion@localhost"
    message["To"] = "holloway@post.example"
    message["Subject"] = "Añada sus imágenes"
    message.set_content("Open http://localhost:9/invitation/abc, please.\n<script>alert(1)</script>\n")
    with smtplib.SMTP("127.0.0.1", practice.smtp_port or 0) as post:
        post.send_message(message)
    listed = requests.get(f"{practice.origin}/mailbox", headers={"Accept": "application/json"}, timeout=10).json()
    assert listed["letters"][0]["links"] == ["http://localhost:9/invitation/abc"]
    number = listed["letters"][0]["number"]
    page = requests.get(f"{practice.origin}/mailbox/{number}", timeout=10).text
    assert '<a href="http://localhost:9/invitation/abc"' in page
    assert "<script>alert" not in page
    again = Town(practice.folder, app_base=APP)
    assert again.mailbox.letters("holloway")[-1].subject == "Añada sus imágenes"


def disc_of(practice: Practice, ehr: str, slug: str) -> bytes:
    """What a patient gets who presses “Download my disc”."""
    browser = requests.Session()
    browser.post(f"{practice.origin}/portal/{ehr}/sign-in", data={"as": slug}, timeout=10)
    answer = browser.get(f"{practice.origin}/portal/{ehr}/disc", timeout=30)
    assert answer.headers["Content-Type"] == "application/zip"
    return answer.content


def test_a_disc_holds_the_patients_own_pictures(practice: Practice, tmp_path: Path) -> None:
    """The scanner's spelling: no accents, other scripts in groups of their own; and a file that is no picture."""
    (tmp_path / "disc.zip").write_bytes(disc_of(practice, "oracle", "minamoto"))
    found = survey([tmp_path / "disc.zip"])
    assert [person.name for person in found.people] == ["Minamoto^Haruka"]
    assert found.people[0].name_groups == ("源^遥", "みなもと^はるか")
    assert found.people[0].birth_date == "1988-05-19"
    assert found.studies[0].series[0].laterality == "L"
    (tmp_path / "accents.zip").write_bytes(disc_of(practice, "open", "perrault"))
    assert survey([tmp_path / "accents.zip"]).people[0].name == "Perrault^Zoe"


def test_the_wrong_disc_names_somebody_else(practice: Practice) -> None:
    patient = seed_id(ORACLE, "alfarouq")
    control(practice, "oracle/scenario", {"patient": patient, "scenario": "wrong-patient"})
    with zipfile.ZipFile(io.BytesIO(disc_of(practice, "oracle", "alfarouq"))) as disc:
        header = read_header(io.BytesIO(disc.read("DICOM/S00001/I00001")))
    assert header.person.name == "Otherwise^Olive"
    control(practice, "oracle/scenario", {"patient": patient, "scenario": None})


def test_nobody_gets_a_disc_without_signing_in(practice: Practice) -> None:
    assert requests.get(f"{practice.origin}/portal/epic/disc", timeout=10).status_code == 403


def wado(practice: Practice, uid: str, access: Access, **headers: str) -> requests.Response:
    house = practice.houses["open"]
    token = house.grants.give_token("open", access, 60).value
    return requests.get(
        f"{house.faces[0].fhir_base}/wado/studies/{uid}",
        headers={"Authorization": f"Bearer {token}", **headers},
        timeout=30,
    )


def test_a_study_is_fetched_with_the_token_of_the_chart(practice: Practice) -> None:
    """The files are those the ImagingStudy lists, series by series; another patient's token gets nothing."""
    records = practice.houses["open"].records
    patient = seed_id(OPEN, "perrault")
    study = records.search("ImagingStudy", patient=patient).entries[0]
    uid = study["identifier"][0]["value"].removeprefix("urn:oid:")
    mine = Access("patient", ("patient/ImagingStudy.rs",), patient)
    answer = wado(practice, uid, mine, Accept='multipart/related; type="application/dicom"; transfer-syntax=*')
    assert answer.status_code == 200
    boundary = answer.headers["Content-Type"].rpartition("boundary=")[2]
    parts = answer.content.split(f"--{boundary}\r\n".encode())[1:]
    headers = [read_header(io.BytesIO(part.partition(b"\r\n\r\n")[2])) for part in parts]
    sent = {(h.instance.series_instance_uid, h.instance.sop_instance_uid, h.instance.number) for h in headers}
    listed = {(s["uid"], i["uid"], i["number"]) for s in study["series"] for i in s["instance"]}
    assert sent == listed
    assert {h.instance.study_instance_uid for h in headers} == {uid}
    assert headers[0].instance.sop_class_uid == study["series"][0]["instance"][0]["sopClass"]["code"][8:]
    other = Access("patient", ("patient/ImagingStudy.rs",), seed_id(OPEN, "holloway"))
    assert wado(practice, uid, other).status_code == 403
    assert wado(practice, uid, Access("patient", ("patient/Patient.rs",), patient)).status_code == 403
    assert wado(practice, "2.25.1", mine).status_code == 404
    assert wado(practice, uid, mine, Accept="image/jpeg").status_code == 406


def test_a_slow_hospital_says_first_that_the_study_is_being_prepared(
    practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    """503 with Retry-After is a wait and no failure (SMART Imaging Access)."""
    monkeypatch.setattr("smart_app.sandbox.scenarios.SLOW_SECONDS", 0.0)
    records = practice.houses["open"].records
    patient = seed_id(OPEN, "meulen")
    study = records.search("ImagingStudy", patient=patient).entries[0]
    uid = study["identifier"][0]["value"].removeprefix("urn:oid:")
    records.scenarios.set(patient, "slow")
    mine = Access("patient", ("patient/*.rs",), patient)
    first = wado(practice, uid, mine)
    assert (first.status_code, first.headers["Retry-After"]) == (503, "1")
    assert wado(practice, uid, mine).status_code == 200


def test_pages_let_only_the_app_be_framed_and_load_nothing_from_outside(practice: Practice) -> None:
    patient = seed_id(OPEN, "holloway")
    for path in ("", "open/", f"open/patients/{patient}/", f"open/patients/{patient}/second-opinion", "portal/"):
        answer = requests.get(f"{practice.origin}/{path}", timeout=10)
        assert answer.status_code == 200
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert f"frame-src {APP}" in policy
    shown = requests.get(f"{practice.origin}/open/patients/{patient}/second-opinion", timeout=10).text
    assert f'src="{APP}/launch?iss=' in shown


def test_the_state_names_every_door(practice: Practice) -> None:
    state = control(practice, "state")
    assert set(state["ehrs"]) == {"epic", "oracle", "open"}
    assert set(state["ehrs"]["oracle"]["iss"]) == {"staff", "patient"}
    assert state["mailbox"]["smtp_port"] == practice.smtp_port


def test_a_port_that_is_taken_stops_the_start_and_leaves_nothing_running(practice: Practice, tmp_path: Path) -> None:
    second = Practice(tmp_path, app_base=APP, port=practice.port)
    with pytest.raises(OSError, match="in use"):
        second.start()


def test_the_page_for_integrators_tells_every_control_and_every_scenario(practice: Practice) -> None:
    """Docs follow the code: no call, scenario or hospital is missing, and none is told that is not there."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "practice-ehr.md").read_text("utf-8")
    told = set(re.findall(r"`(?:GET|POST) (/practice/[^`?]+|/mailbox)`", page))
    routes = {rule.rule for rule in practice_app(practice, patients=False).url_map.iter_rules()}
    assert told == {rule for rule in routes if rule.startswith("/practice/")} | {"/mailbox"}
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, re.MULTILINE)) == set(SCENARIOS)
    for house in practice.houses.values():
        assert house.personality.hospital in page
