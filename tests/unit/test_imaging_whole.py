"""All that is kept of a picture at ingest is the same whether our reader or pydicom read it."""

from __future__ import annotations

import io
import json
import random
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imaging import whole as wholes
from imaging.errors import NotDicom
from imaging.reading import jsontext
from imaging.reading.wanted import Odd
from imaging.whole import Whole, read_whole
from tests.discs import FILES, PUBLIC, encapsulated, implicit, naked
from tests.unit.test_imaging_reading import PYDICOM, broken, encoded, other_ids, public_files


def fast(content: bytes) -> Whole | None:
    """By our reader; None where it leaves the file to pydicom."""
    try:
        return parsed(wholes._fast(io.BytesIO(content)))
    except Odd:
        return None


def slow(content: bytes) -> Whole | None:
    """By pydicom; None where it is no picture."""
    try:
        return parsed(wholes._thorough(io.BytesIO(content)))
    except NotDicom:
        return None


def parsed(whole: Whole) -> Whole:
    """With its JSON as a value, for 1.0 and 1 are one number."""
    return replace(whole, metadata=json.loads(whole.metadata))


def agreed(*folders: Path) -> tuple[int, list[str]]:
    """How many files our reader read, each as pydicom does, and those left to pydicom though it can read them."""
    answered, left = 0, []
    for path, content in public_files(*folders):
        quick, thorough = fast(content), slow(content)
        if quick is not None:
            assert quick == thorough, path.name
            answered += 1
        elif thorough is not None:
            left.append(path.name)
    return answered, left


def test_every_file_that_pydicom_tests_itself_with_is_kept_as_pydicom_reads_it() -> None:
    """Header, every element of the JSON, pixels, frames."""
    answered, left = agreed(PYDICOM)
    assert answered >= 120
    assert len(left) <= 12, left


def test_every_real_picture_is_kept_as_pydicom_reads_it(shared: Path) -> None:
    """Private blocks of three makers, ten character sets, every compressed syntax."""
    answered, left = agreed(shared / "data" / "dicom")
    assert answered >= 60
    assert all(name.startswith(("In_", "seg", "liver")) for name in left), left


def odd_values() -> Dataset:
    """Values of every representation, some of them awkward."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    dataset.PatientName = "Müller^José=山田^花子=やまだ"
    dataset.OtherPatientNames = ["One^Two", "Three"]
    dataset.PatientComments = "a\\b\r\nsecond line  "
    dataset.StudyDescription = "  leading and trailing  "
    dataset.ImageComments = ""
    dataset.WindowCenter = ["40", "-600.5"]
    dataset.SliceLocation = "1e-3"
    dataset.PatientSize = None
    dataset.FrameIncrementPointer = [0x00181063, 0x00181065]
    dataset.TableHeight = "-0.0"
    dataset.add_new(0x00280106, "US", 0)
    dataset.IconImageSequence = [Dataset()]
    dataset.IconImageSequence[0].Rows = 1
    dataset.IconImageSequence[0].add_new(0x7FE00010, "OW", b"\0\0")
    dataset.ReferencedStudySequence = []
    dataset.OtherPatientIDsSequence = other_ids(2)
    dataset.add_new(0x00090010, "LO", "A MAKER")
    dataset.add_new(0x00091001, "UN", b"\1\2\3\4")
    dataset.add_new(0x00091002, "OB", bytes(2000))
    dataset.add_new(0x00091003, "FD", [1.5, float("nan"), float("inf")])
    dataset.add_new(0x00091004, "SL", -5)
    dataset.add_new(0x00190010, "LO", "SIEMENS MR HEADER")
    dataset.add_new(0x0019100C, "IS", "1000")
    dataset.add_new(0x60003000, "OW", b"\1\0")
    return dataset


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian])
def test_every_kind_of_value_is_kept_alike(syntax: str) -> None:
    """In each way of writing; private elements too, whose kind only their maker's dictionary knows."""
    dataset = odd_values()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.file_meta.TransferSyntaxUID = syntax
    out = io.BytesIO()
    pydicom.dcmwrite(
        out,
        dataset,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=True,
    )
    read = fast(out.getvalue())
    assert read is not None
    assert read == slow(out.getvalue())
    found = dict(read.metadata)  # type: ignore[call-overload]
    unsaid = syntax == ImplicitVRLittleEndian  # no dictionary knows this maker
    assert found["00091002"] == {"vr": "UN" if unsaid else "OB", "BulkDataURI": "{bulk}/00091002"}
    assert found["0019100C"] == {"vr": "IS", "Value": [1000]}
    assert found["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"] == "{bulk}/00880200/0/7FE00010"
    assert found["00100010"]["Value"][0]["Ideographic"] == "山田^花子"


def test_compressed_naked_and_implicit_pictures_are_kept_alike() -> None:
    """Where their frames lie too."""
    frames = [b"a" * 40 + b"\xff\xd9", b"b" * 40 + b"\xff\xd9"]
    for content in (encapsulated(frames), encapsulated(frames, fragments=2), implicit(), naked()):
        read = fast(content)
        assert read is not None
        assert read == slow(content)


def test_broken_bytes_are_never_kept_as_something_else() -> None:
    """Where our reader answers, pydicom would have answered the same, down to the last element."""
    chance = random.Random(7)
    bases = [encoded(ExplicitVRLittleEndian, OtherPatientIDsSequence=other_ids(2)), implicit(), FILES[0]]
    bases.append((PUBLIC / "CT_small.dcm").read_bytes())
    answered = 0
    for _ in range(700):
        content = broken(chance, chance.choice(bases))
        quick = fast(content)
        if quick is not None:
            answered += 1
            assert quick == slow(content)
    assert answered > 100


def test_what_is_remembered_of_values_is_bounded() -> None:
    """Large values are written each time, and not kept in memory."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    dataset.PatientComments = "x" * (jsontext.REMEMBERED + 1)
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, enforce_file_format=True)
    jsontext._element.cache_clear()
    text = read_whole(io.BytesIO(out.getvalue())).metadata
    assert "x" * jsontext.REMEMBERED in text
    kept = jsontext._element.cache_info()
    assert 0 < kept.currsize <= len(dataset)
    read_whole(io.BytesIO(out.getvalue()))
    assert jsontext._element.cache_info().misses == kept.misses
