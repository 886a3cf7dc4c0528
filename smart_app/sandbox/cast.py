"""The people of the practice hospitals. All of them are invented; rule: each stands for one thing that goes wrong.

Accents, hyphens, particles, other scripts, twins, a child with a parent, somebody without a visit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Picture:
    """One series of a study. `laterality` is DICOM "L", "R" or empty."""

    modality: str
    description: str
    body_part: str
    slices: int
    laterality: str = ""


@dataclass(frozen=True)
class Exam:
    """One examination done in the hospital, with its first reading."""

    slug: str
    title: str
    days_ago: int
    series: tuple[Picture, ...]
    finding: str
    conclusion: str
    pictures_in_chart: bool = True


@dataclass(frozen=True)
class Person:
    """One patient. `days` is the visit: days ago it began and ended (None: still open); no tuple: no visit."""

    slug: str
    family: str
    given: tuple[str, ...]
    birth_date: str
    sex: str
    language: str = "en"
    city: str = "Millbrook"
    other_names: tuple[tuple[str, str, str], ...] = ()  # (representation IDE or SYL, family, given)
    visits: tuple[tuple[str, int, int | None, str], ...] = ()  # (class, began, ended, why)
    exams: tuple[Exam, ...] = ()
    order: str = ""  # the hospital's own order for an outside opinion
    problem: str = ""
    proxy: tuple[str, str, str] | None = None  # (family, given, relationship code)


def _exam(slug: str, title: str, days_ago: int, series: tuple[Picture, ...], finding: str, conclusion: str) -> Exam:
    return Exam(slug, title, days_ago, series, finding, conclusion)


PEOPLE: tuple[Person, ...] = (
    Person(
        "holloway", "Holloway", ("Marguerite", "Anne"), "1958-02-17", "female",
        visits=(("AMB", 0, None, "Oncology visit"), ("AMB", 41, 41, "Cough, weight loss")),
        problem="Solitary pulmonary nodule",
        order="Outside opinion on chest CT: is the nodule suspicious enough for resection?",
        exams=(
            _exam("chest", "CT chest with contrast", 9, (
                Picture("CT", "Chest axial 5 mm", "CHEST", 12), Picture("CT", "Chest lung window 1 mm", "CHEST", 16),
            ), "A 14 mm nodule in the right upper lobe with an irregular margin. No enlarged lymph nodes.",
                "Indeterminate nodule of the right upper lobe, 14 mm. Follow-up in three months is advised."),
            _exam("chest-before", "Chest radiograph", 390, (Picture("DX", "PA view", "CHEST", 1),),
                "Clear lungs. Normal heart size.", "No acute finding."),
        ),
    ),
    Person(
        "perrault", "Perrault", ("Zoé",), "1961-03-14", "female", language="fr",
        visits=(("AMB", 2, None, "Neurology visit"),), problem="First seizure",
        order="Outside opinion on brain MRI: low-grade tumour or inflammation?",
        exams=(_exam("brain", "MRI brain with contrast", 12, (
            Picture("MR", "T1 axial", "BRAIN", 10), Picture("MR", "FLAIR axial", "BRAIN", 10),
        ), "A T2 bright lesion of the left insula, 22 mm, without enhancement.",
            "Non-enhancing lesion of the left insula. A low-grade tumour cannot be ruled out."),),
    ),
    Person(
        "whitlock", "Whitlock-Osei", ("Amara",), "1974-11-02", "female",
        visits=(("AMB", 1, None, "Breast clinic"),), problem="Palpable lump, left breast",
        exams=(_exam("breast", "MRI breast", 20, (Picture("MR", "T1 fat-suppressed", "BREAST", 8, "L"),),
            "An irregular mass of the left breast at two o'clock, 11 mm, with washout.",
            "Suspicious mass of the left breast. Biopsy is advised."),),
    ),
    Person(
        "meulen", "van der Meulen", ("Joost",), "1955-07-29", "male", language="nl",
        visits=(("AMB", 5, None, "Urology visit"),), problem="Raised PSA",
        exams=(_exam("prostate", "MRI prostate", 16, (Picture("MR", "T2 axial", "PROSTATE", 10),),
            "A low-signal focus of the right peripheral zone, 9 mm.", "Equivocal focus, right peripheral zone."),),
    ),
    Person(
        "minamoto", "Minamoto", ("Haruka",), "1988-05-19", "female", language="ja",
        other_names=(("IDE", "源", "遥"), ("SYL", "みなもと", "はるか")),
        visits=(("AMB", 3, None, "Sports clinic"),), problem="Knee injury",
        exams=(_exam("knee", "MRI left knee", 6, (
            Picture("MR", "PD sagittal", "KNEE", 10, "L"), Picture("MR", "T2 coronal", "KNEE", 8, "L"),
        ), "A vertical tear of the posterior horn of the medial meniscus.", "Torn medial meniscus, left knee."),),
    ),
    Person(
        "fairweather-imogen", "Fairweather", ("Imogen",), "1999-01-23", "female",
        visits=(("AMB", 4, None, "Gastroenterology visit"),), problem="Abdominal pain",
        exams=(_exam("abdomen", "CT abdomen", 7, (Picture("CT", "Abdomen portal venous", "ABDOMEN", 12),),
            "Wall thickening of the terminal ileum over 8 cm.", "Terminal ileitis."),),
    ),
    Person(
        "fairweather-isobel", "Fairweather", ("Isobel",), "1999-01-23", "female",
        visits=(("AMB", 30, None, "Family medicine"),), problem="Migraine",
        exams=(_exam("head", "MRI head", 25, (Picture("MR", "T2 axial", "HEAD", 8),), "Normal brain.", "Normal."),),
    ),
    Person(
        "castellan", "Castellan", ("Milo",), "2019-09-08", "male",
        visits=(("EMER", 1, None, "Fall from a climbing frame"),), problem="Elbow injury",
        exams=(_exam("elbow", "Radiographs of the right elbow", 1, (Picture("DX", "AP and lateral", "ELBOW", 2, "R"),),
            "A raised posterior fat pad. No fracture line seen.", "Suspected occult fracture of the right elbow."),),
        proxy=("Castellan", "Teodora", "MTH"),
    ),
    Person(
        "thackeray", "Thackeray", ("Edmund",), "1947-12-05", "male", problem="Aortic aneurysm",
        exams=(_exam("aorta", "CT angiography of the aorta", 60, (Picture("CT", "Aorta arterial", "ABDOMEN", 12),),
            "An infrarenal aneurysm of 52 mm.", "Infrarenal aortic aneurysm, 52 mm."),),
    ),
    Person(
        "alfarouq", "Al-Farouq", ("Rashid",), "1969-08-30", "male", language="ar",
        visits=(("AMB", 8, None, "Spine clinic"),), problem="Sciatica",
        exams=(_exam("spine", "MRI lumbar spine", 18, (
            Picture("MR", "T2 sagittal", "LSPINE", 9), Picture("MR", "T2 axial", "LSPINE", 12),
        ), "A disc extrusion at L5/S1 touching the left S1 root.", "Disc extrusion L5/S1, left."),),
    ),
    Person(
        "odwyer", "O'Dwyer", ("Nuala",), "1982-04-11", "female", language="es",
        visits=(("AMB", 6, 6, "Endocrine clinic"),), problem="Thyroid nodule",
    ),
    Person(
        "pemberton", "Pemberton", ("Ignatius",), "1936-10-27", "male",
        visits=(("IMP", 20, 11, "Stroke unit stay"), ("AMB", -9, None, "Planned review")), problem="Stroke",
        exams=(
            _exam("head", "CT head", 19, (Picture("CT", "Head axial", "HEAD", 12),),
                "An established infarct in the left middle cerebral territory.", "Subacute infarct, left."),
            _exam("head-before", "CT head", 400, (Picture("CT", "Head axial", "HEAD", 8),),
                "Age-related change.", "No acute finding."),
        ),
    ),
    Person(
        "wulandari", "Wulandari", (), "1991-06-03", "female", language="id",
        visits=(("AMB", 14, None, "Hand clinic"),), problem="Wrist pain",
        exams=(_exam("wrist", "MRI right wrist", 15, (Picture("MR", "PD coronal", "WRIST", 8, "R"),),
            "Fluid in the ulnar-sided recess.", "Possible tear of the triangular fibrocartilage."),),
    ),
)  # fmt: skip

DOCTORS: tuple[tuple[str, str, str, str], ...] = (
    ("marlowe", "Marlowe", "Adaeze", "Oncology"),
    ("lindqvist", "Lindqvist", "Viktor", "Orthopaedics"),
    ("ramancole", "Raman-Cole", "Priya", "Family medicine"),
)
"""Who works on the practice wards: (slug, family, given, department)."""
