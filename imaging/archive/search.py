"""Finding rows of one owner's shelf, and answering QIDO-RS from them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from sqlalchemy import Column, ColumnElement, Row, Select, bindparam, select

from imaging.archive import Json, query
from imaging.archive.index import Database, header_from, instances
from imaging.errors import NotHere
from imaging.study import gather

Filters = Mapping[str, str] | None
LEVELS = (instances.c.study_instance_uid, instances.c.series_instance_uid, instances.c.sop_instance_uid)
TEXTS = ("header", "answer", "metadata", "frames", "pixels")  # long, and read only where they are wanted
SMALL = [column for column in instances.c if column.name not in TEXTS]
IS_IT = (instances.c.owner == bindparam("of"), instances.c.sop_instance_uid == bindparam("it"))
ONE = select(*SMALL).where(*IS_IT)
"""Made once: putting a statement together takes longer than answering it."""


class SearchesIndex:
    """What an owner's shelf knows without opening a file."""

    def __init__(self, owner: str, database: Database) -> None:
        self._owner = owner
        self._database = database

    def _chosen(self, *where: str | None) -> list[ColumnElement[bool]]:
        return [column == uid for column, uid in zip(LEVELS, where, strict=False) if uid is not None]

    def _rows(self, *where: str | None) -> Select[Any]:
        """Rows of that study, series or instance, always in the same order."""
        chosen = select(instances).where(instances.c.owner == self._owner, *self._chosen(*where))
        return chosen.order_by(*LEVELS[:2], instances.c.number, LEVELS[2])

    def _found(self, *where: str | None) -> list[Row[Any]]:
        with self._database.read() as db:
            return list(db.execute(self._rows(*where).with_only_columns(*SMALL)).all())

    def _one(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Row[Any]:
        with self._database.read() as db:
            row = db.execute(ONE, {"of": self._owner, "it": sop_instance_uid}).one_or_none()
        where = (study_instance_uid, series_instance_uid)
        if row is None or (row.study_instance_uid, row.series_instance_uid) != where:
            raise NotHere("There is no such picture.")
        return row

    def _text(self, column: Column[str], sop_instance_uid: str) -> str:
        """One of the long columns of that instance. Raises NotHere where it has gone in the meantime."""
        with self._database.read() as db:
            found = db.execute(select(column).where(*IS_IT), {"of": self._owner, "it": sop_instance_uid}).scalar()
        if found is None:
            raise NotHere("There is no such picture.")
        return str(found)

    def _texts(self, column: Column[str], *where: str | None) -> list[str]:
        with self._database.read() as db:
            return list(db.execute(self._rows(*where).with_only_columns(column)).scalars())

    def search_for_studies(
        self, search_filters: Filters = None, limit: int | None = None, offset: int | None = None
    ) -> list[Json]:
        """QIDO-RS studies. Raises ArchiveRefused for an unknown filter."""
        studies = gather(map(header_from, self._texts(instances.c.header)))
        return query.keep(map(query.study_answer, studies), query.STUDY, search_filters, limit, offset)

    def search_for_series(
        self,
        study_instance_uid: str | None = None,
        search_filters: Filters = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Json]:
        """QIDO-RS series, of one study where it is named. Raises ArchiveRefused for an unknown filter."""
        studies = gather(map(header_from, self._texts(instances.c.header, study_instance_uid)))
        answers = (query.series_answer(study, series) for study in studies for series in study.series)
        return query.keep(answers, query.OF_SERIES_LEVEL, search_filters, limit, offset)

    def search_for_instances(
        self,
        study_instance_uid: str | None = None,
        series_instance_uid: str | None = None,
        search_filters: Filters = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Json]:
        """QIDO-RS instances, of one study or series. Raises ArchiveRefused for an unknown filter."""
        answers = map(json.loads, self._texts(instances.c.answer, study_instance_uid, series_instance_uid))
        return query.keep(answers, query.OF_INSTANCE_LEVEL, search_filters, limit, offset)

    def query_text(
        self,
        level: str,
        study_instance_uid: str | None = None,
        series_instance_uid: str | None = None,
        search_filters: Filters = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterator[str]:
        """The same as JSON texts, one for each answer. `level` is "studies", "series" or "instances"."""
        if level == "instances" and not search_filters:
            query.keep((), query.OF_INSTANCE_LEVEL, None, limit, offset)
            texts = self._texts(instances.c.answer, study_instance_uid, series_instance_uid)
            start = offset or 0
            yield from texts[start : None if limit is None else start + limit]
            return
        if level == "studies":
            found = self.search_for_studies(search_filters, limit, offset)
        elif level == "series":
            found = self.search_for_series(study_instance_uid, search_filters, limit, offset)
        else:
            found = self.search_for_instances(study_instance_uid, series_instance_uid, search_filters, limit, offset)
        for answer in found:
            yield json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
