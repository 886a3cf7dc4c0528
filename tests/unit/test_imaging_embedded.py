"""The embedded archive on a disk that fails, fills up, loses power, or belongs to another version."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from imaging.archive import Archive, open_archive
from imaging.archive import objects as objects_module
from imaging.errors import ArchiveRefused, ArchiveUnavailable
from tests.discs import FILES


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """A new archive."""
    archive = open_archive(tmp_path / "archive")
    yield archive
    archive.close()


def files_in(folder: Path) -> list[Path]:
    """Every file but the index."""
    return [p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("archive.db")]


def test_a_full_disk_is_said_and_leaves_nothing(archive: Archive, tmp_path: Path) -> None:
    """Neither a half file nor a row; it may be tried again."""

    class Ends(io.BytesIO):
        readinto = None

        def read(self, size: int | None = -1) -> bytes:
            if self.tell():
                raise OSError(28, "No space left on device")
            return super().read(1000)

    shelf = archive.shelf("x")
    with pytest.raises(ArchiveUnavailable):
        shelf.put(Ends(FILES[0]))
    assert files_in(tmp_path) == []
    assert shelf.studies() == []
    assert ArchiveUnavailable.retry
    assert shelf.put(io.BytesIO(FILES[0])).outcome == "stored"


def test_the_row_comes_after_the_bytes(archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before the rename: nothing is there. Killed after it: a file without a row, and the next try heals."""
    shelf = archive.shelf("x")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", lambda self, target: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shelf.put(io.BytesIO(FILES[0]))
    assert (files_in(tmp_path), shelf.studies()) == ([], [])
    with monkeypatch.context() as patched:
        patched.setattr(objects_module, "_flush", lambda folder: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            shelf.put(io.BytesIO(FILES[0]))
    assert shelf.studies() == []
    assert shelf.put(io.BytesIO(FILES[0])).outcome == "stored"
    assert [p.name for p in files_in(tmp_path)] == [hashlib.sha256(FILES[0]).hexdigest()]


def test_bytes_reach_the_disk_before_they_are_named_and_the_name_before_the_row(
    archive: Archive, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Flush the file, rename, flush the folder, then the row."""
    shelf = archive.shelf("x")
    shelf.put(io.BytesIO(FILES[1]))
    order: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def flushing(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def naming(self: Path, target: Path) -> Path:
        order.append("name")
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", flushing)
    monkeypatch.setattr(Path, "replace", naming)
    shelf.put(io.BytesIO(FILES[0]))
    assert order == ["file", "name", "folder"]


def test_a_file_that_was_lost_is_healed_by_storing_it_again(archive: Archive) -> None:
    """The row says "already here" only where the bytes are."""
    shelf = archive.shelf("x")
    shelf.put(io.BytesIO(FILES[0]))
    (stored,) = shelf.instance_files(shelf.studies()[0].study_instance_uid)
    stored.path.unlink()
    assert shelf.put(io.BytesIO(FILES[0])).outcome == "already-here"
    assert stored.path.read_bytes() == FILES[0]


def test_bytes_that_somebody_else_needs_are_not_removed(archive: Archive) -> None:
    """The same bytes kept apart under another study, or as a document."""
    shelf = archive.shelf("x")
    shelf.put(io.BytesIO(FILES[0]))
    shelf.put_document(io.BytesIO(FILES[0]), "application/dicom", "the same bytes")
    (stored,) = shelf.instance_files(shelf.studies()[0].study_instance_uid)
    shelf.delete_study(shelf.studies()[0].study_instance_uid)
    assert stored.path.read_bytes() == FILES[0]


def test_deleting_a_study_also_removes_what_was_kept_apart(archive: Archive, tmp_path: Path) -> None:
    """Nothing of that study stays on the disk."""
    shelf = archive.shelf("x")
    shelf.put(io.BytesIO(FILES[0]))
    shelf.put(io.BytesIO(FILES[0][:-2] + b"zz"))
    shelf.delete_study(shelf.studies()[0].study_instance_uid)
    assert shelf.conflicts() == []
    assert files_in(tmp_path) == []


def test_nobody_else_on_the_machine_can_read_the_pictures(archive: Archive, tmp_path: Path) -> None:
    """Files and folders belong to the service alone."""
    archive.shelf("x").put(io.BytesIO(FILES[0]))
    for path in (tmp_path / "archive").rglob("*"):
        if path.name.startswith("archive.db"):
            continue
        assert path.stat().st_mode & 0o077 == 0, path


def test_what_a_killed_process_left_behind_is_removed_in_time(tmp_path: Path) -> None:
    """A draft of now may be another process's; one of the day before yesterday is nobody's."""
    open_archive(tmp_path).close()
    old, new = tmp_path / "drafts" / "old", tmp_path / "drafts" / "new"
    old.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(old, (0, 0))
    open_archive(tmp_path).close()
    assert (old.exists(), new.exists()) == (False, True)


def test_an_archive_of_another_version_is_not_touched(tmp_path: Path) -> None:
    """Better no start than wrong answers."""
    open_archive(tmp_path).close()
    connection = sqlite3.connect(tmp_path / "archive.db")
    connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(ArchiveRefused, match="another version"):
        open_archive(tmp_path)


def test_an_index_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    """A damaged disk is said in the archive's own words."""
    (tmp_path / "archive.db").write_bytes(b"this is no database" * 100)
    with pytest.raises(ArchiveUnavailable):
        open_archive(tmp_path)


def test_a_folder_that_cannot_be_made_is_unavailable(tmp_path: Path) -> None:
    """A file stands in the way."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(ArchiveUnavailable):
        open_archive(tmp_path / "file" / "archive")


@pytest.mark.parametrize("place", ["file:{}", "file://{}", "{}"])
def test_an_archive_is_opened_by_path_or_url(tmp_path: Path, place: str) -> None:
    """A blank in a URL is %20."""
    folder = tmp_path / "my archive"
    text = str(folder).replace(" ", "%20") if place.startswith("file") else str(folder)
    open_archive(place.format(text)).close()
    assert (folder / "archive.db").is_file()


def test_a_server_is_not_mistaken_for_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No folder named "https:" is made."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArchiveRefused):
        open_archive("https://images.invalid/dicom-web")
    assert list(tmp_path.iterdir()) == []
