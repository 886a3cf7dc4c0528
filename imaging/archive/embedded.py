"""The embedded archive: original bytes in files named by their SHA-256, an index beside them, nothing decoded.

Bytes are written under a name of ours, flushed to the disk and renamed; the row comes after the bytes. So a row always
has its file, and a file without a row is only lost space.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Row, Select, delete, select
from sqlalchemy.dialects.sqlite import insert

from imaging.archive import FrameRange, Json, Put, StoredFile, query
from imaging.archive.frames import frame_pieces
from imaging.archive.index import Index, conflicts, documents, header_from, header_text, instances
from imaging.errors import ArchiveUnavailable, NotHere
from imaging.header import header_of, read_dataset
from imaging.metadata import bulk_value, metadata_text
from imaging.study import Header, Study, gather

CHUNK = 256 * 1024  # bytes


class EmbeddedArchive:
    """All shelves in one folder. Safe for threads and for several processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._index = Index(folder / "index.db")
        except OSError as problem:
            raise ArchiveUnavailable("The archive's folder cannot be used.") from problem

    def shelf(self, owner: str) -> EmbeddedShelf:
        """That owner's shelf."""
        return EmbeddedShelf(self._folder / "objects" / hashlib.sha256(owner.encode()).hexdigest(), owner, self._index)


class EmbeddedShelf:
    """One owner's images and reports."""

    def __init__(self, folder: Path, owner: str, index: Index) -> None:
        self._folder = folder
        self._owner = owner
        self._index = index

    # -- storing ---------------------------------------------------------------------------------------------

    def put(self, stream: BinaryIO) -> Put:
        """Store one instance, bytes unchanged; durable when it returns. Raises NotDicom, ArchiveUnavailable."""
        draft, sha256, size = self._draft(stream)
        try:
            with draft.open("rb") as written:
                dataset = read_dataset(written)
                header = header_of(dataset)
                pieces = frame_pieces(written, dataset, header.instance.frames)
            known = self._standing(header.instance.sop_instance_uid, sha256)
            if known == "already-here":
                return Put(header.instance.sop_instance_uid, known, sha256)
            self._settle(draft, sha256)
            outcome = self._record(header, metadata_text(dataset), json.dumps(pieces), sha256, size)
            return Put(header.instance.sop_instance_uid, outcome, sha256)
        finally:
            draft.unlink(missing_ok=True)

    def _draft(self, stream: BinaryIO) -> tuple[Path, str, int]:
        digest, size = hashlib.sha256(), 0
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            draft = self._folder / f"draft-{uuid.uuid4().hex}"
            with draft.open("wb") as out:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
                    size += len(chunk)
                out.flush()
                os.fsync(out.fileno())
        except OSError as problem:
            raise ArchiveUnavailable("The archive's disk cannot be written.") from problem
        return draft, digest.hexdigest(), size

    def _settle(self, draft: Path, sha256: str) -> None:
        draft.replace(self._folder / sha256)
        directory = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _standing(self, sop_instance_uid: str, sha256: str) -> str:
        with self._index.read() as db:
            known = db.execute(
                select(instances.c.sha256).where(
                    instances.c.owner == self._owner, instances.c.sop_instance_uid == sop_instance_uid
                )
            ).scalar()
        return "" if known is None else "already-here" if known == sha256 else "conflict"

    def _record(self, header: Header, metadata: str, frames: str, sha256: str, size: int) -> str:
        where = header.instance
        with self._index.write() as db:
            added = db.execute(
                insert(instances)
                .values(
                    owner=self._owner,
                    sop_instance_uid=where.sop_instance_uid,
                    study_instance_uid=where.study_instance_uid,
                    series_instance_uid=where.series_instance_uid,
                    transfer_syntax_uid=where.transfer_syntax_uid,
                    number=where.number,
                    size=size,
                    sha256=sha256,
                    header=header_text(header),
                    metadata=metadata,
                    frames=frames,
                )
                .on_conflict_do_nothing()
            )
            if added.rowcount:
                return "stored"
            # The same UID with other content is kept apart and reported: neither may replace the other in silence.
            db.execute(
                insert(conflicts)
                .values(owner=self._owner, sop_instance_uid=where.sop_instance_uid, sha256=sha256)
                .on_conflict_do_nothing()
            )
        return "already-here" if self._standing(where.sop_instance_uid, sha256) == "already-here" else "conflict"

    def put_document(self, stream: BinaryIO, content_type: str, title: str) -> str:
        """Keep a report; answers the SHA-256 that names it."""
        draft, sha256, _ = self._draft(stream)
        self._settle(draft, sha256)
        with self._index.write() as db:
            row = {"owner": self._owner, "sha256": sha256, "content_type": content_type, "title": title}
            db.execute(insert(documents).values(**row).on_conflict_do_nothing())
        return sha256

    def document(self, sha256: str) -> tuple[Path, str, str]:
        """That report's file, content type and title. Raises NotHere."""
        with self._index.read() as db:
            row = db.execute(
                select(documents).where(documents.c.owner == self._owner, documents.c.sha256 == sha256)
            ).one_or_none()
        if row is None:
            raise NotHere("There is no such report.")
        return self._folder / row.sha256, row.content_type, row.title

    def delete_study(self, study_instance_uid: str) -> None:
        """Forget that study: rows first, then bytes. Raises NotHere."""
        files = self.instance_files(study_instance_uid)
        with self._index.write() as db:
            db.execute(
                delete(instances).where(
                    instances.c.owner == self._owner, instances.c.study_instance_uid == study_instance_uid
                )
            )
        for file in files:
            file.path.unlink(missing_ok=True)

    # -- looking ---------------------------------------------------------------------------------------------

    def studies(self) -> list[Study]:
        """Every study with its series and instances, as counted here."""
        return gather(self._headers())

    def _headers(self, study: str | None = None, series: str | None = None) -> list[Header]:
        with self._index.read() as db:
            rows = db.execute(self._rows(study, series).with_only_columns(instances.c.header)).scalars().all()
        return [header_from(text) for text in rows]

    def _rows(self, study: str | None = None, series: str | None = None, sop: str | None = None) -> Select[tuple[Row]]:  # type: ignore[type-arg]
        wanted = select(instances).where(instances.c.owner == self._owner)
        for column, value in (
            (instances.c.study_instance_uid, study),
            (instances.c.series_instance_uid, series),
            (instances.c.sop_instance_uid, sop),
        ):
            if value is not None:
                wanted = wanted.where(column == value)
        return wanted.order_by(
            instances.c.study_instance_uid,
            instances.c.series_instance_uid,
            instances.c.number,
            instances.c.sop_instance_uid,
        )

    def search_for_studies(
        self, search_filters: Mapping[str, str] | None = None, limit: int | None = None, offset: int | None = None
    ) -> list[Json]:
        """QIDO-RS studies. Raises ArchiveRefused for an unknown filter."""
        return query.select(map(query.study_answer, self.studies()), search_filters, limit, offset)

    def search_for_series(
        self,
        study_instance_uid: str | None = None,
        search_filters: Mapping[str, str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Json]:
        """QIDO-RS series. Raises ArchiveRefused for an unknown filter."""
        answers = (
            query.series_answer(study, series)
            for study in gather(self._headers(study_instance_uid))
            for series in study.series
        )
        return query.select(answers, search_filters, limit, offset)

    def search_for_instances(
        self,
        study_instance_uid: str | None = None,
        series_instance_uid: str | None = None,
        search_filters: Mapping[str, str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Json]:
        """QIDO-RS instances. Raises ArchiveRefused for an unknown filter."""
        headers = self._headers(study_instance_uid, series_instance_uid)
        return query.select(map(query.instance_answer, headers), search_filters, limit, offset)

    def metadata_text(
        self, study_instance_uid: str, series_instance_uid: str | None = None, sop_instance_uid: str | None = None
    ) -> Iterator[str]:
        """The stored DICOM JSON of each instance, with `{bulk}` for the root of its bulk data."""
        wanted = self._rows(study_instance_uid, series_instance_uid, sop_instance_uid)
        with self._index.read() as db:
            yield from db.execute(wanted.with_only_columns(instances.c.metadata)).scalars()

    def instance_file(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> StoredFile:
        """The file of that instance. Raises NotHere."""
        return self._file(self._one(study_instance_uid, series_instance_uid, sop_instance_uid))

    def instance_files(self, study_instance_uid: str, series_instance_uid: str | None = None) -> list[StoredFile]:
        """Every file of that study or series. Raises NotHere."""
        with self._index.read() as db:
            rows = db.execute(self._rows(study_instance_uid, series_instance_uid)).all()
        if not rows:
            raise NotHere("There is no such study or series.")
        return [self._file(row) for row in rows]

    def _one(self, study: str, series: str, sop: str) -> Row:  # type: ignore[type-arg]
        with self._index.read() as db:
            row = db.execute(self._rows(study, series, sop)).one_or_none()
        if row is None:
            raise NotHere("There is no such picture.")
        return row

    def _file(self, row: Row) -> StoredFile:  # type: ignore[type-arg]
        return StoredFile(
            self._folder / row.sha256, row.size, row.sha256, row.transfer_syntax_uid, row.sop_instance_uid
        )

    def frames(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, numbers: list[int]
    ) -> list[FrameRange]:
        """Where those frames (from 1) lie. Raises NotHere."""
        row = self._one(study_instance_uid, series_instance_uid, sop_instance_uid)
        pieces = json.loads(row.frames)
        if any(not 1 <= number <= len(pieces) for number in numbers):
            raise NotHere("There is no such frame.")
        path = self._folder / row.sha256
        return [FrameRange(path, tuple((o, n) for o, n in pieces[number - 1])) for number in numbers]

    def bulk(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, path: str) -> bytes:
        """The value that metadata named as bulk data. Raises NotHere."""
        file = self.instance_file(study_instance_uid, series_instance_uid, sop_instance_uid)
        if path == "7FE00010":
            frames = json.loads(self._one(study_instance_uid, series_instance_uid, sop_instance_uid).frames)
            return b"".join(b"".join(FrameRange(file.path, tuple(map(tuple, f))).chunks()) for f in frames)
        with file.path.open("rb") as stream:
            value = bulk_value(read_dataset(stream), path)
        if value is None:
            raise NotHere("There is no such value.")
        return value
