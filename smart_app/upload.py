"""The patient's three steps: tell us, show us, check and send. Every file is accounted for; nothing is sent unasked."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import BinaryIO

from imaging.errors import ScannerUnavailable
from imaging.media import Verdict
from smart_app.case import Party, PersonSeen, Upload
from smart_app.gates import TWO_PEOPLE, comparison_rows, gate, people_present, reports_given, same_person
from smart_app.ports import Ports
from smart_app.referral import Referral, StaleReferral, Status, Unfinished, WrongStatus
from smart_app.staging import Judged, forget, joined, read_text, rules, stage
from smart_app.status import Stopped

TRIES = 5


@dataclass(frozen=True)
class Summary:
    """What an upload holds: counts per verdict that add up to the files given, people, studies, and what is missing.

    `gaps` names what is absent: "images", "report", "confirmation".
    """

    counts: dict[str, int]
    people: tuple[PersonSeen, ...]
    studies: int
    series: int
    gaps: tuple[str, ...]

    @property
    def given(self) -> int:
        """Files given so far."""
        return sum(self.counts.values())


def begin(ports: Ports, who: Party, referral_id: str) -> Upload:
    """The upload of this referral, made at the first call. Raises WrongStatus once it was sent."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        standing = tx.uploads.of_referral(referral_id)
        if standing is not None:
            return standing
        if referral.status is not Status.GATHERING:
            raise WrongStatus("The images of this referral were sent already.")
        upload = Upload(str(uuid.uuid4()), referral_id)
        tx.uploads.add(upload)
        tx.audit.write(ports.now(), who, "begin-upload", referral_id, "upload")
    return upload


def add_files(ports: Ports, who: Party, referral_id: str, files: Iterable[tuple[str, BinaryIO]]) -> Upload:
    """Stage and judge each file; a ZIP counts as the files in it. Raises UnsafeMedia naming the limit.

    The same picture given twice is counted as already here. Bytes lie under names of ours; `name` is only shown.
    """
    upload = begin(ports, who, referral_id)
    _must_be_open(upload)
    folder = ports.staging / upload.id
    folder.mkdir(parents=True, exist_ok=True)
    _must_fit(ports, upload)
    standing = rules(ports.settings, upload.files)
    judged: list[Judged] = []
    try:
        for name, stream in files:
            judged += stage(folder, name, stream, standing.after(judged))
        if ports.settings.ocr:
            known = {one.series_instance_uid for one in upload.series}
            judged = read_text(folder, judged, known, ports.settings.ocr)
        grown = _join(ports, who, referral_id, judged)
    except BaseException as problem:
        for one in judged:
            forget(folder, one.file)
        if isinstance(problem, ScannerUnavailable):
            raise Unfinished(str(problem), files="unscanned") from problem
        raise
    kept = {file.key for file in grown.files}
    for one in judged:
        if one.file.key not in kept:
            forget(folder, one.file)
    return grown


def _join(ports: Ports, who: Party, referral_id: str, judged: list[Judged]) -> Upload:
    """Add to whatever other batches have added meanwhile."""
    for attempt in range(TRIES):
        try:
            with ports.store.transaction() as tx:
                upload = tx.uploads.of_referral(referral_id)
                assert upload is not None
                _must_be_open(upload)
                grown = _grow(upload, judged)
                tx.uploads.save(grown)
                tx.audit.write(ports.now(), who, "give-files", referral_id, f"{len(judged)} files")
            return grown
        except StaleReferral:
            if attempt == TRIES - 1:
                raise
    raise AssertionError("unreachable")


def _grow(upload: Upload, judged: list[Judged]) -> Upload:
    people = list(upload.people)
    files = list(upload.files)
    here = {f.sop_instance_uid: f.sha256 for f in files if f.sop_instance_uid and f.verdict == Verdict.IMAGE}
    series = {one.series_instance_uid: one for one in upload.series}
    for one in judged:
        person, kept = one.person, one.file
        if person is not None and person not in people:
            people.append(person)
        index = people.index(person) if person is not None else -1
        verdict, why = kept.verdict, kept.why
        if verdict == Verdict.IMAGE and kept.sop_instance_uid in here:
            same = here[kept.sop_instance_uid] == kept.sha256
            kept = replace(kept, key="")
            verdict = (Verdict.DUPLICATE if same else Verdict.UNREADABLE).value
            why = "" if same else "Another picture carries the same number (SOP Instance UID)."
        elif verdict == Verdict.IMAGE:
            here[kept.sop_instance_uid] = kept.sha256
            if one.series is not None:
                uid = one.series.series_instance_uid
                series[uid] = joined(series[uid], one.series) if uid in series else one.series
        files.append(replace(kept, person=index, verdict=verdict, why=why))
    listed = {one.series_instance_uid: one for one in (*upload.listed, *(x for one in judged for x in one.listed))}
    confirmed = upload.confirmed if tuple(people) == upload.people else None
    stopped = "" if upload.stopped == "wrong-patient" else upload.stopped
    return replace(
        upload,
        people=tuple(people),
        files=tuple(files),
        confirmed=confirmed,
        stopped=stopped,
        series=tuple(series.values()),
        listed=tuple(listed.values()),
    )


def leave_out(ports: Ports, who: Party, referral_id: str, person: int) -> Upload:
    """Somebody else's pictures are left out and their bytes removed; the count stays."""
    with ports.store.transaction() as tx:
        upload = _open_upload(tx.uploads.of_referral(referral_id))
        out = {n for n, seen in enumerate(upload.people) if n == person or same_person(upload.people[person], seen)}
        removed = [f for f in upload.files if f.person in out and f.key]
        files = tuple(
            replace(f, verdict=Verdict.SOMEONE_ELSE.value, key="", clean="", offer="") if f in removed else f
            for f in upload.files
        )
        upload = replace(upload, files=files, stopped="", confirmed=None)
        tx.uploads.save(upload)
        tx.audit.write(ports.now(), who, "leave-out", referral_id, f"{len(removed)} files", "somebody else's")
    for file in removed:
        forget(ports.staging / upload.id, file)
    return upload


def confirm(ports: Ports, who: Party, referral_id: str, *, mine: bool) -> Upload:
    """ "Is that you?" Yes is said of exactly the person shown; no removes the pictures. Raises Stopped for two."""
    with ports.store.transaction() as tx:
        upload = _open_upload(tx.uploads.of_referral(referral_id))
        present = people_present(upload)
        if len(present) > 1:
            raise Stopped(TWO_PEOPLE, "two-people")
        if not present:
            raise Unfinished("Add your pictures first.", files="missing")
        if mine:
            upload = replace(upload, confirmed=present[0])
        tx.uploads.save(upload)
        tx.audit.write(ports.now(), who, "confirm-mine" if mine else "deny-mine", referral_id, "upload")
    if not mine:
        return leave_out(ports, who, referral_id, upload.people.index(present[0]))
    return upload


def summary(upload: Upload) -> Summary:
    """What we have and what is missing, for the page and for programs."""
    images = [f for f in upload.files if f.verdict == Verdict.IMAGE]
    gaps = []
    if not images:
        gaps.append("images")
    elif upload.confirmed is None:
        gaps.append("confirmation")
    if not reports_given(upload):
        gaps.append("report")
    return Summary(
        counts=dict(Counter(f.verdict for f in upload.files)),
        people=people_present(upload),
        studies=len({f.study_instance_uid for f in images}),
        series=len({f.series_instance_uid for f in images}),
        gaps=tuple(gaps),
    )


def send(ports: Ports, who: Party, referral_id: str) -> Referral:
    """Pass every gate, then owe the storing. Raises Stopped, Unfinished; nothing leaves before.

    A conflict stops here and is kept for staff to see; the sender learns only what stands on the images.
    """
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        upload = _open_upload(tx.uploads.of_referral(referral_id))
        stop = gate(referral, upload, ports.now().date())
        if isinstance(stop, Stopped):
            tx.uploads.save(replace(upload, stopped=stop.why, comparison=comparison_rows(referral, upload)))
            tx.audit.write(ports.now(), who, "stop", referral_id, "upload", stop.why)
        else:
            tx.uploads.save(replace(upload, step="sent", comparison=comparison_rows(referral, upload), stopped=""))
            tx.audit.write(ports.now(), who, "send", referral_id, f"{_images(upload)} images")
            tx.outbox.owe(referral_id, "store_images", due=ports.now())
    if isinstance(stop, Stopped):
        raise stop
    return referral


def _images(upload: Upload) -> int:
    return sum(1 for f in upload.files if f.verdict == Verdict.IMAGE)


def _must_fit(ports: Ports, upload: Upload) -> None:
    held = sum(f.size for f in upload.files if f.key)
    if held > ports.settings.max_upload_mb * 1_000_000:
        raise Unfinished(
            f"This is more than {ports.settings.max_upload_mb} MB. Call us, and we will find another way.",
            files="too-large",
        )


def _open_upload(upload: Upload | None) -> Upload:
    if upload is None:
        raise Unfinished("Add your pictures first.", files="missing")
    _must_be_open(upload)
    return upload


def _must_be_open(upload: Upload) -> None:
    if upload.step == "sent":
        raise WrongStatus("These pictures were sent already.")
