"""FhirChart against a real HTTP server on loopback that plays the answers hospitals give."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from fhir.chart import FhirChart
from fhir.errors import (
    ChartConflict,
    ChartRefused,
    ChartUnavailable,
    ChartUnclear,
    InvalidResource,
    NotInChart,
)

PATIENT = {"resourceType": "Patient", "id": "p1"}
TASK = {"resourceType": "Task", "status": "draft", "intent": "order"}
SECRET = "Bearer do-not-leak"


@dataclass
class Seen:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Stub:
    """A server whose next answers are a queue of functions; without one it answers 404."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    answers: list[Callable[[Request], Response]] = field(default_factory=list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        request = Request(environ)
        self.seen.append(
            Seen(request.method, request.path, request.query_string.decode(), dict(request.headers), request.get_data())
        )
        answer = self.answers.pop(0) if self.answers else (lambda _: Response(status=404))
        return answer(request)(environ, start_response)

    def says(self, body: object, status: int = 200, **headers: str) -> None:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        kind = headers.pop("content_type", "application/fhir+json")
        plain = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers.append(lambda _: keep(Response(text, status, plain, content_type=kind)))


def keep(response: Response) -> Response:
    """A Location stays as it was written: relative ones are what is tested."""
    response.autocorrect_location_header = False
    return response


@pytest.fixture
def stub() -> Iterator[Stub]:
    yield from serving(Stub())


@pytest.fixture
def stranger() -> Iterator[Stub]:
    """A second server: another port is another origin, and no token may reach it."""
    yield from serving(Stub())


def serving(stub: Stub) -> Iterator[Stub]:
    server = make_server("127.0.0.1", 0, stub, threaded=True)
    stub.url = f"http://127.0.0.1:{server.server_port}/r4"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield stub
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.headers["Authorization"] = SECRET
        yield session


@pytest.fixture
def chart(stub: Stub, session: requests.Session) -> FhirChart:
    return FhirChart(stub.url + "/", session, timeout=2.0)


def bundle(*resources: object, next_url: str | None = None, mode: str = "match") -> dict[str, Any]:
    found: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "entry": [{"resource": r, "search": {"mode": mode}} for r in resources],
    }
    if next_url:
        found["link"] = [{"relation": "next", "url": next_url}]
    return found


# -- reading -------------------------------------------------------------------------------------------------------


def test_a_read_asks_for_fhir_json_and_returns_the_dict(stub: Stub, chart: FhirChart) -> None:
    """Some charts speak XML unless told otherwise."""
    stub.says({**PATIENT, "vendorThing": 1})
    assert chart.read("Patient/p1")["vendorThing"] == 1
    assert stub.seen[0].path == "/r4/Patient/p1"
    assert stub.seen[0].headers["Accept"] == "application/fhir+json"
    assert stub.seen[0].headers["Authorization"] == SECRET


def test_what_is_read_or_searched_never_comes_from_a_memory(stub: Stub, chart: FhirChart) -> None:
    """HAPI gives the same search the same answer for a minute: a look after a write would not see the write."""
    stub.says(PATIENT)
    chart.read("Patient/p1")
    stub.says({"resourceType": "Bundle", "type": "searchset"})
    chart.search("Task", identifier="x")
    assert [seen.headers["Cache-Control"] for seen in stub.seen] == ["no-cache", "no-cache"]


def test_an_absolute_reference_below_the_base_is_read(stub: Stub, chart: FhirChart) -> None:
    stub.says(PATIENT)
    assert chart.read(f"{stub.url}/Patient/p1/_history/3") == PATIENT


@pytest.mark.parametrize(
    "reference",
    ["http://127.0.0.1:1/r4/Patient/p1", "//evil.example/r4/Patient/p1", "../admin/Patient/p1", "https://u@127.0.0.1/"],
)
def test_a_reference_outside_the_base_is_never_asked_for(stub: Stub, chart: FhirChart, reference: str) -> None:
    """The token goes to one base address and nowhere else."""
    with pytest.raises(ChartRefused, match="outside itself"):
        chart.read(reference)
    assert stub.seen == []


def test_a_folder_beside_the_base_is_outside(stub: Stub, chart: FhirChart) -> None:
    """`/r4-evil` begins with the letters of `/r4` and is not below it."""
    with pytest.raises(ChartRefused, match="outside itself"):
        chart.read(f"{stub.url}-evil/Patient/p1")
    assert stub.seen == []


@pytest.mark.parametrize("reference", ["#contained", "urn:uuid:1", "Patient", ""])
def test_what_names_no_record_is_not_asked_for(stub: Stub, chart: FhirChart, reference: str) -> None:
    """A fragment or a bundle address would fetch something else."""
    with pytest.raises((NotInChart, ChartRefused)):
        chart.read(reference)
    assert stub.seen == []


@pytest.mark.parametrize("status", [404, 410])
def test_a_record_that_is_not_there_is_named_so(stub: Stub, chart: FhirChart, status: int) -> None:
    stub.says("", status)
    with pytest.raises(NotInChart):
        chart.read("Patient/gone")


def test_another_kind_of_record_than_asked_for_is_refused(stub: Stub, chart: FhirChart) -> None:
    stub.says(TASK)
    with pytest.raises(ChartRefused, match="another kind"):
        chart.read("Patient/p1")


def test_a_page_of_a_gateway_is_unavailable_and_may_be_tried_again(stub: Stub, chart: FhirChart) -> None:
    """A host root without tenant answers 502 with HTML."""
    stub.says("<html>Bad gateway</html>", 502, content_type="text/html")
    with pytest.raises(ChartUnavailable) as caught:
        chart.read("Patient/p1")
    assert caught.value.retry
    assert "html" not in str(caught.value)


def test_html_where_a_record_should_be_is_unavailable(stub: Stub, chart: FhirChart) -> None:
    stub.says("<html>Sign in</html>", content_type="text/html")
    with pytest.raises(ChartUnavailable):
        chart.read("Patient/p1")


def test_a_read_that_is_cut_short_is_unavailable(stub: Stub, chart: FhirChart) -> None:
    stub.answers.append(lambda _: Response('{"resourceType": "Pat', content_type="application/fhir+json"))
    with pytest.raises(ChartUnavailable):
        chart.read("Patient/p1")


@pytest.mark.parametrize(("said", "wait"), [("7", 7.0), ("0", 0.0), ("-5", 0.0), ("999999", 3600.0), ("soon", None)])
def test_a_busy_chart_is_left_alone_as_long_as_it_asks(
    stub: Stub, chart: FhirChart, said: str, wait: float | None
) -> None:
    """Retry-After values that make no sense must not stop or flood anybody."""
    stub.says({"resourceType": "OperationOutcome", "issue": [{"code": "throttled"}]}, 429, Retry_After=said)
    with pytest.raises(ChartUnavailable) as caught:
        chart.read("Patient/p1")
    assert caught.value.retry_after == wait
    assert caught.value.status == 429


def test_a_refused_connection_is_unavailable_for_reads_and_writes(session: requests.Session) -> None:
    """Nothing was sent, so a write may be tried again as well."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    chart = FhirChart(f"http://127.0.0.1:{port}/r4", session)
    with pytest.raises(ChartUnavailable):
        chart.read("Patient/p1")
    with pytest.raises(ChartUnavailable):
        chart.create(TASK)


def test_an_answer_that_drips_for_ever_is_given_up(
    stub: Stub, chart: FhirChart, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timeout without a byte never strikes while one byte comes now and then."""
    monkeypatch.setattr("fhir.wire.LONGEST_ANSWER", 0.0)
    stub.says(PATIENT)
    with pytest.raises(ChartUnavailable, match="longer"):
        chart.read("Patient/p1")


def test_an_answer_without_end_is_given_up(stub: Stub, chart: FhirChart, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir.wire.LARGEST_ANSWER", 10)
    stub.says(PATIENT)
    with pytest.raises(ChartUnavailable, match="larger"):
        chart.read("Patient/p1")


def test_a_redirect_is_followed_below_the_base_only(stub: Stub, stranger: Stub, chart: FhirChart) -> None:
    stub.says("", 302, Location=f"{stub.url}/Patient/p2")
    stub.says({"resourceType": "Patient", "id": "p2"})
    assert chart.read("Patient/p1")["id"] == "p2"
    stub.says("", 302, Location=f"{stranger.url}/Patient/p1")
    with pytest.raises(ChartRefused, match="outside itself"):
        chart.read("Patient/p1")
    assert stranger.seen == []
    for _ in range(4):
        stub.says("", 302, Location=f"{stub.url}/Patient/p1")
    with pytest.raises(ChartRefused, match="circles"):
        chart.read("Patient/p1")


# -- refusals in plain words -----------------------------------------------------------------------------------------


def test_an_empty_403_is_put_in_words(stub: Stub, chart: FhirChart) -> None:
    """Epic answers so where the API is not on the client id."""
    stub.says("", 403)
    with pytest.raises(ChartRefused, match="not granted") as caught:
        chart.create(TASK)
    assert caught.value.status == 403


def test_a_403_in_json_that_is_not_fhir_is_put_in_words(stub: Stub, chart: FhirChart) -> None:
    """Oracle answers so for a missing scope."""
    stub.says({"code": 403, "message": "insufficient_scope"}, 403, content_type="application/json", X_Request_Id="r-9")
    with pytest.raises(ChartRefused, match="permission") as caught:
        chart.read("DocumentReference/1")
    assert caught.value.support == "X-Request-Id: r-9"


def test_the_words_of_an_operation_outcome_are_kept(stub: Stub, chart: FhirChart) -> None:
    """With the vendor's code, which is what its help desk asks for."""
    issue = {
        "severity": "error",
        "code": "business-rule",
        "details": {"text": "Valid encounter required", "coding": [{"code": "59159"}]},
    }
    stub.says({"resourceType": "OperationOutcome", "issue": [issue, "odd"]}, 400)
    with pytest.raises(ChartRefused, match="Valid encounter required") as caught:
        chart.create(TASK)
    assert caught.value.support == "59159"


@pytest.mark.parametrize("status", [307, 400, 401, 403, 405, 406, 413, 415, 422, 501])
@pytest.mark.parametrize("body", ["", "[]", '{"issue": 3}', "<html/>"])
def test_a_clear_no_to_a_write_is_a_refusal_in_words(stub: Stub, chart: FhirChart, status: int, body: str) -> None:
    """Whatever body comes with it."""
    stub.says(body, status, Location="elsewhere")
    with pytest.raises(ChartRefused, match=f"HTTP {status}"):
        chart.create(TASK)
    assert len(stub.seen) == 1


def test_an_outcome_without_text_is_told_by_its_codes(stub: Stub, chart: FhirChart) -> None:
    issue = {"code": "processing", "details": {"coding": [{"code": "59141", "display": "Duplicate"}]}}
    stub.says({"resourceType": "OperationOutcome", "issue": [issue, {"code": "value"}]}, 422)
    with pytest.raises(ChartRefused, match="Duplicate; value"):
        chart.create(TASK)


def test_an_outcome_that_never_ends_is_cut(stub: Stub, chart: FhirChart) -> None:
    stub.says({"resourceType": "OperationOutcome", "issue": [{"diagnostics": "long " * 1000}]}, 422)
    with pytest.raises(ChartRefused) as caught:
        chart.create(TASK)
    assert len(str(caught.value)) < 350


def test_a_certificate_that_is_not_trusted_stops_a_write_before_it_is_sent(stub: Stub) -> None:
    """The handshake failed: surely nothing was written."""

    def untrusted(*_: object, **__: object) -> requests.Response:
        raise requests.exceptions.SSLError("certificate verify failed: CERTIFICATE_VERIFY_FAILED")

    def broken(*_: object, **__: object) -> requests.Response:
        raise requests.exceptions.SSLError("EOF occurred in violation of protocol")

    with requests.Session() as session:
        session.request = untrusted  # type: ignore[method-assign,assignment]
        with pytest.raises(ChartUnavailable):
            FhirChart(stub.url, session).create(TASK)
        session.request = broken  # type: ignore[method-assign,assignment]
        with pytest.raises(ChartUnclear):
            FhirChart(stub.url, session).create(TASK)


# -- searching -------------------------------------------------------------------------------------------------------


def test_a_search_follows_pages_and_counts_each_match_once(stub: Stub, chart: FhirChart) -> None:
    """Oracle may list one id on two pages."""
    stub.says(bundle(PATIENT, next_url=f"{stub.url}?_getpages=abc"))
    stub.says(bundle(PATIENT, {"resourceType": "Patient", "id": "p2"}))
    page = chart.search("Patient", {"_count": "1", "birthdate": "ge1950-01-01"}, family="Ruiz|x")
    assert [e["id"] for e in page.entries] == ["p1", "p2"]
    assert page.complete
    assert stub.seen[0].query == "family=Ruiz%7Cx&_count=1&birthdate=ge1950-01-01"
    assert stub.seen[1].query == "_getpages=abc"


def test_remarks_among_the_matches_are_notes_not_matches(stub: Stub, chart: FhirChart) -> None:
    """Epic mixes OperationOutcome entries in; a result of only those is an empty result."""
    remark = {
        "resourceType": "OperationOutcome",
        "issue": [{"code": "processing", "details": {"text": "4119 more may exist"}}],
    }
    answer = bundle(remark, mode="outcome")
    answer["entry"].append({"resource": remark})
    stub.says(answer)
    page = chart.search("ImagingStudy", patient="p1")
    assert page.entries == ()
    assert page.notes == ("4119 more may exist",)


def test_one_odd_entry_never_spoils_the_page(stub: Stub, chart: FhirChart) -> None:
    """It is returned as it came, and named as partly readable."""
    odd = {"resourceType": "Patient", "id": "odd", "birthDate": "yesterday", "vendor": {"a": 1}}
    stub.says(bundle(PATIENT, odd, {"resourceType": "NoSuchThing", "id": "x"}, {"no": "type"}))
    page = chart.search("Patient", name="a")
    assert [e.get("id") for e in page.entries] == ["p1", "odd", "x", None]
    assert page.entries[1] == odd
    assert page.odd[0] == "Patient/odd"
    assert "Patient/p1" not in page.odd
    stub.says({**bundle(PATIENT), "entry": [{"fullUrl": "x"}, {"resource": PATIENT, "search": "odd"}, 7]})
    page = chart.search("Patient", name="a")
    assert page.entries == (PATIENT,)
    assert page.notes == ("The chart listed a record without showing it.",)


def test_an_answer_that_is_no_search_result_is_refused(stub: Stub, chart: FhirChart) -> None:
    stub.says(PATIENT)
    with pytest.raises(ChartRefused, match="no search result"):
        chart.search("Patient", name="a")


def test_json_that_is_no_record_is_unavailable(stub: Stub, chart: FhirChart) -> None:
    stub.says([PATIENT])
    with pytest.raises(ChartUnavailable, match="no FHIR record"):
        chart.read("Patient/p1")


def test_a_next_link_to_another_host_is_not_followed_and_the_page_says_so(
    stub: Stub, stranger: Stub, chart: FhirChart
) -> None:
    """fhirclient alone would send the token there."""
    stub.says(bundle(PATIENT, next_url=f"{stranger.url}/Patient?page=2"))
    page = chart.search("Patient", name="a")
    assert page.entries == (PATIENT,)
    assert not page.complete
    assert "outside itself" in page.notes[0]
    assert stranger.seen == []


def test_a_search_without_end_stops_and_says_that_it_is_incomplete(stub: Stub, chart: FhirChart) -> None:
    for number in range(30):
        stub.says(bundle({"resourceType": "Patient", "id": f"p{number}"}, next_url=f"{stub.url}?page={number}"))
    page = chart.search("Patient", name="a")
    assert len(page.entries) == 20
    assert not page.complete


# -- writing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "location",
    ["Task/77", "/r4/Task/77", "http://inside.example/fhir/Task/77/_history/1", "Task/77/_history/1", "./Task/77"],
)
def test_a_write_says_where_it_stands_however_location_is_spelled(stub: Stub, chart: FhirChart, location: str) -> None:
    """Epic's is relative, Oracle's absolute, HAPI's has a history."""
    stub.says("", 201, Location=location, ETag='W/"1"')
    written = chart.create(TASK)
    assert (written.reference, written.etag, written.status) == ("Task/77", 'W/"1"', 201)


def test_without_location_the_body_says_where(stub: Stub, chart: FhirChart) -> None:
    stub.says({**TASK, "id": "78", "meta": {"versionId": "4"}}, 201)
    written = chart.create(TASK)
    assert (written.reference, written.etag) == ("Task/78", 'W/"4"')


def test_a_success_without_a_place_is_unclear(stub: Stub, chart: FhirChart) -> None:
    stub.says("", 201)
    with pytest.raises(ChartUnclear):
        chart.create(TASK)


def test_a_cut_body_after_a_write_takes_nothing_from_its_location(stub: Stub, chart: FhirChart) -> None:
    """The status line and Location came: it is written, and we know where."""

    def cut(_: Request) -> Response:
        response = Response('{"resourceType": "Ta', 201, {"Location": "Task/9", "Content-Length": "5000"})
        return keep(response)

    stub.answers.append(cut)
    assert chart.create(TASK).reference == "Task/9"


@pytest.mark.parametrize("status", [500, 502, 504, 520, 408, 303, 202])
def test_a_write_that_may_have_been_done_is_unclear(stub: Stub, chart: FhirChart, status: int) -> None:
    stub.says("<html/>", status, content_type="text/html", Location="elsewhere")
    with pytest.raises(ChartUnclear):
        chart.create(TASK)
    assert len(stub.seen) == 1


@pytest.mark.parametrize("status", [429, 503])
def test_a_write_turned_away_at_the_door_was_surely_not_done(stub: Stub, chart: FhirChart, status: int) -> None:
    stub.says("", status)
    with pytest.raises(ChartUnavailable):
        chart.create(TASK)


def test_an_answer_that_never_comes_makes_a_write_unclear_and_is_sent_once(
    stub: Stub, session: requests.Session
) -> None:
    """Replaying it would file a second note."""
    release = threading.Event()

    def slow(_: Request) -> Response:
        release.wait(5)
        return Response(status=201)

    stub.answers.append(slow)
    with pytest.raises(ChartUnclear):
        FhirChart(stub.url, session, timeout=0.2).create(TASK)
    release.set()
    assert len(stub.seen) == 1


def test_a_connection_that_breaks_after_sending_makes_a_write_unclear_and_a_read_unavailable(
    session: requests.Session,
) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()

        def slam() -> None:
            for _ in range(2):
                connection, _ = listening.accept()
                connection.recv(65536)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()

        thread = threading.Thread(target=slam)
        thread.start()
        chart = FhirChart(f"http://127.0.0.1:{listening.getsockname()[1]}/r4", session)
        with pytest.raises(ChartUnclear):
            chart.create(TASK)
        with pytest.raises(ChartUnavailable):
            chart.read("Patient/p1")
        thread.join()


def test_preconditions_travel_as_headers(stub: Stub, chart: FhirChart) -> None:
    stub.says("", 200, Location="Task/1")
    assert chart.create(TASK, if_none_exist="identifier=a|b").status == 200
    assert stub.seen[0].headers["If-None-Exist"] == "identifier=a|b"
    assert stub.seen[0].headers["Content-Type"] == "application/fhir+json"
    stub.says("", 200, ETag='W/"3"')
    assert chart.update({**TASK, "id": "1"}, if_match='W/"2"').reference == "Task/1"
    assert (stub.seen[1].method, stub.seen[1].headers["If-Match"]) == ("PUT", 'W/"2"')


@pytest.mark.parametrize("status", [409, 412])
def test_a_version_that_moved_on_is_a_conflict(stub: Stub, chart: FhirChart, status: int) -> None:
    stub.says("", status)
    with pytest.raises(ChartConflict):
        chart.update({**TASK, "id": "1"}, if_match='W/"2"')


def test_a_resource_that_is_not_r4_never_leaves(stub: Stub, chart: FhirChart) -> None:
    with pytest.raises(InvalidResource, match=r"Task\.status"):
        chart.create({**TASK, "status": "foo"})
    assert stub.seen == []


# -- transaction, capability, binary -----------------------------------------------------------------------------------


def transaction() -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"resource": TASK, "request": {"method": "POST", "url": "Task"}} for _ in range(2)],
    }


def test_a_transaction_answers_for_each_entry_in_order(stub: Stub, chart: FhirChart) -> None:
    stub.says(
        {
            "resourceType": "Bundle",
            "type": "transaction-response",
            "entry": [
                {"response": {"status": "201 Created", "location": "Task/1/_history/1", "etag": "1"}},
                {"response": {"status": "200 OK"}, "resource": {**TASK, "id": "2"}},
            ],
        }
    )
    written = chart.transaction(transaction())
    assert [(w.reference, w.status) for w in written] == [("Task/1", 201), ("Task/2", 200)]
    assert stub.seen[0].path.rstrip("/") == "/r4"


@pytest.mark.parametrize("entries", [[], [{"response": {"status": "201"}}] * 2, "x", [{"response": None}] * 2])
def test_a_transaction_answer_that_does_not_fit_is_unclear(stub: Stub, chart: FhirChart, entries: object) -> None:
    stub.says({"resourceType": "Bundle", "type": "transaction-response", "entry": entries})
    with pytest.raises(ChartUnclear):
        chart.transaction(transaction())


def test_capability_is_fetched_once_and_none_where_it_cannot_be_read(stub: Stub, chart: FhirChart) -> None:
    stub.says("<CapabilityStatement/>", content_type="application/fhir+xml")
    assert chart.capability() is None
    stub.says({"resourceType": "CapabilityStatement", "rest": None})
    assert chart.capability() == {"resourceType": "CapabilityStatement", "rest": None}
    assert chart.capability() is not None
    assert len(stub.seen) == 2


def test_a_binary_is_read_as_json_or_as_bytes(stub: Stub, chart: FhirChart) -> None:
    stub.says({"resourceType": "Binary", "contentType": "application/pdf", "data": "JVBERg=="})
    assert chart.read_binary("Binary/1") == (b"%PDF", "application/pdf")
    stub.says(b"%PDF-1", content_type="application/pdf; charset=binary")
    assert chart.read_binary(f"{stub.url}/Binary/2") == (b"%PDF-1", "application/pdf")


@pytest.mark.parametrize("status", [404, 406])
def test_a_binary_refused_as_json_is_asked_for_as_it_is(stub: Stub, chart: FhirChart, status: int) -> None:
    """Oracle answers 404 or 406 to the JSON accept for some PDFs."""
    stub.says("", status)
    stub.says(b"%PDF-1", content_type="application/pdf")
    assert chart.read_binary("Binary/3")[0] == b"%PDF-1"
    assert [s.headers["Accept"] for s in stub.seen] == ["application/fhir+json", "*/*"]


def test_a_binary_elsewhere_is_not_fetched(stranger: Stub, chart: FhirChart) -> None:
    with pytest.raises(ChartRefused):
        chart.read_binary(f"{stranger.url}/Binary/1")
    assert stranger.seen == []
