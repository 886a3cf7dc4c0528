"""Whole inputs to break: small, of every kind that the readers know. All of people who do not exist."""

from __future__ import annotations

import io
import zipfile
from functools import cache

from imaging.phantom import ct_study
from imaging.study import Person
from tests import discs
from tests.papers import in_dicom, pdf, photo, structured

ME = Person("Samplewright^Marisol", "1992-03-14", "F", "TST-1")
OTHER = Person("Strangerson^Sam", "1951-01-02", "M", "X-9")
JAPANESE = Person("Yamada^Tarou", "1970-07-07", "M", "J-1", name_groups=("山田^太郎", "やまだ^たろう"))


@cache
def objects() -> tuple[bytes, ...]:
    """DICOM objects: explicit and implicit VR, big endian, deflated, without preamble, compressed, documents, lists."""
    about = {"study_date": "2026-11-03", "description": "Head CT", "series": 1, "slices": 1, "size": 8}
    mine, theirs = ct_study(ME, **about)[0], ct_study(OTHER, **about)[0]
    return (
        mine,
        theirs,
        ct_study(JAPANESE, **about)[0],
        ct_study(ME, modality="MR", laterality="L", **about)[0],
        discs.implicit(mine),
        discs.deflated(mine),
        discs.naked(mine),
        _big_endian(mine),
        discs.encapsulated([b"\xff\xd8\xff\xd9" * 8, b"\xff\xd8\xff\xd9" * 9]),
        discs.altered(theirs, PatientName="", PatientBirthDate=""),
        in_dicom(b"%PDF-1.4\n"),
        structured(),
    )


def _big_endian(content: bytes) -> bytes:
    import pydicom

    dataset = pydicom.dcmread(io.BytesIO(content))
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, implicit_vr=False, little_endian=False)
    return out.getvalue()


@cache
def lists() -> tuple[bytes, ...]:
    """A disc's own lists: flat, linked, in big endian."""
    folder = discs.PUBLIC / "dicomdirtests"
    names = ("DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered", "DICOMDIR-empty.dcm")
    return (discs.directory(discs.FILES), *((folder / name).read_bytes() for name in names))


@cache
def containers() -> tuple[bytes, ...]:
    """ZIPs: stored, deflated, with folders and odd names, nested, ZIP64, Office."""
    mine = objects()[0]
    members = {"DICOM/IM0": mine, "../../etc/passwd": b"root", "r.txt": b"hello", "Ünïcode/山": mine[:400]}
    large = io.BytesIO()
    with zipfile.ZipFile(large, "w") as archive, archive.open("IM0", "w", force_zip64=True) as out:
        out.write(mine)
    return (
        discs.zipped(members, zipfile.ZIP_STORED),
        discs.zipped(members),
        discs.zipped({"in.zip": discs.zipped(members), "IM1": mine}),
        large.getvalue(),
        discs.zipped({"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"}),
        discs.zipped({f"{n}": b"x" for n in range(50)}),
    )


@cache
def images_of_discs() -> tuple[bytes, ...]:
    """Disc images, small."""
    from tests.unit.test_imaging_discs import disc_image

    return tuple(disc_image(kind, {"IM0": objects()[0], "A": b"x"}) for kind in ("joliet", "rock", "plain"))


@cache
def papers() -> tuple[tuple[str, bytes], ...]:
    """Reports, with their content types."""
    return (
        ("application/pdf", pdf()),
        ("image/jpeg", photo(size=(200, 260))),
        ("image/png", photo("PNG", size=(200, 260))),
        ("text/plain", b"Findings: nothing.\nHallazgos: ninguno."),
        ("application/dicom", structured()),
    )


@cache
def forms() -> tuple[bytes, ...]:
    """Bodies of the patient's form of files, with the boundary "edge"."""
    mine = objects()[0]
    one = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="IM0"\r\n\r\n' + mine + b"\r\n"
    two = b'--edge\r\nContent-Disposition: form-data; name="files"; filename="d.zip"\r\n\r\n'
    return (one + b"--edge--\r\n", one + two + containers()[1] + b"\r\n--edge--\r\n")


NAMES = (
    "Samplewright^Marisol", "SAMPLEWRIGHT^MARISOL T^^Dr", "Müller-Lüdenscheidt^Jörg", "van der Berg^Jan", "山田^太郎",
    "Διονυσιος", "קרת^שרון", "Люкceмбypг", "قباني^لنزار", "김희중", "de la Cruz García^José", "O'Brien^Seán", "^", "",
)  # fmt: skip
