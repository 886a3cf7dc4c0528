"""DICOM JSON (PS3.18 Annex F) made once, at ingest. Pixels and large binaries are named, not carried."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

BULK = "{bulk}"
"""Stands in a stored text for the root of that instance's bulk data; the HTTP face puts its own address there."""
LARGEST_INLINE = 1024  # bytes
PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)


def metadata_text(dataset: Dataset, pixel_vr: str = "OW") -> str:
    """The data set as one DICOM JSON object. `pixel_vr` is named for pixel data that was not read.

    An element that cannot be encoded is left out: one odd value never hides a picture.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        built = _encode(dataset, "")
    if "Rows" in dataset and not any(f"{tag:08X}" in built for tag in PIXELS):
        built["7FE00010"] = {"vr": pixel_vr, "BulkDataURI": f"{BULK}/7FE00010"}
    return json.dumps(built, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _encode(dataset: Dataset, path: str) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for tag in sorted(dataset.keys()):
        if tag.group == 0x0002 or tag.element == 0:
            continue
        try:
            built[f"{int(tag):08X}"] = _element(dataset[tag], f"{path}/{int(tag):08X}")
        except Exception:  # noqa: BLE001, S112  (pydicom converts lazily and raises whatever the bytes provoke)
            continue
    return built


def _element(element: DataElement, path: str) -> dict[str, Any]:
    if element.VR == "SQ":
        items = [_encode(item, f"{path}/{number}") for number, item in enumerate(element.value)]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    if element.tag in PIXELS:
        return {"vr": str(element.VR)[:2], "BulkDataURI": f"{BULK}{path}"}
    answer: dict[str, Any] = element.to_json_dict(_named(path), LARGEST_INLINE)
    return answer


def _named(path: str) -> Callable[[DataElement], str]:
    def name(_: DataElement) -> str:
        return f"{BULK}{path}"

    return name


def bulk_value(dataset: Dataset, path: str) -> bytes | None:
    """The bytes that `path` names ("7FE00010", or tags and item numbers parted by "/"); None where there are none."""
    here: Any = dataset
    for step in path.strip("/").split("/"):
        if isinstance(here, Dataset):
            tag = int(step, 16) if len(step) == 8 else -1
            if tag < 0 or tag not in here:
                return None
            here = here[tag].value
        else:
            here = here[int(step)] if step.isdigit() and int(step) < len(here) else None
    return bytes(here) if isinstance(here, bytes) else None
