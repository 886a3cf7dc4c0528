"""A referral as the clinician's pages tell it: one state for the page, for programs and for live polling."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from flask_babel import gettext
from markupsafe import Markup, escape

from smart_app.access import actor, may
from smart_app.case import Event, Opinion, Upload
from smart_app.consent import kept_from_doctor
from smart_app.gates import each_compared, may_be_vouched_for, people_present
from smart_app.referral import Referral, Status
from smart_app.store import Line, Owed
from smart_app.web import phrases
from smart_app.web.filed import why_there
from smart_app.web.sessions import ports

WORDS = ("answer", "findings", "comparison", "impression", "recommendation", "limits")


@dataclass(frozen=True)
class Beside:
    """What stands beside a referral: its upload, and what is owed for it and waits for a person."""

    upload: Upload | None
    parked: tuple[Owed, ...]


def beside(referral: Referral) -> Beside:
    """Read it now."""
    with ports().store.reading() as tx:
        owed = tx.outbox.of_referral(referral.id)
        return Beside(tx.uploads.of_referral(referral.id), tuple(row for row in owed if row.state == "parked"))


def mismatch(referral: Referral, upload: Upload | None) -> tuple[dict[str, str], ...]:
    """The chart and the images, field by field: of the images that wait, else of those that were let in."""
    return (upload.comparison if upload is not None else ()) or referral.identity


@dataclass(frozen=True)
class Doubt:
    """Images that wait at a gate: why, each header beside the chart, and whether a clinician may let them in.

    `seen` is the version of the upload that all this was read from.
    """

    why: str
    compared: tuple[tuple[dict[str, str], ...], ...]
    may_vouch: bool
    seen: int


def doubt_of(referral: Referral, upload: Upload | None) -> Doubt | None:
    """What stops the images of this referral now; None where nothing does."""
    if upload is None or referral.status is not Status.GATHERING or upload.step == "sent":
        return None
    why = upload.stopped or ("two-people" if len(people_present(upload)) > 1 else "")
    if not why:
        return None
    compared = tuple(_birth_date_first(one.as_rows()) for one in each_compared(referral.patient, upload))
    about_names = why in ("wrong-patient", "two-people")
    may_vouch = about_names and may_be_vouched_for(referral.patient, upload)
    return Doubt(why, compared if about_names else (), may_vouch, upload.version)


def _birth_date_first(rows: tuple[dict[str, str], ...]) -> tuple[dict[str, str], ...]:
    """It decides: against it no word of anybody helps."""
    return tuple(sorted(rows, key=lambda row: row["field"] != "birth_date"))


def standing(referral: Referral, parked: tuple[Owed, ...], *, reader: bool = False) -> tuple[Any, str, str]:
    """Where it stands in a word, with tone and sign. What lies still is not "on its way". `reader`: the expert."""
    status, newest = referral.status, len(referral.opinions)
    if status in (Status.SIGNED, Status.REVISED) and referral.filing(newest) is None:
        if referral.waiting_note(newest) is not None:
            return gettext("In the chart, unsigned"), "warn", "pause"
        if any(row.action == "file_opinion" for row in parked):
            return gettext("Not in the chart"), "warn", "warn"
    if reader and status is Status.QUESTION:
        return gettext("Question out"), "wait", "pause"
    if reader and status is Status.REVISED:
        return gettext("Changed, not read yet"), "warn", ""
    return phrases.STATUS[status], phrases.STATUS_TONE[status], ""


def vouched(referral: Referral) -> Event | None:
    """Who let images under another name in, when, and how they knew."""
    return next((event for event in reversed(referral.history) if event.verb == "vouch"), None)


def referral_state(line: Line, referral: Referral, found: Beside) -> dict[str, Any]:
    """The state as JSON, with the opinion and what was said about it for somebody who may read it."""
    readable = may(actor(line), referral, "opinion")
    newest = len(referral.opinions)
    waiting = referral.waiting_note(newest) if newest else None
    doubt, said = doubt_of(referral, found.upload), vouched(referral)
    last = referral.history[-1] if referral.history else None
    return {
        "id": referral.id,
        "case_number": referral.case_number,
        "status": referral.status.value,
        "version": newest,
        "question": referral.ask.question,
        "reason": last.reason if last and referral.status.value in ("returned", "withdrawn", "in-error") else "",
        "messages": [
            {"kind": m.kind, "by": m.by.name, "at": m.at.isoformat(), "text": m.text}
            for m in referral.messages
            if readable or referral.hidden
        ],
        "opinion": _opinion(referral.opinion) if readable and referral.opinion else None,
        "kept": kept_from_doctor(referral),
        "filings": [
            {
                "version": f.version,
                "resource": f.resource,
                "rung": f.rung,
                "unsigned": f.unsigned,
                "visit": f.visit,
                "why": why_there(f),
            }
            for f in referral.filings
        ],
        "waiting_note": {"resource": waiting.resource} if waiting else None,
        "acknowledgements": [
            {"version": a.version, "by": a.by.name, "at": a.at.isoformat(), "next_step": a.next_step.value}
            for a in referral.acknowledgements
        ],
        "mismatch": [dict(row) for row in mismatch(referral, found.upload)],
        "stopped": doubt.why if doubt else found.upload.stopped if found.upload else "",
        "upload": found.upload.version if found.upload else None,
        "may_vouch": bool(doubt and doubt.may_vouch),
        "vouch": said and {"by": said.by.name, "at": said.at.isoformat(), "reason": said.reason},
        "parked": [{"action": row.action, "reason": row.reason} for row in found.parked],
    }


def _opinion(opinion: Opinion) -> dict[str, Any]:
    return {
        "version": opinion.version,
        **{name: getattr(opinion, name) for name in WORDS},
        "agreement": opinion.agreement.value,
        "signed_by": opinion.signed_by.name,
        "signed_at": opinion.signed_at.isoformat(),
        "critical": opinion.critical,
        "change": opinion.change.value if opinion.change else "",
        "change_reason": opinion.change_reason,
    }


def write_view(line: Line, referral: Referral, version: int) -> None:
    """Write to the audit, once per line, that this person opened this version."""
    if referral.hidden:
        return
    what = f"opinion version {version}"
    with ports().store.transaction() as tx:
        seen = any(
            row.verb == "view" and row.what == what and row.who == line.party and row.at >= line.created
            for row in tx.audit.of_referral(referral.id)
        )
        if not seen:
            tx.audit.write(ports().now(), line.party, "view", referral.id, what)


def changes(old: Opinion, new: Opinion) -> list[tuple[str, Markup, Markup]]:
    """Field by field, the words of two versions with what differs marked."""
    names = {
        "answer": gettext("Answer"),
        "findings": gettext("Findings"),
        "comparison": gettext("Comparison"),
        "impression": gettext("Impression"),
        "recommendation": gettext("Recommendation"),
        "limits": gettext("Limits"),
    }
    pairs = [(label, getattr(old, name), getattr(new, name)) for name, label in names.items()]
    return [(label, *_both(was, now)) for label, was, now in pairs if was != now]


def _both(was: str, now: str) -> tuple[Markup, Markup]:
    left, right = was.split(), now.split()
    old, new = [], []
    for kind, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        gone, come = escape(" ".join(left[a:b])), escape(" ".join(right[c:d]))
        old.append(gone if kind == "equal" or not gone else Markup("<del>{}</del>").format(gone))
        new.append(come if kind == "equal" or not come else Markup("<ins>{}</ins>").format(come))
    return Markup(" ").join(p for p in old if p), Markup(" ").join(p for p in new if p)
