"""What a disc's own list (DICOMDIR, PS3.3 Annex F) says is on it.

Rule: it is a hint for what is missing, never a way to find files.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from imaging.errors import NotDicom

if TYPE_CHECKING:
    from pydicom.dataset import Dataset


@dataclass(frozen=True)
class Listed:
    """The series and the instances that a disc's list names, by UID."""

    series: frozenset[str]
    instances: frozenset[str]


def read_directory(stream: BinaryIO) -> Listed:
    """The UIDs in the list; records that cannot be read are passed over. Raises NotDicom."""
    from imaging.opening import open_dicom, quiet

    opened = open_dicom(stream)
    series, instances = set(), set()
    with quiet():
        try:
            records = list(opened.dataset.get("DirectoryRecordSequence") or [])
        except Exception as problem:
            raise NotDicom("The disc's list of files is damaged.") from problem
        for record in records:
            if _text(record, "DirectoryRecordType") == "SERIES":
                series.add(_text(record, "SeriesInstanceUID"))
            else:
                instances.add(_text(record, "ReferencedSOPInstanceUIDInFile"))
    return Listed(frozenset(series - {""}), frozenset(instances - {""}))


def _text(record: Dataset, keyword: str) -> str:
    try:
        return str(record.get(keyword) or "").strip("\0 ")
    except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
        return ""
