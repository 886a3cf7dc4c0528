"""The FHIR face over HTTP, driven by another organisation's system with keys of its own, and by fhirclient."""

from __future__ import annotations

import base64
import io
import threading
import time
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
import requests
from fhirclient.client import FHIRClient
from fhirclient.models.task import Task
from flask import Flask, jsonify
from joserfc import jwt
from joserfc.jwk import ECKey
from waitress.server import create_server

from smart_app.app import utc_now
from smart_app.case import Patient, PriorReport
from smart_app.referral import Status
from smart_app.sandbox.practice import end_serving
from tests.staged import STUDY, Town, _free_port, staged

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Reader:
    """A reading organisation's system: its key, its key set at an address of its own, its calls."""

    def __init__(self, client_id: str, organisation: str) -> None:
        self.client_id, self.organisation = client_id, organisation
        self.key = ECKey.generate_key("P-384", auto_kid=True)
        self.port = _free_port()
        app = Flask(f"keys-of-{client_id}")
        public = {**self.key.as_dict(private=False), "use": "sig", "alg": "ES384"}
        app.add_url_rule("/keys", "keys", lambda: jsonify(keys=[public]))
        self.server = create_server(app, host="127.0.0.1", port=self.port, threads=2)
        threading.Thread(target=self.server.run, daemon=True).start()
        self.base = ""

    @property
    def entry(self) -> str:
        """Its registration in the directory."""
        return (
            f'\n[[system]]\nid = "{self.client_id}"\nname = "PACS of {self.organisation}"\n'
            f'organisation = "{self.organisation}"\njwks = "http://127.0.0.1:{self.port}/keys"\n'
            'scopes = ["system/*.rs", "system/Task.u", "system/DiagnosticReport.c", "system/Communication.c"]\n'
        )

    def assertion(self, **changed: Any) -> str:
        """A client assertion as RFC 7523 has it."""
        now = int(time.time())
        claims = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": f"{self.base}/token",
            "iat": now,
            "exp": now + 240,
            "jti": uuid.uuid4().hex,
        }
        return jwt.encode({"alg": "ES384", "kid": self.key.kid}, {**claims, **changed}, self.key, algorithms=["ES384"])

    def ask_token(self, scope: str, **changed: Any) -> requests.Response:
        """The answer of the token endpoint."""
        form = {
            "grant_type": "client_credentials",
            "scope": scope,
            "client_assertion_type": ASSERTION,
            "client_assertion": self.assertion(**changed),
        }
        return requests.post(f"{self.base}/token", data=form, timeout=10)

    def headers(self) -> dict[str, str]:
        """With a token of its own, one for all calls."""
        if not hasattr(self, "_token"):
            wide = "system/*.rs system/Task.u system/DiagnosticReport.c system/Communication.c"
            self._token = self.ask_token(wide).json()["access_token"]
        return {"Authorization": f"Bearer {self._token}", "Accept": "application/fhir+json"}

    def get(self, path: str, **headers: str) -> requests.Response:
        """Read or search."""
        return requests.get(f"{self.base}/{path}", headers={**self.headers(), **headers}, timeout=20)

    def send(self, method: str, path: str, body: dict[str, Any], **headers: str) -> requests.Response:
        """Write."""
        return requests.request(
            method, f"{self.base}/{path}", json=body, headers={**self.headers(), **headers}, timeout=20
        )


class Both:
    """The app, and two reading organisations with a system each."""

    def __init__(self, town: Town, north: Reader, stone: Reader) -> None:
        self.town, self.north, self.stone = town, north, stone

    def referral(self, status: str = "sent", organisation: str = "northlight", **changes: Any) -> str:
        """A staged referral's id."""
        patient = Patient("Patient/77", "Wanderer", ("Wilma",), "1971-05-06", "female", "MR-77", "urn:oid:2.25.8")
        made = staged(status, utc_now() - timedelta(days=2), id=str(uuid.uuid4()), patient=patient)
        with self.town.ports.store.transaction() as tx:
            tx.referrals.add(replace(made, site="open", organisation=organisation, **changes))
        return made.id

    def status(self, referral: str) -> Status:
        """Where it stands."""
        with self.town.ports.store.reading() as tx:
            return tx.referrals.get(referral).status


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """Everything running."""
    readers = Reader("north-pacs", "northlight"), Reader("stone-pacs", "stonequay")
    with Town(tmp_path_factory.mktemp("town"), more="".join(reader.entry for reader in readers)) as town:
        for reader in readers:
            reader.base = f"{town.base}/fhir"
        yield Both(town, *readers)
    for reader in readers:
        end_serving(reader.server)


def _entries(answer: requests.Response, kind: str = "") -> list[dict[str, Any]]:
    assert answer.ok, answer.text
    found = [entry["resource"] for entry in answer.json().get("entry", [])]
    return [one for one in found if not kind or one["resourceType"] == kind]


def _report(referral: str, **changes: Any) -> dict[str, Any]:
    words = base64.b64encode(b"LEFT hippocampus small. No mass.").decode()
    grade = {"system": "https://second-opinion.example/fhir/CodeSystem/agreement", "code": "1"}
    observation = {
        "resourceType": "Observation",
        "id": "grade",
        "status": "final",
        "code": {"text": "agreement"},
        "valueCodeableConcept": {"coding": [grade]},
    }
    return {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "contained": [observation],
        "basedOn": [{"reference": f"ServiceRequest/{referral}"}],
        "code": {"text": "Second opinion"},
        "subject": {"reference": f"Patient/{referral}"},
        "resultsInterpreter": [{"display": "Dr Rana Outside"}],
        "result": [{"reference": "#grade"}],
        "imagingStudy": [{"identifier": {"system": "urn:dicom:uid", "value": f"urn:oid:{STUDY.study_instance_uid}"}}],
        "conclusion": "LEFT hippocampal sclerosis. No biopsy.",
        "presentedForm": [{"contentType": "text/plain", "data": words}],
        **changes,
    }


def _accepted(both: Both) -> str:
    referral = both.referral()
    assert both.north.send("PUT", f"Task/{referral}", _task(referral, "accepted")).ok
    return referral


def _task(referral: str, status: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Task", "id": referral, "status": status, "intent": "order", **more}


def test_the_capability_statement_says_what_is_there(both: Both) -> None:
    """Open to everybody; every search parameter it names is answered."""
    statement = requests.get(f"{both.north.base}/metadata", timeout=10).json()
    assert statement["fhirVersion"] == "4.0.1"
    for resource in statement["rest"][0]["resource"]:
        for parameter in resource.get("searchParam", []):
            value = {"date": "ge2020", "token": "x", "reference": "x"}[parameter["type"]]
            assert both.north.get(f"{resource['type']}?{parameter['name']}={value}").ok, parameter


def test_a_system_sees_its_organisations_referrals_and_no_other(both: Both) -> None:
    """Isolation: by search, by read, by include, by include of what is pointed at, and as a count."""
    mine, theirs = both.referral(), both.referral(organisation="stonequay")
    tasks = {task["id"] for task in _entries(both.north.get("Task?_count=100"))}
    assert mine in tasks
    assert theirs not in tasks
    for kind in ("Task", "ServiceRequest", "Patient", "ImagingStudy", "Communication", "DiagnosticReport"):
        name = f"{theirs}.s0" if kind == "ImagingStudy" else theirs
        assert both.north.get(f"{kind}/{name}").status_code == 404
        assert _entries(both.north.get(f"{kind}?_id={name}")) == []
    assert _entries(both.north.get(f"ImagingStudy?patient=Patient/{theirs}&_include=ImagingStudy:patient")) == []
    assert both.north.send("PUT", f"Task/{theirs}", _task(theirs, "accepted")).status_code == 404
    assert both.north.send("POST", "DiagnosticReport", _report(theirs)).status_code == 404
    assert both.status(theirs) is Status.SENT


@pytest.mark.parametrize("status", ["gathering", "withdrawn"])
def test_what_was_not_sent_is_not_there(both: Both, status: str) -> None:
    """A question that still waits for its pictures, or was stopped, is nobody's to read."""
    referral = both.referral(status)
    assert both.north.get(f"Task/{referral}").status_code == 404


def test_nothing_of_the_hospitals_chart_leaks(both: Both) -> None:
    """Every reference is one of this server; the chart's own ids and the mail address are in no answer."""
    referral = both.referral("question", encounter="Encounter/secret-visit", chart_order="ServiceRequest/secret-order")
    for kind in ("Task", "ServiceRequest", "Patient", "ImagingStudy", "Communication"):
        text = both.north.get(f"{kind}?_id={referral},{referral}.s0,{referral}.m0").text
        assert "secret-" not in text
        assert "Patient/77" not in text
        assert "mockford" not in text
        assert "@" not in text


def test_a_search_is_paged_by_last_change_and_loses_nothing(both: Both) -> None:
    """Follow `next` to the end: everything once, oldest change first."""
    made = [both.referral() for _ in range(7)]
    seen: list[str] = []
    url = "Task?_count=3&status=requested"
    while url:
        answer = both.north.get(url)
        seen += [task["id"] for task in _entries(answer)]
        following = [link["url"] for link in answer.json()["link"] if link["relation"] == "next"]
        url = following[0].removeprefix(f"{both.north.base}/") if following else ""
    assert len(seen) == len(set(seen))
    assert [one for one in seen if one in made] == made
    count = both.north.get("Task?status=requested&_summary=count").json()
    assert count["total"] == len(seen)
    assert "entry" not in count


def test_since_a_moment_only_what_changed_since(both: Both) -> None:
    """`_lastUpdated` for somebody who polls."""
    before = both.referral()
    task = both.north.get(f"Task/{before}").json()
    after = both.referral()
    found = {one["id"] for one in _entries(both.north.get(f"Task?_lastUpdated=gt{_quoted(task)}&_count=100"))}
    assert after in found
    assert before not in found


def _quoted(resource: dict[str, Any]) -> str:
    return str(resource["meta"]["lastUpdated"]).replace("+", "%2B")


def test_studies_are_found_by_uid_in_either_spelling(both: Both) -> None:
    """With and without `urn:oid:`."""
    referral = both.referral()
    for value in (f"urn:dicom:uid|urn:oid:{STUDY.study_instance_uid}", f"urn:dicom:uid|{STUDY.study_instance_uid}"):
        found = _entries(both.north.get(f"ImagingStudy?patient={referral}&identifier={value}"))
        assert [one["id"] for one in found] == [f"{referral}.s0"]


def test_includes_come_once_and_as_includes(both: Both) -> None:
    """`_include` of request and patient."""
    referral = both.referral()
    answer = both.north.get(f"Task?_id={referral}&_include=Task:focus&_include=Task:patient").json()
    modes = [(entry["resource"]["resourceType"], entry["search"]["mode"]) for entry in answer["entry"]]
    assert sorted(modes) == [("Patient", "include"), ("ServiceRequest", "include"), ("Task", "match")]


@pytest.mark.parametrize(
    "query",
    ["Task?owner=x", "Task?_lastUpdated=soon", "Task?_include=Task:owner", "Task?_summary=text", "Task?_cursor=zz"],
)
def test_what_cannot_be_answered_is_refused_by_name(both: Both, query: str) -> None:
    """An ignored filter would answer with everybody's."""
    answer = both.north.get(query)
    assert answer.status_code == 400
    issue = answer.json()["issue"][0]
    assert query.partition("?")[2].partition("=")[0] in issue["diagnostics"]


def test_an_etag_saves_the_second_read(both: Both) -> None:
    """304, and a new tag after a change."""
    referral = both.referral()
    first = both.north.get(f"Task/{referral}")
    again = both.north.get(f"Task/{referral}", **{"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    both.north.send("PUT", f"Task/{referral}", _task(referral, "accepted"))
    assert both.north.get(f"Task/{referral}", **{"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize(
    ("way", "last"),
    [
        (["accepted"], Status.ACCEPTED),
        (["accepted", "accepted"], Status.ACCEPTED),
        (["accepted", "in-progress"], Status.READING),
        (["rejected"], Status.RETURNED),
        (["accepted", "rejected"], Status.RETURNED),
    ],
)
def test_a_task_moves_as_a_reader_would_move_it(both: Both, way: list[str], last: Status) -> None:
    """The same use cases as the expert's buttons."""
    referral = both.referral()
    for status in way:
        why = {"statusReason": {"text": "We do not read MRI."}} if status == "rejected" else {}
        assert both.north.send("PUT", f"Task/{referral}", _task(referral, status, **why)).ok
    assert both.status(referral) is last


@pytest.mark.parametrize("status", ["completed", "in-progress", "cancelled", "draft", "failed", ""])
def test_a_move_that_is_not_allowed_changes_nothing(both: Both, status: str) -> None:
    """409, and the way that is allowed is said."""
    referral = both.referral()
    answer = both.north.send("PUT", f"Task/{referral}", _task(referral, status))
    assert answer.status_code == 409
    assert "requested to accepted" in answer.json()["issue"][0]["diagnostics"]
    assert both.status(referral) is Status.SENT


def test_a_task_given_back_without_a_reason_is_not_given_back(both: Both) -> None:
    """The asker must be able to act on it."""
    referral = both.referral()
    assert both.north.send("PUT", f"Task/{referral}", _task(referral, "rejected")).status_code == 422
    assert both.status(referral) is Status.SENT


def test_a_stale_update_is_refused(both: Both) -> None:
    """If-Match of an older version."""
    referral = both.referral()
    tag = both.north.get(f"Task/{referral}").headers["ETag"]
    assert both.north.send("PUT", f"Task/{referral}", _task(referral, "accepted"), **{"If-Match": tag}).ok
    stale = both.north.send("PUT", f"Task/{referral}", _task(referral, "in-progress"), **{"If-Match": tag})
    assert stale.status_code == 412


def test_a_question_goes_to_the_asker_and_comes_back_answered(both: Both) -> None:
    """Communication in, Communications out."""
    referral = _accepted(both)
    body = {
        "resourceType": "Communication",
        "status": "completed",
        "basedOn": [{"reference": f"ServiceRequest/{referral}"}],
        "payload": [{"contentString": "Any earlier MRI?"}],
    }
    answer = both.north.send("POST", "Communication", body)
    assert answer.status_code == 201
    assert both.status(referral) is Status.QUESTION
    (asked,) = _entries(both.north.get(f"Communication?based-on=ServiceRequest/{referral}"))
    assert asked["payload"][0]["contentString"] == "Any earlier MRI?"
    assert answer.headers["Location"].endswith(f"Communication/{asked['id']}")


def test_a_report_becomes_the_signed_opinion_and_is_owed_to_the_chart(both: Both) -> None:
    """The reader's name, words and grade; exactly one filing owed."""
    referral = _accepted(both)
    answer = both.north.send("POST", "DiagnosticReport", _report(referral))
    assert answer.status_code == 201, answer.text
    with both.town.ports.store.reading() as tx:
        kept = tx.referrals.get(referral)
        owed = [row for row in tx.outbox.of_referral(referral) if row.action == "file_opinion"]
    assert kept.status is Status.SIGNED
    assert kept.opinion is not None
    assert kept.opinion.signed_by.name == "Dr Rana Outside"
    assert kept.opinion.agreement.value == "1"
    assert "No mass" in kept.opinion.findings
    assert len(owed) == 1


def test_the_same_report_twice_is_one_opinion(both: Both) -> None:
    """An answer that was lost on the way is asked for again."""
    referral = _accepted(both)
    assert both.north.send("POST", "DiagnosticReport", _report(referral)).status_code == 201
    assert both.north.send("POST", "DiagnosticReport", _report(referral)).status_code == 200
    with both.town.ports.store.reading() as tx:
        assert len(tx.referrals.get(referral).opinions) == 1


def test_a_corrected_report_is_the_next_version(both: Both) -> None:
    """Beside the first, with what it is."""
    referral = _accepted(both)
    both.north.send("POST", "DiagnosticReport", _report(referral))
    changed = _report(referral, status="corrected", conclusion="LEFT hippocampal sclerosis, mild.")
    assert both.north.send("POST", "DiagnosticReport", changed).status_code == 201
    with both.town.ports.store.reading() as tx:
        versions = tx.referrals.get(referral).opinions
    assert [one.version for one in versions] == [1, 2]
    assert versions[1].change is not None


def _other(both: Both) -> str:
    return both.referral()


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("patient", lambda other: {"subject": {"reference": f"Patient/{other}"}}),
        ("patient", lambda other: {"subject": {}}),
        ("patient", lambda other: {"subject": {"identifier": {"system": "urn:oid:2.25.8", "value": "MR-78"}}}),
        ("study", lambda other: {"imagingStudy": [{"reference": f"ImagingStudy/{other}.s0"}]}),
        ("study", lambda other: {"imagingStudy": []}),
        ("study", lambda other: {"imagingStudy": [{"identifier": {"system": "urn:dicom:uid", "value": "2.25.9"}}]}),
    ],
)
def test_a_report_that_does_not_fit_is_kept_aside_with_both_sides(both: Both, part: str, change: Any) -> None:
    """Loop key, study and patient must all agree: else no opinion, and a person is told."""
    referral, other = _accepted(both), _other(both)
    answer = both.north.send("POST", "DiagnosticReport", _report(referral, **change(other)))
    assert answer.status_code == 422
    assert "kept for a person" in answer.json()["issue"][0]["diagnostics"]
    assert both.status(referral) is Status.ACCEPTED
    with both.town.ports.store.reading() as tx:
        stray = next(one for one in tx.strays.open() if one.referral_id == referral)
        owed = {row.action for row in tx.outbox.of_referral(referral)}
    assert stray.differs[0][0] == part
    assert stray.document["resourceType"] == "DiagnosticReport"
    assert "notify_desk" in owed


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"status": "preliminary"}, "status"),
        ({"conclusion": ""}, "conclusion"),
        ({"resultsInterpreter": []}, "resultsInterpreter"),
        ({"basedOn": []}, "basedOn"),
        ({"conclusion": "RIGHT hippocampal sclerosis.", "presentedForm": []}, "side"),
    ],
)
def test_a_report_that_breaks_a_rule_is_refused_by_name(both: Both, change: dict[str, Any], named: str) -> None:
    """422, the element is named, nothing is signed. The wrong side too."""
    referral = _accepted(both)
    answer = both.north.send("POST", "DiagnosticReport", _report(referral, **change))
    assert answer.status_code == 422
    assert named in answer.json()["issue"][0]["diagnostics"]
    assert both.status(referral) in (Status.ACCEPTED, Status.READING)


def test_a_report_for_a_case_that_was_not_accepted_is_refused(both: Both) -> None:
    """Whoever reads says so first."""
    referral = both.referral()
    assert both.north.send("POST", "DiagnosticReport", _report(referral)).status_code == 409
    assert both.status(referral) is Status.SENT


def test_a_first_report_is_a_file(both: Both) -> None:
    """DocumentReference and Binary; bytes as they were given."""
    kept = PriorReport("First reading", "application/pdf", "", 0)
    referral = both.referral()
    shelf = both.town.ports.archive.shelf(referral)
    sha = shelf.put_document(io.BytesIO(b"%PDF-1.4 first reading"), "application/pdf", "First reading")
    with both.town.ports.store.transaction() as tx:
        found = tx.referrals.get(referral)
        tx.referrals.save(replace(found, prior_reports=(replace(kept, sha256=sha, size=22),)))
    (document,) = _entries(both.north.get(f"DocumentReference?patient={referral}"))
    binary = both.north.get(document["content"][0]["attachment"]["url"])
    assert binary.content == b"%PDF-1.4 first reading"
    assert "attachment" in binary.headers["Content-Disposition"]
    assert both.stone.get(document["content"][0]["attachment"]["url"]).status_code == 404


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://elsewhere.example/token"},
        {"sub": "stone-pacs"},
        {"iss": "nobody"},
        {"exp": 1},
        {"exp": int(time.time()) + 90_000},
        {"jti": None},
    ],
)
def test_a_client_that_is_not_proven_gets_no_token(both: Both, changed: dict[str, Any]) -> None:
    """`invalid_client`, with the failed check."""
    answer = both.north.ask_token("system/*.rs", **changed)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_scopes_are_no_wider_than_the_registration(both: Both) -> None:
    """And no call reaches further than its token."""
    assert both.north.ask_token("system/Task.d user/Task.rs patient/*.rs").json()["error"] == "invalid_scope"
    narrow = both.north.ask_token("system/Task.rs system/Task.cud").json()
    assert narrow["scope"] == "system/Task.rs"
    headers = {"Authorization": f"Bearer {narrow['access_token']}"}
    assert requests.get(f"{both.north.base}/Task", headers=headers, timeout=10).ok
    assert requests.get(f"{both.north.base}/Patient", headers=headers, timeout=10).status_code == 403


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer forged.token.here", "Basic eDp5"])
def test_without_a_token_nothing_is_said(both: Both, shown: str) -> None:
    """401 as an OperationOutcome."""
    answer = requests.get(f"{both.north.base}/Task", headers={"Authorization": shown}, timeout=10)
    assert answer.status_code == 401
    assert answer.json()["resourceType"] == "OperationOutcome"


@pytest.mark.parametrize("method_path", ["GET Observation", "DELETE Task/1", "PATCH Task/1", "GET Task/1/_history"])
def test_what_is_not_offered_is_told_in_fhir(both: Both, method_path: str) -> None:
    """No HTML, ever."""
    method, path = method_path.split()
    answer = both.north.send(method, path, {})
    assert answer.status_code in (404, 405)
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_foreign_client_in_python_reads_its_tasks(both: Both) -> None:
    """fhirclient, with its own models and its own parsing."""
    referral = both.referral()
    client = FHIRClient(settings={"app_id": "north-pacs", "api_base": both.north.base})
    client.server.session.headers["Authorization"] = both.north.headers()["Authorization"]
    client.server.auth = None
    task = Task.read(referral, client.server)
    assert task.status == "requested"
    found = list(Task.where({"_id": referral}).perform_resources_iter(client.server))
    assert [one.id for one in found] == [referral]
