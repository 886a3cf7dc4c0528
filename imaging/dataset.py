"""The values of a header as pydicom reads them: slower than our own reader, and at home in every odd way of writing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from imaging.opening import Opened
from imaging.values import Values, plain


class DatasetValues(Values):
    """What pydicom makes of a header."""

    def __init__(self, dataset: Dataset) -> None:
        super().__init__()
        self._dataset = dataset

    def has(self, keyword: str) -> bool:
        """Is the element there at all?"""
        return keyword in self._dataset

    def several(self, keyword: str) -> tuple[str, ...]:
        """Every value as text, without padding; none where the element is absent or cannot be read."""
        return tuple(self._get(keyword, lambda value: [plain(x) for x in (value if _is_many(value) else [value])]))

    def items(self, keyword: str) -> Sequence[Values]:
        """The items of a sequence; none where it is no sequence."""
        return [DatasetValues(item) for item in self._get(keyword, list) if isinstance(item, Dataset)]

    def _get(self, keyword: str, make: Callable[[Any], list[Any]]) -> list[Any]:
        try:
            value = self._dataset.get(keyword)
            return [] if value is None else make(value)
        except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
            self.oddities.append(keyword)
            return []


def _is_many(value: Any) -> bool:
    return isinstance(value, (MultiValue, list, tuple))


def values_of(opened: Opened) -> tuple[DatasetValues, str]:
    """The values of an open object, and the storage class that its file meta names."""
    meta = getattr(opened.dataset, "file_meta", None)
    named = DatasetValues(meta).text("MediaStorageSOPClassUID") if meta is not None else ""
    return DatasetValues(opened.dataset), named


def bytes_of(opened: Opened, tag: int) -> bytes:
    """The value of an element that is bytes; empty where it is absent or something else."""
    try:
        value = opened.dataset[tag].value
    except Exception:  # noqa: BLE001  (pydicom converts lazily and raises whatever the bytes provoke)
        return b""
    return value if isinstance(value, bytes) else b""
