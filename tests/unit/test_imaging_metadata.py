"""DICOM JSON made once: complete, valid JSON, pixels and large values named and not carried."""

from __future__ import annotations

import io
import json
import math
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from imaging.errors import NotDicom
from imaging.metadata import bulk_value, dicom_json, metadata_text
from imaging.opening import open_dicom
from imaging.study import Person
from tests.discs import FILES, PUBLIC, altered, encapsulated, of, written


def built(content: bytes) -> dict:
    """The metadata of these bytes, by way of its text."""
    return json.loads(metadata_text(open_dicom(io.BytesIO(content))))


@pytest.mark.filterwarnings("ignore")  # pydicom warns about the odd files that this is about
def test_it_says_what_pydicom_says_of_every_public_file(shared: Path) -> None:
    """Element by element, where pydicom can say it at all."""
    compared = 0
    for path in [*sorted(PUBLIC.rglob("*.dcm")), *sorted((shared / "data" / "dicom").rglob("*.dcm"))]:
        with path.open("rb") as stream:
            try:
                ours = dicom_json(open_dicom(stream))
            except NotDicom:
                continue
        dataset = pydicom.dcmread(path, force=True, stop_before_pixels=True)
        for element in dataset:
            tag = f"{int(element.tag):08X}"
            if element.tag.element == 0 or tag == "00080005" or element.VR == "SQ" or " or " in element.VR:
                continue
            try:
                theirs = element.to_json_dict(lambda _: "bulk", 1024)
            except Exception:  # noqa: BLE001
                continue
            if "BulkDataURI" in theirs or "NaN" in json.dumps(theirs):
                continue
            assert ours[tag] == theirs, (path.name, tag)
            compared += 1
    assert compared > 5000


def test_text_is_utf8_and_says_so() -> None:
    """Whatever the file's own character set."""
    content = of(Person("Müller^José", "1990-01-01", "M", "9", name_groups=("山田^太郎",)))
    text = metadata_text(open_dicom(io.BytesIO(content)))
    assert "Müller^José" in text
    assert json.loads(text)["00080005"] == {"vr": "CS", "Value": ["ISO_IR 192"]}
    assert json.loads(text)["00100010"]["Value"] == [{"Alphabetic": "Müller^José", "Ideographic": "山田^太郎"}]


def test_tags_stand_in_order_and_file_meta_is_left_out() -> None:
    """PS3.18 section F.2."""
    tags = list(built(FILES[0]))
    assert tags == sorted(tags)
    assert not any(tag.startswith("0002") for tag in tags)


def test_pixels_are_named_and_not_carried() -> None:
    """Native and compressed; an object without pixels names none."""
    assert built(FILES[0])["7FE00010"] == {"vr": "OW", "BulkDataURI": "{bulk}/7FE00010"}
    assert built(encapsulated([b"\xff\xd8\xff\xd9"]))["7FE00010"] == {"vr": "OB", "BulkDataURI": "{bulk}/7FE00010"}
    assert "7FE00010" not in built(altered(without=("PixelData",)))


def test_what_is_not_a_number_is_null() -> None:
    """JSON has no NaN; a browser would refuse the whole answer."""
    content = altered(ReferencePixelPhysicalValueX=math.nan, RealWorldValueLUTData=[1.5, math.inf])
    assert built(content)["00409212"]["Value"] == [1.5, None]


def test_large_values_are_named_by_their_path_and_found_by_it() -> None:
    """Also inside sequences; a path that names nothing is nothing."""
    icon = Dataset()
    icon.Rows = icon.Columns = 64
    icon.PixelData = bytes(range(256)) * 16
    icon["PixelData"].VR = "OW"
    content = altered(IconImageSequence=[icon], EncapsulatedDocument=b"%PDF-1.7" + bytes(2000))
    metadata = built(content)
    assert metadata["00420011"] == {"vr": "OB", "BulkDataURI": "{bulk}/00420011"}
    assert metadata["00880200"]["Value"][0]["7FE00010"]["BulkDataURI"] == "{bulk}/00880200/0/7FE00010"
    opened = open_dicom(io.BytesIO(content))
    assert bulk_value(opened, "00420011") == b"%PDF-1.7" + bytes(2000)
    assert bulk_value(opened, "00880200/0/7FE00010") == bytes(range(256)) * 16
    for path in ("00420012", "00880200/1/7FE00010", "00880200/x", "", "../../etc", "00100010", "00880200"):
        assert bulk_value(opened, path) is None, path


def test_a_value_that_cannot_be_encoded_is_left_out_and_hides_nothing() -> None:
    """One odd number does not cost the viewer the picture."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    dataset[0x00180050] = pydicom.dataelem.RawDataElement(
        pydicom.tag.Tag(0x00180050), "DS", 6, b"thin  ", 0, is_implicit_VR=False, is_little_endian=True
    )
    metadata = built(written(dataset))
    assert "00180050" not in metadata
    assert metadata["0020000D"]["Value"] == [str(dataset.StudyInstanceUID)]


def test_representations_that_implicit_vr_leaves_open_are_closed() -> None:
    """ "US or SS" is no VR that a viewer knows."""
    dataset = Dataset()
    dataset.SOPClassUID = "1.2.840.10008.5.1.4.1.1.2"
    dataset.SOPInstanceUID = "1.2.3"
    dataset.SmallestImagePixelValue = 5
    dataset["SmallestImagePixelValue"].VR = "US"
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False)
    content = out.getvalue()
    assert built(content[132:] if content[128:132] == b"DICM" else content)["00280106"] == {"vr": "US", "Value": [5]}
