"""How far a referral has come, as steps for the timeline: one list for staff, a plainer one for patients."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from flask_babel import gettext

from smart_app.access import readable_by_patient
from smart_app.case import Message
from smart_app.consent import kept_from_doctor
from smart_app.referral import Referral, Status
from smart_app.web.dates import moment, span, weekday
from smart_app.web.sessions import ports
from smart_app.worklists import Clock, clock, zone_of

S = Status
STOPPED = {S.RETURNED, S.WITHDRAWN, S.IN_ERROR}


@dataclass
class Step:
    """One step: what it is called, its state (todo, now, done, pause, stop), and who and when."""

    label: str
    state: str = "todo"
    lines: list[str] = field(default_factory=list)


def staff_steps(referral: Referral, *, stuck: bool = False) -> list[Step]:
    """Asked, sent, accepted, a question where and when there was one, signed, in the chart, read.

    `stuck`: the chart's copy waits for a person.
    """
    reached = {event.verb: event for event in referral.history}

    def step(label: str, verb: str, waiting: str = "") -> Step:
        event = reached.get(verb)
        if event is None:
            return Step(label, "todo", [waiting] if waiting else [])
        return Step(label, "done", [moment(event.at), event.by.name if event.by.role != "system" else ""])

    steps = [
        step(gettext("Asked"), "gather"),
        step(gettext("Sent"), "send", gettext("when the images are here")),
        step(gettext("Accepted"), "accept"),
    ]
    if referral.messages:
        before = "accept" not in reached or reached["accept"].at > _asked(referral).at
        steps.insert(2 if before else 3, _question(referral))
    steps.append(_signed(referral))
    steps.append(_in_chart(referral, stuck))
    steps.append(_read(referral))
    return _closed(referral, steps)


def _asked(referral: Referral) -> Message:
    return next(m for m in reversed(referral.messages) if m.kind == "question")


def _signed(referral: Referral) -> Step:
    newest = referral.opinion
    if newest is None:
        return Step(gettext("Signed"), "todo")
    lines = [moment(newest.signed_at), newest.signed_by.name]
    if newest.version > 1:
        lines.append(gettext("version %(version)s", version=newest.version))
    return Step(gettext("Signed"), "done", lines)


def _question(referral: Referral) -> Step:
    asked = _asked(referral)
    if referral.status is S.QUESTION:
        return Step(gettext("Question"), "pause", [moment(asked.at), gettext("the clock stands still")])
    answered = next((m.at for m in reversed(referral.messages) if m.kind == "answer"), None)
    paused = gettext("clock paused %(span)s", span=span(answered - asked.at)) if answered else ""
    return Step(gettext("Question"), "done", [gettext("answered %(when)s", when=moment(answered)), paused])


def _in_chart(referral: Referral, stuck: bool) -> Step:
    label = gettext("In the chart")
    newest = len(referral.opinions)
    filing = referral.filing(newest) if newest else None
    if filing is not None:
        how = gettext("read back") if filing.confirmed_by == "read-back" else filing.confirmed_by
        return Step(label, "done", [moment(filing.at), how])
    if newest and kept_from_doctor(referral):
        return Step(label, "pause", [gettext("kept from it by the patient")])
    if newest and referral.waiting_note(newest) is not None:
        return Step(label, "now", [gettext("unsigned there")])
    if newest and stuck:
        return Step(label, "pause", [gettext("the desk decides")])
    return Step(label, "now" if newest else "todo", [gettext("on its way")] if newest else [])


def _read(referral: Referral) -> Step:
    newest = len(referral.opinions)
    said = next((a for a in reversed(referral.acknowledgements) if a.version == newest), None) if newest else None
    if said is not None:
        return Step(gettext("Read"), "done", [moment(said.at), said.by.name])
    return Step(gettext("Read"), "todo", [gettext("not yet")] if newest else [])


def _closed(referral: Referral, steps: list[Step]) -> list[Step]:
    """Where it stands now: the first open step is under way, or everything after a stop is gone."""
    if referral.status in STOPPED or referral.status is S.QUARANTINED:
        names = {
            S.RETURNED: gettext("Returned"),
            S.WITHDRAWN: gettext("Stopped"),
            S.IN_ERROR: gettext("Taken back"),
            S.QUARANTINED: gettext("Being checked"),
        }
        last = next((e for e in reversed(referral.history) if e.status == referral.status.value), None)
        lines = [moment(last.at), last.by.name] if last else []
        done = [s for s in steps if s.state == "done"]
        return [*done, Step(names[referral.status], "stop", lines)]
    if not any(s.state in ("now", "pause") for s in steps):
        following = next((s for s in steps if s.state == "todo"), None)
        if following is not None:
            following.state = "now"
    return steps


def patient_steps(referral: Referral) -> list[Step]:
    """Sent; an expert has it; the expert looks; the opinion is here."""
    s = referral.status
    where = referral.held[-1] if s is S.QUESTION else s
    signed = bool(referral.opinions)
    sent, accepted = referral.since(S.SENT), next((e.at for e in referral.history if e.verb == "accept"), None)
    opened = [weekday(sent)] if sent else []
    steps = [
        Step(gettext("Sent"), "done" if sent else "now", opened),
        Step(
            gettext("An expert has your case"),
            "done" if accepted and (signed or where is not S.SENT) else "todo",
            [weekday(accepted)] if accepted else [],
        ),
        Step(gettext("The expert looks at your images"), "done" if signed else "todo"),
        Step(gettext("Your opinion is here"), "done" if readable_by_patient(referral) else "todo"),
    ]
    if s in STOPPED or s is S.QUARANTINED:
        return _closed(referral, steps)
    if s is S.QUESTION:
        paused = next(step for step in steps if step.state == "todo")
        paused.state, paused.lines = "pause", [gettext("Paused: the expert waits for an answer")]
        return steps
    return _closed(referral, steps)


def clocks(referral: Referral, now: datetime) -> list[dict[str, str]]:
    """The two promises, time to accept and time to the opinion: running, paused, overdue, or how they were kept."""
    labels = {"accept": gettext("To accept"), "opinion": gettext("To the opinion")}
    ends = {e.verb: e.at for e in referral.history}
    running = clock(referral, now, zone_of(ports().directory, referral))
    told = []
    if "accept" in ends and (running is None or running.name == "opinion"):
        taken = ends["accept"] - (referral.since(S.SENT) or ends["accept"])
        told.append({"label": labels["accept"], "text": span(taken), "state": "done"})
    if running is not None:
        told.append({"label": labels[running.name], **_said(running, running.due - now)})
    elif "sign" in ends and "accept" in ends:
        told.append({"label": labels["opinion"], "text": span(ends["sign"] - ends["accept"]), "state": "done"})
    return told


def _said(running: Clock, left: timedelta) -> dict[str, str]:
    if running.paused:
        return {"text": gettext("paused by the question"), "state": "pause"}
    if running.overdue:
        return {"text": gettext("overdue by %(span)s", span=span(left)), "state": "stop"}
    return {
        "text": gettext("%(span)s left, by %(when)s", span=span(left), when=moment(running.due)),
        "state": "now",
    }
