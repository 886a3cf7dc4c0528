"""What the letter says, in the order it is read. Rule: the signed words as they stand; a side always in full."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import UTC, date, datetime

from smart_app.case import Agreement, Ask, Change, Opinion, Patient, Side, StudyNote
from smart_app.referral import Referral, Status

TITLE = "Second opinion on outside images"
NOTICE = "The expert has not examined the patient. This opinion is based on images and papers only."
ABSENT = "not recorded"

GRADES: dict[Agreement, str] = {
    Agreement.NO_DIFFERENCE: "Grade 1 of 5: No difference from the first report",
    Agreement.UNIMPORTANT_DETECTION: "Grade 2 of 5: Unimportant difference, detection (care would not change)",
    Agreement.UNIMPORTANT_INTERPRETATION: (
        "Grade 3 of 5: Unimportant difference, interpretation (care would not change)"
    ),
    Agreement.IMPORTANT_DETECTION: "Grade 4 of 5: Important difference, detection (it would change care)",
    Agreement.IMPORTANT_INTERPRETATION: "Grade 5 of 5: Important difference, interpretation (it would change care)",
    Agreement.CANNOT_COMPARE: "Cannot compare: no first report",
}
FIRST_REPORT = {
    "before": "The expert read the first report before forming a view.",
    "after": "The expert formed a view before reading the first report.",
    "none": "There was no first report to read.",
}
SIDES = {
    Side.LEFT: "LEFT",
    Side.RIGHT: "RIGHT",
    Side.BILATERAL: "BILATERAL (LEFT and RIGHT)",
    Side.NONE: "",
}
DICOM_SIDES = {"L": "LEFT", "R": "RIGHT", "B": "BILATERAL (LEFT and RIGHT)"}
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_LINE_ENDS = {0x09: "    ", 0x0B: "\n", 0x0C: "\n", 0x85: "\n", 0x2028: "\n", 0x2029: "\n", 0xAD: None}
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")

Row = tuple[str, str]


@dataclass(frozen=True)
class Block:
    """A heading and the words under it. `lines` are kept apart from each other."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Contents:
    """The whole letter. `alerts` come first and are seldom there; `number` says where grade 1 to 5 stands, or is 0."""

    alerts: tuple[str, ...]
    organisation: str
    identity: tuple[Row, ...]
    case: tuple[Row, ...]
    question: Block
    answer: Block
    grade: Block
    number: int
    blocks: tuple[Block, ...]
    studies: Block
    signature: tuple[Row, ...]
    reference: str
    running: str  # case and version, for the foot of each page
    signed_at: datetime
    version: int


def contents(referral: Referral, version: int, *, organisation: str, site: str) -> Contents:
    """Gather it from the signed version. Raises NoSuchReferral where that version was never signed."""
    opinion = referral.opinion_version(version)
    grade = (GRADES[opinion.agreement], FIRST_REPORT.get(opinion.first_report_read, ""))
    return Contents(
        alerts=_alerts(referral, opinion),
        organisation=clean(organisation),
        identity=_identity(referral.patient),
        case=_case(referral, opinion, site),
        question=_block("Question", referral.ask.question),
        answer=_block("Answer", opinion.answer),
        grade=Block("Agreement with the first report", tuple(line for line in grade if line)),
        number=0 if opinion.agreement is Agreement.CANNOT_COMPARE else int(opinion.agreement.value),
        blocks=tuple(
            _block(title, words)
            for title, words in (
                ("Findings", opinion.findings),
                ("Comparison", opinion.comparison),
                ("Impression", opinion.impression),
                ("Recommendation", opinion.recommendation),
                ("Limits", opinion.limits),
            )
            if words.strip()
        ),
        studies=Block("Studies reviewed", _studies(referral, opinion)),
        signature=(
            ("Signed by", clean(opinion.signed_by.name) or ABSENT),
            ("Organisation", clean(opinion.signed_by.organisation) or clean(organisation)),
            ("Signed at", moment(opinion.signed_at)),
        ),
        reference=f"Reference: {referral.id} version {version}",
        running=f"{referral.case_number} · version {version}",
        signed_at=opinion.signed_at.astimezone(UTC),
        version=version,
    )


def _alerts(referral: Referral, opinion: Opinion) -> tuple[str, ...]:
    """What a reader must know before anything else, the change of a later version first."""
    alerts: list[str] = []
    if referral.status is Status.IN_ERROR:
        why = next((event.reason for event in reversed(referral.history) if event.verb == "retract"), "")
        alerts.append(f"WITHDRAWN, entered in error: {one_line(why)}")
    if opinion.change is not None:
        done = {Change.CORRECTED: "CORRECTED", Change.APPENDED: "ADDED TO"}[opinion.change]
        change = f"{done}, version {opinion.version}: {one_line(opinion.change_reason)}"
        earlier = next((o for o in referral.opinions if o.version == opinion.version - 1), None)
        if earlier is not None:
            verb = "replaces" if opinion.change is Change.CORRECTED else "adds to"
            change += (
                f"\nIt {verb} version {earlier.version}, signed {moment(earlier.signed_at)}. Please read it again."
            )
        alerts.append(change)
    if opinion.critical:
        alerts.append("CRITICAL: the expert asks that a responsible clinician is told without delay.")
    return tuple(alerts)


def _identity(patient: Patient) -> tuple[Row, ...]:
    return (
        ("Patient", one_line(patient.formal_name) or ABSENT),
        ("Born", day(patient.birth_date) or ABSENT),
        ("Sex", one_line(patient.sex).capitalize() or ABSENT),
        ("MRN", one_line(patient.mrn) or ABSENT),
    )


def _case(referral: Referral, opinion: Opinion, site: str) -> tuple[Row, ...]:
    asked_by = dict.fromkeys((referral.requester.name, referral.requester.organisation, site))
    rows = (
        ("Case", f"{referral.case_number}, version {opinion.version}"),
        ("Asked by", one_line(", ".join(part for part in asked_by if part))),
        ("Asked about", _about(referral.ask)),
        ("Waiting on it", one_line(referral.ask.decision)),
        ("Identity", _vouched(referral)),
        ("Sent without", _overruled(referral)),
    )
    return tuple((label, value) for label, value in rows if value)


def _vouched(referral: Referral) -> str:
    """Who said that pictures that differ are this patient's, and how they know it; empty where nobody had to."""
    said = next((event for event in reversed(referral.history) if event.verb == "vouch"), None)
    if said is None:
        return ""
    differs = [row for row in referral.identity if row["result"] == "conflict"]
    on_images = ", ".join(f"{row['field']} {row['images'].replace('^', ' ')}" for row in differs)
    return one_line(
        f"The images differ from the chart ({on_images}). {said.by.name} let them in, {moment(said.at)}: {said.reason}"
    )


def _overruled(referral: Referral) -> str:
    """What a clinician went on without, with their reason; empty where nobody had to."""
    said = (f"{e.reason} ({e.by.name}, {moment(e.at)})" for e in referral.history if e.verb == "override")
    return one_line("; ".join(said))


def _about(ask: Ask) -> str:
    return " ".join(part for part in (SIDES[ask.side], one_line(ask.body_part)) if part)


def _studies(referral: Referral, opinion: Opinion) -> tuple[str, ...]:
    known = {study.study_instance_uid: study for study in referral.studies}
    lines = tuple(_study(known[uid]) if uid in known else f"Study {uid}" for uid in opinion.studies)
    return lines or (ABSENT.capitalize(),)


def _study(study: StudyNote) -> str:
    sides = dict.fromkeys(DICOM_SIDES[s.laterality] for s in study.series if s.laterality in DICOM_SIDES)
    series, images = len(study.series), study.instance_count
    parts = (
        day(study.started) or "date not recorded",
        one_line(study.description) or "no description",
        ", ".join(study.modalities),
        " and ".join(sides),
        one_line(study.institution),
        f"{series} series, {images} image{'' if images == 1 else 's'}" if series else "",
        "earlier study, for comparison" if study.comparison else "",
    )
    return "; ".join(part for part in parts if part)


def _block(title: str, words: str) -> Block:
    return Block(title, tuple(line.rstrip() for line in clean(words).strip().split("\n")))


def clean(words: str) -> str:
    """The same words without control characters, and without those that turn the direction of reading around."""
    composed = unicodedata.normalize("NFC", words.replace("\r\n", "\n").replace("\r", "\n").translate(_LINE_ENDS))
    kept = (c for c in composed if c == "\n" or (unicodedata.category(c) != "Cc" and c not in _TURNING))
    return "".join("\ufffd" if unicodedata.category(c) == "Cs" else c for c in kept)


def one_line(words: str) -> str:
    """The words on one line."""
    return " ".join(clean(words).split())


def day(iso: str) -> str:
    """An ISO date, whole or partial, with or without a time, as a person writes it: 14 Mar 1992. Else as it stands."""
    text = one_line(iso)
    try:
        parsed = date.fromisoformat(text[:10])
        return f"{parsed.day} {MONTHS[parsed.month - 1]} {parsed.year}"
    except ValueError:
        year, _, month = text.partition("-")
        if len(year) == 4 and year.isdigit() and month.isdigit() and 1 <= int(month) <= 12:
            return f"{MONTHS[int(month) - 1]} {year}"
        return text


def moment(at: datetime) -> str:
    """A time as a person writes it, in UTC: 5 Mar 2026, 14:22 UTC."""
    utc = at.astimezone(UTC)
    return f"{utc.day} {MONTHS[utc.month - 1]} {utc.year}, {utc:%H:%M} UTC"
