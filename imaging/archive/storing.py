"""Stores instances: bytes under a name of ours, flushed, then renamed, and rows only after the bytes.

Rule: what was answered for survives a power cut. Many are flushed together, so that safety does not cost a wait each.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from imaging.archive import Put, query
from imaging.archive.frames import frame_pieces
from imaging.archive.index import Database, conflicts, header_text, instances
from imaging.archive.objects import Draft, Drafts, Objects, in_chunks
from imaging.errors import NotDicom
from imaging.whole import read_whole

BATCH = 100  # instances that are named and indexed in one transaction
BATCH_BYTES = 256_000_000
WRITERS = 8  # threads that copy, hash and flush; flushes that wait together share one write of the journal
AHEAD = 24  # streams that are open at once
INFLATED = ".inflated"


@dataclass(frozen=True)
class Ready:
    """An instance whose bytes are on the disk and whose row is made; `copy` is its inflated data set."""

    draft: Draft
    row: dict[str, Any]
    copy: Draft | None


class StoresInstances:
    """What a shelf does to keep instances. `_owner`, `_objects`, `_drafts` and `_database` are the shelf's."""

    _owner: str
    _objects: Objects
    _drafts: Drafts
    _database: Database

    def put(self, stream: BinaryIO) -> Put:
        """Store one instance, bytes unchanged; durable when it returns. Raises NotDicom, ArchiveUnavailable."""
        ready = self._ready(self._drafts.write(in_chunks(stream)))
        return self._store([ready])[0]

    def put_all(self, streams: Iterable[BinaryIO]) -> Iterator[Put]:
        """Store many, in the order given; each is durable when its answer comes. Every stream is closed.

        One that is no picture is "refused", and the others are stored all the same. Raises ArchiveUnavailable; what
        was answered before stays stored.
        """
        with ThreadPoolExecutor(1) as indexer:
            indexing: deque[Future[list[Put]]] = deque()  # one batch is named and indexed while the next is read
            batches = self._batches(streams)
            try:
                for batch in batches:
                    indexing.append(indexer.submit(self._answers, batch))
                    while len(indexing) > 1:
                        yield from indexing.popleft().result()
            except GeneratorExit:
                raise
            except BaseException:
                while indexing:  # what was stored is answered, whatever came after it
                    yield from indexing.popleft().result()
                raise
            finally:
                batches.close()
            while indexing:
                yield from indexing.popleft().result()

    def _batches(self, streams: Iterable[BinaryIO]) -> Generator[list[Ready | Put], None, None]:
        """What was read of so many streams at a time."""
        batch: list[Ready | Put] = []
        size = 0
        drafts = self._written(streams)
        try:
            for draft in drafts:
                size += draft.size
                batch.append(self._ready_or_refused(draft))
                if len(batch) >= BATCH or size >= BATCH_BYTES:
                    full, batch, size = batch, [], 0
                    yield full
            if batch:
                full, batch = batch, []
                yield full
        finally:
            drafts.close()
            self._drop(ready for ready in batch if isinstance(ready, Ready))

    def _ready_or_refused(self, draft: Draft) -> Ready | Put:
        try:
            return self._ready(draft)
        except NotDicom as problem:
            return Put("", "refused", draft.sha256, str(problem))

    def _written(self, streams: Iterable[BinaryIO]) -> Generator[Draft, None, None]:
        """The bytes of each stream on the disk, in order, written while the caller reads the one before."""
        waiting: deque[tuple[Future[Draft], BinaryIO]] = deque()
        with ThreadPoolExecutor(WRITERS) as writers:
            try:
                for stream in streams:
                    waiting.append((writers.submit(self._write, stream), stream))
                    if len(waiting) >= AHEAD:
                        yield waiting.popleft()[0].result()
                while waiting:
                    yield waiting.popleft()[0].result()
            finally:
                for future, stream in waiting:
                    if future.cancel():
                        stream.close()
                    elif future.exception() is None:
                        self._drafts.discard(future.result())

    def _write(self, stream: BinaryIO) -> Draft:
        with stream:
            return self._drafts.write(in_chunks(stream))

    def _ready(self, draft: Draft) -> Ready:
        """Read what was written. Raises NotDicom, and then the draft is gone."""
        try:
            with draft.path.open("rb") as written:
                row, body = self._row(written, draft)
            # Frames of a deflated data set are ranges of this copy; the original stays what it is.
            copy = None if body is None else self._drafts.write([body])
        except BaseException:
            self._drafts.discard(draft)
            raise
        return Ready(draft, row, copy)

    def _row(self, written: BinaryIO, draft: Draft) -> tuple[dict[str, Any], bytes | None]:
        whole = read_whole(written)
        header, pixels = whole.header, whole.pixels
        where = header.instance
        native = pixels is not None and pixels.length is not None and pixels.offset + pixels.length <= whole.size
        row = {
            "owner": self._owner,
            "sop_instance_uid": where.sop_instance_uid,
            "study_instance_uid": where.study_instance_uid,
            "series_instance_uid": where.series_instance_uid,
            "transfer_syntax_uid": where.transfer_syntax_uid,
            "number": where.number,
            "size": draft.size,
            "sha256": draft.sha256,
            "header": header_text(header),
            "answer": json.dumps(query.instance_answer(header), ensure_ascii=False, separators=(",", ":")),
            "metadata": whole.metadata,
            "frames": json.dumps(frame_pieces(written, whole), separators=(",", ":")),
            "pixels": json.dumps([pixels.tag, pixels.offset, pixels.length] if pixels and native else []),
            "inflated": whole.body is not None,
        }
        return row, whole.body

    def _answers(self, batch: list[Ready | Put]) -> list[Put]:
        stored = iter(self._store([one for one in batch if isinstance(one, Ready)]))
        return [next(stored) if isinstance(one, Ready) else one for one in batch]

    def _store(self, batch: list[Ready]) -> list[Put]:
        """Name the bytes, then add the rows: inside one writing transaction, so that no deletion comes between."""
        if not batch:
            return []
        try:
            with self._database.write() as db:
                return self._record(db, batch)
        finally:
            self._drop(batch)

    def _record(self, db: Connection, batch: list[Ready]) -> list[Put]:
        known = self._known(db, [ready.row["sop_instance_uid"] for ready in batch])
        new: list[dict[str, Any]] = []
        apart: list[dict[str, Any]] = []
        answers = []
        for ready in batch:
            uid, sha256 = ready.row["sop_instance_uid"], ready.draft.sha256
            outcome = "already-here"
            if known.get(uid) != sha256 or not self._objects.path(sha256).is_file():
                if ready.copy is not None:
                    self._objects.move(ready.copy, sha256 + INFLATED)
                self._objects.move(ready.draft, sha256)
                if uid not in known:
                    outcome = "stored"
                    new.append(ready.row)
                    known[uid] = sha256
                elif known[uid] != sha256:
                    # The same UID with other content is kept apart and reported: neither may replace the other.
                    outcome = "conflict"
                    names = ("owner", "sop_instance_uid", "study_instance_uid", "sha256")
                    apart.append({name: ready.row[name] for name in names})
            answers.append(Put(uid, outcome, sha256))
        self._objects.flush()
        if new:
            db.execute(insert(instances), new)
        if apart:
            db.execute(insert(conflicts).on_conflict_do_nothing(), apart)
        return answers

    def _known(self, db: Connection, uids: list[str]) -> dict[str, str]:
        """The SHA-256 under which each of these is stored."""
        mine = select(instances.c.sop_instance_uid, instances.c.sha256).where(
            instances.c.owner == self._owner, instances.c.sop_instance_uid.in_(uids)
        )
        return {row.sop_instance_uid: row.sha256 for row in db.execute(mine)}

    def _drop(self, batch: Iterable[Ready]) -> None:
        """What was not given a name is gone."""
        for ready in batch:
            self._drafts.discard(ready.draft)
            if ready.copy is not None:
                self._drafts.discard(ready.copy)
