"""What was found among the pictures and is shown to their giver: a report to take or not, and text printed into them.

Rule: a report found is offered, never taken for the first report unasked. Pictures with text are shown and kept as they
are: nothing is painted over in what may be the only copy (safety rule 7).
"""

from __future__ import annotations

from dataclasses import replace

from imaging.errors import BadPaper, Infected, ScannerUnavailable
from imaging.media import Verdict
from smart_app.case import FoundFile, Party, SeriesSeen, Upload
from smart_app.gates import REPORT_SIDE
from smart_app.ports import Ports
from smart_app.referral import Unfinished, WrongStatus
from smart_app.staging import forget, take_offer
from smart_app.store import Transaction

TAKEN_OUT = "Taken out by whoever gave it."


def offered(upload: Upload) -> list[FoundFile]:
    """Pictures that may be the first report, not decided on yet."""
    return [f for f in upload.files if f.offer in ("pdf", "sr") and f.verdict == Verdict.IMAGE]


def decide_offer(ports: Ports, who: Party, referral_id: str, key: str, *, taken: bool) -> Upload:
    """ "Is this the report?" Yes makes the copy that staff open; no leaves it a picture. Raises Unfinished."""
    with ports.store.reading() as tx:
        upload = _open(tx, referral_id)
    found = next((f for f in offered(upload) if f.key == key), None)
    if found is None:
        raise Unfinished("There is no such report any more.", offer="missing")
    try:
        folder, scanner = ports.staging / upload.id, ports.settings.scanner
        decided = take_offer(folder, found, scanner) if taken else replace(found, offer="")
    except (BadPaper, Infected, ScannerUnavailable) as problem:
        raise Unfinished(str(problem), offer="unreadable") from problem
    with ports.store.transaction() as tx:
        upload = _open(tx, referral_id)
        files = tuple(replace(decided, person=f.person) if f.key == key else f for f in upload.files)
        upload = replace(upload, files=files)
        tx.uploads.save(upload)
        tx.audit.write(ports.now(), who, "take-report" if taken else "refuse-report", referral_id, "upload")
    return upload


def leave_out_reports(ports: Ports, who: Party, referral_id: str) -> Upload:
    """The reports are the wrong ones: their bytes are removed, the count stays. Raises WrongStatus."""
    with ports.store.transaction() as tx:
        upload = _open(tx, referral_id)
        out = [f for f in upload.files if f.verdict == Verdict.REPORT]
        files = tuple(
            replace(f, verdict=Verdict.NOT_AN_IMAGE.value, why=TAKEN_OUT, key="", clean="", sides=())
            if f in out
            else replace(f, offer="", clean="", sides=())
            if f.offer == "taken"
            else f
            for f in upload.files
        )
        upload = replace(upload, files=files, stopped="" if upload.stopped == REPORT_SIDE else upload.stopped)
        tx.uploads.save(upload)
        tx.audit.write(ports.now(), who, "leave-out-reports", referral_id, f"{len(out)} files")
    for file in out:
        forget(ports.staging / upload.id, file)
    return upload


def with_text(upload: Upload) -> list[tuple[SeriesSeen, str]]:
    """Series that may have names printed into them, each with the key of one staged picture to show."""
    shown: dict[str, str] = {}
    for file in upload.files:
        if file.verdict == Verdict.IMAGE:
            shown.setdefault(file.series_instance_uid, file.key)
    return [
        (one, shown[one.series_instance_uid]) for one in upload.series if one.risk and one.series_instance_uid in shown
    ]


def _open(tx: Transaction, referral_id: str) -> Upload:
    upload = tx.uploads.of_referral(referral_id)
    if upload is None or upload.step == "sent":
        raise WrongStatus("These pictures were sent already.")
    return upload
