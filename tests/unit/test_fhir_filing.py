"""One version into one chart, exactly once. The charts are the practice EHR's records, with its three personalities."""

from __future__ import annotations

import base64
import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fhir import filing
from fhir.chart import Chart, Page, Written
from fhir.errors import ChartConflict, ChartRefused, ChartUnavailable, ChartUnclear, InvalidResource, NotInChart
from fhir.filing import (
    EPIC,
    OPEN,
    ORACLE,
    PROFILES,
    Profile,
    choose_encounter,
    confirm,
    file,
    look,
    note_is_signed,
    rungs,
)
from fhir.profiles import may_create
from fhir.report import OpinionFacts
from smart_app.sandbox.personality import PERSONALITIES
from smart_app.sandbox.records import Records

REFERRAL = "3f1c1d0e-6a3b-4c55-9f0a-0d6f1c2b7a11"
Resource = dict[str, Any]


class Bent:
    """A real chart with one thing bent: forces what a healthy one does not do. Counts what was written."""

    def __init__(self, chart: Chart, **bent: Callable[..., Any]) -> None:
        self.chart = chart
        self.bent = bent
        self.writes: list[str] = []

    @property
    def base(self) -> str:
        return self.chart.base

    def __getattr__(self, verb: str) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if verb in ("create", "update", "transaction"):
                self.writes.append(verb)
            if verb in self.bent:
                return self.bent[verb](self.chart, *args, **kwargs)
            return getattr(self.chart, verb)(*args, **kwargs)

        return call


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Reading back waits between attempts; here nobody waits."""
    waited: list[float] = []
    monkeypatch.setattr(filing, "_sleep", waited.append)
    return waited


@pytest.fixture(params=["epic", "oracle", "open"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def chart_of(kind: str) -> Records:
    return Records(PERSONALITIES[kind])


def patient_of(chart: Chart) -> str:
    return f"Patient/{chart.search('Patient', {'_count': '5'}).entries[0]['id']}"


def facts_for(chart: Chart, **changes: Any) -> OpinionFacts:
    first = OpinionFacts(
        referral_id=REFERRAL,
        version=1,
        status="final",
        subject=patient_of(chart),
        subject_display="",
        answer="Yes, it is new.",
        findings="Tear of 9 mm.",
        impression="New tear.",
        agreement="4",
        agreement_words="Important difference, detection",
        affects_management=True,
        signed_at=datetime(2026, 3, 4, 15, 58, tzinfo=UTC),
        expert_name="Dr. Ines Vidal",
        expert_reference="",
        organisation_name="Cedar Readers",
        acquired="2024-05-08",
        study_instance_uids=("1.2.826.0.1.3680043.8.498.1",),
        service_request=None,
        imaging_study=None,
        encounter=None,
        pdf=b"%PDF-1.7 first",
        text="Second opinion\n\nNew tear.",
    )
    return replace(first, **changes)


def second(first: OpinionFacts, replaces: str | None) -> OpinionFacts:
    return replace(
        first,
        version=2,
        status="corrected",
        impression="Old tear.",
        pdf=b"%PDF-1.7 second",
        text="Second opinion\n\nOld tear.",
        change_line="Version 2 replaces version 1: compared with 2023.",
        replaces=replaces,
    )


def filed(chart: Chart, profile: Profile, facts: OpinionFacts) -> filing.Filed:
    return file(chart, profile, facts, choose_encounter(chart, facts.subject, None))


def text_of(chart: Chart, note: Resource) -> str:
    attachment = note["content"][0]["attachment"]
    if "data" in attachment:
        return base64.b64decode(attachment["data"]).decode()
    return chart.read_binary(attachment["url"])[0].decode()


# -- every kind of chart ---------------------------------------------------------------------------------------------


def test_a_version_is_filed_and_read_back(kind: str) -> None:
    chart = chart_of(kind)
    found = filed(chart, PROFILES[kind], facts_for(chart))
    assert found.rung == PROFILES[kind].resource == found.resource.partition("/")[0]
    assert found.unsigned == (kind == "epic")
    assert chart.read(found.resource)["subject"]["reference"].endswith(facts_for(chart).subject)


@pytest.mark.parametrize("kind", ["oracle", "open"])
def test_where_one_can_look_the_same_version_is_written_once(kind: str) -> None:
    """Send again, a second worker, a restart: the chart holds it once."""
    chart = Bent(chart_of(kind))
    facts = facts_for(chart)
    first = filed(chart, PROFILES[kind], facts)
    assert filed(chart, PROFILES[kind], facts) == first
    assert look(chart, PROFILES[kind], facts) == first
    assert len(chart.writes) == 1


@pytest.mark.parametrize("kind", ["oracle", "open"])
def test_an_answer_lost_after_writing_is_found_by_looking(kind: str) -> None:
    def lose(chart: Chart, *args: Any, **kwargs: Any) -> Any:
        for verb in ("transaction", "create"):
            if (kind == "open") == (verb == "transaction"):
                getattr(chart, verb)(*args, **kwargs)
        raise ChartUnclear("no answer")

    chart = Bent(chart_of(kind), create=lose, transaction=lose)
    facts = facts_for(chart)
    with pytest.raises(ChartUnclear):
        filed(chart, PROFILES[kind], facts)
    found = look(chart, PROFILES[kind], facts)
    assert found is not None
    assert filed(chart, PROFILES[kind], facts) == found
    assert len(chart.writes) == 1


def test_nothing_in_the_chart_is_found_as_nothing() -> None:
    for kind in ("oracle", "open"):
        chart = chart_of(kind)
        assert look(chart, PROFILES[kind], facts_for(chart)) is None


def test_another_referral_of_the_same_patient_is_not_mistaken_for_this_one() -> None:
    for kind in ("oracle", "open"):
        chart = chart_of(kind)
        facts = facts_for(chart)
        filed(chart, PROFILES[kind], facts)
        other = replace(facts, referral_id="00000000-0000-4000-8000-000000000000", pdf=b"%PDF other", text="other")
        assert look(chart, PROFILES[kind], other) is None


def test_an_unclear_write_is_never_tried_on_another_rung(kind: str) -> None:
    """It may have been written: the next rung would file it twice."""

    def unclear(*_: Any, **__: Any) -> Any:
        raise ChartUnclear("no answer")

    chart = Bent(chart_of(kind), create=unclear, transaction=unclear)
    with pytest.raises(ChartUnclear):
        filed(chart, PROFILES[kind], facts_for(chart))
    assert len(chart.writes) == 1


def test_an_unavailable_chart_is_left_for_later(kind: str) -> None:
    def busy(*_: Any, **__: Any) -> Any:
        raise ChartUnavailable("busy")

    chart = Bent(chart_of(kind), create=busy, transaction=busy)
    with pytest.raises(ChartUnavailable):
        filed(chart, PROFILES[kind], facts_for(chart))
    assert len(chart.writes) == 1


# -- read back and compare -------------------------------------------------------------------------------------------


def changed(**members: Any) -> Callable[..., Any]:
    """The chart shows the record with these members instead of what was sent."""

    def read(chart: Chart, reference: str) -> Resource:
        found = copy.deepcopy(chart.read(reference))
        if found["resourceType"] in ("DocumentReference", "DiagnosticReport"):
            found.update(members)
        return found

    return read


@pytest.mark.parametrize(
    "shown",
    [
        {"subject": {"reference": "Patient/somebody-else"}},
        {"subject": None},
        {"content": [], "presentedForm": []},
        {
            "content": [{"attachment": {"contentType": "text/plain", "data": "b3RoZXI="}}],
            "presentedForm": [{"contentType": "application/pdf", "data": "b3RoZXI="}],
        },
        {"status": "entered-in-error"},
    ],
    ids=["other patient", "no patient", "no content", "other content", "taken back"],
)
def test_what_reads_back_differently_is_not_delivered_and_names_where_it_stands(kind: str, shown: Resource) -> None:
    """201 alone is not delivery."""
    chart = Bent(chart_of(kind), read=changed(**shown))
    facts = facts_for(chart.chart)
    encounter = choose_encounter(chart.chart, facts.subject, None)
    with pytest.raises(ChartUnclear) as caught:
        file(chart, PROFILES[kind], facts, encounter)
    assert caught.value.reference is not None
    assert caught.value.reference.startswith(PROFILES[kind].resource)
    assert len(chart.writes) == 1


def test_a_report_whose_identifier_was_dropped_is_not_delivered() -> None:
    """An open server that loses our identifier could not be searched later."""
    chart = Bent(chart_of("open"), read=changed(identifier=[]))
    with pytest.raises(ChartUnclear, match="not the version"):
        file(chart, OPEN, facts_for(chart.chart), None)


def test_a_chart_that_needs_a_moment_is_given_one(waits: list[float]) -> None:
    tries = iter([NotInChart("not yet"), ChartUnavailable("busy")])

    def slow(chart: Chart, reference: str) -> Resource:
        for trouble in tries:
            raise trouble
        return chart.read(reference)

    chart = chart_of("open")
    assert filed(Bent(chart, read=slow), OPEN, facts_for(chart)).rung == "DiagnosticReport"
    assert waits == [0.0, 0.5, 2.0]


def test_a_note_that_cannot_be_read_back_is_unclear_and_can_be_confirmed_later() -> None:
    """The id is known: nobody has to search by hand."""

    def down(*_: Any) -> Any:
        raise ChartUnavailable("down")

    chart = chart_of("epic")
    facts = facts_for(chart)
    encounter = choose_encounter(chart, facts.subject, None)
    with pytest.raises(ChartUnclear) as caught:
        file(Bent(chart, read=down), EPIC, facts, encounter)
    assert caught.value.reference is not None
    assert confirm(chart, EPIC, facts, caught.value.reference).resource == caught.value.reference


def test_line_ends_changed_on_the_way_are_the_same_words() -> None:
    def carriage_returns(chart: Chart, url: str) -> tuple[bytes, str]:
        content, content_type = chart.read_binary(url)
        return content.replace(b"\n", b"  \r\n"), content_type

    chart = chart_of("epic")
    assert filed(Bent(chart, read_binary=carriage_returns), EPIC, facts_for(chart)).unsigned


def test_an_attachment_that_we_may_not_read_proves_nothing() -> None:
    def refused(*_: Any) -> Any:
        raise ChartRefused("no Binary scope")

    chart = chart_of("epic")
    with pytest.raises(ChartUnclear, match="no Binary scope"):
        filed(Bent(chart, read_binary=refused), EPIC, facts_for(chart))


# -- Epic ------------------------------------------------------------------------------------------------------------


def test_epic_cannot_be_searched_for_our_notes() -> None:
    chart = chart_of("epic")
    with pytest.raises(ChartRefused):
        look(chart, EPIC, facts_for(chart))


def test_epic_without_a_visit_gets_nothing() -> None:
    chart = Bent(chart_of("epic"))
    with pytest.raises(ChartRefused, match="visit"):
        file(chart, EPIC, facts_for(chart.chart), None)
    assert chart.writes == []


def test_epic_gets_a_later_version_as_a_new_note_that_says_what_it_replaces() -> None:
    chart = chart_of("epic")
    facts = facts_for(chart)
    first = filed(chart, EPIC, facts)
    later = filed(chart, EPIC, second(facts, first.resource))
    assert later.resource != first.resource
    assert text_of(chart, chart.read(later.resource)).startswith("Version 2 replaces version 1")


def test_a_final_note_is_not_unsigned() -> None:
    chart = chart_of("epic")
    assert not filed(chart, replace(EPIC, doc_status="final"), facts_for(chart)).unsigned


@pytest.mark.parametrize(("shown", "signed"), [("preliminary", False), ("final", True), ("amended", True)])
def test_a_note_is_signed_when_the_chart_says_so(shown: str, *, signed: bool) -> None:
    chart = chart_of("epic")
    resource = filed(chart, EPIC, facts_for(chart)).resource
    assert note_is_signed(Bent(chart, read=changed(docStatus=shown)), resource) is signed


@pytest.mark.parametrize("shown", [{"status": "entered-in-error"}, {"docStatus": "entered-in-error"}])
def test_a_note_that_was_taken_out_needs_a_person(shown: Resource) -> None:
    chart = chart_of("epic")
    resource = filed(chart, EPIC, facts_for(chart)).resource
    with pytest.raises(ChartConflict):
        note_is_signed(Bent(chart, read=changed(**shown)), resource)


# -- Oracle ----------------------------------------------------------------------------------------------------------


def test_oracle_gets_a_later_version_over_the_earlier_one_in_its_own_visit() -> None:
    chart = Bent(chart_of("oracle"))
    facts = facts_for(chart)
    first = filed(chart, ORACLE, facts)
    later = file(chart, ORACLE, second(facts, first.resource), None)
    assert later.resource == first.resource
    standing = chart.chart.read(later.resource)
    assert standing["docStatus"] == "amended"
    assert standing["context"]["encounter"]
    assert chart.writes == ["create", "update"]


def test_oracle_refusing_the_update_gets_a_document_of_its_own() -> None:
    """Seen in the field: a correct PUT answered 400. A clear no wrote nothing."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise ChartRefused("Invalid request", status=400)

    chart = Bent(chart_of("oracle"), update=refuse)
    facts = facts_for(chart)
    first = filed(chart, ORACLE, facts)
    later = filed(chart, ORACLE, second(facts, first.resource))
    assert later.resource != first.resource
    assert chart.writes == ["create", "update", "create"]


def test_a_document_changed_by_somebody_else_is_not_overwritten() -> None:
    def moved_on(*_: Any, **__: Any) -> Any:
        raise ChartConflict("stale", status=409)

    chart = Bent(chart_of("oracle"), update=moved_on)
    facts = facts_for(chart)
    first = filed(chart, ORACLE, facts)
    with pytest.raises(ChartConflict):
        filed(chart, ORACLE, second(facts, first.resource))
    assert chart.writes == ["create", "update"]


def test_a_profile_that_files_anew_leaves_the_earlier_document_alone() -> None:
    chart = Bent(chart_of("oracle"))
    facts = facts_for(chart)
    profile = replace(ORACLE, revise="new")
    first = filed(chart, profile, facts)
    assert filed(chart, profile, second(facts, first.resource)).resource != first.resource
    assert chart.writes == ["create", "create"]


# -- open servers ----------------------------------------------------------------------------------------------------


def test_an_open_server_gets_report_and_agreement_in_one_transaction() -> None:
    chart = Bent(chart_of("open"))
    facts = facts_for(chart)
    found = filed(chart, OPEN, facts)
    assert chart.writes == ["transaction"]
    report = chart.chart.read(found.resource)
    agreement = chart.chart.read(report["result"][0]["reference"])
    assert agreement["valueCodeableConcept"]["coding"][0]["code"] == "4"


def test_an_open_server_brings_report_and_agreement_to_the_later_version_in_place() -> None:
    """Same identifier, status corrected, and the agreement with it."""
    chart = Bent(chart_of("open"))
    facts = facts_for(chart)
    first = filed(chart, OPEN, facts)
    before = chart.chart.read(first.resource)
    later = filed(chart, OPEN, replace(second(facts, first.resource), agreement="1"))
    assert later.resource == first.resource
    report = chart.chart.read(later.resource)
    assert (report["status"], report["meta"]["versionId"]) == ("corrected", "2")
    assert report["result"] == before["result"]
    agreement = chart.chart.read(report["result"][0]["reference"])
    assert (agreement["status"], agreement["valueCodeableConcept"]["coding"][0]["code"]) == ("corrected", "1")


def test_an_older_version_arriving_late_never_overwrites_a_newer_one() -> None:
    chart = chart_of("open")
    facts = facts_for(chart)
    first = filed(chart, OPEN, facts)
    filed(chart, OPEN, second(facts, first.resource))
    with pytest.raises(ChartConflict, match="newer"):
        filed(chart, OPEN, facts)


def without_transaction(chart: Chart) -> Resource:
    statement = copy.deepcopy(chart.capability())
    assert statement is not None
    statement["rest"][0]["interaction"] = []
    return statement


def test_without_transactions_one_conditional_create_carries_the_agreement_inside() -> None:
    conditions = []

    def create(chart: Chart, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        conditions.append(if_none_exist)
        return chart.create(resource, if_none_exist=if_none_exist)

    chart = Bent(chart_of("open"), capability=without_transaction, create=create)
    facts = facts_for(chart)
    found = filed(chart, OPEN, facts)
    assert chart.chart.read(found.resource)["contained"][0]["resourceType"] == "Observation"
    assert conditions == [f"identifier=https://second-opinion.example/fhir/opinion-id|{REFERRAL}"]
    later = filed(chart, OPEN, second(facts, found.resource))
    assert later.resource == found.resource
    assert chart.writes == ["create", "update"]


def test_companions_travel_in_the_same_transaction_and_are_made_once() -> None:
    chart = chart_of("open")
    facts = facts_for(chart)
    request = {
        "resourceType": "ServiceRequest",
        "identifier": [{"system": "urn:x", "value": "1"}],
        "status": "active",
        "intent": "order",
        "subject": {"reference": facts.subject},
    }
    for version in (facts, second(facts, None)):
        file(chart, OPEN, version, None, companions=(request,))
    assert len(chart.search("ServiceRequest", identifier="urn:x|1").entries) == 1


def test_a_refused_report_goes_down_the_ladder_to_a_document() -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise ChartRefused("no reports here", status=422)

    def create(chart: Chart, resource: Resource, *, if_none_exist: str | None = None) -> Written:
        if resource["resourceType"] == "DiagnosticReport":
            raise ChartRefused("no reports here", status=422)
        return chart.create(resource, if_none_exist=if_none_exist)

    chart = Bent(chart_of("open"), transaction=refuse, create=create)
    facts = facts_for(chart)
    found = filed(chart, OPEN, facts)
    assert found.rung == "DocumentReference"
    assert look(chart, OPEN, facts) == found


def test_what_went_down_the_ladder_is_taken_back_where_it_stands() -> None:
    """And no report is made only to say that it is an error."""

    def refuse(*_: Any, **__: Any) -> Any:
        raise ChartRefused("no reports here", status=422)

    chart = chart_of("open")
    facts = facts_for(chart)
    first = filed(Bent(chart, transaction=refuse), OPEN, facts)
    assert first.rung == "DocumentReference"
    assert filed(chart, OPEN, replace(facts, status="entered-in-error")) == first
    assert (
        chart.search(
            "DiagnosticReport", identifier=f"https://second-opinion.example/fhir/opinion-id|{REFERRAL}"
        ).entries
        == ()
    )


def test_a_document_somebody_changed_under_our_identifier_stops_for_a_person() -> None:
    """Same identifier, other words: neither delivered nor overwritten."""
    chart = chart_of("open")
    facts = facts_for(chart)
    filed(chart, OPEN, facts)
    with pytest.raises(ChartConflict, match="does not hold the words"):
        look(chart, OPEN, replace(facts, pdf=b"%PDF-1.7 other", text="other words"))


def test_a_report_marked_as_an_error_in_the_chart_is_not_filed_again() -> None:
    def marked(chart: Chart, *args: Any, **kwargs: Any) -> Page:
        page = chart.search(*args, **kwargs)
        return replace(page, entries=tuple({**e, "status": "entered-in-error"} for e in page.entries))

    chart = chart_of("open")
    facts = facts_for(chart)
    filed(chart, OPEN, facts)
    with pytest.raises(ChartConflict, match="marked in the chart as an error"):
        filed(Bent(chart, search=marked), OPEN, facts)


@pytest.mark.parametrize("kind", ["oracle", "open"])
def test_our_own_retraction_marks_what_stands_there_and_only_once(kind: str) -> None:
    chart = Bent(chart_of(kind))
    facts = facts_for(chart)
    first = filed(chart, PROFILES[kind], facts)
    for _ in range(2):
        assert filed(chart, PROFILES[kind], replace(facts, status="entered-in-error")) == first
    assert chart.chart.read(first.resource)["status"] == "entered-in-error"
    assert len(chart.writes) == 2


def test_epic_does_not_let_us_take_a_note_back() -> None:
    chart = Bent(chart_of("epic"))
    facts = facts_for(chart)
    filed(chart, EPIC, facts)
    with pytest.raises(ChartRefused, match="by hand"):
        filed(chart, EPIC, replace(facts, status="entered-in-error"))
    assert chart.writes == ["create"]


def test_a_grade_that_stands_alone_is_brought_along_without_a_transaction() -> None:
    """An old grade must not stand beside new words."""
    chart = chart_of("open")
    facts = facts_for(chart)
    first = filed(chart, OPEN, facts)
    plain = Bent(chart, capability=without_transaction)
    filed(plain, OPEN, replace(second(facts, first.resource), agreement="1"))
    assert plain.writes == ["update", "update"]
    report = chart.read(first.resource)
    grade = chart.read(report["result"][0]["reference"])
    assert grade["valueCodeableConcept"]["coding"][0]["code"] == "1"
    assert "contained" not in report


def test_a_search_that_does_not_end_writes_nothing() -> None:
    """Not found in a part is not the same as not there."""

    def part(chart: Chart, *args: Any, **kwargs: Any) -> Page:
        return replace(chart.search(*args, **kwargs), complete=False)

    chart = Bent(chart_of("oracle"), search=part)
    with pytest.raises(ChartUnavailable, match="to the end"):
        file(chart, ORACLE, facts_for(chart.chart), None)
    assert chart.writes == []


def test_an_opinion_that_stands_twice_stops_for_a_person() -> None:
    def twice(chart: Chart, *args: Any, **kwargs: Any) -> Page:
        page = chart.search(*args, **kwargs)
        return replace(page, entries=(*page.entries, *({**e, "id": "copy"} for e in page.entries)))

    chart = chart_of("oracle")
    facts = facts_for(chart)
    filed(chart, ORACLE, facts)
    with pytest.raises(ChartConflict, match="2 times"):
        look(Bent(chart, search=twice), ORACLE, facts)


@pytest.mark.parametrize("nothing", [{"pdf": b"", "text": ""}, {"text": " "}])
def test_nothing_is_never_filed(kind: str, nothing: Resource) -> None:
    chart = Bent(chart_of(kind))
    with pytest.raises(InvalidResource, match="no document"):
        file(chart, PROFILES[kind], facts_for(chart.chart, **nothing), "Encounter/e")
    assert chart.writes == []


def test_a_document_larger_than_the_chart_takes_is_not_sent(kind: str) -> None:
    chart = Bent(chart_of(kind))
    facts = facts_for(chart.chart, pdf=b"%PDF" + b"x" * 100, text="x" * 100)
    with pytest.raises(InvalidResource, match="bytes"):
        file(chart, replace(PROFILES[kind], max_bytes=50), facts, "Encounter/e")
    assert chart.writes == []


def test_a_search_that_ignores_our_identifier_finds_nobody_elses_report() -> None:
    """Some servers drop a parameter they do not know and answer with everything."""

    def everything(chart: Chart, kind: str, where: Resource | None = None, **params: str) -> Page:
        return chart.search(kind, patient=str((where or {}).get("patient")))

    chart = chart_of("open")
    facts = facts_for(chart)
    filed(chart, OPEN, replace(facts, referral_id="00000000-0000-4000-8000-000000000000"))
    assert look(Bent(chart, search=everything), OPEN, facts) is None


def test_a_chart_that_lets_us_search_nothing_is_not_written_to() -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise ChartRefused("no search for you", status=403)

    chart = Bent(chart_of("open"), search=refuse)
    with pytest.raises(ChartRefused, match="look for our documents"):
        file(chart, OPEN, facts_for(chart.chart), None)
    assert chart.writes == []


def test_a_rung_that_we_may_not_search_does_not_stop_the_others() -> None:
    def reports_only(chart: Chart, kind: str, *args: Any, **kwargs: Any) -> Page:
        if kind != "DiagnosticReport":
            raise ChartRefused("not granted", status=403)
        return chart.search(kind, *args, **kwargs)

    chart = chart_of("open")
    facts = facts_for(chart)
    assert file(Bent(chart, search=reports_only), OPEN, facts, None).rung == "DiagnosticReport"


def test_where_only_messages_are_taken_the_opinion_is_a_message() -> None:
    chart = Bent(chart_of("open"))
    facts = facts_for(chart.chart)
    profile = replace(OPEN, rungs=("Communication",))
    found = file(chart, profile, facts, None)
    assert found.rung == "Communication"
    assert file(chart, profile, facts, None) == found
    assert chart.writes == ["create"]
    with pytest.raises(ChartRefused, match="by hand"):
        file(chart, profile, replace(facts, status="entered-in-error"), None)


def test_a_document_that_moved_to_another_patient_is_not_touched() -> None:
    chart = chart_of("oracle")
    facts = facts_for(chart)
    first = filed(chart, ORACLE, facts)
    moved = Bent(chart, read=changed(subject={"reference": "Patient/somebody-else"}))
    with pytest.raises(ChartConflict, match="no longer in this patient"):
        file(moved, ORACLE, second(facts, first.resource), None)
    assert moved.writes == []


def test_our_reference_line_in_a_document_rendered_again_is_the_proof_and_of_this_version_only() -> None:
    """A chart may keep the words and change the bytes; version 1 is not version 12."""
    chart = chart_of("epic")
    facts = facts_for(chart)

    def shown(line: str) -> Callable[..., tuple[bytes, str]]:
        return lambda *_: (f"HEADER\n\nNew tear.\n{line}\nFOOTER".encode(), "text/plain")

    line = f"Reference: {REFERRAL} version 1"
    assert filed(Bent(chart, read_binary=shown(line)), EPIC, facts).unsigned
    with pytest.raises(ChartUnclear):
        filed(Bent(chart, read_binary=shown(line + "2")), EPIC, facts)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00"])
def test_bytes_that_are_gone_or_no_text_prove_nothing(content: bytes) -> None:
    def gone(_: Chart, __: str) -> tuple[bytes, str]:
        if not content:
            raise NotInChart("gone")
        return content, "text/plain"

    chart = chart_of("epic")
    with pytest.raises(ChartUnclear, match="does not hold the words"):
        filed(Bent(chart, read_binary=gone), EPIC, facts_for(chart))


# -- the ladder ------------------------------------------------------------------------------------------------------


def names(profile: Profile, capability: Resource | None, scopes: set[str] | None) -> list[str]:
    return [rung.name for rung in rungs(profile, capability, scopes) if rung.possible]


def test_without_statement_and_scopes_the_profile_alone_says_what_is_possible() -> None:
    assert names(OPEN, None, None) == ["DiagnosticReport", "DocumentReference", "Communication", "by-hand"]
    assert names(EPIC, None, None) == ["DocumentReference", "by-hand"]


def test_a_statement_only_removes_rungs() -> None:
    """Epic's says that it takes a Communication; the profile knows that it does not take ours."""
    assert names(EPIC, chart_of("epic").capability(), None) == ["DocumentReference", "by-hand"]
    assert names(OPEN, chart_of("epic").capability(), None) == ["DocumentReference", "Communication", "by-hand"]
    assert names(OPEN, {"rest": None}, None) == ["by-hand"]


def test_granted_scopes_only_remove_rungs_and_say_so() -> None:
    scopes = {"system/DocumentReference.cu", "openid"}
    assert names(OPEN, None, scopes) == ["DocumentReference", "by-hand"]
    assert "not granted" in rungs(OPEN, None, scopes)[0].why


@pytest.mark.parametrize(
    ("scope", "may"),
    [
        ("system/DocumentReference.write", True),
        ("system/*.*", True),
        ("user/DocumentReference.cruds", True),
        ("user/DocumentReference.c?category=x", True),
        ("system/DocumentReference.read", False),
        ("system/DocumentReference.rs", False),
        ("system/DiagnosticReport.write", False),
        ("launch/patient", False),
        ("DocumentReference.write", False),
    ],
)
def test_scopes_of_both_versions_are_understood(scope: str, *, may: bool) -> None:
    assert may_create({scope}, "DocumentReference") is may


def test_where_every_rung_says_no_the_reason_is_kept() -> None:
    chart = Bent(chart_of("open"), capability=lambda _: {"resourceType": "CapabilityStatement"})
    with pytest.raises(ChartRefused, match="does not take a new DiagnosticReport"):
        file(chart, replace(OPEN, can_look=False), facts_for(chart.chart), None)
    assert chart.writes == []


# -- visits ----------------------------------------------------------------------------------------------------------


def visits(*encounters: Resource, read: Resource | None = None) -> Any:
    def search(_: Chart, kind: str, **params: str) -> Page:
        assert (kind, params) == ("Encounter", {"patient": "p"})
        return Page(encounters)

    def one(_: Chart, reference: str) -> Resource:
        if read is None:
            raise NotInChart(reference)
        return read

    return Bent(chart_of("epic"), search=search, read=one)


def visit(name: str, status: str, start: str, patient: str = "p") -> Resource:
    return {
        "resourceType": "Encounter",
        "id": name,
        "status": status,
        "subject": {"reference": f"Patient/{patient}"},
        "period": {"start": start},
    }


def test_the_visit_of_the_launch_is_taken_while_it_is_good() -> None:
    chart = visits(read=visit("launch", "finished", "2026-01-01T00:00:00Z"))
    assert choose_encounter(chart, "Patient/p", "Encounter/launch") == "Encounter/launch"


@pytest.mark.parametrize(
    "launch", [visit("l", "cancelled", "2026-01-01T00:00:00Z"), visit("l", "finished", "2026-01-01T00:00:00Z", "other")]
)
def test_a_cancelled_visit_or_somebody_elses_is_never_taken(launch: Resource) -> None:
    chart = visits(visit("old", "finished", "2025-01-01T00:00:00Z"), read=launch)
    assert choose_encounter(chart, "Patient/p", "Encounter/l") == "Encounter/old"


def test_a_visit_going_on_comes_first_then_the_newest_past_one_then_the_next_planned() -> None:
    listed = [
        visit("planned-far", "planned", "2027-06-01T00:00:00Z"),
        visit("planned-near", "planned", "2027-01-01T00:00:00Z"),
        visit("past-old", "finished", "2024-01-01T00:00:00Z"),
        visit("past-new", "finished", "2025-01-01T00:00:00Z"),
        visit("now", "in-progress", "2026-01-01T00:00:00Z"),
        visit("cancelled", "cancelled", "2026-02-01T00:00:00Z"),
        visit("other", "in-progress", "2026-03-01T00:00:00Z", "other"),
    ]
    order = []
    while (best := choose_encounter(visits(*listed), "Patient/p", None)) is not None:
        order.append(best.removeprefix("Encounter/"))
        listed = [v for v in listed if f"Encounter/{v['id']}" != best]
    assert order == ["now", "past-new", "past-old", "planned-near", "planned-far"]


def test_a_patient_without_visits_has_none(waits: Iterator[float]) -> None:
    assert choose_encounter(visits(), "Patient/p", "Encounter/gone") is None
