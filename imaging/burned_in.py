"""Which pictures often have names printed into them. Rules only raise the flag; no header ever clears it."""

from __future__ import annotations

from functools import lru_cache

from imaging.study import Header

KINDS = frozenset({"US", "XA", "RF", "OT", "DOC", "ES", "XC", "GM", "SM", "IVUS"})
CLASSES = (
    "1.2.840.10008.5.1.4.1.1.7",  # secondary capture, and its multi-frame kinds below it
    "1.2.840.10008.5.1.4.1.1.6.1",  # ultrasound
    "1.2.840.10008.5.1.4.1.1.3.1",  # ultrasound, multi-frame
    "1.2.840.10008.5.1.4.1.1.12.1",  # X-ray angiography
    "1.2.840.10008.5.1.4.1.1.104",  # encapsulated documents
)
CAPTURES = ("SCREEN", "CAPTURE", "DOSE", "REPORT", "SECONDARY FORM")


def burned_in_risk(header: Header) -> str:
    """Why text may stand in this picture: "flag", "capture", "kind", or empty.

    "NO" in the header is not believed: captures marked NO that show a patient's name are common.
    """
    return _risk(header.burned_in, header.instance.sop_class_uid, header.image_type, header.modality)


@lru_cache(maxsize=256)  # the pictures of a series are of one kind
def _risk(burned_in: str, sop_class: str, image_type: tuple[str, ...], modality: str) -> str:
    if burned_in == "YES":
        return "flag"
    if any(sop_class == known or sop_class.startswith(f"{known}.") for known in CLASSES):
        return "capture" if sop_class.startswith(CLASSES[0]) else "kind"
    if any(word in value.upper() for value in image_type for word in CAPTURES):
        return "capture"
    return "kind" if modality in KINDS else ""
