"""Who may do what: one table, role by relation to the referral by verb. Whatever is not in it is refused.

A no never says whether the thing exists. What the referral itself allows now is its own table (`status.TRANSITIONS`).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from smart_app.consent import kept_from_doctor
from smart_app.referral import NoSuchReferral, NotYours, Referral, Status
from smart_app.store import Line

UNSENT = frozenset({Status.DRAFT, Status.GATHERING, Status.WITHDRAWN})
FOR_PATIENTS = frozenset({Status.DELIVERED, Status.SEEN, Status.REVISED})
"""Where the patient reads the opinion: once the chart holds it, so that their doctor can be asked."""
ASKED_BY_THEMSELVES = frozenset({"patient", "proxy"})


class Relation(StrEnum):
    """What a person, or a system, has to do with one referral."""

    NONE = "none"  # nothing: it does not exist for them
    CHART = "chart"  # the chart that is open, before there is a referral
    ASKER = "asker"  # this clinician asked
    COVERING = "covering"  # a colleague asked, and this clinician has the same chart open
    TREATING = "treating"  # the patient asked, and lets the doctors of this chart read the answer
    KEPT_OUT = "kept-out"  # the patient asked, and keeps the answer from the doctors of this chart
    OWN = "own"  # the patient, or who acts for them, asked
    SUBJECT = "subject"  # a doctor asked about this patient
    OFFERED = "offered"  # sent to this reading organisation, and taken by nobody
    HOLDER = "holder"  # taken by this expert
    TAKEN = "taken"  # taken by somebody of this reading organisation
    DESK = "desk"  # runs the installation


R = Relation
_WHOSE = frozenset({"see", "mismatch", "hold", "vouch"})
_DOCTOR = _WHOSE | {"images", "reports", "record", "opinion", "acknowledge", "answer"}
_ASKED = _DOCTOR | {"withdraw", "resend", "invite", "confirm-signed"}
_PATIENT = frozenset({"see", "images", "reports", "opinion", "give"})

TABLE: dict[tuple[str, Relation], frozenset[str]] = {
    ("clinician", R.CHART): frozenset({"open"}),
    ("clinician", R.ASKER): _ASKED,
    ("clinician", R.COVERING): _ASKED,
    ("clinician", R.TREATING): _DOCTOR - {"answer"} | {"confirm-signed"},
    ("clinician", R.KEPT_OUT): _WHOSE,
    ("patient", R.CHART): frozenset({"open"}),
    ("patient", R.OWN): _PATIENT | {"answer", "withdraw", "share"},
    ("patient", R.SUBJECT): _PATIENT,
    ("proxy", R.CHART): frozenset({"open"}),
    ("proxy", R.OWN): _PATIENT | {"answer", "withdraw", "share"},
    ("proxy", R.SUBJECT): _PATIENT,
    ("expert", R.OFFERED): frozenset({"see", "images", "reports", "accept", "decline", "ask", "hold"}),
    ("expert", R.HOLDER): frozenset(
        {"see", "images", "reports", "opinion", "decline", "ask", "hold", "draft", "sign", "revise", "retract", "tell"}
    ),
    ("coordinator", R.OFFERED): frozenset({"see", "reports", "ask", "hold"}),
    ("coordinator", R.TAKEN): frozenset({"see", "hold"}),
    ("operator", R.DESK): frozenset({"see", "mismatch", "release", "settle", "audit", "connect", "sign-out"}),
    ("system", R.OFFERED): frozenset({"see", "images", "reports", "accept", "decline", "ask"}),
    ("system", R.HOLDER): frozenset({"see", "images", "reports", "decline", "ask", "sign", "revise", "retract"}),
}
"""(role, relation) -> what they may do.

A covering colleague may do what the asker may: no patient waits for one doctor. A treating doctor reads what the
patient lets them read, and does not speak for the patient. Whose images they are, whoever has the chart may say.
A coordinator sees whether the case is complete, and neither images nor opinion. The desk mends deliveries and sees
neither. A system is a reading organisation's own; another organisation's has no row.
"""

VERBS = frozenset().union(*TABLE.values())
HIDDEN_WHILE_CHECKED = frozenset({"images", "reports", "opinion"})
"""Shown to nobody while a wrong patient is suspected (safety rule 6)."""


@dataclass(frozen=True)
class Actor:
    """Who asks. `role` is a row of the table; `referral_id` binds them to one referral (an invitation)."""

    role: str
    person: str
    site: str = ""
    patient: str = ""
    organisation: str = ""
    referral_id: str = ""


def actor(line: Line) -> Actor:
    """The person on that line. Their part in the table is their own role where the door is shared."""
    role = line.party.role if line.party.role in SHARED_DOORS.get(line.kind, ()) else line.kind
    return Actor(role, line.party.reference, line.site, line.patient, line.organisation, line.referral_id or "")


SHARED_DOORS = {"patient": ("proxy",), "expert": ("coordinator",)}
"""The kind of a line -> the other roles that come in by the same door."""


def relation(who: Actor, referral: Referral) -> Relation:
    """What they have to do with it."""
    if who.role == "operator":
        return R.DESK
    if who.role == "clinician":
        return _of_clinician(who, referral) if _same_chart(who, referral) else R.NONE
    if who.role in ASKED_BY_THEMSELVES:
        invited = who.referral_id == referral.id if who.referral_id else _same_chart(who, referral)
        if not invited:
            return R.NONE
        return R.OWN if referral.requester.role in ASKED_BY_THEMSELVES else R.SUBJECT
    if who.role in ("expert", "coordinator", "system"):
        return _of_reader(who, referral)
    return R.NONE


def _same_chart(who: Actor, referral: Referral) -> bool:
    return bool(who.patient) and (who.site, who.patient) == (referral.site, referral.patient.reference)


def _of_clinician(who: Actor, referral: Referral) -> Relation:
    if referral.requester.role in ASKED_BY_THEMSELVES:
        return R.KEPT_OUT if kept_from_doctor(referral) else R.TREATING
    return R.ASKER if referral.requester.reference == who.person else R.COVERING


def _of_reader(who: Actor, referral: Referral) -> Relation:
    """A case that is checked stays where it stood before: one that was never sent is nobody's to read."""
    stands = referral.held[-1] if referral.hidden and referral.held else referral.status
    if not who.organisation or who.organisation != referral.organisation or stands in UNSENT:
        return R.NONE
    if referral.expert is None:
        return R.OFFERED
    if who.role == "expert":
        return R.HOLDER if referral.expert.reference == who.person else R.NONE
    return R.HOLDER if who.role == "system" else R.TAKEN


def may(who: Actor, referral: Referral | None, verb: str) -> bool:
    """May they do this to that referral; without one, in the chart that is open?"""
    if referral is None:
        opens = bool(who.patient) and not who.referral_id
        return opens and verb in TABLE.get((who.role, R.CHART), ())
    if verb not in TABLE.get((who.role, relation(who, referral)), ()):
        return False
    if referral.hidden and verb in HIDDEN_WHILE_CHECKED:
        return False
    return verb != "opinion" or who.role not in ASKED_BY_THEMSELVES or readable_by_patient(referral)


def readable_by_patient(referral: Referral) -> bool:
    """May the patient read the opinion now? One that is kept from the chart waits for no chart."""
    if referral.opinion is None:
        return False
    return referral.status in FOR_PATIENTS or (referral.status is Status.SIGNED and kept_from_doctor(referral))


def must(who: Actor, referral: Referral, verb: str) -> Referral:
    """The referral, for somebody who may. Raises NoSuchReferral where they may not know of it, NotYours."""
    if not may(who, referral, "see"):
        raise NoSuchReferral("There is no such referral here.")
    if not may(who, referral, verb):
        raise NotYours("This is not yours to do.")
    return referral


def ever(role: str, verb: str) -> bool:
    """Is there any referral to which somebody of this role may do this?"""
    return any(verb in verbs for (named, _), verbs in TABLE.items() if named == role)
