"""Where stored images are. One shelf per owner (one patient's case at one site); nothing is seen across shelves.

The method names are those of dicomweb-client's `DICOMClient`, with byte-level twins that the HTTP face uses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from urllib.parse import unquote

from imaging.errors import ArchiveRefused
from imaging.study import Study

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Json = dict[str, Any]


@dataclass(frozen=True)
class Put:
    """What became of one instance: "stored", "already-here", "conflict" (same UID, other content) or "refused".

    `why` says what is wrong with one that was refused, and then it has no UID.
    """

    sop_instance_uid: str
    outcome: str
    sha256: str
    why: str = ""


@dataclass(frozen=True)
class Conflict:
    """Bytes kept apart, because their SOP Instance UID belongs to another picture here."""

    sop_instance_uid: str
    study_instance_uid: str
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
    transfer_syntax_uid: str = ""

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

    def read(self) -> bytes:
        """The frame's bytes, all at once."""
        return b"".join(self.chunks())


class Shelf(Protocol):
    """One owner's images."""

    def put(self, stream: BinaryIO) -> Put:
        """Store one instance, bytes unchanged; durable when it returns. Raises NotDicom, ArchiveUnavailable."""
        ...

    def put_all(self, streams: Iterable[BinaryIO]) -> Iterator[Put]:
        """Store many, in the order given; each is durable when its answer comes. Every stream is closed.

        One that is no picture is "refused", and the others are stored all the same. Raises ArchiveUnavailable; what
        was answered before stays stored.
        """
        ...

    def studies(self, zone: str = "") -> list[Study]:
        """Every study with its series and instances, as counted here.

        `zone` ("+0100" or "Europe/Madrid") is the site's, for `Study.started` where a header names none.
        """
        ...

    def conflicts(self) -> list[Conflict]:
        """Every picture kept apart, because its UID belongs to another one here."""
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

    def query_text(
        self,
        level: str,
        study_instance_uid: str | None = None,
        series_instance_uid: str | None = None,
        search_filters: Mapping[str, str] | None = None,
        limit: int | None = None,
        offset: int | None = None,
    ) -> Iterator[str]:
        """The answers of the three searches as JSON texts. `level` is "studies", "series" or "instances"."""
        ...

    def retrieve_study_metadata(self, study_instance_uid: str) -> list[Json]:
        """DICOM JSON of every instance of the study; empty where there is none."""
        ...

    def retrieve_series_metadata(self, study_instance_uid: str, series_instance_uid: str) -> list[Json]:
        """DICOM JSON of every instance of the series; empty where there is none."""
        ...

    def retrieve_instance_metadata(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Json:
        """DICOM JSON of that instance. Raises NotHere."""
        ...

    def retrieve_instance(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> Dataset:
        """That instance as a data set. Raises NotHere."""
        ...

    def retrieve_study(self, study_instance_uid: str) -> list[Dataset]:
        """Every instance of the study, all in memory. Raises NotHere."""
        ...

    def retrieve_series(self, study_instance_uid: str, series_instance_uid: str) -> list[Dataset]:
        """Every instance of the series, all in memory. Raises NotHere."""
        ...

    def iter_study(self, study_instance_uid: str) -> Iterator[Dataset]:
        """Every instance of the study, one at a time. Raises NotHere."""
        ...

    def iter_series(self, study_instance_uid: str, series_instance_uid: str) -> Iterator[Dataset]:
        """Every instance of the series, one at a time. Raises NotHere."""
        ...

    def retrieve_instance_frames(
        self,
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        frame_numbers: Sequence[int],
    ) -> list[bytes]:
        """The stored bytes of those frames (from 1). Raises NotHere."""
        ...

    def iter_instance_frames(
        self,
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        frame_numbers: Sequence[int],
    ) -> Iterator[bytes]:
        """The same, one frame at a time. Raises NotHere."""
        ...

    def store_instances(self, datasets: Sequence[Dataset], study_instance_uid: str | None = None) -> Dataset:
        """Store data sets; the answer lists what was stored and what failed (PS3.18 section 10.5.3)."""
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
        """Forget that study, with what was kept apart of it: rows first, then bytes. Raises NotHere."""
        ...

    def delete_series(self, study_instance_uid: str, series_instance_uid: str) -> None:
        """Forget that series. Raises NotHere."""
        ...

    def delete_instance(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> None:
        """Forget that instance. Raises NotHere."""
        ...


class Archive(Protocol):
    """All shelves."""

    def shelf(self, owner: str) -> Shelf:
        """That owner's shelf; a new owner's is empty."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def open_archive(place: str | Path) -> Archive:
    """The embedded archive in that folder: a path or a `file:` URL. Raises ArchiveRefused, ArchiveUnavailable."""
    from imaging.archive.embedded import EmbeddedArchive

    text = str(place)
    if text.startswith("file:"):
        return EmbeddedArchive(Path(unquote(text.removeprefix("file:").removeprefix("//"))))
    if "://" in text:
        raise ArchiveRefused("An archive is opened by a path or a file: URL.")
    return EmbeddedArchive(Path(text))
