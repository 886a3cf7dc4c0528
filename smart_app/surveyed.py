"""`second-opinion study`: what is in a folder, ZIP or disc, in words, as JSON, and as FHIR."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imaging.study import Person, Study

Resource = dict[str, Any]
PATIENCE = 2.0  # seconds without a word
GENDERS = {"M": "male", "F": "female", "O": "other"}
"""Patient's Sex (0010,0040) in FHIR's words."""


def survey_media(paths: Sequence[Path], *, as_json: bool, fhir: Path | None, zone: str = "") -> str:
    """What is to be printed; `fhir` gets one ImagingStudy, or a Bundle of several.

    Raises ImagingError, OSError where the file cannot be written, and ValueError where there is no study to write.
    """
    from imaging.media import survey
    from imaging.report import described, in_words

    found = survey(paths, zone=zone, progress=_aloud())
    if fhir is not None:
        if not found.studies:
            raise ValueError("There is no DICOM study in these files, so nothing was written.")
        fhir.write_text(json.dumps(as_fhir(found.studies), indent=1, ensure_ascii=False) + "\n", "utf-8")
    said = described(found)
    return json.dumps(said, indent=2, ensure_ascii=False) if as_json else in_words(said)


def _aloud() -> Callable[[int], None]:
    """Says on standard error how far the reading is, every few seconds."""
    spoken = time.monotonic()

    def progress(files: int) -> None:
        nonlocal spoken
        if files % 50 == 0 and time.monotonic() - spoken > PATIENCE:
            spoken = time.monotonic()
            print(f"{files:,} files so far", file=sys.stderr, flush=True)

    return progress


def as_fhir(studies: Sequence[Study]) -> Resource:
    """One ImagingStudy, or a collection of them. The patient of the header travels inside, and is nobody's chart."""
    resources = [_imaging_study(study) for study in studies]
    if len(resources) == 1:
        return resources[0]
    import uuid

    # The same disc makes the same Bundle.
    entries = [
        {"fullUrl": uuid.uuid5(uuid.NAMESPACE_OID, study.study_instance_uid).urn, "resource": resource}
        for study, resource in zip(studies, resources, strict=True)
    ]
    return {"resourceType": "Bundle", "type": "collection", "entry": entries}


def _imaging_study(study: Study) -> Resource:
    from fhir.study import imaging_study

    resource = imaging_study(study, subject="#patient")
    patient = _patient(study.person)
    return {"resourceType": "ImagingStudy", "contained": [patient], **resource}


def _patient(person: Person) -> Resource:
    from fhir.elements import present, tidy

    family, given, middle = (*person.name.split("^"), "", "", "")[:3]
    name = present(text=" ".join(part for part in (given, middle, family) if part), family=family)
    name |= present(given=[part for part in (given, middle) if part])
    number = present(value=person.id, assigner=present(display=person.issuer))
    return tidy(
        present(
            resourceType="Patient",
            id="patient",
            identifier=[number] if person.id else None,
            name=[name] if name else None,
            gender=GENDERS.get(person.sex),
            birthDate=person.birth_date,
        )
    )
