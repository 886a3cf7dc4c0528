"""Where stored images are. One shelf per owner (one patient's case at one site); nothing is seen across shelves.

The method names are those of dicomweb-client's `DICOMClient`, with byte-level twins that the HTTP face uses.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from imaging.study import Study

Json = dict[str, Any]


@dataclass(frozen=True)
class Put:
    """What became of one instance: "stored", "already-here" or "conflict" (same UID, other content)."""

    sop_instance_uid: str
    outcome: str
    sha256: str


@dataclass(frozen=True)
class StoredFile:
    """The original bytes of one instance on disk."""

    path: Path
    size: int
    sha256: str
    transfer_syntax_uid: str
    sop_instance_uid: str = ""


@dataclass(frozen=True)
class FrameRange:
    """Where one frame's bytes lie in a file: (offset, length) pieces, in order."""

    path: Path
    pieces: tuple[tuple[int, int], ...]

    @property
    def length(self) -> int:
        """Bytes of the whole frame."""
        return sum(length for _, length in self.pieces)

    def chunks(self, size: int = 256 * 1024) -> Iterator[bytes]:
        """The frame's bytes, never more than `size` at a time."""
        with self.path.open("rb") as stream:
            for offset, length in self.pieces:
                stream.seek(offset)
                left = length
                while left:
                    chunk = stream.read(min(size, left))
                    if not chunk:
                        raise OSError("the stored file is shorter than its index says")
                    left -= len(chunk)
                    yield chunk


class Shelf(Protocol):
    """One owner's images."""

    def put(self, stream: BinaryIO) -> Put:
        """Store one instance, bytes unchanged; durable when it returns. Raises NotDicom, ArchiveUnavailable."""
        ...

    def studies(self) -> list[Study]:
        """Every study with its series and instances, as counted here."""
        ...

    def search_for_studies(
        self, search_filters: Mapping[str, str] | None = None, limit: int | None = None, offset: int | None = None
    ) -> list[Json]:
        """QIDO-RS studies (PS3.18 section 10.6). An unknown filter raises ArchiveRefused, and is never ignored."""
        ...

    def search_for_series(
        self,
        study_instance_uid: str | None = None,
        search_filters: Mapping[str, str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Json]:
        """QIDO-RS series, of one study where it is named."""
        ...

    def search_for_instances(
        self,
        study_instance_uid: str | None = None,
        series_instance_uid: str | None = None,
        search_filters: Mapping[str, str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> list[Json]:
        """QIDO-RS instances, of one study or series where it is named."""
        ...

    def metadata_text(
        self, study_instance_uid: str, series_instance_uid: str | None = None, sop_instance_uid: str | None = None
    ) -> Iterator[str]:
        """The stored DICOM JSON of each instance, one text each, with `{bulk}` for the root of its bulk data."""
        ...

    def instance_file(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> StoredFile:
        """The file of that instance. Raises NotHere."""
        ...

    def instance_files(self, study_instance_uid: str, series_instance_uid: str | None = None) -> list[StoredFile]:
        """Every file of that study or series. Raises NotHere."""
        ...

    def frames(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, numbers: list[int]
    ) -> list[FrameRange]:
        """Where those frames (from 1) lie. Raises NotHere."""
        ...

    def bulk(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, path: str) -> bytes:
        """The value that metadata named as bulk data, by its path of tags. Raises NotHere."""
        ...

    def put_document(self, stream: BinaryIO, content_type: str, title: str) -> str:
        """Keep a report; answers the SHA-256 that names it."""
        ...

    def document(self, sha256: str) -> tuple[Path, str, str]:
        """That report's file, content type and title. Raises NotHere."""
        ...

    def delete_study(self, study_instance_uid: str) -> None:
        """Forget that study: rows first, then bytes. Raises NotHere."""
        ...


class Archive(Protocol):
    """All shelves."""

    def shelf(self, owner: str) -> Shelf:
        """That owner's shelf; a new owner's is empty."""
        ...


def open_archive(place: str | Path) -> Archive:
    """The embedded archive in that folder (a path or a `file:` URL)."""
    from imaging.archive.embedded import EmbeddedArchive

    return EmbeddedArchive(Path(str(place).removeprefix("file://").removeprefix("file:")))
