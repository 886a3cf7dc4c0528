"""Where a referral may stand, which act leads where, and the refusals. Standard library only.

Refusals, one family:

    ReferralError
    ├── NoSuchReferral   no such referral, or none that this person may know of
    ├── NotYours         this person may not do this here
    ├── WrongStatus      the referral is not where this act is possible
    ├── StaleReferral    somebody else changed it first; read again
    ├── Unfinished       something the act needs is missing; `fields` names it
    └── Stopped          a gate holds the images; `why` names it
"""

from __future__ import annotations

from enum import StrEnum

from smart_app.case import Opinion


class ReferralError(Exception):
    """A rule of the referral says no. The message is a sentence for the person who tried."""


class NoSuchReferral(ReferralError):
    """There is no such referral, or none that this person may know of."""


class NotYours(ReferralError):
    """This person may not do this to this referral."""


class WrongStatus(ReferralError):
    """The referral is not in a status in which this can be done."""


class StaleReferral(ReferralError):
    """The referral was changed by somebody else in the meantime."""


class Unfinished(ReferralError):
    """Something the act needs is missing. `fields` names each form field and what is wrong with it."""

    def __init__(self, message: str, **fields: str) -> None:
        super().__init__(message)
        self.fields = fields


def must_say(words: str, why: str, field: str) -> str:
    """The words without blanks around them. Raises Unfinished with `why` at that field where there are none."""
    if not words.strip():
        raise Unfinished(why, **{field: "missing"})
    return words.strip()


def must_be_complete(opinion: Opinion) -> None:
    """Raises Unfinished naming what an opinion cannot be signed without."""
    missing = {name: "missing" for name in ("answer", "findings", "impression") if not getattr(opinion, name).strip()}
    if missing:
        raise Unfinished("The opinion is not finished.", **missing)


class Stopped(ReferralError):
    """The images cannot go on. `why` is "wrong-patient", "two-people", "wrong-side" or "not-mine"."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class Status(StrEnum):
    """Where a referral stands. Trouble on the wire is not a status: it belongs to the outbox."""

    DRAFT = "draft"
    GATHERING = "gathering"
    SENT = "sent"
    QUESTION = "question"
    RETURNED = "returned"
    ACCEPTED = "accepted"
    READING = "reading"
    SIGNED = "signed"
    DELIVERED = "delivered"
    SEEN = "seen"
    REVISED = "revised"
    WITHDRAWN = "withdrawn"
    IN_ERROR = "in-error"
    QUARANTINED = "quarantined"


S = Status
BACK = None  # a hold that ends returns to where it came from

TRANSITIONS: dict[str, dict[Status, Status | None]] = {
    "gather": {S.DRAFT: S.GATHERING},
    "vouch": {S.GATHERING: S.GATHERING},
    "override": {S.GATHERING: S.GATHERING},
    "send": {S.GATHERING: S.SENT},
    "accept": {S.SENT: S.ACCEPTED},
    "begin_reading": {S.ACCEPTED: S.READING},
    "sign": {S.READING: S.SIGNED},
    "deliver": {S.SIGNED: S.DELIVERED, S.REVISED: S.REVISED},
    "acknowledge": {S.DELIVERED: S.SEEN, S.REVISED: S.SEEN, S.SEEN: S.SEEN},
    "revise": {S.SIGNED: S.SIGNED, S.DELIVERED: S.REVISED, S.SEEN: S.REVISED, S.REVISED: S.REVISED},
    "retract": dict.fromkeys((S.SIGNED, S.DELIVERED, S.SEEN, S.REVISED), S.IN_ERROR),
    "decline": dict.fromkeys((S.SENT, S.ACCEPTED, S.READING), S.RETURNED),
    "resend": {S.RETURNED: S.SENT},
    "withdraw": dict.fromkeys(
        (S.DRAFT, S.GATHERING, S.SENT, S.QUESTION, S.RETURNED, S.ACCEPTED, S.READING), S.WITHDRAWN
    ),
    "ask": dict.fromkeys((S.SENT, S.ACCEPTED, S.READING), S.QUESTION),
    "answer": {S.QUESTION: BACK},
    "hold": dict.fromkeys((s for s in S if s not in (S.WITHDRAWN, S.IN_ERROR, S.QUARANTINED)), S.QUARANTINED),
    "release": {S.QUARANTINED: BACK},
}
"""verb -> {status it may happen in: status it leads to}. Anything absent is refused."""

HOLDS = frozenset({S.QUESTION, S.QUARANTINED})
