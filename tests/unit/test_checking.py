"""`second-opinion check` against what real servers publish, served over HTTP as they are, and against every oddity."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from smart_app.checking import NotAnAddress, check_server, in_words
from smart_app.checking.asking import Asker
from smart_app.cli import main

SMART = ".well-known/smart-configuration"
JSON = "application/fhir+json"
Page = tuple[int, str, bytes]
Serve = Callable[[dict[str, Page | Any]], str]


class Served(ThreadingHTTPServer):
    """Whatever it was told to answer, and what it was asked."""

    daemon_threads = True
    pages: dict[str, Any]
    asked: list[tuple[str, str | None]]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """An answer that is cut short on purpose is no error of the tests."""


class Face(BaseHTTPRequestHandler):
    server: Served

    def do_GET(self) -> None:
        path = self.path.removeprefix("/r4/")
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        page = self.server.pages.get(path, (404, "text/html", b"<html>not here</html>"))
        if callable(page):
            page = page(self)
        status, kind, body = page
        self.send_response(status)
        if status in (301, 302, 307):
            self.send_header("Location", kind)
        else:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


@pytest.fixture
def served() -> Iterator[Served]:
    server = Served(("127.0.0.1", 0), Face)
    server.pages, server.asked = {}, []
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def serve(served: Served) -> Serve:
    def start(pages: dict[str, Page | Any]) -> str:
        served.pages = {
            name: page if isinstance(page, tuple) or callable(page) else (200, JSON, json.dumps(page).encode())
            for name, page in pages.items()
        }
        return f"http://127.0.0.1:{served.server_port}/r4"

    return start


def statement(**changed: Any) -> dict[str, Any]:
    """A small statement of an open server that takes reports and documents."""
    every = [{"code": code} for code in ("read", "search-type", "create", "update", "delete")]
    types = ("Patient", "Encounter", "DiagnosticReport", "DocumentReference", "Binary", "ImagingStudy", "Endpoint")
    return {
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [{"mode": "server", "resource": [{"type": kind, "interaction": every} for kind in types]}],
        **changed,
    }


def texts(report: Any, severity: str) -> str:
    return " ".join(text for found, text in report.findings if found == severity)


def table(report: Any) -> list[tuple[str, bool]]:
    return [(rung.resource, rung.possible) for rung in report.rungs]


# ---- what real servers publish

NOTHING = [("DiagnosticReport", False), ("DocumentReference", False), ("Communication", False)]
DOCUMENT = [("DiagnosticReport", False), ("DocumentReference", True), ("Communication", False)]
ALL = [("DiagnosticReport", True), ("DocumentReference", True), ("Communication", True)]

PUBLISHED = {
    "Epic": ("epic/capabilitystatement-r4", "epic/smart-configuration-r4", None, DOCUMENT, "DocumentReference"),
    "an older Epic": (
        "epic/capabilitystatement-r4",
        "epic/smart-configuration-customer-stu3-2023",
        None,
        DOCUMENT,
        "DocumentReference",
    ),
    "Millennium for staff": (
        "oracle/capabilitystatement-r4-secure",
        "oracle/smart-configuration-provider",
        None,
        DOCUMENT,
        "DocumentReference",
    ),
    "Millennium for patients": (
        "oracle/capabilitystatement-r4-secure",
        "oracle/smart-configuration-patient",
        None,
        DOCUMENT,
        "DocumentReference",
    ),
    "Millennium, as some crawler saw it": (
        "oracle/capabilitystatement-r4-secure",
        "oracle/smart-configuration-older-lantern",
        None,
        DOCUMENT,
        "DocumentReference",
    ),
    "Millennium open to all": ("oracle/capabilitystatement-r4-open", None, None, NOTHING, "held"),
    "Millennium taken for an open server": (
        "oracle/capabilitystatement-r4-secure",
        "oracle/smart-configuration-provider",
        "open",
        ALL,
        "DiagnosticReport",
    ),
    "the SMART launcher": (
        "smart-launcher/capabilitystatement-r4-smilecdr-2019",
        "smart-launcher/smart-configuration-r4",
        None,
        ALL,
        "DiagnosticReport",
    ),
    "a HAPI whose statement was cut": (
        "hapi/capabilitystatement-r4-header-fragment-6.8.3",
        None,
        None,
        NOTHING,
        "held",
    ),
    "nulls": (
        "smart-launcher/capabilitystatement-r4-smilecdr-2019",
        "irregular/smart-configuration-null-fields",
        None,
        ALL,
        "DiagnosticReport",
    ),
    "nested lists": (
        "smart-launcher/capabilitystatement-r4-smilecdr-2019",
        "irregular/smart-configuration-nested-scopes-fragment",
        None,
        ALL,
        "DiagnosticReport",
    ),
}


@pytest.mark.needs
@pytest.mark.parametrize("name", PUBLISHED)
def test_the_rungs_of_what_real_servers_publish(name: str, serve: Serve, shared: Path) -> None:
    metadata, smart, profile, rungs, chosen = PUBLISHED[name]
    folder = shared / "data/ehr"
    pages = {"metadata": (200, JSON, (folder / f"{metadata}.json").read_bytes())}
    if smart:
        pages[SMART] = (200, "application/json", (folder / f"{smart}.json").read_bytes())
    base = serve(pages)
    begun = time.perf_counter()
    report = check_server(base, profile=profile)
    assert time.perf_counter() - begun < 1
    assert table(report) == rungs
    assert report.chosen == chosen
    assert report.as_json()["smart"]["found"] is bool(smart)
    assert not report.failed
    assert all(rung.why for rung in report.rungs)
    assert all(len(line) <= 110 for line in in_words(report).splitlines())


@pytest.mark.needs
def test_millennium_declares_a_report_that_its_rules_refuse(serve: Serve, shared: Path) -> None:
    """The statement says create; the profile knows for what."""
    raw = (shared / "data/ehr/oracle/capabilitystatement-r4-secure.json").read_bytes()
    assert b"DiagnosticReport" in raw
    report = check_server(serve({"metadata": (200, JSON, raw)}))
    assert "cardiology and anatomic pathology only" in report.rungs[0].why


@pytest.mark.needs
def test_the_patients_address_is_told_from_the_staffs(serve: Serve, shared: Path) -> None:
    folder = shared / "data/ehr/oracle"
    metadata = (200, JSON, (folder / "capabilitystatement-r4-secure.json").read_bytes())
    for persona, told in (("patient", True), ("provider", False)):
        smart = (200, "application/json", (folder / f"smart-configuration-{persona}.json").read_bytes())
        report = check_server(serve({"metadata": metadata, SMART: smart}))
        assert ("patients' address" in texts(report, "warning")) is told


# ---- the contract of the JSON


def test_the_json_is_alone_on_standard_output_and_keeps_its_contract(serve: Serve) -> None:
    ran = CliRunner().invoke(main, ["check", serve({"metadata": statement()}), "--json"])
    assert ran.exit_code == 0
    found = json.loads(ran.stdout)
    assert list(found) == ["base", "fhir_version", "smart", "reads", "rungs", "chosen", "findings"]
    assert found["fhir_version"] == "4.0.1"
    assert all(list(rung) == ["rung", "resource", "possible", "why"] for rung in found["rungs"])
    assert found["chosen"] == next(r["resource"] for r in found["rungs"] if r["possible"]) == "DiagnosticReport"
    assert found["findings"]
    assert all(list(finding) == ["severity", "text"] for finding in found["findings"])
    assert {finding["severity"] for finding in found["findings"]} <= {"error", "warning", "info"}


def test_a_server_that_is_not_there_still_gives_the_object(serve: Serve) -> None:
    ran = CliRunner().invoke(main, ["check", "http://127.0.0.1:9/fhir", "--json"])
    assert ran.exit_code == 1
    found = json.loads(ran.stdout)
    assert (found["chosen"], found["fhir_version"]) == ("held", "")
    assert "cannot be reached" in found["findings"][0]["text"]


# ---- oddities


XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<CapabilityStatement xmlns="http://hl7.org/fhir"><software><name value="Epic"/><version value="May 2026"/></software>
<fhirVersion value="4.0.1"/><rest><mode value="server"/>
<resource><type value="DocumentReference"/><interaction><code value="create"/></interaction>
<interaction><code value="read"/></interaction></resource></rest></CapabilityStatement>"""


def test_a_statement_in_xml_is_read(serve: Serve) -> None:
    report = check_server(serve({"metadata": (200, "application/fhir+xml", XML)}))
    assert report.profile is not None
    assert (report.profile.name, report.version, report.chosen) == ("epic", "4.0.1", "DocumentReference")


def test_xml_that_would_explode_is_turned_away(serve: Serve) -> None:
    bomb = b'<!DOCTYPE x [<!ENTITY a "aaaaaaaa">]><CapabilityStatement>&a;</CapabilityStatement>'
    report = check_server(serve({"metadata": (200, "application/xml", bomb)}))
    assert not report.heard
    assert report.failed


def test_a_server_that_knows_formats_by_parameter_only(serve: Serve) -> None:
    pages = {"metadata": (406, "text/plain", b""), "metadata?_format=json": statement()}
    assert check_server(serve(pages)).chosen == "DiagnosticReport"


@pytest.mark.parametrize(
    ("version", "name", "kind"),
    [
        ("1.0.2", "DSTU2", "Conformance"),
        ("3.0.2", "STU3", "CapabilityStatement"),
        ("5.0.0", "R5", "CapabilityStatement"),
    ],
)
def test_another_release_is_named_and_nothing_is_promised(serve: Serve, version: str, name: str, kind: str) -> None:
    report = check_server(serve({"metadata": statement(fhirVersion=version, resourceType=kind)}))
    assert report.version == version
    assert report.chosen == "held"
    assert not any(ability.possible for ability in report.reads)
    assert f"FHIR {name}" in texts(report, "error")
    assert "R4 address" in texts(report, "error")


@pytest.mark.parametrize("version", ["4.0.0", "4.0.1", "4.3.0", None, 4, ""])
def test_r4_and_what_does_not_say(serve: Serve, version: object) -> None:
    assert check_server(serve({"metadata": statement(fhirVersion=version)})).chosen == "DiagnosticReport"


@pytest.mark.parametrize(
    "broken",
    [
        {"rest": None},
        {"rest": []},
        {"rest": {"resource": {"type": "Patient", "interaction": {"code": "read"}}}},
        {"rest": [None, 3, {"resource": [None, {"type": None}, {"type": ["x"], "interaction": "read"}]}]},
        {"rest": [{"resource": [{"type": "DocumentReference", "interaction": [None, {"code": None}, {"code": 4}]}]}]},
        {"software": "Epic", "implementation": [], "publisher": {"a": 1}},
        {"rest": [{"security": {"extension": [{"url": None}, {"url": "x/oauth-uris", "extension": "?"}]}}]},
    ],
)
def test_no_statement_is_too_odd(serve: Serve, broken: dict[str, Any]) -> None:
    report = check_server(serve({"metadata": statement(**broken)}))
    assert report.heard
    json.dumps(report.as_json())
    in_words(report)


@pytest.mark.parametrize(
    "smart",
    [
        {},
        [],
        None,
        {"token_endpoint": None},
        {"token_endpoint": 7, "capabilities": {}},
        {"token_endpoint": "/token", "capabilities": [None, ["launch-ehr", [None]]], "scopes_supported": "a b"},
        {"token_endpoint": "ftp://x/y"},
        {"token_endpoint": "token", "associated_endpoints": [None, {"capabilities": None}], "grant_types_supported": 3},
    ],
)
def test_no_configuration_is_too_odd(serve: Serve, smart: Any) -> None:
    report = check_server(serve({"metadata": statement(), SMART: (200, JSON, json.dumps(smart).encode())}))
    assert report.chosen == "DiagnosticReport"
    in_words(report)


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ((200, "text/html", b"<html>Welcome</html>"), "a web page"),
        ((200, JSON, b"\xff\xfe{"), "something else"),
        ((200, JSON, b'{"resourceType":"OperationOutcome"}'), "something else"),
        ((500, "text/html", b"<h1>no</h1>"), "HTTP 500"),
        ((502, "text/html", b"<h1>no</h1>"), "HTTP 502"),
        ((401, "text/plain", b""), "--token"),
        ((404, "text/plain", b""), "ends in /fhir"),
        ((302, "https://login.example/in", b""), "https://login.example/in"),
    ],
)
def test_what_is_no_statement_is_told_in_words(serve: Serve, page: Page, said: str) -> None:
    report = check_server(serve({"metadata": page}))
    assert not report.heard
    assert report.chosen == "held"
    assert said in texts(report, "error")


def test_a_byte_order_mark_and_another_alphabet_do_no_harm(serve: Serve) -> None:
    body = b"\xef\xbb\xbf" + json.dumps(statement(publisher="Größe")).encode("latin-1", "replace")
    assert check_server(serve({"metadata": (200, "text/plain", body)})).heard


def test_a_redirect_below_the_same_server_is_followed(serve: Serve) -> None:
    pages = {"metadata": (302, "/r4/metadata/", b""), "metadata/": statement()}
    assert check_server(serve(pages)).heard


def test_an_answer_that_breaks_off_is_told(serve: Serve) -> None:
    def cut(face: Face) -> Page:
        face.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
        face.close_connection = True
        raise ConnectionAbortedError

    report = check_server(serve({"metadata": cut}))
    assert report.failed


def test_a_slow_server_is_not_waited_for_for_ever(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smart_app.checking.asking.TIMEOUT", (1.0, 0.2))

    def slow(_: Face) -> Page:
        time.sleep(1)
        return 200, JSON, b"{}"

    report = check_server(serve({"metadata": slow}))
    assert "did not answer within" in texts(report, "error")


def test_the_sign_in_of_the_first_smart_version_is_recognised(serve: Serve) -> None:
    uris = {"url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"}
    uris["extension"] = [{"url": "authorize", "valueUri": "https://x/a"}]  # type: ignore[assignment]
    made = statement()
    made["rest"][0]["security"] = {"extension": [uris]}
    assert "first SMART version" in texts(check_server(serve({"metadata": made})), "error")


@pytest.mark.parametrize("word", ["repository of FHIR", "epicentre", "smile"])
def test_a_word_inside_another_makes_no_vendor(serve: Serve, word: str) -> None:
    report = check_server(serve({"metadata": statement(publisher=word)}))
    assert report.profile is not None
    assert report.profile.name == "open"
    assert "does not say who made it" in texts(report, "warning")


def test_a_profile_by_hand_wins_and_the_difference_is_told(serve: Serve) -> None:
    made = statement(software={"name": "HAPI FHIR Server"})
    report = check_server(serve({"metadata": made}), profile="epic")
    assert table(report) == DOCUMENT
    assert "calls itself HAPI FHIR" in texts(report, "warning")


def test_images_by_the_charts_own_token(serve: Serve) -> None:
    smart = {"token_endpoint": "https://x.example/t", "capabilities": ["launch-ehr", "smart-imaging-access"]}
    found = check_server(serve({"metadata": statement(), SMART: smart})).as_json()["reads"]["imaging"]
    assert found["possible"] is True


# ---- the token


def test_the_token_goes_to_that_server_and_nowhere_else(serve: Serve, served: Served) -> None:
    base = serve({"metadata": statement()})
    check_server(base, token="secret-token")
    assert {authorization for _, authorization in served.asked} == {"Bearer secret-token"}


@pytest.mark.parametrize(
    "base", ["ehr.example/r4", "ftp://ehr.example", "https://me:you@ehr.example/r4", "https://ehr.example/r4?x=1", ""]
)
def test_what_is_no_address_is_refused(base: str) -> None:
    with pytest.raises(NotAnAddress):
        check_server(base)


def test_a_token_never_crosses_the_network_in_clear() -> None:
    with pytest.raises(NotAnAddress, match="in clear"):
        Asker("http://ehr.example/r4", "secret")
    Asker("http://localhost:8080/fhir", "secret")
    ran = CliRunner().invoke(main, ["check", "http://ehr.example/r4", "--token", "secret"])
    assert ran.exit_code == 1
    assert "secret" not in ran.output
