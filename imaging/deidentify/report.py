"""What was done, for a program and for a person at a terminal. Nothing in it tells a patient."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from imaging.deidentify.gate import MAY_BE_RELEASED, REASONS
from imaging.deidentify.outcome import Outcome, Quarantined
from imaging.verdict import Verdict

STANDARD = "DICOM PS3.15 2026c, table E.1-1"


def as_json(outcome: Outcome) -> dict[str, Any]:
    """Plain JSON: `verdicts` add up to `files`, `instances_out` is what is in the folder now of what was given."""
    codes = [{"code": code, "meaning": meaning} for code, meaning in outcome.profile.codes]
    verdicts = {verdict: count for verdict, count in sorted(outcome.counts.items()) if count}
    return {
        "complete": outcome.complete,
        "profile": outcome.profile.name,
        "standard": STANDARD,
        "options": codes,
        "files": sum(verdicts.values()),
        "verdicts": verdicts,
        "instances_out": len(outcome.released),
        "studies": _studies(outcome),
        "quarantined": [_quarantined(one) for one in outcome.quarantined],
        "findings": list(_findings(outcome)),
    }


def _studies(outcome: Outcome) -> list[dict[str, Any]]:
    studies: dict[tuple[str, str], Counter[tuple[str, str]]] = {}
    for one in outcome.released:
        series = studies.setdefault((one.study_instance_uid, one.pseudonym), Counter())
        series[one.series_instance_uid, one.modality] += 1
    return [
        {
            "study_instance_uid": study,
            "patient": {"id": pseudonym},
            "series": [
                {"series_instance_uid": uid, "modality": modality, "instances": count}
                for (uid, modality), count in series.items()
            ],
        }
        for (study, pseudonym), series in studies.items()
    ]


def _quarantined(one: Quarantined) -> dict[str, Any]:
    found = [{"kind": leak.kind, "tag": leak.tag} for leak in one.leaks]
    return {
        "file": one.number,
        "reason": one.reason,
        "text": REASONS[one.reason],
        "modality": one.modality,
        "study_instance_uid": one.study_instance_uid,
        "sop_instance_uid": one.sop_instance_uid,
        **({"found": found} if found else {}),
    }


LOSSES = {
    "quarantined": "{n} of {of} files were set aside, and are not in the output: see the list.",
    "unreadable": "{n} of {of} files could not be read. Ask the imaging centre for a new copy.",
    "locked": "{n} of {of} files are locked. The password is on the sleeve or from the imaging centre.",
    "too-large": "{n} of {of} files are too large.",
    Verdict.REPORT.value: "{n} of {of} files are reports or photos. They cannot be cleaned by rules and were left out.",
}
NOTES = {
    "cleaned-before": ("warn", "{n} pictures say that somebody de-identified them before. They were cleaned again."),
    "shifted-before": ("warn", "In {n} pictures the dates had been moved before; they were moved once more."),
    "nameless": ("warn", "{n} pictures named no person: nobody could look for that person's name in them."),
    "namesakes": (
        "info",
        "{n} patients have the name and birth date of another, and another number. They were kept apart.",
    ),
    "heads": ("info", "{n} pictures are slices of heads. A face can be rebuilt from them; that was not prevented."),
    "looked-at": ("info", "{n} pictures came out because a person looked at them."),
}


def _findings(outcome: Outcome) -> Iterator[dict[str, str]]:
    files = sum(outcome.counts.values())
    if not outcome.released:
        yield _finding("no-images", "block", "No DICOM image came out of these files.")
    for verdict, text in LOSSES.items():
        if outcome.counts[verdict]:
            yield _finding(verdict, "warn", text.format(n=outcome.counts[verdict], of=files))
    for rule, (severity, text) in NOTES.items():
        if outcome.notes[rule]:
            yield _finding(rule, severity, text.format(n=outcome.notes[rule]))
    patients = len({one.pseudonym for one in outcome.released})
    if patients > 1:
        yield _finding(
            "patients", "info", f"{patients} patients, each with a number and a shift of dates of their own."
        )


def _finding(rule: str, severity: str, text: str) -> dict[str, str]:
    return {"rule": rule, "severity": severity, "text": text}


def in_words(report: dict[str, Any]) -> str:
    """The same for a person at a terminal."""
    lines = []
    for study in report["studies"]:
        kinds = ", ".join(f"{s['modality'] or 'series'}: {s['instances']}" for s in study["series"])
        lines.append(f"{study['patient']['id']}: one study ({kinds})")
    counted = ", ".join(f"{count} {verdict}" for verdict, count in report["verdicts"].items())
    lines.append(f"{report['files']} files: {counted or 'none'}")
    lines.append(f"Profile {report['profile']}: {'; '.join(code['meaning'] for code in report['options'])}")
    reasons = Counter(one["reason"] for one in report["quarantined"])
    for reason, count in reasons.items():
        numbers = ", ".join(str(one["file"]) for one in report["quarantined"] if one["reason"] == reason)
        lines.append(f"set aside, {count}: {REASONS[reason]} Files no. {_short(numbers)}")
        if reason in MAY_BE_RELEASED:
            lines.append("  To let one out after looking at it, see --looked-at.")
    lines.extend(f"{finding['severity']}: {finding['text']}" for finding in report["findings"])
    return "\n".join(lines)


def _short(text: str, length: int = 100) -> str:
    return text if len(text) <= length else text[:length].rpartition(",")[0] + ", ..."
