"""The plain records that make up a case. Standard library only; no rules here beyond shape."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from smart_app.given import FoundFile, ListedSet, PersonSeen, SeriesSeen

__all__ = ["FoundFile", "ListedSet", "PersonSeen", "SeriesSeen"]  # from `given`; the rest is defined here


class Side(StrEnum):
    """Written in full wherever a person reads it (never "L" or "R")."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"
    NONE = "none"


class Urgency(StrEnum):
    """FHIR request-priority codes."""

    ROUTINE = "routine"
    URGENT = "urgent"
    ASAP = "asap"


class Agreement(StrEnum):
    """The five-point second-opinion scale, and a sixth answer where there is nothing to compare with."""

    NO_DIFFERENCE = "1"
    UNIMPORTANT_DETECTION = "2"
    UNIMPORTANT_INTERPRETATION = "3"
    IMPORTANT_DETECTION = "4"
    IMPORTANT_INTERPRETATION = "5"
    CANNOT_COMPARE = "cannot-compare"


class Change(StrEnum):
    """Why a later version exists (FHIR diagnostic-report-status)."""

    CORRECTED = "corrected"
    APPENDED = "appended"


class NextStep(StrEnum):
    """What the reader does with the opinion."""

    PLAN_CHANGES = "plan-changes"
    PLAN_STAYS = "plan-stays"
    PASSED_ON = "passed-on"


@dataclass(frozen=True)
class Patient:
    """The person, as the chart of the site names them. `birth_date` is ISO `YYYY[-MM[-DD]]`, empty if absent."""

    reference: str  # "Patient/123" in the site's chart
    family: str
    given: tuple[str, ...] = ()
    birth_date: str = ""
    sex: str = ""  # FHIR administrative-gender
    mrn: str = ""
    mrn_system: str = ""
    language: str = ""
    email: str = ""
    other_names: tuple[tuple[str, str], ...] = ()  # (family, given) that the chart knows too: maiden, old, alias

    @property
    def name(self) -> str:
        """For a page read by the patient: given names first."""
        return " ".join((*self.given, self.family)).strip()

    @property
    def formal_name(self) -> str:
        """For a page read by staff: SURNAME, Given."""
        return f"{self.family.upper()}, {' '.join(self.given)}".strip(", ")


@dataclass(frozen=True)
class Party:
    """Somebody who acts: a clinician, patient, proxy, expert or operator. `reference` is absolute or chart-relative."""

    role: str  # "clinician", "patient", "proxy", "expert", "operator", "system"
    name: str
    reference: str = ""
    organisation: str = ""


@dataclass(frozen=True)
class Ask:
    """What is asked, by whom, and what waits on the answer."""

    question: str
    urgency: Urgency = Urgency.ROUTINE
    subspecialty: str = "general"
    side: Side = Side.NONE
    body_part: str = ""
    decision: str = ""  # what waits on the answer
    history: str = ""
    doctor: str = ""  # a patient-started case: the doctor who should act
    copy_to_doctor: bool = True


@dataclass(frozen=True)
class SeriesNote:
    """One series of a study, as counted from the files held."""

    series_instance_uid: str
    modality: str
    number: int | None = None
    description: str = ""
    body_part: str = ""
    laterality: str = ""  # DICOM "L", "R", "B" or empty
    instances: tuple[tuple[str, str, int | None], ...] = ()  # (SOP instance UID, SOP class UID, number)
    started: str = ""
    performer: str = ""
    region: tuple[str, ...] = ()  # (code, scheme, meaning) of the anatomic region
    titles: tuple[str, ...] = ()  # of the instances, where they are documents or marks
    burned_in: str = ""  # why text may be printed into its pictures: kept back when names are taken out


@dataclass(frozen=True)
class StudyNote:
    """One study held for a referral. `started` is ISO 8601 with an offset where a zone is known, else a date."""

    study_instance_uid: str
    started: str = ""
    description: str = ""
    accession: str = ""
    institution: str = ""
    modalities: tuple[str, ...] = ()
    series: tuple[SeriesNote, ...] = ()
    accession_issuer: str = ""
    referring: str = ""
    interpreter: str = ""
    reason: str = ""
    procedures: tuple[tuple[str, ...], ...] = ()  # (code, scheme, meaning)
    comparison: bool = False  # an earlier study beside the one asked about

    @property
    def instance_count(self) -> int:
        """Distinct SOP instances over all series."""
        return sum(len(series.instances) for series in self.series)


@dataclass(frozen=True)
class PriorReport:
    """The first reading, as a file kept by us. `sha256` names the stored bytes."""

    title: str
    content_type: str
    sha256: str
    size: int
    sides: tuple[str, ...] = ()  # values of Side that its words name
    original: str = ""  # SHA-256 of the bytes as they were given, where staff open a copy that cannot act


@dataclass(frozen=True)
class Message:
    """One question or answer between expert and asker."""

    kind: str  # "question" or "answer"
    by: Party
    at: datetime
    text: str


@dataclass(frozen=True)
class Event:
    """One line of the referral's own history: who did what, when, and why."""

    verb: str
    by: Party
    at: datetime
    status: str
    reason: str = ""


@dataclass(frozen=True)
class PassedOver:
    """A better way into the chart that was not taken. `code`: not-taken, not-granted or refused, then in its words."""

    way: str  # "DiagnosticReport"
    code: str
    words: str = ""


@dataclass(frozen=True)
class Filing:
    """Where a signed version stands in the chart, read back and compared, and why there."""

    version: int
    resource: str  # "DiagnosticReport/123"
    at: datetime
    rung: str  # which rung of the ladder took it
    confirmed_by: str = "read-back"  # or the name of the person who looked
    unsigned: bool = False  # a note that waits for a clinician's signature in the chart
    passed: tuple[PassedOver, ...] = ()
    visit: str = ""  # the Encounter it was filed into, if into one
    visit_why: str = ""  # named, launch, current, arrived, latest or planned (`fhir.visits`)


@dataclass(frozen=True)
class Acknowledgement:
    """A named person pressed "I have read this" for exactly this version."""

    version: int
    by: Party
    at: datetime
    next_step: NextStep
    note: str = ""


@dataclass(frozen=True)
class Consent:
    """What the patient, or who acts for them, agreed to, and when. `wording` names the edition of the words shown."""

    by: Party
    at: datetime
    copy_to_doctor: bool
    wording: str


@dataclass(frozen=True)
class Opinion:
    """One signed version of an opinion. Never changed after signing; a change is a new version."""

    version: int
    answer: str
    findings: str
    impression: str
    agreement: Agreement
    signed_by: Party
    signed_at: datetime
    comparison: str = ""
    recommendation: str = ""
    limits: str = ""
    plain_words: str = ""  # for the patient, written by the expert
    critical: bool = False
    tier: int = 0  # 1 minutes, 2 hours, 3 days; 0 where nothing is critical
    first_report_read: str = "after"  # "before" or "after" the expert formed a view, or "none"
    change: Change | None = None
    change_reason: str = ""
    studies: tuple[str, ...] = ()  # Study Instance UIDs reviewed


@dataclass(frozen=True)
class Vouch:
    """A named clinician's word that pictures under these names are the chart's patient's, and how they know it."""

    by: Party
    at: datetime
    reason: str
    people: tuple[PersonSeen, ...]  # exactly these headers; another one stops again


@dataclass(frozen=True)
class Upload:
    """The three steps of one person giving images for one referral."""

    id: str
    referral_id: str
    step: str = "show"  # "show", "check", "sent"
    files: tuple[FoundFile, ...] = ()
    people: tuple[PersonSeen, ...] = ()
    confirmed: PersonSeen | None = None  # "Yes, these are mine", said of exactly this person
    stopped: str = ""  # why it cannot go on: "wrong-patient", "wrong-side", "not-mine"
    comparison: tuple[dict[str, str], ...] = ()  # field by field, for staff with a right to the chart
    vouch: Vouch | None = None
    series: tuple[SeriesSeen, ...] = ()
    listed: tuple[ListedSet, ...] = ()  # what a disc's own list names
    version: int = 0
