"""Every address of a line, and the verb of the table of rights (`access`) that it needs, asked before its view runs.

An address that stands in no list here is refused, so a new one must say first what it is. Images and viewer ask the
same table on every request by themselves, since they answer a no without a page (`looking`).
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g, request

from smart_app.access import actor, ever, may, must
from smart_app.consent import kept_from_doctor
from smart_app.referral import NoSuchReferral, NotYours, Referral
from smart_app.store import Line
from smart_app.web import refused
from smart_app.web.errors import WrongDoor
from smart_app.web.plainly import referral_of
from smart_app.web.sessions import OWN_GUARD, ports

DOORS = {
    "refer": "clinician",
    "later": "clinician",
    "inviting": "clinician",
    "upload": "patient",
    "found": "patient",
    "lacking": "clinician",
    "outcome": "patient",
    "review": "expert",
    "stepup": "expert",
    "operate": "operator",
    "everybody": "operator",
    "sites": "operator",
    "strays": "operator",
    "audited": "operator",
}
"""Pages of a blueprint -> the kind of line they are for. The rest is for every line."""

FREE = frozenset(
    {
        "windows.give",
        "windows.stay",
        "windows.sign_out",
        "presence.listed",
        "presence.leave_one",
        "presence.leave_all",
        "refer.home",
        "chartlook.sheet",
    }
)
"""What whoever holds the line may do: it is about the line itself, or sends each kind of person to their own pages."""

NEEDS = {
    "refer.ask": "open",
    "later.part": "open",
    "refer.follow": "see",
    "refer.acknowledge": "acknowledge",
    "refer.answer": "answer",
    "refer.withdraw": "withdraw",
    "refer.resend": "resend",
    "refer.hold": "hold",
    "refer.vouch": "vouch",
    "refer.signed_in_chart": "confirm-signed",
    "refer.record": "record",
    "refer.signed_letter": "opinion",
    "refer.first_report": "reports",
    "inviting.invite": "invite",
    "inviting.uninvite": "invite",
    "upload.tell": "see",
    "upload.told": "give",
    "upload.emergency": "see",
    "upload.show": "see",
    "upload.give": "give",
    "upload.mine": "give",
    "upload.leave_out": "give",
    "upload.check": "see",
    "upload.send": "give",
    "found.decide": "give",
    "found.no_report": "give",
    "found.shown": "see",
    "lacking.override": "vouch",
    "outcome.status": "see",
    "outcome.answer": "answer",
    "outcome.stop": "withdraw",
    "outcome.share": "share",
    "outcome.opinion": "see",
    "outcome.letter": "opinion",
    "outcome.first_report": "reports",
    "review.worklist": "see",
    "review.case": "see",
    "review.revision": "revise",
    "review.accept": "accept",
    "review.begin": "draft",
    "review.give_back": "decline",
    "review.ask": "ask",
    "review.hold": "hold",
    "review.retract": "retract",
    "review.draft": "draft",
    "review.sign": "sign",
    "review.told": "tell",
    "review.revise": "revise",
    "review.first_report": "reports",
    "stepup.ask": "sign",
    "stepup.go": "sign",
    "everybody.listed": "sign-out",
    "everybody.end_one": "sign-out",
    "everybody.end_all": "sign-out",
    "operate.operate": "audit",
    "operate.decide": "settle",
    "operate.retry": "settle",
    "operate.there": "settle",
    "operate.close": "settle",
    "operate.visit": "settle",
    "operate.held": "release",
    "operate.release": "release",
    "strays.listed": "settle",
    "strays.close": "settle",
    "audited.as_csv": "audit",
    "audited.as_json_lines": "audit",
    "sites.index": "connect",
    "sites.one": "connect",
    "sites.test": "connect",
    "sites.new": "connect",
    "sites.add": "connect",
    "sites.edit": "connect",
    "sites.change": "connect",
    "sites.stopping": "connect",
    "sites.disable": "connect",
    "sites.enable": "connect",
}
"""Address -> what the person must be allowed to do to the referral it is about."""


def allowed(referral: Referral | None, verb: str) -> bool:
    """For the templates: may the person on this line do this? A button that would be refused is not drawn."""
    return g.get("line") is not None and may(actor(g.line), referral, verb)


def _ask_the_table() -> None:
    """Raises WrongDoor for pages of other people, NoSuchReferral and NotYours for the rest, once it is written down."""
    line = g.get("line")
    if line is None or request.blueprint in OWN_GUARD or request.endpoint in FREE:
        return
    try:
        _judge(line)
    except (WrongDoor, NoSuchReferral, NotYours):
        refused.right(line, (request.view_args or {}).get("referral_id", ""))
        raise


def _judge(line: Line) -> None:
    kind = DOORS.get(request.blueprint or "")
    verb = NEEDS.get(request.endpoint or "")
    if verb is None or (kind is not None and line.kind != kind):
        raise WrongDoor("This page is for somebody else.")
    who = actor(line)
    referral = _about()
    if referral is not None:
        must(who, referral, verb)
    elif kind in ("clinician", "patient"):
        if not (may(who, None, "open") or who.referral_id):
            raise WrongDoor("Nothing can be opened here.")
    elif not ever(who.role, verb):
        raise NotYours("This is not yours to do.")


def _about() -> Referral | None:
    """The referral this address is about: the one it names, else the one a patient's pages show."""
    named: dict[str, Any] = request.view_args or {}
    if "referral_id" in named:
        with ports().store.reading() as tx:
            found: Referral = tx.referrals.get(named["referral_id"])
            return found
    return referral_of(g.line) if DOORS.get(request.blueprint or "") == "patient" else None


def install(app: Flask) -> None:
    """Ask after the line was found and its form proven."""
    app.before_request(_ask_the_table)
    app.jinja_env.globals.update(allowed=allowed, kept=kept_from_doctor)
