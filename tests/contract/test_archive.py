"""What every archive must do, tried on the embedded one."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import threading
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import generate_frames

from imaging.archive import Archive, Put, Shelf, open_archive, storing
from imaging.errors import NotDicom, NotHere
from imaging.phantom import ct_study
from imaging.study import Person
from tests.discs import altered, deflated, encapsulated

WHO = Person("Müller^José", "1990-02-03", "M", "X-1", name_groups=("山田^花子",))
FILES = ct_study(WHO, study_date="2026-11-03", description="Head CT", series=2, slices=3)


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A new archive."""
    archive = open_archive(f"file:{tmp_path / 'archive'}")
    yield archive
    archive.close()


@pytest.fixture
def shelf(archive: Archive) -> Shelf:
    """One owner's shelf with one study."""
    shelf = archive.shelf("case-1")
    for content in FILES:
        assert shelf.put(io.BytesIO(content)).outcome == "stored"
    return shelf


def test_stored_bytes_are_the_original_bytes(shelf: Shelf) -> None:
    """No byte and no UID changes."""
    study = shelf.studies()[0]
    files = shelf.instance_files(study.study_instance_uid)
    assert {f.sha256 for f in files} == {hashlib.sha256(c).hexdigest() for c in FILES}
    assert {f.path.read_bytes() for f in files} == set(FILES)


def test_the_same_picture_again_changes_nothing(shelf: Shelf) -> None:
    """Storing is repeated after a power cut."""
    assert shelf.put(io.BytesIO(FILES[0])).outcome == "already-here"
    assert sum(len(s.instances) for s in shelf.studies()[0].series) == len(FILES)


def test_the_same_number_with_other_content_is_a_conflict_and_replaces_nothing(shelf: Shelf) -> None:
    """Nobody can overwrite a picture in silence."""
    changed = FILES[0][:-2] + b"zz"
    assert shelf.put(io.BytesIO(changed)).outcome == "conflict"
    study = shelf.studies()[0]
    assert hashlib.sha256(changed).hexdigest() not in {f.sha256 for f in shelf.instance_files(study.study_instance_uid)}


def test_shelves_know_nothing_of_each_other(archive: Archive, shelf: Shelf) -> None:
    """The same study of two owners lives twice, and neither sees nor blocks the other."""
    other = archive.shelf("case-2")
    study = shelf.studies()[0]
    assert other.studies() == []
    with pytest.raises(NotHere):
        other.instance_files(study.study_instance_uid)
    assert other.put(io.BytesIO(FILES[0][:-2] + b"zz")).outcome == "stored"


def test_studies_series_and_instances_are_found(shelf: Shelf) -> None:
    """QIDO on each level."""
    study = shelf.search_for_studies({"PatientID": "X-1"})[0]
    assert study["00100010"]["Value"] == [{"Alphabetic": "Müller^José", "Ideographic": "山田^花子"}]
    assert study["00080030"]["Value"] == ["093000"]
    assert study["00201208"]["Value"] == [6]
    uid = study["0020000D"]["Value"][0]
    assert [s["00201209"]["Value"] for s in shelf.search_for_series(uid)] == [[3], [3]]
    assert len(shelf.search_for_instances(uid, limit=4, offset=3)) == 3


def test_metadata_names_pixels_instead_of_carrying_them(shelf: Shelf) -> None:
    """DICOM JSON made once, at ingest."""
    study = shelf.studies()[0]
    texts = list(shelf.metadata_text(study.study_instance_uid, study.series[0].series_instance_uid))
    assert len(texts) == 3
    first = json.loads(texts[0])
    assert first["7FE00010"] == {"vr": "OW", "BulkDataURI": "{bulk}/7FE00010"}
    assert first["00100010"]["Value"] == [{"Alphabetic": "Müller^José", "Ideographic": "山田^花子"}]


def _public_files(shared: Path) -> list[Path]:
    own = Path(pydicom.__file__).parent / "data" / "test_files"
    return [*sorted(own.rglob("*.dcm")), *sorted((shared / "data" / "dicom").rglob("*.dcm"))]


@pytest.mark.filterwarnings("ignore")  # pydicom warns about the odd files that this is about
def test_frames_of_every_public_file_are_those_that_pydicom_cuts(archive: Archive, shared: Path) -> None:
    """Native and encapsulated, one frame and many: ranges of the stored file equal pydicom's frames."""
    compared = 0
    for number, path in enumerate(_public_files(shared)):
        shelf = archive.shelf(str(number))
        try:
            whole = pydicom.dcmread(path, force=True)
            with path.open("rb") as stream:
                put = shelf.put(stream)
            pixels = whole.PixelData
            count = int(whole.get("NumberOfFrames", 1) or 1)
        except (NotDicom, AttributeError, ValueError):
            continue
        study = shelf.studies()[0]
        where = (study.study_instance_uid, study.series[0].series_instance_uid, put.sop_instance_uid)
        try:
            frames = [b"".join(r.chunks()) for r in shelf.frames(*where, list(range(1, count + 1)))]
        except NotHere:
            continue  # deflated, or a broken file that cannot be cut
        if whole.file_meta.TransferSyntaxUID.is_encapsulated:
            assert frames == list(generate_frames(pixels, number_of_frames=count)), path.name
        else:
            assert b"".join(frames) == pixels[: sum(map(len, frames))], path.name
        compared += 1
    assert compared >= 90


def test_a_frame_that_is_not_there_is_said_so(shelf: Shelf) -> None:
    """Frames count from one."""
    study = shelf.studies()[0]
    series = study.series[0]
    where = (study.study_instance_uid, series.series_instance_uid, series.instances[0][0])
    assert shelf.frames(*where, [1])[0].length == 128 * 128 * 2
    for number in (0, 2):
        with pytest.raises(NotHere):
            shelf.frames(*where, [number])


def test_many_threads_store_at_once_and_nothing_is_lost(archive: Archive) -> None:
    """Waitress threads and a worker share one archive."""
    shelf = archive.shelf("busy")
    files = ct_study(WHO, study_date="2026-11-04", description="Busy", series=1, slices=24, size=16)
    threads = [
        threading.Thread(target=lambda part=part: [shelf.put(io.BytesIO(c)) for c in files[part::4] + files[:6]])
        for part in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(shelf.studies()[0].series[0].instances) == 24


def test_reports_are_kept_under_their_hash(shelf: Shelf, archive: Archive) -> None:
    """And only for their owner."""
    digest = shelf.put_document(io.BytesIO(b"%PDF-1.7 words"), "application/pdf", "Report 1")
    path, kind, title = shelf.document(digest)
    assert (path.read_bytes(), kind, title) == (b"%PDF-1.7 words", "application/pdf", "Report 1")
    with pytest.raises(NotHere):
        archive.shelf("case-2").document(digest)


def test_a_deleted_study_is_gone_with_its_bytes(shelf: Shelf) -> None:
    """Rows first, then files."""
    study = shelf.studies()[0]
    files = shelf.instance_files(study.study_instance_uid)
    shelf.delete_study(study.study_instance_uid)
    assert shelf.studies() == []
    assert not any(f.path.exists() for f in files)


def put_part(place: str, files: list[bytes]) -> None:
    """Another process stores these."""
    archive = open_archive(place)
    shelf = archive.shelf("busy")
    for content in files:
        shelf.put(io.BytesIO(content))
    archive.close()


def test_two_processes_store_at_once_and_nothing_is_lost(tmp_path: Path) -> None:
    """The worker stores while the web reads; both open a new archive at the same moment."""
    files = ct_study(WHO, study_date="2026-11-04", description="Busy", series=1, slices=24, size=16)
    place = str(tmp_path / "archive")
    context = multiprocessing.get_context("spawn")
    parts = [files[:16], files[8:]]
    processes = [context.Process(target=put_part, args=(place, part)) for part in parts]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    archive = open_archive(place)
    assert len(archive.shelf("busy").studies()[0].series[0].instances) == 24
    archive.close()


def test_what_was_kept_apart_is_told(shelf: Shelf) -> None:
    """With the number that was claimed twice, once per content."""
    changed = FILES[0][:-2] + b"zz"
    for _ in range(2):
        put = shelf.put(io.BytesIO(changed))
        assert put.outcome == "conflict"
    (conflict,) = shelf.conflicts()
    assert (conflict.sop_instance_uid, conflict.sha256) == (put.sop_instance_uid, hashlib.sha256(changed).hexdigest())
    assert conflict.study_instance_uid == shelf.studies()[0].study_instance_uid


def test_what_is_no_dicom_is_refused_and_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    """Not even a draft."""
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(NotDicom):
        shelf.put(io.BytesIO(b"no picture" * 100))
    assert sorted(p for p in tmp_path.rglob("*") if p.suffix not in {".db-wal", ".db-shm"}) == [
        p for p in before if p.suffix not in {".db-wal", ".db-shm"}
    ]


def where(shelf: Shelf, series: int = 0, instance: int = 0) -> tuple[str, str, str]:
    """The three UIDs of one stored instance."""
    study = shelf.studies()[0]
    chosen = study.series[series]
    return study.study_instance_uid, chosen.series_instance_uid, chosen.instances[instance][0]


@pytest.mark.parametrize(("fragments", "table"), [(1, True), (3, True), (1, False), (3, False)])
def test_frames_are_found_with_and_without_an_offset_table(archive: Archive, fragments: int, table: bool) -> None:
    """Whole frames in one or several fragments; without a table by the ends of the compressed pictures."""
    frames = [b"\xff\xd8" + bytes([n]) * (40 + 2 * n) + b"\xff\xd9" for n in range(1, 5)]
    shelf = archive.shelf("frames")
    shelf.put(io.BytesIO(encapsulated(frames, fragments=fragments, table=table)))
    found = shelf.retrieve_instance_frames(*where(shelf), [4, 1, 2, 3])
    assert [f.rstrip(b"\0") for f in found] == [frames[3], *frames[:3]]


def test_frames_that_cannot_be_told_apart_are_not_guessed(archive: Archive) -> None:
    """Fragments without a table and without ends: no answer is better than half a picture."""
    shelf = archive.shelf("frames")
    shelf.put(io.BytesIO(encapsulated([b"a" * 40, b"b" * 40], fragments=2, table=False)))
    with pytest.raises(NotHere):
        shelf.frames(*where(shelf), [1])


def test_a_fragment_that_belongs_to_no_frame_is_not_left_out(archive: Archive) -> None:
    """Two ends, two frames, and something after them: who knows to which it belongs."""
    content = encapsulated([b"\xff\xd8a\xff\xd9", b"\xff\xd8b\xff\xd9", b"tail"], table=False)
    shelf = archive.shelf("frames")
    shelf.put(io.BytesIO(content.replace(b"\x28\x00\x08\x00IS\x02\x003 ", b"\x28\x00\x08\x00IS\x02\x002 ")))
    assert shelf.search_for_instances()[0]["00280008"]["Value"] == [2]
    with pytest.raises(NotHere):
        shelf.frames(*where(shelf), [1])


def test_a_table_that_lies_is_not_believed(archive: Archive) -> None:
    """Offsets that point at no fragment fall back on the ends of the pictures."""
    frames = [b"\xff\xd8" + bytes([n]) * 40 + b"\xff\xd9" for n in range(1, 3)]
    content = encapsulated(frames, fragments=2)
    at = content.index(b"\xfe\xff\x00\xe0\x08\x00\x00\x00") + 8
    lying = content[: at + 4] + (10).to_bytes(4, "little") + content[at + 8 :]
    shelf = archive.shelf("frames")
    shelf.put(io.BytesIO(lying))
    assert [f.rstrip(b"\0") for f in shelf.retrieve_instance_frames(*where(shelf), [1, 2])] == frames


def test_an_extended_offset_table_is_read(archive: Archive) -> None:
    """Offsets of eight bytes (PS3.3 section C.7.6.3.1.8)."""
    frames = [b"a" * 40, b"b" * 60]
    dataset = pydicom.dcmread(io.BytesIO(encapsulated(frames, table=False)))
    dataset.ExtendedOffsetTable = (0).to_bytes(8, "little") + (48).to_bytes(8, "little")
    dataset.ExtendedOffsetTableLengths = (40).to_bytes(8, "little") + (60).to_bytes(8, "little")
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset)
    shelf = archive.shelf("frames")
    shelf.put(io.BytesIO(out.getvalue()))
    assert shelf.retrieve_instance_frames(*where(shelf), [1, 2]) == frames


def test_frames_of_a_deflated_picture_are_those_of_the_plain_one(archive: Archive) -> None:
    """The stored file stays deflated."""
    shelf, plain = archive.shelf("deflated"), archive.shelf("plain")
    content = deflated(FILES[0])
    shelf.put(io.BytesIO(content))
    plain.put(io.BytesIO(FILES[0]))
    assert shelf.retrieve_instance_frames(*where(shelf), [1]) == plain.retrieve_instance_frames(*where(plain), [1])
    assert shelf.instance_file(*where(shelf)).path.read_bytes() == content
    assert shelf.bulk(*where(shelf), "7FE00010") == plain.bulk(*where(plain), "7FE00010")
    folder = shelf.instance_file(*where(shelf)).path.parent
    shelf.delete_study(where(shelf)[0])
    assert list(folder.iterdir()) == []


def test_a_frame_beyond_the_pixels_is_not_promised(archive: Archive) -> None:
    """A header that promises a million frames is not believed."""
    shelf = archive.shelf("frames")
    shelf.put(io.BytesIO(altered(FILES[0], NumberOfFrames=1_000_000)))
    with pytest.raises(NotHere):
        shelf.frames(*where(shelf), [1])


@pytest.mark.parametrize("tag", [b"\x28\x00\x10\x00US", b"\x28\x00\x02\x00US", b"\x28\x00\x00\x01US"])
def test_a_picture_whose_size_cannot_be_read_is_stored_all_the_same(archive: Archive, tag: bytes) -> None:
    """Rows, samples or bits in an unknown representation: the bytes are kept, and one frame is the whole value."""
    shelf = archive.shelf("odd")
    odd = FILES[0].replace(tag, tag[:4] + b"U\xf7")
    assert shelf.put(io.BytesIO(odd)).outcome == "stored"
    assert shelf.instance_file(*where(shelf)).path.read_bytes() == odd
    assert shelf.frames(*where(shelf), [1])[0].length == 128 * 128 * 2


def test_bulk_data_is_what_the_metadata_names(archive: Archive) -> None:
    """Pixels and documents; a path that names nothing is not here."""
    shelf = archive.shelf("bulk")
    document = b"%PDF-1.7" + bytes(3000)
    shelf.put(io.BytesIO(altered(FILES[0], EncapsulatedDocument=document)))
    metadata = shelf.retrieve_instance_metadata(*where(shelf))
    for tag, wanted in (("00420011", document), ("7FE00010", pydicom.dcmread(io.BytesIO(FILES[0])).PixelData)):
        path = metadata[tag]["BulkDataURI"].removeprefix("{bulk}/")
        assert shelf.bulk(*where(shelf), path) == wanted
    for path in ("00420012", "../../archive.db", ""):
        with pytest.raises(NotHere):
            shelf.bulk(*where(shelf), path)


def test_data_sets_come_and_go_under_the_names_of_dicomweb(archive: Archive) -> None:
    """store_instances answers as a server does; what is retrieved is what was stored."""
    shelf = archive.shelf("names")
    datasets = [pydicom.dcmread(io.BytesIO(content)) for content in FILES]
    uid = datasets[0].StudyInstanceUID
    answer = shelf.store_instances(datasets, uid)
    assert [item.ReferencedSOPInstanceUID for item in answer.ReferencedSOPSequence] == [
        d.SOPInstanceUID for d in datasets
    ]
    assert "FailedSOPSequence" not in answer
    assert {d.SOPInstanceUID for d in shelf.iter_study(uid)} == {d.SOPInstanceUID for d in datasets}
    one = where(shelf)
    assert shelf.retrieve_instance(*one).PixelData == next(d.PixelData for d in datasets if d.SOPInstanceUID == one[2])
    assert len(shelf.retrieve_series(*one[:2])) == len(list(shelf.iter_series(*one[:2]))) == 3
    assert len(shelf.retrieve_study(uid)) == len(shelf.retrieve_study_metadata(uid)) == 6
    assert list(shelf.iter_instance_frames(*one, [1])) == shelf.retrieve_instance_frames(*one, [1])


def test_what_could_not_be_stored_is_in_the_answer_with_its_reason(shelf: Shelf) -> None:
    """Of another study, or the number of another picture (PS3.18 section 10.5.3)."""
    other = pydicom.dcmread(io.BytesIO(FILES[0]))
    other.PatientComments = "changed"
    uid = other.StudyInstanceUID
    stranger = pydicom.dcmread(io.BytesIO(FILES[1]))
    stranger.StudyInstanceUID = "1.2.3"
    answer = shelf.store_instances([other, stranger], uid)
    assert [int(item.FailureReason) for item in answer.FailedSOPSequence] == [0x0111, 0xA900]


def test_parts_of_a_study_are_forgotten_alone(shelf: Shelf) -> None:
    """One instance, one series; what is not there is said so."""
    study, series, instance = where(shelf)
    shelf.delete_instance(study, series, instance)
    assert len(shelf.instance_files(study)) == 5
    with pytest.raises(NotHere):
        shelf.delete_instance(study, series, instance)
    shelf.delete_series(study, series)
    assert len(shelf.instance_files(study)) == 3
    with pytest.raises(NotHere):
        shelf.delete_study("1.2.3")


@pytest.mark.parametrize("wrong", [0, 1, 2])
def test_a_picture_is_found_only_where_it_is(shelf: Shelf, wrong: int) -> None:
    """Study, series and instance must all be right."""
    right = list(where(shelf))
    right[wrong] = "1.2.3"
    with pytest.raises(NotHere):
        shelf.instance_file(*right)
    with pytest.raises(NotHere):
        shelf.retrieve_instance_metadata(*right)
    with pytest.raises(NotHere):
        shelf.frames(*right, [1])
    assert list(shelf.metadata_text(*right)) == []


def test_the_sites_zone_is_used_where_a_header_names_none(archive: Archive) -> None:
    """And only there."""
    shelf = archive.shelf("zone")
    shelf.put(io.BytesIO(altered(FILES[0], without=("TimezoneOffsetFromUTC",))))
    assert shelf.studies()[0].started == "2026-11-03"
    assert shelf.studies("Europe/Madrid")[0].started == "2026-11-03T09:30:00+01:00"


def test_many_are_stored_at_once_each_with_its_own_answer(archive: Archive) -> None:
    """In order; the same again, another picture under a known number, and what is no picture among them."""
    changed = FILES[0][:-2] + b"zz"
    contents = [*FILES, FILES[1], changed, b"no picture" * 100]
    shelf = archive.shelf("many")
    closed: list[io.BytesIO] = []

    def streams() -> Iterator[io.BytesIO]:
        for content in contents:
            closed.append(io.BytesIO(content))
            yield closed[-1]

    answers = list(shelf.put_all(streams()))
    outcomes = [answer.outcome for answer in answers]
    assert outcomes == ["stored"] * len(FILES) + ["already-here", "conflict", "refused"]
    assert answers[-1].why
    assert all(stream.closed for stream in closed)
    assert sum(len(series.instances) for series in shelf.studies()[0].series) == len(FILES)
    assert [conflict.sha256 for conflict in shelf.conflicts()] == [answers[-2].sha256]
    assert [answer.outcome for answer in shelf.put_all(map(io.BytesIO, FILES))] == ["already-here"] * len(FILES)


def test_who_stops_listening_leaves_nothing_half_done(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every stream that was taken is closed, no draft stays, and what lies there has its row."""
    monkeypatch.setattr(storing, "BATCH", 1)
    shelf = archive.shelf("many")
    taken: list[io.BytesIO] = []

    def streams() -> Iterator[io.BytesIO]:
        for content in FILES:
            taken.append(io.BytesIO(content))
            yield taken[-1]

    answers = shelf.put_all(streams())
    assert next(iter(answers)).outcome == "stored"
    answers.close()  # type: ignore[attr-defined]
    assert all(stream.closed for stream in taken)
    assert not list((tmp_path / "archive" / "drafts").iterdir())
    files = [p for p in (tmp_path / "archive" / "objects").rglob("*") if p.is_file()]
    assert len(files) == sum(len(series.instances) for series in shelf.studies()[0].series) >= 1


def test_what_one_batch_stored_stays_when_a_later_one_fails(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no draft is left behind."""
    monkeypatch.setattr(storing, "BATCH", 2)
    monkeypatch.setattr(storing, "AHEAD", 1)
    shelf = archive.shelf("many")

    def streams() -> Iterator[io.BytesIO]:
        yield from map(io.BytesIO, FILES[:5])
        raise OSError("the disc was taken out")

    answered: list[Put] = []
    with pytest.raises(OSError, match="taken out"):
        answered.extend(shelf.put_all(streams()))
    assert len(answered) == 4
    held = {uid for series in shelf.studies()[0].series for uid, _, _ in series.instances}
    assert {answer.sop_instance_uid for answer in answered} == held
    assert not list((tmp_path / "archive" / "drafts").iterdir())
