"""The embedded archive: original bytes in files named by their SHA-256, an index beside them, nothing decoded.

Bytes are written under a name of ours, flushed to the disk and renamed; the row comes after the bytes. So a row always
has its file, and a file without a row is only lost space.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection, Row, and_, delete, select
from sqlalchemy.dialects.sqlite import insert

from imaging.archive import Conflict, FrameRange, StoredFile
from imaging.archive.dicomweb import DicomwebNames
from imaging.archive.frames import Pieces, RememberedFrames
from imaging.archive.index import Database, conflicts, documents, header_from, instances
from imaging.archive.objects import Drafts, Objects, in_chunks
from imaging.archive.search import SearchesIndex
from imaging.archive.storing import INFLATED, StoresInstances
from imaging.errors import ArchiveUnavailable, NotHere
from imaging.metadata import bulk_value
from imaging.opening import open_dicom
from imaging.study import Study, gather

BATCH = 200  # metadata texts read at once


class EmbeddedArchive:
    """All shelves in one folder. Safe for threads and for several processes."""

    def __init__(self, folder: Path) -> None:
        self._objects = folder / "objects"
        try:
            for part in (folder, self._objects):
                part.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._drafts = Drafts(folder / "drafts")
        except OSError as problem:
            raise ArchiveUnavailable("The archive's folder cannot be used.") from problem
        self._database = Database(folder / "archive.db")
        self._frames = RememberedFrames()

    def shelf(self, owner: str) -> EmbeddedShelf:
        """That owner's shelf."""
        # An owner's name is ours, but it never becomes a path as it is.
        objects = Objects(self._objects / hashlib.sha256(owner.encode()).hexdigest())
        return EmbeddedShelf(owner, objects, self._drafts, self._database, self._frames)

    def close(self) -> None:
        """Let go of the index."""
        self._database.close()


class EmbeddedShelf(StoresInstances, SearchesIndex, DicomwebNames):
    """One owner's images and reports."""

    def __init__(
        self, owner: str, objects: Objects, drafts: Drafts, database: Database, frames: RememberedFrames
    ) -> None:
        super().__init__(owner, database)
        self._objects = objects
        self._drafts = drafts
        self._frames = frames

    # -- storing ---------------------------------------------------------------------------------------------

    def put_document(self, stream: BinaryIO, content_type: str, title: str) -> str:
        """Keep a report; answers the SHA-256 that names it. The same bytes again keep their first title."""
        with self._drafts.of(in_chunks(stream)) as draft, self._database.write() as db:
            self._objects.name(draft, draft.sha256)
            row = {"owner": self._owner, "sha256": draft.sha256, "content_type": content_type, "title": title}
            db.execute(insert(documents).values(**row).on_conflict_do_nothing())
            return draft.sha256

    # -- forgetting ------------------------------------------------------------------------------------------

    def delete_study(self, study_instance_uid: str) -> None:
        """Forget that study: rows first, then bytes. Raises NotHere."""
        self._forget(study_instance_uid)

    def delete_series(self, study_instance_uid: str, series_instance_uid: str) -> None:
        """Forget that series. Raises NotHere."""
        self._forget(study_instance_uid, series_instance_uid)

    def delete_instance(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> None:
        """Forget that instance. Raises NotHere."""
        self._forget(study_instance_uid, series_instance_uid, sop_instance_uid)

    def _forget(self, *where: str) -> None:
        with self._database.write() as db:
            gone = list(db.execute(self._rows(*where).with_only_columns(instances.c.sha256)).scalars())
            if not gone:
                raise NotHere("There is no such picture.")
            chosen = [instances.c.owner == self._owner, *self._chosen(*where)]
            db.execute(delete(instances).where(*chosen))
            if len(where) == 1:
                apart = and_(conflicts.c.owner == self._owner, conflicts.c.study_instance_uid == where[0])
                gone += db.execute(select(conflicts.c.sha256).where(apart)).scalars()
                db.execute(delete(conflicts).where(apart))
        # Bytes go in a second transaction: should the first be undone by a power cut, its rows still have theirs.
        with self._database.write() as db:
            for sha256 in gone:
                if not self._needed(db, sha256):
                    self._objects.remove(sha256, sha256 + INFLATED)

    def _needed(self, db: Connection, sha256: str) -> bool:
        return any(
            db.execute(select(table.c.sha256).where(table.c.owner == self._owner, table.c.sha256 == sha256)).first()
            for table in (instances, conflicts, documents)
        )

    # -- reading ---------------------------------------------------------------------------------------------

    def studies(self, zone: str = "") -> list[Study]:
        """Every study with its series and instances. `zone` is the site's, used where a header names none."""
        return gather((header_from(text) for text in self._texts(instances.c.header)), zone)

    def conflicts(self) -> list[Conflict]:
        """Every picture kept apart, because its UID belongs to another one here."""
        with self._database.read() as db:
            rows = db.execute(
                select(conflicts).where(conflicts.c.owner == self._owner).order_by(*conflicts.primary_key)
            ).all()
        return [Conflict(row.sop_instance_uid, row.study_instance_uid, row.sha256) for row in rows]

    def metadata_text(
        self, study_instance_uid: str, series_instance_uid: str | None = None, sop_instance_uid: str | None = None
    ) -> Iterator[str]:
        """The stored DICOM JSON of each instance, with `{bulk}` for the root of its bulk data."""
        where = (study_instance_uid, series_instance_uid, sop_instance_uid)
        uids = self._texts(instances.c.sop_instance_uid, *where)
        for start in range(0, len(uids), BATCH):
            # No connection is held while a slow reader takes its time.
            batch = uids[start : start + BATCH]
            wanted = self._rows(*where).where(instances.c.sop_instance_uid.in_(batch))
            with self._database.read() as db:
                texts = list(db.execute(wanted.with_only_columns(instances.c.metadata)).scalars())
            yield from texts

    def instance_files(self, study_instance_uid: str, series_instance_uid: str | None = None) -> list[StoredFile]:
        """Every file of that study or series. Raises NotHere."""
        rows = self._found(study_instance_uid, series_instance_uid)
        if not rows:
            raise NotHere("There is no such study or series.")
        return [self._file(row) for row in rows]

    def instance_file(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> StoredFile:
        """The file of that instance. Raises NotHere."""
        return self._file(self._one(study_instance_uid, series_instance_uid, sop_instance_uid))

    def _file(self, row: Row[Any]) -> StoredFile:
        path = self._objects.path(row.sha256)
        return StoredFile(path, row.size, row.sha256, row.transfer_syntax_uid, row.sop_instance_uid)

    def frames(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, numbers: list[int]
    ) -> list[FrameRange]:
        """Where those frames (from 1) lie. Raises NotHere."""
        row = self._one(study_instance_uid, series_instance_uid, sop_instance_uid)
        pieces = self._pieces(row)
        if any(not 1 <= number <= len(pieces) for number in numbers):
            raise NotHere("There is no such frame.")
        path = self._pixels_in(row)
        return [FrameRange(path, pieces[number - 1], row.transfer_syntax_uid) for number in numbers]

    def _pieces(self, row: Row[Any]) -> tuple[Pieces, ...]:
        """Where each frame lies, which follows from the bytes alone."""
        known = self._frames.get(row.sha256)
        if known is None:
            text = self._text(instances.c.frames, row.sop_instance_uid)
            known = tuple(tuple((offset, length) for offset, length in frame) for frame in json.loads(text))
            self._frames.keep(row.sha256, known)
        return known

    def _pixels_in(self, row: Row[Any]) -> Path:
        return self._objects.path(row.sha256 + INFLATED if row.inflated else row.sha256)

    def bulk(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, path: str) -> bytes:
        """The value that metadata named as bulk data. Raises NotHere."""
        row = self._one(study_instance_uid, series_instance_uid, sop_instance_uid)
        pixels, frames = json.loads(self._text(instances.c.pixels, row.sop_instance_uid)), self._pieces(row)
        if pixels and path == pixels[0]:
            return FrameRange(self._pixels_in(row), ((pixels[1], pixels[2]),)).read()
        if path == "7FE00010" and frames:
            return b"".join(FrameRange(self._pixels_in(row), pieces).read() for pieces in frames)
        with self._objects.path(row.sha256).open("rb") as stream:
            value = bulk_value(open_dicom(stream), path)
        if value is None:
            raise NotHere("There is no such value.")
        return value

    def document(self, sha256: str) -> tuple[Path, str, str]:
        """That report's file, content type and title. Raises NotHere."""
        with self._database.read() as db:
            row = db.execute(
                select(documents).where(documents.c.owner == self._owner, documents.c.sha256 == sha256)
            ).one_or_none()
        if row is None:
            raise NotHere("There is no such report.")
        return self._objects.path(row.sha256), row.content_type, row.title
