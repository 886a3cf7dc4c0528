"""A site's own choices change how its chart takes a report, and nothing but what they name."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fhir.filing import EPIC, OPEN, ORACLE, PROFILES, rungs
from smart_app.profile import profile_of
from smart_app.sites import Adaptation, Site


def site(profile: str, **choices: object) -> Site:
    return replace(Site("north", "North", profile, ()), **choices)


@pytest.mark.parametrize("name", PROFILES)
def test_a_site_without_choices_is_its_stock_profile(name: str) -> None:
    assert profile_of(site(name)) == PROFILES[name]


def test_only_a_chart_that_takes_drafts_can_be_told_to_take_final_notes() -> None:
    assert profile_of(site("epic", note_status="final")) == replace(EPIC, doc_status="final")
    assert profile_of(site("oracle", note_status="preliminary")) == ORACLE


@pytest.mark.parametrize(
    ("code", "kept"),
    [("34117-2", ("http://loinc.org", "34117-2", "")), ("urn:oid:1.2.3|456", ("urn:oid:1.2.3", "456", ""))],
)
def test_the_hospitals_own_note_type_replaces_ours(code: str, kept: tuple[str, str, str]) -> None:
    assert profile_of(site("epic", note_code=code)).document_type == kept


def test_steps_can_be_taken_away_and_none_added() -> None:
    fewer = profile_of(site("open", adaptation=Adaptation(rungs=("DocumentReference",))))
    assert [step.name for step in rungs(fewer, None, None)] == ["DocumentReference", "by-hand"]
    wished = profile_of(site("epic", adaptation=Adaptation(rungs=("DiagnosticReport", "DocumentReference"))))
    assert wished.rungs == EPIC.rungs
    by_hand = profile_of(site("open", adaptation=Adaptation(rungs=("by-hand",))))
    assert [step.name for step in rungs(by_hand, None, None)] == ["by-hand"]


def test_a_look_that_was_proven_there_and_a_smaller_document() -> None:
    adapted = profile_of(site("epic", adaptation=Adaptation(can_look=True, max_mb=1)))
    assert adapted == replace(EPIC, can_look=True, max_bytes=1024 * 1024)
    assert profile_of(site("open", adaptation=Adaptation(can_look=False))) == replace(OPEN, can_look=False)
