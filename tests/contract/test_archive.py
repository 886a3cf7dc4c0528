"""What every archive must do, tried on the embedded one."""

from __future__ import annotations

import hashlib
import io
import json
import threading
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import generate_frames

from imaging.archive import Archive, Shelf, open_archive
from imaging.errors import ArchiveRefused, NotDicom, NotHere
from imaging.phantom import ct_study
from imaging.study import Person

WHO = Person("Müller^José", "1990-02-03", "M", "X-1", name_groups=("山田^花子",))
FILES = ct_study(WHO, study_date="2026-11-03", description="Head CT", series=2, slices=3)


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    """A new archive."""
    return open_archive(f"file:{tmp_path / 'archive'}")


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


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({"StudyDate": "20261101-20261130"}, 1),
        ({"StudyDate": "20261104-"}, 0),
        ({"PatientName": "müll*"}, 1),
        ({"00100020": "X-2"}, 0),
        ({"ModalitiesInStudy": "MR"}, 0),
        ({"AccessionNumber": "NOPE"}, 0),
    ],
)
def test_filters_filter(shelf: Shelf, filters: dict[str, str], count: int) -> None:
    """Ranges, wildcards, tags and plain values."""
    assert len(shelf.search_for_studies(filters)) == count


def test_an_unknown_filter_is_refused_and_never_ignored(shelf: Shelf) -> None:
    """An ignored filter would answer with everybody's images."""
    with pytest.raises(ArchiveRefused):
        shelf.search_for_studies({"PatientsFavouriteColour": "blue"})


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
