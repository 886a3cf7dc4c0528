"""DICOM JSON (PS3.18 Annex F) made once, at ingest. Pixels and large binaries are named, not carried."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from imaging.opening import Opened
from imaging.quiet import quiet
from imaging.reading.jsontext import BULK

LARGEST_INLINE = 1024  # bytes
PIXELS = frozenset({0x7FE00008, 0x7FE00009, 0x7FE00010})
CHARACTER_SET = 0x00080005
UNDECIDED = {"OB or OW": "OW", "US or SS": "US", "US or OW": "OW", "US or SS or OW": "OW"}
"""What implicit VR leaves open where the element that would decide is missing (PS3.5 Annex A)."""


def dicom_json(opened: Opened) -> dict[str, Any]:
    """The object as DICOM JSON, in tag order, with `{bulk}/PATH` for what is named and not carried.

    An element that cannot be encoded is left out: one odd value never hides a picture. Text is UTF-8, and the
    character set says so.
    """
    with quiet():
        built = _encode(opened.dataset, "")
    if opened.pixels is not None:
        tag = opened.pixels.tag
        vr = "OB" if opened.pixels.length is None else opened.pixels.vr
        built[tag] = {"vr": vr, "BulkDataURI": f"{BULK}/{tag}"}
    return dict(sorted(built.items()))


def metadata_text(opened: Opened) -> str:
    """The same as compact text, ready to be sent."""
    return json.dumps(dicom_json(opened), ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def _encode(dataset: Dataset, path: str) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for tag in sorted(dataset.keys()):
        if tag.group == 0x0002 or tag.element == 0:  # file meta and group lengths are no metadata (PS3.18 section F.2)
            continue
        try:
            built[f"{int(tag):08X}"] = _element(dataset[tag], f"{path}/{int(tag):08X}")
        except Exception:  # noqa: BLE001, S112  (pydicom converts lazily and raises whatever the bytes provoke)
            continue
    return built


def _element(element: DataElement, path: str) -> dict[str, Any]:
    if element.tag == CHARACTER_SET:
        return {"vr": "CS", "Value": ["ISO_IR 192"]}
    if element.VR == "SQ":
        items = [_encode(item, f"{path}/{number}") for number, item in enumerate(element.value or [])]
        return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
    vr = UNDECIDED.get(str(element.VR), str(element.VR))
    if element.tag in PIXELS:  # of an icon, inside a sequence
        return {"vr": vr, "BulkDataURI": f"{BULK}{path}"}
    if vr != element.VR:
        element = DataElement(element.tag, vr, element.value)
    answer: dict[str, Any] = element.to_json_dict(_named(path), LARGEST_INLINE)
    if "Value" in answer:
        answer["Value"] = [_finite(value) for value in answer["Value"]]
    return answer


def _finite(value: Any) -> Any:
    """JSON has no word for what is not a number; null keeps its place among the values."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _named(path: str) -> Callable[[DataElement], str]:
    def name(_: DataElement) -> str:
        return f"{BULK}{path}"

    return name


def bulk_value(opened: Opened, path: str) -> bytes | None:
    """The bytes that `path` names (tags and item numbers parted by "/"); None where there are none."""
    here: Any = opened.dataset
    with quiet():
        for step in path.strip("/").split("/"):
            try:
                here = here[int(step, 16)].value if isinstance(here, Dataset) else here[int(step)]
            except (ValueError, LookupError, TypeError, AttributeError):
                return None
    return bytes(here) if isinstance(here, (bytes, bytearray)) else None
