"""What this room needs to know of a study, and of nothing else: any record with these attributes will do.

So the pictures and the chart's records need not know each other. Tags are those of DICOM PS3.6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol


class SeriesFacts(Protocol):
    """What is needed of one series."""

    @property
    def series_instance_uid(self) -> str:
        """(0020,000E), bare."""
        ...

    @property
    def modality(self) -> str:
        """(0008,0060), empty where the header has none."""
        ...

    @property
    def number(self) -> int | None:
        """(0020,0011), None where it has none."""
        ...

    @property
    def description(self) -> str:
        """As the header says it, or empty."""
        ...

    @property
    def body_part(self) -> str:
        """(0018,0015), or empty."""
        ...

    @property
    def laterality(self) -> str:
        """ "L", "R", "B" or empty."""
        ...

    @property
    def region(self) -> Sequence[str]:
        """(code, scheme, meaning) of (0008,2218), or empty."""
        ...

    @property
    def started(self) -> str:
        """ISO 8601 with an offset where a zone is known, else a date, else empty."""
        ...

    @property
    def performer(self) -> str:
        """(0008,1050), else (0008,1070), or empty."""
        ...

    @property
    def titles(self) -> Sequence[str]:
        """Of the instances, in their order; may be left empty."""
        ...

    @property
    def instances(self) -> Sequence[tuple[str, str, int | None]]:
        """(SOP Instance UID, SOP Class UID, number), in order."""
        ...


class StudyFacts(Protocol):
    """What is needed of one study."""

    @property
    def study_instance_uid(self) -> str:
        """(0020,000D), bare."""
        ...

    @property
    def started(self) -> str:
        """ISO 8601 with an offset where a zone is known, else a date, else empty."""
        ...

    @property
    def description(self) -> str:
        """As the header says it, or empty."""
        ...

    @property
    def accession(self) -> str:
        """(0008,0050), or empty."""
        ...

    @property
    def institution(self) -> str:
        """(0008,0080), or empty."""
        ...

    @property
    def accession_issuer(self) -> str:
        """(0008,0051), or empty."""
        ...

    @property
    def referring(self) -> str:
        """(0008,0090) as text, or empty."""
        ...

    @property
    def interpreter(self) -> str:
        """(0008,1060) as text, or empty."""
        ...

    @property
    def reason(self) -> str:
        """(0040,1002), or empty."""
        ...

    @property
    def procedures(self) -> Sequence[Sequence[str]]:
        """(code, scheme, meaning) of each item of (0008,1032)."""
        ...

    @property
    def modalities(self) -> Sequence[str]:
        """Of the study, or empty."""
        ...

    @property
    def series(self) -> Sequence[SeriesFacts]:
        """Every series held."""
        ...
