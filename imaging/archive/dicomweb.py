"""A shelf under the names of dicomweb-client's `DICOMClient`, for code that works with pydicom's data sets.

Rule: what is retrieved is what was stored, in its own transfer syntax.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from typing import BinaryIO, Protocol

import pydicom
from pydicom.dataset import Dataset

from imaging.archive import FrameRange, Json, Put, StoredFile
from imaging.errors import NotDicom, NotHere
from imaging.quiet import quiet

REFUSED_OTHER_STUDY = 0xA900  # Data Set does not match (PS3.18 section 10.5.3)
NOT_UNDERSTOOD = 0xC000
DUPLICATE = 0x0111


class ByteShelf(Protocol):
    """The byte-level twins that these names stand on."""

    def put(self, stream: BinaryIO) -> Put:
        """Store one instance."""
        ...

    def metadata_text(
        self, study_instance_uid: str, series_instance_uid: str | None = None, sop_instance_uid: str | None = None
    ) -> Iterator[str]:
        """The stored DICOM JSON of each instance."""
        ...

    def instance_file(self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str) -> StoredFile:
        """The file of that instance."""
        ...

    def instance_files(self, study_instance_uid: str, series_instance_uid: str | None = None) -> list[StoredFile]:
        """Every file of that study or series."""
        ...

    def frames(
        self, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str, numbers: list[int]
    ) -> list[FrameRange]:
        """Where those frames lie."""
        ...


class DicomwebNames:
    """retrieve_*, iter_* and store_instances, over the bytes of a shelf."""

    def retrieve_study_metadata(self: ByteShelf, study_instance_uid: str) -> list[Json]:
        """DICOM JSON of every instance of the study; empty where there is none."""
        return [json.loads(text) for text in self.metadata_text(study_instance_uid)]

    def retrieve_series_metadata(self: ByteShelf, study_instance_uid: str, series_instance_uid: str) -> list[Json]:
        """DICOM JSON of every instance of the series; empty where there is none."""
        return [json.loads(text) for text in self.metadata_text(study_instance_uid, series_instance_uid)]

    def retrieve_instance_metadata(
        self: ByteShelf, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Json:
        """DICOM JSON of that instance. Raises NotHere."""
        for text in self.metadata_text(study_instance_uid, series_instance_uid, sop_instance_uid):
            found: Json = json.loads(text)
            return found
        raise NotHere("There is no such picture.")

    def retrieve_instance(
        self: ByteShelf, study_instance_uid: str, series_instance_uid: str, sop_instance_uid: str
    ) -> Dataset:
        """That instance as a data set. Raises NotHere."""
        return _read(self.instance_file(study_instance_uid, series_instance_uid, sop_instance_uid))

    def iter_study(self: ByteShelf, study_instance_uid: str) -> Iterator[Dataset]:
        """Every instance of the study, one at a time. Raises NotHere."""
        return map(_read, self.instance_files(study_instance_uid))

    def iter_series(self: ByteShelf, study_instance_uid: str, series_instance_uid: str) -> Iterator[Dataset]:
        """Every instance of the series, one at a time. Raises NotHere."""
        return map(_read, self.instance_files(study_instance_uid, series_instance_uid))

    def retrieve_study(self: ByteShelf, study_instance_uid: str) -> list[Dataset]:
        """Every instance of the study, all in memory. Raises NotHere."""
        return [_read(file) for file in self.instance_files(study_instance_uid)]

    def retrieve_series(self: ByteShelf, study_instance_uid: str, series_instance_uid: str) -> list[Dataset]:
        """Every instance of the series, all in memory. Raises NotHere."""
        return [_read(file) for file in self.instance_files(study_instance_uid, series_instance_uid)]

    def retrieve_instance_frames(
        self: ByteShelf,
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        frame_numbers: Sequence[int],
    ) -> list[bytes]:
        """The stored bytes of those frames (from 1). Raises NotHere."""
        ranges = self.frames(study_instance_uid, series_instance_uid, sop_instance_uid, list(frame_numbers))
        return [one.read() for one in ranges]

    def iter_instance_frames(
        self: ByteShelf,
        study_instance_uid: str,
        series_instance_uid: str,
        sop_instance_uid: str,
        frame_numbers: Sequence[int],
    ) -> Iterator[bytes]:
        """The same, one frame at a time. Raises NotHere."""
        ranges = self.frames(study_instance_uid, series_instance_uid, sop_instance_uid, list(frame_numbers))
        return (one.read() for one in ranges)

    def store_instances(self: ByteShelf, datasets: Sequence[Dataset], study_instance_uid: str | None = None) -> Dataset:
        """Store data sets; the answer lists what was stored and what failed (PS3.18 section 10.5.3)."""
        stored: list[Dataset] = []
        failed: list[Dataset] = []
        for dataset in datasets:
            reason = _store(self, dataset, study_instance_uid)
            item = Dataset()
            item.ReferencedSOPClassUID = dataset.get("SOPClassUID", "")
            item.ReferencedSOPInstanceUID = dataset.get("SOPInstanceUID", "")
            if reason:
                item.FailureReason = reason
            (failed if reason else stored).append(item)
        answer = Dataset()
        if stored:
            answer.ReferencedSOPSequence = stored
        if failed:
            answer.FailedSOPSequence = failed
        return answer


def _read(file: StoredFile) -> Dataset:
    with quiet():
        return pydicom.dcmread(file.path, force=True)


def _store(shelf: ByteShelf, dataset: Dataset, study_instance_uid: str | None) -> int:
    """The reason it failed, as a status of DICOM; 0 where it is stored."""
    if study_instance_uid is not None and dataset.get("StudyInstanceUID") != study_instance_uid:
        return REFUSED_OTHER_STUDY
    out = io.BytesIO()
    try:
        with quiet():
            pydicom.dcmwrite(out, dataset, enforce_file_format=True)
        out.seek(0)
        return DUPLICATE if shelf.put(out).outcome == "conflict" else 0
    except (NotDicom, ValueError, TypeError, AttributeError, KeyError):
        return NOT_UNDERSTOOD
