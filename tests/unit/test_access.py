"""The table of rights, cell by cell: who, what they have to do with the referral, and each verb, allowed or not.

The grid is written by hand and apart from the table it proves. Every person below meets real referrals at every
relation they can have.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from smart_app.access import TABLE, VERBS, Actor, Relation, actor, ever, may, must, relation
from smart_app.case import Consent, Party
from smart_app.referral import NoSuchReferral, NotYours, Referral, Status
from tests.staged import CLINICIAN, EXPERT, OPERATOR, PATIENT, opinion, staged

BEGUN = datetime(2026, 11, 20, 9, tzinfo=UTC)
HIMSELF = Party("patient", PATIENT.name, PATIENT.reference)
MOTHER = Party("proxy", "Teodora Castellan", "RelatedPerson/mother")

ASKER = Actor("clinician", CLINICIAN.reference, "open", PATIENT.reference)
COVER = Actor("clinician", "Practitioner/colleague", "open", PATIENT.reference)
SAME_SITE = Actor("clinician", "Practitioner/colleague", "open", "Patient/somebody-else")
OTHER_SITE = Actor("clinician", CLINICIAN.reference, "oracle", PATIENT.reference)
NO_CHART = Actor("clinician", CLINICIAN.reference, "open", "")
SELF = Actor("patient", HIMSELF.reference, "open", PATIENT.reference)
PROXY = Actor("proxy", MOTHER.reference, "open", PATIENT.reference)
OTHER_PATIENT = Actor("patient", "Patient/other", "open", "Patient/other")
SAME_NUMBER_ELSEWHERE = Actor("patient", PATIENT.reference, "oracle", PATIENT.reference)
READER = Actor("expert", EXPERT.reference, organisation="northlight")
READERS_COLLEAGUE = Actor("expert", "https://readers.example|8", organisation="northlight")
OTHER_READER = Actor("expert", "https://quay.example|1", organisation="stonequay")
COORDINATOR = Actor("coordinator", "https://readers.example|9", organisation="northlight")
OTHER_COORDINATOR = Actor("coordinator", "https://quay.example|2", organisation="stonequay")
DESK = Actor("operator", OPERATOR.reference, organisation="desk")
SYSTEM = Actor("system", "client", organisation="northlight")
OTHER_SYSTEM = Actor("system", "client", organisation="stonequay")
NOBODY = Actor("", "", "", "")


def at(status: str, *, asked_by: Party = CLINICIAN, copy: bool = True, critical: bool = False) -> Referral:
    """A referral that has come that far."""
    made = staged(status, BEGUN, id="11111111-0000-4000-8000-000000000001", requester=asked_by)
    made = replace(made, ask=replace(made.ask, copy_to_doctor=copy))
    if critical:
        made = replace(made, opinions=(opinion(1, BEGUN, critical=True),))
    return made


DELIVERED, SENT, READING = at("delivered"), at("sent"), at("reading")
OWN = at("delivered", asked_by=HIMSELF)
KEPT = at("delivered", asked_by=HIMSELF, copy=False)

GRID = """
                  se im rp rc mi op ak an wi rs in co ho vo gi sh on ac de as dr si rv rt re st au cn tl so
asker             x  x  x  x  x  x  x  x  x  x  x  x  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
covering          x  x  x  x  x  x  x  x  x  x  x  x  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
treating          x  x  x  x  x  x  x  .  .  .  .  x  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
kept-out          x  .  .  .  x  .  .  .  .  .  .  .  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
same-site         .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
other-site        .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
no-chart          .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
patient-own       x  x  x  .  .  x  .  x  x  .  .  .  .  .  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .
patient-subject   x  x  x  .  .  x  .  .  .  .  .  .  .  .  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
proxy-own         x  x  x  .  .  x  .  x  x  .  .  .  .  .  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .
proxy-subject     x  x  x  .  .  x  .  .  .  .  .  .  .  .  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
other-patient     .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
same-number       .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
expert-offered    x  x  x  .  .  .  .  .  .  .  .  .  x  .  .  .  .  x  x  x  .  .  .  .  .  .  .  .  .  .
expert-holder     x  x  x  .  .  x  .  .  .  .  .  .  x  .  .  .  .  .  x  x  x  x  x  x  .  .  .  .  x  .
expert-colleague  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
expert-elsewhere  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
coordinator       x  .  x  .  .  .  .  .  .  .  .  .  x  .  .  .  .  .  .  x  .  .  .  .  .  .  .  .  .  .
coordinator-taken x  .  .  .  .  .  .  .  .  .  .  .  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
coord-elsewhere   .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
operator          x  .  .  .  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  x  x  x  x  .  x
system            x  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  x  x  x  .  .  .  .  .  .  .  .  .  .
system-holder     x  x  x  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  x  x  .  x  x  x  .  .  .  .  .  .
system-elsewhere  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
nobody            .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .  .
"""
WHO: dict[str, tuple[Actor, Referral, Relation]] = {
    "asker": (ASKER, DELIVERED, Relation.ASKER),
    "covering": (COVER, DELIVERED, Relation.COVERING),
    "treating": (ASKER, OWN, Relation.TREATING),
    "kept-out": (ASKER, KEPT, Relation.KEPT_OUT),
    "same-site": (SAME_SITE, DELIVERED, Relation.NONE),
    "other-site": (OTHER_SITE, DELIVERED, Relation.NONE),
    "no-chart": (NO_CHART, DELIVERED, Relation.NONE),
    "patient-own": (SELF, OWN, Relation.OWN),
    "patient-subject": (SELF, DELIVERED, Relation.SUBJECT),
    "proxy-own": (PROXY, OWN, Relation.OWN),
    "proxy-subject": (PROXY, DELIVERED, Relation.SUBJECT),
    "other-patient": (OTHER_PATIENT, OWN, Relation.NONE),
    "same-number": (SAME_NUMBER_ELSEWHERE, OWN, Relation.NONE),
    "expert-offered": (READER, SENT, Relation.OFFERED),
    "expert-holder": (READER, READING, Relation.HOLDER),
    "expert-colleague": (READERS_COLLEAGUE, READING, Relation.NONE),
    "expert-elsewhere": (OTHER_READER, SENT, Relation.NONE),
    "coordinator": (COORDINATOR, SENT, Relation.OFFERED),
    "coordinator-taken": (COORDINATOR, READING, Relation.TAKEN),
    "coord-elsewhere": (OTHER_COORDINATOR, SENT, Relation.NONE),
    "operator": (DESK, DELIVERED, Relation.DESK),
    "system": (SYSTEM, SENT, Relation.OFFERED),
    "system-holder": (SYSTEM, READING, Relation.HOLDER),
    "system-elsewhere": (OTHER_SYSTEM, SENT, Relation.NONE),
    "nobody": (NOBODY, DELIVERED, Relation.NONE),
}
CODES = {
    "se": "see",
    "im": "images",
    "rp": "reports",
    "rc": "record",
    "mi": "mismatch",
    "op": "opinion",
    "ak": "acknowledge",
    "an": "answer",
    "wi": "withdraw",
    "rs": "resend",
    "in": "invite",
    "co": "confirm-signed",
    "ho": "hold",
    "vo": "vouch",
    "gi": "give",
    "sh": "share",
    "on": "open",
    "ac": "accept",
    "de": "decline",
    "as": "ask",
    "dr": "draft",
    "si": "sign",
    "rv": "revise",
    "rt": "retract",
    "re": "release",
    "st": "settle",
    "au": "audit",
    "cn": "connect",
    "tl": "tell",
    "so": "sign-out",
}
HEAD, *ROWS = [line.split() for line in GRID.strip().splitlines()]
COLUMNS = [CODES[code] for code in HEAD]


@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
def test_every_cell(row: list[str]) -> None:
    name, *marks = row
    who, referral, expected = WHO[name]
    assert relation(who, referral) is expected
    cells = dict(zip(COLUMNS, (mark == "x" for mark in marks), strict=True))
    assert {verb: may(who, referral, verb) for verb in COLUMNS} == cells


def test_the_grid_has_every_verb_every_row_and_nobody_twice() -> None:
    """A verb or a row that is added to the table must be judged here."""
    assert set(COLUMNS) == VERBS
    assert [name for name, *_ in ROWS] == list(WHO)
    met = {(who.role, found) for who, _, found in WHO.values()}
    assert {key for key in TABLE if key[1] is not Relation.CHART} <= met


# -- before there is a referral ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("who", "opens"),
    [
        (ASKER, True),
        (SELF, True),
        (PROXY, True),
        (NO_CHART, False),
        (replace(SELF, referral_id="r1"), False),
        (READER, False),
        (COORDINATOR, False),
        (DESK, False),
        (replace(DESK, patient="Patient/p1"), False),
        (SYSTEM, False),
    ],
)
def test_a_case_is_opened_from_an_open_chart_by_its_clinician_patient_or_proxy(who: Actor, opens: bool) -> None:
    assert may(who, None, "open") is opens
    assert not any(may(who, None, verb) for verb in VERBS - {"open"})


# -- what stands in the way whatever the table says ----------------------------------------------------------------


def test_an_invited_person_has_that_one_referral() -> None:
    invited = replace(SELF, referral_id=OWN.id)
    assert may(invited, OWN, "see")
    assert relation(invited, replace(OWN, id="another")) is Relation.NONE


@pytest.mark.parametrize("who", [ASKER, COVER, SELF, PROXY, READER, SYSTEM, DESK])
def test_while_a_wrong_patient_is_suspected_nobody_sees_images_reports_or_words(who: Actor) -> None:
    """Safety rule 6: also not the one who signed them."""
    held = at("quarantined")
    assert not any(may(who, held, verb) for verb in ("images", "reports", "opinion"))
    assert may(who, held, "see")


@pytest.mark.parametrize("who", [READER, COORDINATOR, SYSTEM])
@pytest.mark.parametrize("status", ["gathering", "withdrawn"])
def test_what_was_not_sent_or_was_stopped_is_no_readers(who: Actor, status: str) -> None:
    assert relation(who, at(status)) is Relation.NONE


@pytest.mark.parametrize("who", [READER, COORDINATOR, SYSTEM])
def test_a_case_held_before_it_was_sent_does_not_reach_a_reader_by_that(who: Actor) -> None:
    held = at("gathering").hold(CLINICIAN, BEGUN, "Another face.")
    assert held.status is Status.QUARANTINED
    assert relation(who, held) is Relation.NONE


@pytest.mark.parametrize("status", ["sent", "accepted", "reading", "question", "signed", "in-error", "returned"])
@pytest.mark.parametrize("who", [SELF, PROXY])
def test_a_patient_reads_the_opinion_once_the_chart_holds_it(who: Actor, status: str) -> None:
    assert not may(who, at(status), "opinion")
    for shown in ("delivered", "seen", "corrected"):
        assert may(who, at(shown), "opinion")


# -- "do not send it to my doctor" ---------------------------------------------------------------------------------


def test_a_kept_opinion_is_read_by_the_patient_at_once_and_by_no_doctor() -> None:
    kept = at("signed", asked_by=HIMSELF, copy=False)
    assert may(SELF, kept, "opinion")
    assert not may(ASKER, kept, "opinion")
    assert not may(SELF, at("signed", asked_by=HIMSELF), "opinion")


def test_the_newest_choice_holds() -> None:
    shared = KEPT.agree(Consent(HIMSELF, BEGUN, copy_to_doctor=True, wording="1"))
    assert may(ASKER, shared, "opinion")
    taken_back = shared.agree(Consent(HIMSELF, BEGUN, copy_to_doctor=False, wording="1"))
    assert not may(ASKER, taken_back, "opinion")


def test_what_is_critical_reaches_the_doctors_whatever_was_chosen() -> None:
    """Safety rule 11: a person who can act must hear of it."""
    assert may(ASKER, at("signed", asked_by=HIMSELF, copy=False, critical=True), "opinion")


def test_who_asked_as_a_doctor_reads_the_answer_whatever_a_patient_ticks() -> None:
    assert may(ASKER, at("delivered", copy=False), "opinion")


# -- asking --------------------------------------------------------------------------------------------------------


def test_a_no_does_not_say_whether_the_thing_exists() -> None:
    with pytest.raises(NoSuchReferral):
        must(OTHER_SITE, DELIVERED, "see")
    with pytest.raises(NoSuchReferral):
        must(OTHER_SITE, DELIVERED, "withdraw")
    with pytest.raises(NotYours):
        must(ASKER, OWN, "withdraw")
    assert must(ASKER, DELIVERED, "withdraw") is DELIVERED


def test_ever_is_the_union_of_a_roles_rows() -> None:
    assert ever("expert", "sign")
    assert not ever("coordinator", "sign")
    assert not ever("operator", "images")
    assert not ever("", "see")


@pytest.mark.parametrize(
    ("kind", "role", "expected"),
    [
        ("clinician", "clinician", "clinician"),
        ("patient", "patient", "patient"),
        ("patient", "proxy", "proxy"),
        ("expert", "expert", "expert"),
        ("expert", "coordinator", "coordinator"),
        ("operator", "operator", "operator"),
        ("patient", "operator", "patient"),
        ("clinician", "operator", "clinician"),
        ("expert", "operator", "expert"),
    ],
)
def test_a_role_is_taken_from_the_person_only_where_their_door_is_shared(kind: str, role: str, expected: str) -> None:
    """A word in a record makes nobody an operator."""
    from smart_app.store import Line

    line = Line("l", "b", kind, "open", "", Party(role, "N", "R/1"), "Patient/1", "", {}, None, "", BEGUN, BEGUN, BEGUN)
    assert actor(line).role == expected
