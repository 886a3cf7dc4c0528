"""What an upload finds besides pictures: reports in every form, harmful files, lists, text; and what holds it back."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest

from imaging.study import Person
from smart_app import offering, overruling, review, upload
from smart_app.case import Ask, Party, Side, Upload
from smart_app.gates import REPORT_SIDE
from smart_app.referral import NotYours, Referral, Status, Unfinished, WrongStatus
from smart_app.status import Stopped
from tests.discs import altered, directory, of
from tests.papers import HEIC, armed_pdf, in_dicom, locked_pdf, pdf, photo, structured
from tests.scanner import EICAR, listening
from tests.world import EXPERT, TICKED, WORDS, World

DOCTOR = Party("clinician", "Dr Ines Mockford", "Practitioner/1")
LEFT = Ask("Is the meniscus torn?", side=Side.LEFT, history="Pain.", subspecialty="musculoskeletal")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A product without network."""
    return World(tmp_path)


def give(world: World, referral: Referral, **files: bytes) -> Upload:
    """These files, given by the patient."""
    who = Party("patient", referral.patient.name, referral.patient.reference)
    named = [(name, io.BytesIO(content)) for name, content in files.items()]
    return upload.add_files(world.ports, who, referral.id, named)


def person(world: World, referral: Referral, **changes: str) -> Person:
    """The referral's patient, as an imaging centre writes them."""
    return replace(world.person(referral.patient), **changes)


def theirs(content: bytes, who: Person) -> bytes:
    """That object with this person on it."""
    return altered(
        content,
        PatientName=who.name,
        PatientBirthDate=who.birth_date.replace("-", ""),
        PatientSex=who.sex,
        PatientID=who.id,
    )


def staged(world: World, given: Upload) -> set[str]:
    """Names of the staged bytes."""
    return {path.name for path in (world.ports.staging / given.id).iterdir()}


def sent(world: World, referral: Referral) -> Referral:
    """Confirmed by the patient, sent, and stored by the worker."""
    who = Party("patient", referral.patient.name, referral.patient.reference)
    upload.confirm(world.ports, who, referral.id, mine=True)
    world.send(referral)
    world.work()
    return world.get(referral)


# -- reports -----------------------------------------------------------------------------------------------------


def test_staff_open_a_copy_that_cannot_act_and_the_original_is_kept(world: World) -> None:
    """A PDF with traps, a photo, a telephone's photo and a text: four reports, four safe copies."""
    referral = world.ask()
    text, armed = b"Findings: none.\nImpression: normal.\n", armed_pdf()
    given = give(
        world,
        referral,
        IM0=of(person(world, referral)),
        **{"a.pdf": armed, "b.jpg": photo(), "c.heic": HEIC, "d.txt": text},
    )
    assert upload.summary(given).counts == {"image": 1, "report": 4}
    after = sent(world, referral)
    kinds = [report.content_type for report in after.prior_reports]
    assert kinds == ["application/pdf", "image/jpeg", "image/jpeg", "text/plain"]
    shelf = world.ports.archive.shelf(referral.id)
    opened = [shelf.document(report.sha256)[0].read_bytes() for report in after.prior_reports]
    kept = [shelf.document(report.original)[0].read_bytes() for report in after.prior_reports]
    assert kept == [armed, photo(), HEIC, text]
    assert b"/JavaScript" not in opened[0]
    assert [content[:3] for content in opened[1:3]] == [b"\xff\xd8\xff"] * 2
    assert [report.size for report in after.prior_reports] == [len(content) for content in opened]


def test_a_locked_or_damaged_report_has_its_verdict_and_leaves_no_bytes(world: World) -> None:
    """It is told at once, while the patient can still do something about it."""
    referral = world.ask()
    given = give(world, referral, **{"a.pdf": locked_pdf("secret"), "b.pdf": b"%PDF-1.7", "c.jpg": b"\xff\xd8\xff\xe0"})
    assert {f.name: f.verdict for f in given.files} == {
        "a.pdf": "locked",
        "b.pdf": "unreadable",
        "c.jpg": "unreadable",
    }
    assert "take photos" in given.files[0].why
    assert staged(world, given) == set()
    assert "report" in upload.summary(given).gaps


def test_a_report_among_the_pictures_is_offered_and_taken_only_when_its_giver_says_so(world: World) -> None:
    """A PDF in a DICOM coat and a structured report; both stay pictures of the study, too."""
    referral = world.ask()
    me, who = person(world, referral), Party("patient", "x", referral.patient.reference)
    given = give(world, referral, A=of(me), B=theirs(in_dicom(), me), C=theirs(structured(), me))
    coat, tree = offering.offered(given)
    assert (coat.offer, tree.offer, upload.summary(given).gaps[-1]) == ("pdf", "sr", "report")
    offering.decide_offer(world.ports, who, referral.id, coat.key, taken=False)
    given = offering.decide_offer(world.ports, who, referral.id, tree.key, taken=True)
    assert offering.offered(given) == []
    assert "report" not in upload.summary(given).gaps
    assert upload.summary(given).counts == {"image": 3}
    with pytest.raises(Unfinished):
        offering.decide_offer(world.ports, who, referral.id, coat.key, taken=True)
    (report,) = sent(world, referral).prior_reports
    path, kind, _ = world.ports.archive.shelf(referral.id).document(report.sha256)
    assert (kind, report.sides) == ("text/plain", ("left",))
    assert b"medial meniscus" in path.read_bytes()


# -- the scanner -------------------------------------------------------------------------------------------------


def scanned(world: World, address: str) -> None:
    """The same installation with a scanner."""
    world.ports = replace(world.ports, settings=replace(world.ports.settings, scanner=address))


def test_what_the_scanner_stops_is_not_kept(world: World, tmp_path: Path) -> None:
    """A report and a PDF in a DICOM coat; pictures and clean reports pass."""
    referral = world.ask()
    me = person(world, referral)
    with listening(tmp_path) as (address, seen):
        scanned(world, address)
        given = give(
            world,
            referral,
            A=of(me),
            B=theirs(in_dicom(pdf() + EICAR), me),
            **{"c.pdf": pdf() + EICAR, "d.pdf": pdf()},
        )
    assert [f.verdict for f in given.files] == ["image", "unreadable", "unreadable", "report"]
    assert all("Eicar-Test" in f.why and not f.key for f in given.files[1:3])
    assert len(seen) == 3
    assert len(staged(world, given)) == 3  # the picture, the report, and the copy that staff open


def test_nothing_is_taken_while_the_scanner_is_silent(world: World, tmp_path: Path) -> None:
    """Nor left behind; pictures alone need no scanner."""
    referral = world.ask()
    scanned(world, f"unix:{tmp_path / 'nobody'}")
    with pytest.raises(Unfinished) as refused:
        give(world, referral, A=of(person(world, referral)), **{"r.pdf": pdf()})
    assert refused.value.fields == {"files": "unscanned"}
    who = Party("patient", "x", referral.patient.reference)
    given = upload.begin(world.ports, who, referral.id)
    assert (given.files, staged(world, given)) == ((), set())
    assert upload.summary(give(world, referral, A=of(person(world, referral)))).counts == {"image": 1}


# -- limits, lists, text -----------------------------------------------------------------------------------------


def test_limits_are_the_settings_and_a_refused_batch_leaves_nothing(world: World) -> None:
    """Counted over everything that was given for this referral."""
    referral = world.ask()
    world.ports = replace(world.ports, settings=replace(world.ports.settings, max_files=3))
    me = person(world, referral)
    give(world, referral, A=of(me), B=of(me, description="Other"))
    with pytest.raises(Exception, match="More than 3 files") as refused:
        give(world, referral, C=of(me, description="C"), D=of(me, description="D"))
    assert type(refused.value).__name__ == "UnsafeMedia"
    who = Party("patient", "x", referral.patient.reference)
    given = upload.begin(world.ports, who, referral.id)
    assert (len(given.files), len(staged(world, given))) == (2, 2)


def test_the_same_picture_again_takes_no_room(world: World) -> None:
    """A batch that is sent twice is counted, and its bytes are not kept twice."""
    referral = world.ask()
    me = person(world, referral)
    for _ in range(3):
        given = give(world, referral, A=of(me))
    assert upload.summary(given).counts == {"image": 1, "duplicate": 2}
    assert len(staged(world, given)) == 1


def test_what_a_disc_lists_is_remembered_over_batches(world: World) -> None:
    """The list comes in one batch, the pictures in others."""
    referral = world.ask()
    files = [content.getvalue() for _, content in world.images(person(world, referral), series=2)]
    give(world, referral, DICOMDIR=directory(files))
    given = give(world, referral, A=files[0])
    assert [(one.title, one.pictures) for one in given.listed] == [("Head CT 1", 2), ("Head CT 2", 2)]
    given = give(world, referral, **{f"F{n}": content for n, content in enumerate(files)})
    assert upload.summary(given).counts == {"directory": 1, "image": 4, "duplicate": 1}


def test_pictures_that_may_show_a_name_are_shown_to_their_giver_and_kept_as_they_are(world: World) -> None:
    """And the series carries the doubt with it, for whoever takes names out later."""
    referral = world.ask()
    me = person(world, referral)
    capture = altered(of(me, description="Screen"), Modality="SC", SOPClassUID="1.2.840.10008.5.1.4.1.1.7")
    given = give(world, referral, A=of(me), B=capture)
    ((series, key),) = offering.with_text(given)
    assert (series.risk, key) == ("capture", given.files[1].key)
    after = sent(world, referral)
    risks = {s.modality: s.burned_in for study in after.studies for s in study.series}
    assert risks == {"CT": "", "SC": "capture"}
    uid = str(pydicom.dcmread(io.BytesIO(capture)).SOPInstanceUID)
    shelf = world.ports.archive.shelf(referral.id)
    stored = [f for s in after.studies for f in shelf.instance_files(s.study_instance_uid) if f.sop_instance_uid == uid]
    assert stored[0].path.read_bytes() == capture


def test_nothing_of_another_person_leaves_the_staging_area(world: World) -> None:
    """Pictures, and the report among them that was offered: gone from the disk, and never in the archive."""
    referral = world.ask()
    me, other = person(world, referral), Person("Strangerson^Sam", "1951-01-02", "M", "X-9")
    who = Party("patient", "x", referral.patient.reference)
    given = give(world, referral, A=of(me), B=of(other, description="B"), C=theirs(in_dicom(), other))
    offering.decide_offer(world.ports, who, referral.id, offering.offered(given)[0].key, taken=True)
    given = upload.leave_out(world.ports, who, referral.id, 1)
    assert upload.summary(given).counts == {"image": 1, "someone-else": 2}
    assert staged(world, given) == {given.files[0].key}
    after = sent(world, referral)
    assert (len(after.studies), after.prior_reports) == (1, ())
    assert len(world.ports.archive.shelf(referral.id).studies()) == 1


# -- what holds it back ------------------------------------------------------------------------------------------


def test_a_report_of_the_other_side_stops_until_a_clinician_says_that_it_is_wrong(world: World) -> None:
    """The decision travels; the words of the opinion are then compared with question and headers only."""
    referral = world.ask(ask=LEFT)
    who = Party("patient", referral.patient.name, referral.patient.reference)
    give(world, referral, A=of(person(world, referral)), **{"r.pdf": pdf("MRI of the RIGHT knee.")})
    upload.confirm(world.ports, who, referral.id, mine=True)
    with pytest.raises(Stopped) as stopped:
        world.send(referral)
    assert (stopped.value.why, str(stopped.value)) == (
        REPORT_SIDE,
        "The question is about LEFT, and the report says RIGHT.",
    )
    with pytest.raises(NotYours):
        overruling.override(world.ports, who, referral.id, REPORT_SIDE, "mine")
    with pytest.raises(Unfinished):
        overruling.override(world.ports, DOCTOR, referral.id, REPORT_SIDE, " ")
    overruling.override(world.ports, DOCTOR, referral.id, REPORT_SIDE, "A slip of the first reader.")
    world.send(referral)
    world.work()
    review.accept(world.ports, EXPERT, referral.id)
    review.begin_reading(world.ports, EXPERT, referral.id)
    with pytest.raises(Unfinished) as refused:
        review.sign(world.ports, EXPERT, referral.id, {**WORDS, "impression": "RIGHT meniscus torn."}, TICKED)
    assert refused.value.fields == {"side": "disagrees", "first_report_read": "missing"}
    words = {**WORDS, "impression": "LEFT meniscus torn.", "first_report_read": "after"}
    signed = review.sign(world.ports, EXPERT, referral.id, words, TICKED)
    said = [event for event in signed.history if event.verb == "override"]
    assert [(event.by.name, event.reason) for event in said] == [
        ("Dr Ines Mockford", "report-side: A slip of the first reader.")
    ]


@pytest.mark.parametrize(
    ("asked", "letter", "report", "stopped"),
    [
        (Side.LEFT, "L", "left", ""),
        (Side.LEFT, "R", "left", "wrong-side"),
        (Side.NONE, "L", "right", REPORT_SIDE),
        (Side.NONE, "L", "left and right", ""),
        (Side.BILATERAL, "L", "left", ""),
    ],
)
def test_question_headers_and_report_are_compared(
    world: World, asked: Side, letter: str, report: str, stopped: str
) -> None:
    """Each pair; a clinician cannot overrule question against headers."""
    referral = world.ask(ask=replace(LEFT, side=asked))
    who = Party("patient", referral.patient.name, referral.patient.reference)
    picture = of(person(world, referral), laterality=letter)
    give(world, referral, A=picture, **{"r.pdf": pdf(f"MRI of the {report} knee.")})
    upload.confirm(world.ports, who, referral.id, mine=True)
    if not stopped:
        world.send(referral)
        return
    with pytest.raises(Stopped) as refused:
        world.send(referral)
    assert refused.value.why == stopped
    if stopped == "wrong-side":
        with pytest.raises(WrongStatus):
            overruling.override(world.ports, DOCTOR, referral.id, REPORT_SIDE, "x")


def test_an_earlier_study_of_the_other_side_does_not_speak_for_the_new_one(world: World) -> None:
    """The newest study that names a side is compared, not any of them."""
    referral = world.ask(ask=LEFT)
    me, who = person(world, referral), Party("patient", referral.patient.name, referral.patient.reference)
    old = of(me, laterality="L", study_date="2020-01-01", description="Old")
    give(world, referral, A=of(me, laterality="R"), B=old)
    upload.confirm(world.ports, who, referral.id, mine=True)
    with pytest.raises(Stopped) as refused:
        world.send(referral)
    assert refused.value.why == "wrong-side"


def test_a_blocking_gap_holds_until_it_is_filled_or_overruled(world: World) -> None:
    """A breast case without a mammogram; the clinician's reason stands in the history that the expert reads."""
    referral = world.ask(ask=replace(LEFT, subspecialty="breast"))
    who = Party("patient", referral.patient.name, referral.patient.reference)
    give(world, referral, A=of(person(world, referral), modality="MR"))
    upload.confirm(world.ports, who, referral.id, mine=True)
    with pytest.raises(Unfinished) as refused:
        world.send(referral)
    assert refused.value.fields == {"complete": "missing"}
    assert world.get(referral).status is Status.GATHERING
    with pytest.raises(WrongStatus):
        overruling.override(world.ports, DOCTOR, referral.id, "first-report", "only a block can be overruled")
    overruling.override(world.ports, DOCTOR, referral.id, "breast-mammogram", "Only the MRI is in question.")
    world.send(referral)
    world.work()
    assert world.get(referral).status is Status.SENT
    with pytest.raises(WrongStatus):
        overruling.override(world.ports, DOCTOR, referral.id, "breast-mammogram", "too late")
