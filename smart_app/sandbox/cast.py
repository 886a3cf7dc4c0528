"""The people of the practice hospitals. All of them are invented; rule: each stands for one thing that goes wrong.

Accents, hyphens, particles, other scripts, twins, a child with a parent, somebody without a visit.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Exam:
    """One examination done in the hospital, with its first reading. No `slices`: the pictures are not kept any more.

    `laterality` is DICOM "L", "R" or empty.
    """

    slug: str
    title: str
    days_ago: int
    modality: str
    body_part: str
    series: int
    slices: int
    finding: str
    conclusion: str
    laterality: str = ""


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


PEOPLE: tuple[Person, ...] = (
    Person(
        "holloway", "Holloway", ("Marguerite", "Anne"), "1958-02-17", "female",
        visits=(("AMB", 0, None, "Oncology visit"), ("AMB", 41, 41, "Cough, weight loss")),
        problem="Solitary pulmonary nodule",
        order="Outside opinion on chest CT: is the nodule suspicious enough for resection?",
        exams=(
            Exam("chest", "CT chest with contrast", 9, "CT", "CHEST", 2, 14,
                 "A 14 mm nodule in the right upper lobe with an irregular margin. No enlarged lymph nodes.",
                 "Indeterminate nodule of the right upper lobe, 14 mm. Follow-up in three months is advised."),
            Exam("chest-before", "Chest radiograph", 390, "DX", "CHEST", 0, 0,
                 "Clear lungs. Normal heart size.", "No acute finding."),
        ),
    ),
    Person(
        "perrault", "Perrault", ("Zoé",), "1961-03-14", "female", language="fr",
        visits=(("AMB", 2, None, "Neurology visit"),), problem="First seizure",
        order="Outside opinion on brain MRI: low-grade tumour or inflammation?",
        exams=(
            Exam("brain", "MRI brain with contrast", 12, "MR", "BRAIN", 2, 10,
                 "A T2 bright lesion of the left insula, 22 mm, without enhancement.",
                 "Non-enhancing lesion of the left insula. A low-grade tumour cannot be ruled out."),
        ),
    ),
    Person(
        "whitlock", "Whitlock-Osei", ("Amara",), "1974-11-02", "female",
        visits=(("AMB", 1, None, "Breast clinic"),), problem="Palpable lump, left breast",
        exams=(
            Exam("breast", "MRI left breast", 20, "MR", "BREAST", 1, 8,
                 "An irregular mass of the left breast at two o'clock, 11 mm, with washout.",
                 "Suspicious mass of the left breast. Biopsy is advised.", "L"),
        ),
    ),
    Person(
        "meulen", "van der Meulen", ("Joost",), "1955-07-29", "male", language="nl",
        visits=(("AMB", 5, None, "Urology visit"),), problem="Raised PSA",
        exams=(
            Exam("prostate", "MRI prostate", 16, "MR", "PROSTATE", 1, 10,
                 "A low-signal focus of the right peripheral zone, 9 mm.", "Equivocal focus, right peripheral zone."),
        ),
    ),
    Person(
        "minamoto", "Minamoto", ("Haruka",), "1988-05-19", "female", language="ja",
        other_names=(("IDE", "源", "遥"), ("SYL", "みなもと", "はるか")),
        visits=(("AMB", 3, None, "Sports clinic"),), problem="Knee injury",
        exams=(
            Exam("knee", "MRI left knee", 6, "MR", "KNEE", 2, 8,
                 "A vertical tear of the posterior horn of the medial meniscus.",
                 "Torn medial meniscus, left knee.", "L"),
        ),
    ),
    Person(
        "fairweather-imogen", "Fairweather", ("Imogen",), "1999-01-23", "female",
        visits=(("AMB", 4, None, "Gastroenterology visit"),), problem="Abdominal pain",
        exams=(
            Exam("abdomen", "CT abdomen", 7, "CT", "ABDOMEN", 1, 12,
                 "Wall thickening of the terminal ileum over 8 cm.", "Terminal ileitis."),
        ),
    ),
    Person(
        "fairweather-isobel", "Fairweather", ("Isobel",), "1999-01-23", "female",
        visits=(("AMB", 30, None, "Family medicine"),), problem="Migraine",
        exams=(Exam("head", "MRI head", 25, "MR", "HEAD", 1, 8, "Normal brain.", "Normal."),),
    ),
    Person(
        "castellan", "Castellan", ("Milo",), "2019-09-08", "male",
        visits=(("EMER", 1, None, "Fall from a climbing frame"),), problem="Elbow injury",
        exams=(
            Exam("elbow", "MRI right elbow", 1, "MR", "ELBOW", 1, 8,
                 "A raised posterior fat pad. Bone marrow oedema of the distal humerus, no fracture line.",
                 "Suspected occult fracture of the right elbow.", "R"),
        ),
        proxy=("Castellan", "Teodora", "MTH"),
    ),
    Person(
        "thackeray", "Thackeray", ("Edmund",), "1947-12-05", "male", problem="Aortic aneurysm",
        exams=(
            Exam("aorta", "CT angiography of the aorta", 60, "CT", "ABDOMEN", 1, 12,
                 "An infrarenal aneurysm of 52 mm.", "Infrarenal aortic aneurysm, 52 mm."),
        ),
    ),
    Person(
        "alfarouq", "Al-Farouq", ("Rashid",), "1969-08-30", "male", language="ar",
        visits=(("AMB", 8, None, "Spine clinic"),), problem="Sciatica",
        exams=(
            Exam("spine", "MRI lumbar spine", 18, "MR", "LSPINE", 2, 9,
                 "A disc extrusion at L5/S1 touching the left S1 root.", "Disc extrusion L5/S1, left."),
        ),
    ),
    Person(
        "odwyer", "O'Dwyer", ("Nuala",), "1982-04-11", "female", language="es",
        visits=(("AMB", 6, 6, "Endocrine clinic"),), problem="Thyroid nodule",
    ),
    Person(
        "pemberton", "Pemberton", ("Ignatius",), "1936-10-27", "male",
        visits=(("IMP", 20, 11, "Stroke unit stay"), ("AMB", -9, None, "Planned review")), problem="Stroke",
        exams=(
            Exam("head", "CT head", 19, "CT", "HEAD", 1, 12,
                 "An established infarct in the left middle cerebral territory.", "Subacute infarct, left."),
            Exam("head-before", "CT head", 400, "CT", "HEAD", 1, 8, "Age-related change.", "No acute finding."),
        ),
    ),
    Person(
        "wulandari", "Wulandari", (), "1991-06-03", "female", language="id",
        visits=(("AMB", 14, None, "Hand clinic"),), problem="Wrist pain",
        exams=(
            Exam("wrist", "MRI right wrist", 15, "MR", "WRIST", 1, 8,
                 "Fluid in the ulnar-sided recess.", "Possible tear of the triangular fibrocartilage.", "R"),
        ),
    ),
)  # fmt: skip

DOCTORS: tuple[tuple[str, str, str, str], ...] = (
    ("marlowe", "Marlowe", "Adaeze", "Oncology"),
    ("lindqvist", "Lindqvist", "Viktor", "Orthopaedics"),
    ("ramancole", "Raman-Cole", "Priya", "Family medicine"),
)
"""Who works on the practice wards: (slug, family, given, department)."""
