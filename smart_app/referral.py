"""The Referral: one aggregate with its rules. Nothing outside assigns a status. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from smart_app.case import (
    Acknowledgement,
    Ask,
    Consent,
    Event,
    Filing,
    Message,
    Opinion,
    Party,
    Patient,
    PriorReport,
    StudyNote,
)
from smart_app.status import (
    BACK,
    HOLDS,
    TRANSITIONS,
    NoSuchReferral,
    NotYours,
    ReferralError,
    StaleReferral,
    Status,
    Unfinished,
    WrongStatus,
    must_be_complete,
    must_say,
)
from smart_app.telling import Told

__all__ = [
    "TRANSITIONS",
    "NoSuchReferral",
    "NotYours",
    "Referral",
    "ReferralError",
    "StaleReferral",
    "Status",
    "Unfinished",
    "WrongStatus",
]


@dataclass(frozen=True)
class Referral:
    """One question about one patient's images, from draft to read. Every method answers a new Referral.

    `id` is a UUID and the loop key in every FHIR identifier. `site` names the EHR it was asked from,
    `organisation` the reading organisation it goes to. `version` counts saves and guards against lost updates.
    """

    id: str
    site: str
    patient: Patient
    requester: Party
    ask: Ask
    organisation: str
    opened_at: datetime
    status: Status = Status.DRAFT
    held: tuple[Status, ...] = ()
    chart_studies: tuple[str, ...] = ()  # ImagingStudy references picked in the chart
    chart_order: str = ""  # the clinician's own ServiceRequest, "ServiceRequest/123"
    encounter: str = ""  # "Encounter/123" of the launch
    studies: tuple[StudyNote, ...] = ()
    prior_reports: tuple[PriorReport, ...] = ()
    identity: tuple[dict[str, str], ...] = ()  # field-by-field comparison that let the images in
    expert: Party | None = None
    opinions: tuple[Opinion, ...] = ()
    draft: dict[str, str] | None = None  # the expert's unsigned words, by field
    filings: tuple[Filing, ...] = ()
    unsigned: tuple[Filing, ...] = ()  # notes in the chart that wait for a signature there; not a delivery
    mirrored: dict[str, str] | None = None  # our resource -> its reference in a chart that takes it
    acknowledgements: tuple[Acknowledgement, ...] = ()
    messages: tuple[Message, ...] = ()
    told: tuple[Told, ...] = ()  # critical findings that a person was told of
    consents: tuple[Consent, ...] = ()  # the newest holds
    history: tuple[Event, ...] = ()
    version: int = 0

    # -- reading ---------------------------------------------------------------------------------------------

    @property
    def opinion(self) -> Opinion | None:
        """The newest signed version."""
        return self.opinions[-1] if self.opinions else None

    @property
    def case_number(self) -> str:
        """Short number for people to say on the phone."""
        return f"SO-{self.id[:4]}-{self.id[4:8]}".upper()

    def opinion_version(self, version: int) -> Opinion:
        """That signed version. Raises NoSuchReferral where it was never signed."""
        for opinion in self.opinions:
            if opinion.version == version:
                return opinion
        raise NoSuchReferral(f"Version {version} of this opinion does not exist.")

    def filing(self, version: int) -> Filing | None:
        """Where that version stands in the chart, signed or confirmed there; None if it does not."""
        return next((f for f in reversed(self.filings) if f.version == version), None)

    def waiting_note(self, version: int) -> Filing | None:
        """The note of that version that still waits for a signature in the chart."""
        if self.filing(version) is not None:
            return None
        return next((f for f in reversed(self.unsigned) if f.version == version), None)

    @property
    def hidden(self) -> bool:
        """Images and opinion are shown to nobody but the person who closes the check (safety rule 6)."""
        return self.status is Status.QUARANTINED

    def may(self, verb: str) -> bool:
        """Would the table allow this verb now?"""
        return self.status in TRANSITIONS[verb]

    def since(self, *statuses: Status) -> datetime | None:
        """When the referral last entered one of these statuses."""
        return next((e.at for e in reversed(self.history) if e.status in statuses), None)

    # -- moving ----------------------------------------------------------------------------------------------

    def _move(self, verb: str, by: Party, at: datetime, reason: str = "", **changes: object) -> Referral:
        if self.status not in TRANSITIONS[verb]:
            raise WrongStatus(f"This cannot be done while the referral is “{self.status}” ({verb}).")
        target = TRANSITIONS[verb][self.status]
        held = self.held
        if target is BACK:
            *rest, target = held
            held = tuple(rest)
        elif target in HOLDS:
            held = (*held, self.status)
        elif verb == "withdraw":
            held = ()
        event = Event(verb, by, at, target.value, reason)
        return replace(self, status=target, held=held, history=(*self.history, event), **changes)  # type: ignore[arg-type]

    def gather(self, by: Party, at: datetime) -> Referral:
        """The question is asked; images are awaited."""
        must_say(self.ask.question, "Write the one question the expert should answer.", "question")
        return self._move("gather", by, at)

    def vouch(self, by: Party, at: datetime, reason: str) -> Referral:
        """A clinician says that pictures under another name are this patient's (`vouching`). It stays on record."""
        return self._move("vouch", by, at, must_say(reason, "Say how you know that they are this patient’s.", "vouch"))

    def override(self, by: Party, at: datetime, rule: str, reason: str) -> Referral:
        """A clinician goes on without what that rule wants (`overruling`). It stays on record, and travels."""
        why = must_say(reason, "Say why it can go on without.", "override")
        return self._move("override", by, at, f"{rule}: {why}")

    def send(
        self,
        by: Party,
        at: datetime,
        studies: tuple[StudyNote, ...],
        prior_reports: tuple[PriorReport, ...] = (),
        identity: tuple[dict[str, str], ...] = (),
    ) -> Referral:
        """Images are reconciled and stored: the reading organisation may see the case."""
        if not studies:
            raise Unfinished("There are no images to send.", files="missing")
        if not identity:
            raise Unfinished("Nobody has compared the images with the chart.", identity="missing")
        return self._move("send", by, at, studies=studies, prior_reports=prior_reports, identity=identity)

    def accept(self, expert: Party, at: datetime) -> Referral:
        """This expert takes the case."""
        return self._move("accept", expert, at, expert=expert)

    def begin_reading(self, expert: Party, at: datetime) -> Referral:
        """The accepting expert opens the images."""
        self._must_be_expert(expert)
        return self._move("begin_reading", expert, at)

    def decline(self, expert: Party, at: datetime, reason: str) -> Referral:
        """Given back, with a reason the asker can act on."""
        must_say(reason, "Say why, so that the asker can act on it.", "reason")
        if self.status is not Status.SENT:
            self._must_be_expert(expert)
        return self._move("decline", expert, at, reason, expert=None, draft=None)

    def resend(self, by: Party, at: datetime, organisation: str) -> Referral:
        """To the next reader, on the same request."""
        return self._move("resend", by, at, organisation=organisation)

    def ask_back(self, expert: Party, at: datetime, text: str) -> Referral:
        """The expert needs to know something first; the clock stops."""
        must_say(text, "Write the question.", "text")
        if self.status is not Status.SENT:
            self._must_be_expert(expert)
        messages = (*self.messages, Message("question", expert, at, text.strip()))
        return self._move("ask", expert, at, messages=messages)

    def answer(self, by: Party, at: datetime, text: str) -> Referral:
        """The asker answers; the clock goes on."""
        must_say(text, "Write the answer.", "text")
        messages = (*self.messages, Message("answer", by, at, text.strip()))
        return self._move("answer", by, at, messages=messages)

    def keep_draft(self, expert: Party, words: dict[str, str]) -> Referral:
        """The expert's unsigned words, kept beside the referral."""
        self._must_be_expert(expert)
        return replace(self, draft=words)

    def sign(self, opinion: Opinion, at: datetime) -> Referral:
        """The words are frozen. Only the expert who accepted may sign, and only version 1 here."""
        self._must_be_expert(opinion.signed_by)
        if opinion.version != 1 or opinion.change is not None:
            raise WrongStatus("The first signed version has number 1.")
        must_be_complete(opinion)
        return self._move("sign", opinion.signed_by, at, opinions=(opinion,), draft=None)

    def revise(self, opinion: Opinion, at: datetime) -> Referral:
        """A new version beside the old ones, owed to the chart and to every reader again."""
        self._must_be_expert(opinion.signed_by)
        if opinion.version != len(self.opinions) + 1:
            raise StaleReferral("This opinion was revised in the meantime. Read the newest version first.")
        if opinion.change is None or not opinion.change_reason.strip():
            raise Unfinished("Say what changed and why: it is the first line readers see.", change_reason="missing")
        must_be_complete(opinion)
        opinions = (*self.opinions, opinion)
        return self._move("revise", opinion.signed_by, at, opinion.change_reason, opinions=opinions, draft=None)

    def deliver(self, filing: Filing, by: Party, at: datetime) -> Referral:
        """The chart has confirmed this version. An older version arriving late moves nothing."""
        self.opinion_version(filing.version)
        if self.filing(filing.version) is not None:
            return self
        filings = (*self.filings, filing)
        if self.status is Status.QUARANTINED and self.held[-1] in TRANSITIONS["deliver"]:
            # A fact of the chart is recorded even while the case is hidden; it shows when the hold ends.
            shown = replace(self, status=self.held[-1], held=self.held[:-1]).deliver(filing, by, at)
            return replace(shown, status=Status.QUARANTINED, held=(*shown.held, shown.status))
        if filing.version < len(self.opinions):
            event = Event("deliver", by, at, self.status.value, f"version {filing.version}")
            return replace(self, filings=filings, history=(*self.history, event))
        return self._move("deliver", by, at, filings=filings)

    def file_unsigned(self, filing: Filing, by: Party, at: datetime) -> Referral:
        """The chart holds this version as a note nobody has signed there. That is not a delivery."""
        self.opinion_version(filing.version)
        if any(f.version == filing.version for f in self.unsigned) or self.filing(filing.version):
            return self
        event = Event("file_unsigned", by, at, self.status.value, f"version {filing.version}")
        return replace(self, unsigned=(*self.unsigned, filing), history=(*self.history, event))

    def acknowledge(self, acknowledgement: Acknowledgement) -> Referral:
        """A named person has read exactly the newest version, and it is in the chart."""
        newest = self.opinion
        if newest is None or acknowledgement.version != newest.version:
            raise StaleReferral("There is a newer version of this opinion. Please read that one.")
        if self.filing(newest.version) is None:
            raise WrongStatus("This version is not in the chart yet.")
        acknowledgements = (*self.acknowledgements, acknowledgement)
        return self._move("acknowledge", acknowledgement.by, acknowledgement.at, acknowledgements=acknowledgements)

    def tell(self, told: Told) -> Referral:
        """A person was told of what is critical in that version: the six facts, kept for ever."""
        self._must_be_expert(told.by)
        self.opinion_version(told.version)
        event = Event("tell", told.by, told.at, self.status.value, f"version {told.version}: {told.heard}")
        return replace(self, told=(*self.told, told), history=(*self.history, event))

    def withdraw(self, by: Party, at: datetime, reason: str) -> Referral:
        """The asker stops it, before anything is signed."""
        must_say(reason, "Say why it is stopped.", "reason")
        return self._move("withdraw", by, at, reason)

    def retract(self, expert: Party, at: datetime, reason: str) -> Referral:
        """Entered in error: a visible tombstone stays."""
        self._must_be_expert(expert)
        must_say(reason, "Say why it is taken back.", "reason")
        return self._move("retract", expert, at, reason)

    def hold(self, by: Party, at: datetime, reason: str) -> Referral:
        """Suspicion of a wrong patient: everything is hidden until one named person closes the check."""
        must_say(reason, "Say what looked wrong.", "reason")
        return self._move("hold", by, at, reason)

    def release(self, by: Party, at: datetime, reason: str) -> Referral:
        """The check is closed by a named person; the case goes on where it was."""
        must_say(reason, "Say how it was settled.", "reason")
        return self._move("release", by, at, reason)

    def agree(self, consent: Consent) -> Referral:
        """The patient agrees, or chooses anew who reads the answer. What was agreed before stays on record."""
        return replace(self, consents=(*self.consents, consent))

    def _must_be_expert(self, party: Party) -> None:
        if self.expert is None or party.reference != self.expert.reference:
            raise NotYours("Only the expert who accepted this case can do this.")
