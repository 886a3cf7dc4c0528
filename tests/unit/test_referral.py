"""The one transition table, every allowed and every refused cell."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from smart_app.case import (
    Acknowledgement,
    Agreement,
    Ask,
    Change,
    Filing,
    NextStep,
    Opinion,
    Party,
    Patient,
    StudyNote,
)
from smart_app.referral import TRANSITIONS, NotYours, Referral, StaleReferral, Status, Unfinished, WrongStatus

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DOCTOR = Party("clinician", "Dr Ines Mockford", "Practitioner/1")
EXPERT = Party("expert", "Dr Tobias Exemplar", "idp|exemplar", "northlight")
COLLEAGUE = Party("expert", "Dr Other", "idp|other", "northlight")
STUDY = StudyNote("1.2.3", started="2026-11-03")
IDENTITY = ({"field": "name", "result": "match"},)


def opinion(version: int = 1, by: Party = EXPERT, **changes: object) -> Opinion:
    """A finished opinion of that version."""
    whole = Opinion(
        version,
        "Sclerosis.",
        "Small hippocampus.",
        "Hippocampal sclerosis.",
        Agreement.NO_DIFFERENCE,
        by,
        NOW,
        change=Change.CORRECTED if version > 1 else None,
        change_reason="A typing error" if version > 1 else "",
    )
    return replace(whole, **changes)


def referral_in(status: Status) -> Referral:
    """A referral that stands in that status, with what it must have there."""
    signed = status in (Status.SIGNED, Status.DELIVERED, Status.SEEN, Status.REVISED, Status.IN_ERROR)
    opinions = (opinion(), opinion(2)) if status is Status.REVISED else (opinion(),) if signed else ()
    filed = tuple(
        Filing(o.version, f"DiagnosticReport/{o.version}", NOW, "DiagnosticReport")
        for o in opinions
        if status in (Status.DELIVERED, Status.SEEN, Status.REVISED)
    )
    return Referral(
        "5f0c",
        "open",
        Patient("Patient/1", "Samplewright"),
        DOCTOR,
        Ask("Is it a glioma?"),
        "northlight",
        NOW,
        status=status,
        held=(Status.READING,) if status in (Status.QUESTION, Status.QUARANTINED) else (),
        expert=EXPERT,
        studies=(STUDY,),
        opinions=opinions,
        filings=filed,
    )


def acts(referral: Referral) -> dict[str, object]:
    """Each verb of the table as a call on this referral."""
    n = len(referral.opinions)
    late = Filing(n, "DiagnosticReport/9", NOW, "DiagnosticReport")
    return {
        "gather": lambda: referral.gather(DOCTOR, NOW),
        "vouch": lambda: referral.vouch(DOCTOR, NOW, "her name before she married"),
        "override": lambda: referral.override(DOCTOR, NOW, "breast-views", "one breast only"),
        "send": lambda: referral.send(DOCTOR, NOW, (STUDY,), identity=IDENTITY),
        "accept": lambda: referral.accept(EXPERT, NOW),
        "begin_reading": lambda: referral.begin_reading(EXPERT, NOW),
        "sign": lambda: referral.sign(opinion(), NOW),
        "deliver": lambda: replace(
            referral, opinions=referral.opinions or (opinion(),), filings=referral.filings[:-1]
        ).deliver(replace(late, version=n or 1), DOCTOR, NOW),
        "acknowledge": lambda: replace(
            referral,
            opinions=referral.opinions or (opinion(),),
            filings=(*referral.filings, replace(late, version=n or 1)),
        ).acknowledge(Acknowledgement(n or 1, DOCTOR, NOW, NextStep.PLAN_STAYS)),
        "revise": lambda: replace(referral, opinions=referral.opinions or (opinion(),)).revise(
            opinion((n or 1) + 1), NOW
        ),
        "retract": lambda: referral.retract(EXPERT, NOW, "wrong person"),
        "decline": lambda: referral.decline(EXPERT, NOW, "not my field"),
        "resend": lambda: referral.resend(DOCTOR, NOW, "southlight"),
        "withdraw": lambda: referral.withdraw(DOCTOR, NOW, "no longer needed"),
        "ask": lambda: referral.ask_back(EXPERT, NOW, "Any steroids?"),
        "answer": lambda: referral.answer(DOCTOR, NOW, "None."),
        "hold": lambda: referral.hold(EXPERT, NOW, "another name on one picture"),
        "release": lambda: referral.release(DOCTOR, NOW, "checked by telephone"),
    }


EXPECTED = {
    ("draft", "gather"): "gathering",
    ("draft", "withdraw"): "withdrawn",
    ("draft", "hold"): "quarantined",
    ("gathering", "vouch"): "gathering",
    ("gathering", "send"): "sent",
    ("gathering", "override"): "gathering",
    ("gathering", "withdraw"): "withdrawn",
    ("gathering", "hold"): "quarantined",
    ("sent", "accept"): "accepted",
    ("sent", "decline"): "returned",
    ("sent", "ask"): "question",
    ("sent", "withdraw"): "withdrawn",
    ("sent", "hold"): "quarantined",
    ("question", "answer"): "reading",
    ("question", "withdraw"): "withdrawn",
    ("question", "hold"): "quarantined",
    ("returned", "resend"): "sent",
    ("returned", "withdraw"): "withdrawn",
    ("returned", "hold"): "quarantined",
    ("accepted", "begin_reading"): "reading",
    ("accepted", "decline"): "returned",
    ("accepted", "ask"): "question",
    ("accepted", "withdraw"): "withdrawn",
    ("accepted", "hold"): "quarantined",
    ("reading", "sign"): "signed",
    ("reading", "decline"): "returned",
    ("reading", "ask"): "question",
    ("reading", "withdraw"): "withdrawn",
    ("reading", "hold"): "quarantined",
    ("signed", "deliver"): "delivered",
    ("signed", "revise"): "signed",
    ("signed", "retract"): "in-error",
    ("signed", "hold"): "quarantined",
    ("delivered", "acknowledge"): "seen",
    ("delivered", "revise"): "revised",
    ("delivered", "retract"): "in-error",
    ("delivered", "hold"): "quarantined",
    ("seen", "acknowledge"): "seen",
    ("seen", "revise"): "revised",
    ("seen", "retract"): "in-error",
    ("seen", "hold"): "quarantined",
    ("revised", "deliver"): "revised",
    ("revised", "acknowledge"): "seen",
    ("revised", "revise"): "revised",
    ("revised", "retract"): "in-error",
    ("revised", "hold"): "quarantined",
    ("quarantined", "release"): "reading",
}
"""Written out by hand, so that the product's table cannot prove itself."""


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("verb", list(TRANSITIONS))
def test_every_cell_of_the_transition_table(status: Status, verb: str) -> None:
    """An act leads where the written table says, and everywhere else it is refused and changes nothing."""
    before = referral_in(status)
    act = acts(before)[verb]
    expected = EXPECTED.get((status.value, verb))
    if expected is None:
        with pytest.raises(WrongStatus):
            act()
        return
    after = act()
    assert after.status.value == expected
    assert after.history[-1].verb == verb


def test_only_the_accepting_expert_signs() -> None:
    """A colleague of the same organisation cannot sign somebody else's case."""
    with pytest.raises(NotYours):
        referral_in(Status.READING).sign(opinion(by=COLLEAGUE), NOW)


@pytest.mark.parametrize("field", ["answer", "findings", "impression"])
def test_an_unfinished_opinion_cannot_be_signed(field: str) -> None:
    """Each required part is named when it is empty."""
    with pytest.raises(Unfinished) as refusal:
        referral_in(Status.READING).sign(opinion(**{field: "  "}), NOW)
    assert refusal.value.fields == {field: "missing"}


def test_a_later_version_stands_beside_the_earlier_one() -> None:
    """Signed words never change: revising keeps version 1 as it was."""
    before = referral_in(Status.SEEN)
    after = before.revise(opinion(2), NOW)
    assert after.opinions[0] == before.opinions[0]
    assert [o.version for o in after.opinions] == [1, 2]


def test_two_revisions_at_once_cannot_both_become_version_2() -> None:
    """The second one must read the newest version first."""
    after = referral_in(Status.SEEN).revise(opinion(2), NOW)
    with pytest.raises(StaleReferral):
        after.revise(opinion(2), NOW)


def test_a_new_version_must_be_read_again() -> None:
    """Having read version 1 does not count for version 2, and version 1 can no longer be acknowledged."""
    revised = referral_in(Status.SEEN).revise(opinion(2), NOW)
    with pytest.raises(StaleReferral):
        revised.acknowledge(Acknowledgement(1, DOCTOR, NOW, NextStep.PLAN_STAYS))
    with pytest.raises(WrongStatus):
        revised.acknowledge(Acknowledgement(2, DOCTOR, NOW, NextStep.PLAN_STAYS))
    filed = revised.deliver(Filing(2, "DiagnosticReport/1", NOW, "DiagnosticReport"), DOCTOR, NOW)
    assert filed.status is Status.REVISED
    assert filed.acknowledge(Acknowledgement(2, DOCTOR, NOW, NextStep.PLAN_STAYS)).status is Status.SEEN


def test_an_older_version_that_arrives_late_moves_nothing() -> None:
    """Version 1 reaching the chart after version 2 was signed does not make the referral delivered."""
    signed_twice = referral_in(Status.SIGNED).revise(opinion(2), NOW)
    after = signed_twice.deliver(Filing(1, "DiagnosticReport/1", NOW, "DiagnosticReport"), DOCTOR, NOW)
    assert after.status is Status.SIGNED
    assert after.filing(1) is not None


def test_an_unsigned_note_in_the_chart_is_not_a_delivery() -> None:
    """A note that waits for a signature leaves the referral signed, and cannot be acknowledged."""
    filing = Filing(1, "DocumentReference/7", NOW, "DocumentReference", unsigned=True)
    waiting = referral_in(Status.SIGNED).file_unsigned(filing, DOCTOR, NOW)
    assert waiting.status is Status.SIGNED
    assert waiting.waiting_note(1) == filing
    with pytest.raises(WrongStatus):
        waiting.acknowledge(Acknowledgement(1, DOCTOR, NOW, NextStep.PLAN_STAYS))


def test_a_filing_confirmed_during_a_hold_is_kept_and_shows_when_the_hold_ends() -> None:
    """The chart's fact is not lost because the case was hidden at that moment."""
    held = referral_in(Status.SIGNED).hold(EXPERT, NOW, "a doubt")
    filed = held.deliver(Filing(1, "DiagnosticReport/1", NOW, "DiagnosticReport"), DOCTOR, NOW)
    assert filed.status is Status.QUARANTINED
    assert filed.release(DOCTOR, NOW, "settled").status is Status.DELIVERED


def test_a_hold_over_a_question_returns_to_the_question() -> None:
    """Holds nest: the inner one is still open when the outer one ends."""
    asked = referral_in(Status.READING).ask_back(EXPERT, NOW, "Any steroids?")
    back = asked.hold(EXPERT, NOW, "a doubt").release(DOCTOR, NOW, "settled")
    assert back.status is Status.QUESTION
    assert back.answer(DOCTOR, NOW, "None").status is Status.READING


def test_images_join_only_with_an_identity_comparison() -> None:
    """Nobody can send images that were not compared with the chart."""
    with pytest.raises(Unfinished):
        referral_in(Status.GATHERING).send(DOCTOR, NOW, (STUDY,), identity=())


def test_the_last_entry_into_a_status_is_found() -> None:
    """Times on the timeline come from the history."""
    accepted = referral_in(Status.SENT).accept(EXPERT, NOW + timedelta(hours=1))
    assert accepted.since(Status.ACCEPTED) == NOW + timedelta(hours=1)
    assert accepted.since(Status.SEEN) is None
