"""Which objects among the pictures are a written report: a structured report, or a PDF in a DICOM coat.

Rule: they are offered to the person who gave them, never taken for the first report unasked.
"""

from __future__ import annotations

from imaging.study import Header

PDF_INSIDE = "1.2.840.10008.5.1.4.1.1.104.1"  # Encapsulated PDF Storage (PS3.4 Annex B.5)
# Basic Text, Enhanced and Comprehensive SR, Comprehensive 3D SR: what people write reports in. Dose reports, findings
# of programs and selections of pictures have classes of their own.
WRITTEN = frozenset(f"1.2.840.10008.5.1.4.1.1.88.{kind}" for kind in (11, 22, 33, 34))
MEASURED = ("measurement", "dose", "cad", "key object")


def report_inside(header: Header) -> str:
    """ "pdf" or "sr" where this object may be a report for people, else empty."""
    sop_class = header.instance.sop_class_uid
    if sop_class == PDF_INSIDE and header.holds in ("", "application/pdf"):
        return "pdf"
    title = header.title.casefold()
    return "sr" if sop_class in WRITTEN and not any(word in title for word in MEASURED) else ""
