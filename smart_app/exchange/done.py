"""What another system may do: move its Task, ask a question, and send the opinion that answers the referral.

Rule: a report is taken only where loop key, study and patient all agree with the referral it names; else it is kept
aside with both sides shown, and a person closes it. Everything goes through the use cases that people's clicks use.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fhir import codes
from fhir.incoming import SIGNED, IncomingReport, read_report
from smart_app import review
from smart_app.access import may
from smart_app.case import Agreement, Party
from smart_app.exchange.errors import NotAllowed, NotThere, OutOfStep, Stray, Unfit
from smart_app.exchange.found import actor_of, referral_of
from smart_app.exchange.shown import named
from smart_app.ports import Ports
from smart_app.record import MEANING
from smart_app.referral import NotYours, Referral, ReferralError, StaleReferral, Status, Unfinished, WrongStatus
from smart_app.sites import System

Resource = dict[str, Any]
SYSTEM = Party("system", "Second Opinion")


def party_of(system: System, name: str = "") -> Party:
    """The system as somebody who acts; `name` is the reader's, where a report names one."""
    return Party("expert" if name else "system", name or system.name, f"system|{system.id}", system.organisation)


def move_task(ports: Ports, system: System, task_id: str, task: Resource, if_match: str | None) -> Referral:
    """Bring the Task to the status it was given. Raises NotThere, Unfit, OutOfStep."""
    _, referral = referral_of(ports, system, task_id)
    if if_match is not None and if_match.strip() not in (f'W/"{referral.version}"', "*"):
        raise OutOfStep("Somebody changed this Task meanwhile. Read it again.", status=412)
    stands, wanted = MEANING[referral.status].task, str(task.get("status", ""))
    if wanted == stands:
        return referral
    who = party_of(system)
    try:
        if wanted == "accepted" and stands == "requested":
            return review.accept(ports, _allowed(system, referral, "accept", who), referral.id)
        if wanted == "in-progress" and stands == "accepted":
            return review.begin_reading(ports, _allowed(system, referral, "images", who), referral.id)
        if wanted == "rejected":
            reason = _reason(task)
            return review.decline(ports, _allowed(system, referral, "decline", who), referral.id, reason)
    except (WrongStatus, StaleReferral, NotYours) as no:
        raise OutOfStep(str(no)) from no
    except Unfinished as missing:
        raise Unfit(f"Task.statusReason.text: {missing}") from missing
    raise OutOfStep(f"A Task that is {stands} cannot become {wanted or 'nothing'} here. {HOW}")


HOW = (
    "Allowed are requested to accepted, accepted to in-progress, and rejected with a reason. "
    "A question is a Communication; the opinion is a DiagnosticReport, which completes the Task."
)


def ask(ports: Ports, system: System, communication: Resource) -> tuple[Referral, str]:
    """A question to the one who asked. Answers the referral and the new Communication's id."""
    referral = _based_on(ports, system, communication.get("basedOn"))
    payload = communication.get("payload")
    words = [str(part.get("contentString", "")) for part in payload or [] if isinstance(part, dict)]
    who = _allowed(system, referral, "ask", party_of(system))
    try:
        asked = review.ask(ports, who, referral.id, "\n".join(word for word in words if word.strip()))
    except Unfinished as missing:
        raise Unfit(f"Communication.payload.contentString: {missing}") from missing
    except ReferralError as no:
        raise OutOfStep(str(no)) from no
    return asked, f"{referral.id}.m{len(asked.messages) - 1}"


def take_report(ports: Ports, system: System, resource: Resource) -> Referral:
    """The opinion of another system, signed there. Raises Stray, Unfit, OutOfStep, NotThere.

    A report that is here already, word for word, changes nothing.
    """
    said = read_report(resource)
    if said.status not in SIGNED:
        raise Unfit(f"DiagnosticReport.status: only a signed report is an opinion ({', '.join(SIGNED)}).")
    referral = _based_on(ports, system, resource.get("basedOn"))
    differs = _differences(referral, said)
    if differs:
        with ports.store.transaction() as tx:
            number = tx.strays.keep(system.id, referral.id, differs, resource, ports.now())
            tx.audit.write(ports.now(), SYSTEM, "stray", referral.id, number, ", ".join(what for what, _, _ in differs))
            tx.outbox.owe(referral.id, "notify_desk", due=ports.now(), why="stray")
        parts = "; ".join(f"{what}: the referral has {ours}, the report {theirs}" for what, ours, theirs in differs)
        raise Stray(f"Not taken, and kept for a person to look at (number {number}). {parts}.")
    who = _allowed(system, referral, "revise" if referral.opinions else "sign", party_of(system, _reader(said)))
    return _signed(ports, referral, who, _as_words(said), said)


def close_stray(ports: Ports, who: Party, stray_id: str, reason: str) -> None:
    """A named person says what was done about a report that was not taken. Raises Unfinished, NoSuchRow."""
    if not reason.strip():
        raise Unfinished("Say what was done about it.", reason="missing")
    with ports.store.transaction() as tx:
        tx.strays.close(stray_id, who.name, reason.strip(), ports.now())
        tx.audit.write(ports.now(), who, "close-stray", "", stray_id, reason.strip())


def _signed(ports: Ports, referral: Referral, who: Party, words: Mapping[str, str], said: IncomingReport) -> Referral:
    newest = referral.opinion
    if newest and (newest.impression, newest.findings) == (words["impression"], words["findings"]):
        return referral
    try:
        if newest:
            change = "appended" if said.status == "appended" else "corrected"
            reason = f"The reading organisation sent a version that is {said.status}."
            more = {"change": change, "change_reason": reason}
            return review.revise(ports, who, referral.id, {**words, **more}, frozenset(review.CONFIRM))
        if referral.status is Status.ACCEPTED:
            review.begin_reading(ports, who, referral.id)
        return review.sign(ports, who, referral.id, words, frozenset(review.CONFIRM))
    except Unfinished as missing:
        faults = ", ".join(f"{name} {fault}" for name, fault in missing.fields.items())
        raise Unfit(f"This report cannot become an opinion: {faults or missing}.") from missing
    except (WrongStatus, StaleReferral, NotYours) as no:
        raise OutOfStep(f"{no} Accept the Task first.") from no


def _differences(referral: Referral, said: IncomingReport) -> tuple[tuple[str, str, str], ...]:
    """Where the report and the referral do not agree; a part that is not said does not agree either."""
    found = []
    own = {f"Patient/{referral.id}", f"{referral.patient.mrn_system}|{referral.patient.mrn}"}
    if not said.patient or not set(said.patient) <= own:
        found.append(("patient", f"Patient/{referral.id}", ", ".join(said.patient) or "none"))
    studies = {study.study_instance_uid for study in referral.studies}
    studies |= {f"ImagingStudy/{referral.id}.s{number}" for number in range(len(referral.studies))}
    if not said.studies or not set(said.studies) <= studies:
        found.append(("study", f"{len(referral.studies)} of its own", ", ".join(said.studies) or "none"))
    return tuple(found)


def _based_on(ports: Ports, system: System, based_on: object) -> Referral:
    """The one referral that is named, by our ServiceRequest or by the loop key. Raises Unfit, NotThere."""
    entries = based_on if isinstance(based_on, list) else []
    keys = set()
    for one in entries:
        if not isinstance(one, dict):
            continue
        literal = str(one.get("reference") or "")
        if literal.rpartition("/")[0].endswith("ServiceRequest"):
            keys.add(named(literal.rpartition("/")[2]))
        identifier = one.get("identifier")
        if isinstance(identifier, dict) and identifier.get("system") == codes.REFERRAL_ID:
            keys.add(str(identifier.get("value", "")))
    if len(keys) != 1:
        raise Unfit("basedOn must name exactly one referral: ServiceRequest/id of this server, or its identifier.")
    return referral_of(ports, system, keys.pop())[1]


def _as_words(said: IncomingReport) -> dict[str, str]:
    if not said.conclusion:
        raise Unfit("DiagnosticReport.conclusion is empty: it is the answer that the doctor reads first.")
    grade = said.agreement if said.agreement in set(Agreement) else Agreement.CANNOT_COMPARE.value
    return {
        "answer": said.conclusion.split("\n\n")[0],
        "findings": said.text or said.conclusion,
        "impression": said.conclusion,
        "agreement": grade,
        "critical": "no",
        "first_report_read": "none",
    }


def _reader(said: IncomingReport) -> str:
    if not said.reader:
        raise Unfit("DiagnosticReport.resultsInterpreter.display must name the person who signed.")
    return said.reader


def _reason(task: Resource) -> str:
    reason = task.get("statusReason")
    return str(reason.get("text", "")) if isinstance(reason, dict) else ""


def _allowed(system: System, referral: Referral, verb: str, who: Party) -> Party:
    if not may(actor_of(system), referral, verb):
        if may(actor_of(system), referral, "see"):
            raise OutOfStep("This can be done once the Task was accepted by your own system.")
        raise NotThere("There is no such resource here.")
    return who


def must(scopes: frozenset[str], kind: str, letters: str) -> None:
    """Does some scope allow one of these letters (SMART 2.2: c, r, u, d, s) on that type? Raises NotAllowed."""
    for scope in scopes:
        context, _, rest = scope.partition("/")
        name, _, granted = rest.partition(".")
        granted = {"read": "rs", "write": "cud", "*": "cruds"}.get(granted, granted)
        if context == "system" and name in (kind, "*") and set(letters) & set(granted):
            return
    raise NotAllowed(f"The token does not allow this on {kind}.")
