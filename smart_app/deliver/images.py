"""Given files into the archive, every one accounted for. Stored bytes are the original bytes."""

from __future__ import annotations

import shutil
from pathlib import Path

from imaging.archive import Shelf
from imaging.study import NOT_PICTURES, Study
from smart_app.case import FoundFile, PriorReport, SeriesNote, StudyNote, Upload
from smart_app.deliver.outcome import SYSTEM, Done, Outcome, Parked
from smart_app.ports import Ports
from smart_app.referral import Status
from smart_app.store import Owed


def store_images(ports: Ports, owed: Owed) -> Outcome:
    """Store what was given, count it again in the archive, and send the referral on."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
        upload = tx.uploads.of_referral(referral.id)
    if referral.status is not Status.GATHERING or upload is None:
        return Done("The images are stored.")
    shelf = ports.archive.shelf(referral.id)
    folder = ports.staging / upload.id
    images = [f for f in upload.files if f.verdict == "image"]
    for put in shelf.put_all((folder / found.key).open("rb") for found in images):
        if put.outcome == "conflict":
            return Parked(
                "Two different pictures carry the same number (SOP Instance UID). "
                "Ask the imaging centre which one is right; nothing was sent."
            )
    risks = {one.series_instance_uid: one.risk for one in upload.series}
    studies = study_notes(shelf.studies(ports.directory.site(referral.site).timezone), risks)
    held = {uid for study in studies for series in study.series for uid, _, _ in series.instances}
    missing = sum(1 for found in images if found.sop_instance_uid not in held)
    if missing:
        return Parked(f"{missing} of {len(images)} pictures did not reach the archive. Send again.")
    reports = _reports(shelf, upload, ports)
    with ports.store.transaction() as tx:
        now = ports.now()
        referral = tx.referrals.get(referral.id).send(SYSTEM, now, studies, reports, upload.comparison)
        tx.referrals.save(referral)
        tx.audit.write(now, SYSTEM, "store", referral.id, f"{len(held)} images", "counted in the archive")
        tx.outbox.owe(referral.id, "notify_expert", due=now, why="new")
        tx.outbox.owe(referral.id, "mirror_referral", due=now)
        tx.outbox.done(owed.id, f"{len(held)} images stored.")
    shutil.rmtree(folder, ignore_errors=True)
    return Done(f"{len(held)} images stored.")


def _reports(shelf: Shelf, upload: Upload, ports: Ports) -> tuple[PriorReport, ...]:
    """The reports in the copies that staff may open; beside each the bytes as they were given, which nobody opens."""
    reports = []
    given = [f for f in upload.files if f.verdict == "report" or (f.offer == "taken" and f.verdict == "image")]
    for number, found in enumerate(given, start=1):
        title, folder = f"Report {number}", ports.staging / upload.id
        original = "" if found.offer else _kept(shelf, folder / found.key, _kind(found), title)
        if not found.clean:  # given before copies were made
            reports.append(PriorReport(title, _kind(found), original, found.size))
            continue
        digest = _kept(shelf, folder / found.clean, found.kind, title)
        size = (folder / found.clean).stat().st_size
        reports.append(PriorReport(title, found.kind, digest, size, found.sides, original))
    return tuple(reports)


def _kept(shelf: Shelf, path: Path, kind: str, title: str) -> str:
    with path.open("rb") as stream:
        return shelf.put_document(stream, kind, title)


def _kind(found: FoundFile) -> str:
    return found.why or "application/octet-stream"


def study_notes(studies: list[Study], risks: dict[str, str]) -> tuple[StudyNote, ...]:
    """The newest study is the one asked about; the others are there to compare with."""
    ordered = sorted(studies, key=lambda s: s.started or s.date or "", reverse=True)
    return tuple(
        StudyNote(
            study_instance_uid=study.study_instance_uid,
            started=study.started,
            description=study.description,
            accession=study.accession,
            institution=study.institution,
            accession_issuer=study.accession_issuer,
            referring=study.referring,
            interpreter=study.interpreter,
            reason=study.reason,
            procedures=study.procedures,
            modalities=tuple(study.modalities),
            series=tuple(
                SeriesNote(
                    series_instance_uid=series.series_instance_uid,
                    modality=series.modality,
                    number=series.number,
                    description=series.description,
                    body_part=series.body_part,
                    laterality=series.laterality,
                    instances=tuple(series.instances),
                    started=series.started,
                    performer=series.performer,
                    region=series.region,
                    titles=series.titles if series.modality in NOT_PICTURES else (),
                    burned_in=risks.get(series.series_instance_uid, ""),
                )
                for series in study.series
            ),
            comparison=position > 0,
        )
        for position, study in enumerate(ordered)
    )
