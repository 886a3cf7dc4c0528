"""Pictures handed out: a study over WADO-RS with the chart's token, and a patient's disc as a ZIP.

DICOM PS3.18 section 10.4 (Retrieve Study); SMART Imaging Access. Rule: the files are drawn when asked for, always with
the same identifiers; in the scenario `wrong-patient` they name somebody else.
"""

from __future__ import annotations

import io
import unicodedata
import zipfile
from datetime import timedelta

from imaging.phantom import ct_study
from imaging.study import Person as Stamped
from smart_app.sandbox.cast import Person
from smart_app.sandbox.house import House
from smart_app.sandbox.people import mrn_of, seed_id
from smart_app.sandbox.pictures import Held, all_held

STRANGER = Stamped(name="Otherwise^Olive", birth_date="1944-04-04", sex="F", id="9990001")
BOUNDARY = "practice-picture-boundary"
WELCOME = b"Pictures of a person who does not exist, drawn by the practice EHR.\r\n"


def held(house: House, patient_id: str) -> list[Held]:
    """Every study of that patient of which the hospital has the pictures."""
    return [one for one in all_held(house.personality) if seed_id(house.personality, one.person.slug) == patient_id]


def find(house: House, study_instance_uid: str) -> tuple[Held, str] | None:
    """The study with that UID and the id of its patient; None where there is none."""
    for one in all_held(house.personality):
        if one.study_instance_uid == study_instance_uid:
            return one, seed_id(house.personality, one.person.slug)
    return None


def files(house: House, holding: Held, patient_id: str) -> list[bytes]:
    """The study as DICOM files."""
    exam = holding.exam
    wrong = house.records.scenarios.of(patient_id) == "wrong-patient"
    done = house.records.opened - timedelta(days=exam.days_ago)
    return ct_study(
        STRANGER if wrong else stamped(holding.person),
        study_date=done.date().isoformat(),
        description=exam.title,
        series=exam.series,
        slices=exam.slices,
        laterality=exam.laterality,
        body_part=exam.body_part,
        modality=exam.modality,
        study_instance_uid=holding.study_instance_uid,
        institution=house.personality.hospital,
    )


def stamped(person: Person) -> Stamped:
    """The person as a scanner writes them: no accents in the first group, other scripts in groups of their own."""
    name = "^".join((plain(person.family), *(plain(given) for given in person.given)))
    groups = tuple(f"{family}^{given}" for _, family, given in person.other_names)
    sex = {"female": "F", "male": "M"}.get(person.sex, "O")
    return Stamped(name=name, birth_date=person.birth_date, sex=sex, id=mrn_of(person), name_groups=groups)


def plain(text: str) -> str:
    """Without accents."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def disc(house: House, patient_id: str) -> bytes | None:
    """Every picture of that patient in one ZIP, named as discs name them; None where there are none."""
    studies = held(house, patient_id)
    if not studies:
        return None
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("README.TXT", WELCOME)
        for number, holding in enumerate(studies, 1):
            for at, content in enumerate(files(house, holding, patient_id), 1):
                archive.writestr(f"DICOM/S{number:05d}/I{at:05d}", content)
    return packed.getvalue()


def multipart(parts: list[bytes]) -> tuple[bytes, str]:
    """The body and content type of a multipart/related answer (PS3.18 section 8.7)."""
    body = b"".join(
        f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\nContent-Length: {len(part)}\r\n\r\n".encode()
        + part
        + b"\r\n"
        for part in parts
    )
    kind = f'multipart/related; type="application/dicom"; boundary={BOUNDARY}'
    return body + f"--{BOUNDARY}--\r\n".encode(), kind
