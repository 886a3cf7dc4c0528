"""A referral as the expert's pages tell it: the worklist in groups, what is not there, and what speaks for the side."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext

from smart_app import review
from smart_app.case import Side
from smart_app.referral import Referral, Status
from smart_app.side import DICOM, abbreviated, images_disagree
from smart_app.web import phrases
from smart_app.web.dates import day, moment, span
from smart_app.web.doubts import SIDE_DOUBT
from smart_app.web.sessions import ports
from smart_app.worklists import ACCEPT_WITHIN, READ_WITHIN_DAYS, Clock, business_days_after, clock, zone_of

S = Status
PRESSING = timedelta(hours=4)


@dataclass(frozen=True)
class Row:
    """One case on the worklist: its clock in two short lines, how much of its time is used, and what is not there."""

    referral: Referral
    group: str
    due: str
    about: str
    used: int  # per cent of the promised time; -1 where no clock runs
    pressing: bool
    gaps: tuple[dict[str, str], ...]


GROUPS = ("accept", "reading", "question", "signed")


def row(referral: Referral, now: datetime) -> Row:
    """This case as a line of the worklist."""
    running = clock(referral, now, zone_of(ports().directory, referral))
    group = _group(referral)
    if running is None or running.paused:
        since = referral.history[-1].at if referral.history else referral.opened_at
        due = gettext("Paused") if running else str(phrases.STATUS[referral.status])
        about = gettext("since %(when)s", when=moment(since))
        return Row(referral, group, due, about, used=-1, pressing=False, gaps=tuple(gaps(referral)))
    left = running.due - now
    due = (
        gettext("Overdue by %(span)s", span=span(left))
        if running.overdue
        else gettext("%(span)s left", span=span(left))
    )
    what = gettext("to accept") if running.name == "accept" else gettext("to the opinion")
    pressing = running.overdue or left < PRESSING
    about = f"{what}, {moment(running.due)}"
    return Row(referral, group, due, about, _used(referral, running, now), pressing, tuple(gaps(referral)))


def _group(referral: Referral) -> str:
    if referral.status is S.QUESTION:
        return "question"
    if referral.status is S.SENT:
        return "accept"
    return "reading" if referral.status in (S.ACCEPTED, S.READING) else "signed"


def _used(referral: Referral, running: Clock, now: datetime) -> int:
    if running.name == "accept":
        whole = ACCEPT_WITHIN
    else:
        accepted = next(e.at for e in reversed(referral.history) if e.verb == "accept")
        whole = business_days_after(accepted, READ_WITHIN_DAYS, zone_of(ports().directory, referral)) - accepted
    return max(0, min(100, round(100 - 100 * ((running.due - now) / whole))))


def named(referral: Referral, wanted: str) -> bool:
    """Does this case answer to what somebody typed: a name, a number or a case?"""
    patient = referral.patient
    said = f"{patient.formal_name} {patient.name} {patient.mrn} {referral.case_number} {referral.ask.question}"
    return all(word in said.casefold() for word in wanted.casefold().split())


# -- what is not there -------------------------------------------------------------------------------------------


def gaps(referral: Referral) -> list[dict[str, str]]:
    """What an expert would look for and not find, each with what it means."""
    ask, missing = referral.ask, []

    def gap(level: str, short: str, text: str) -> None:
        missing.append({"level": level, "title": short, "text": text})

    if not referral.prior_reports:
        gap(
            "warn",
            gettext("No first report"),
            gettext("Nobody gave one. Grade “cannot compare”."),
        )
    if not any(study.comparison for study in referral.studies) and len(referral.studies) < 2:
        gap("info", gettext("No earlier study"), gettext("There is nothing to compare these images with."))
    if ask.side is Side.NONE:
        gap("info", gettext("No side named"), gettext("The question names no side."))
    if not ask.history.strip():
        gap("warn", gettext("No history"), gettext("Symptoms, treatment and surgery are not told."))
    if not ask.decision.strip() and referral.requester.role == "clinician":
        gap("info", gettext("No decision named"), gettext("What waits on the answer is not told."))
    if any(not study.started for study in referral.studies):
        gap("warn", gettext("Study without a date"), gettext("The date of at least one study is not in its header."))
    return missing


# -- the side ----------------------------------------------------------------------------------------------------


def side_evidence(referral: Referral) -> dict[str, str]:
    """What the headers say of the side, against the question, as one line with its sign."""
    letters = _letters(referral)
    found = sorted({str(phrases.SIDE[DICOM[letter]]) for letter in letters})
    asked = str(phrases.SIDE[referral.ask.side])
    if referral.ask.side is Side.NONE:
        return {"level": "info", "title": asked, "text": _header_says(found)}
    if images_disagree(referral.ask.side, letters):
        return {
            "level": "stop",
            "title": gettext("The images show the other side"),
            "text": gettext("Question: %(asked)s. Headers: %(found)s.", asked=asked, found=", ".join(found)),
        }
    if not found:
        return {"level": "info", "title": gettext("%(side)s in the question", side=asked), "text": _header_says(found)}
    return {"level": "done", "title": gettext("%(side)s in question and headers", side=asked), "text": ""}


def _header_says(found: list[str]) -> str:
    if not found:
        return str(gettext("The headers name no side."))
    return str(gettext("Headers: %(found)s.", found=", ".join(found)))


def _letters(referral: Referral) -> list[str]:
    return [s.laterality for study in referral.studies for s in study.series if s.laterality in DICOM]


def side_doubt(referral: Referral, words: dict[str, str]) -> str:
    """Why these words cannot be signed as they name the side; empty where they can."""
    pair = review.side_doubt(referral, words)
    if pair is not None:
        asked = str(phrases.SIDE[referral.ask.side])
        return str(SIDE_DOUBT[pair] % {"asked": asked})
    letter = abbreviated(*(words.get(name, "") for name in review.WORDS))
    return str(gettext("Write the side in full instead of “%(letter)s”.", letter=letter)) if letter else ""


def checks(referral: Referral) -> list[tuple[str, str, str]]:
    """The four things named once more before signing: which, its value, and what it is."""
    patient = referral.patient
    days = [day(study.started) for study in referral.studies if study.started and not study.comparison]
    return [
        ("name", patient.formal_name, gettext("Name")),
        ("birth_date", day(patient.birth_date) or gettext("not known"), gettext("Birth date")),
        ("side", str(phrases.SIDE[referral.ask.side]), gettext("Side")),
        ("study_date", ", ".join(dict.fromkeys(days)) or gettext("not in the header"), gettext("Study date")),
    ]


# -- for programs ------------------------------------------------------------------------------------------------


def row_state(referral: Referral, now: datetime) -> dict[str, Any]:
    """One case as JSON. While it is checked, nothing of its content is told (safety rule 6).

    A paused clock has no due time: it would move with every look, and a live page would take that for news.
    """
    running = clock(referral, now, zone_of(ports().directory, referral))
    return {
        "id": referral.id,
        "case_number": referral.case_number,
        "status": referral.status.value,
        "question": "" if referral.hidden else referral.ask.question,
        "clock": running
        and {
            "name": running.name,
            "due": None if running.paused else running.due.isoformat(),
            "paused": running.paused,
            "overdue": running.overdue,
        },
    }


def case_state(referral: Referral, now: datetime, parked: tuple[str, ...] = ()) -> dict[str, Any]:
    """One case as JSON, with how far it has come."""
    shown = not referral.hidden
    waiting = referral.waiting_note(len(referral.opinions)) if referral.opinions else None
    return row_state(referral, now) | {
        "version": len(referral.opinions),
        "draft_saved": (referral.draft or {}).get("saved_at", ""),
        "messages": [{"kind": m.kind, "by": m.by.name, "text": m.text} for m in referral.messages if shown],
        "filings": [{"version": f.version, "resource": f.resource, "rung": f.rung} for f in referral.filings],
        "waiting_note": {"resource": waiting.resource} if waiting else None,
        "read": [{"version": a.version, "by": a.by.name} for a in referral.acknowledgements],
        "parked": list(parked),
    }
