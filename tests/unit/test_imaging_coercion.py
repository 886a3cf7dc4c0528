"""Pictures go out under the local numbers and keep the old ones; UIDs and pixels never change (safety rule 3)."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import pydicom
import pytest

from imaging.coercion import Local, coerced
from imaging.errors import NotDicom
from imaging.header import read_header
from tests.discs import FILES, altered, deflated, encapsulated, implicit, naked

AT = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
LOCAL = Local("H-77", "HOSPITAL", "Samplewright^Marisol^T", birth_date="1992-03-14", accession="A9")
COMPRESSED = encapsulated([b"\xff\xd8\xff\xd9" * 20])


def out(content: bytes, local: Local = LOCAL, when: datetime = AT) -> bytes:
    """The file as it goes out."""
    return b"".join(coerced(io.BytesIO(content), local, at=when, system="second-opinion", source="Harbour Imaging"))


@pytest.mark.parametrize("content", [FILES[0], implicit(), naked(), COMPRESSED])
def test_the_old_values_stand_in_the_file_with_who_when_and_why(content: bytes) -> None:
    """In every way of writing; nothing else is different."""
    before, after = (
        pydicom.dcmread(io.BytesIO(content), force=True),
        pydicom.dcmread(io.BytesIO(out(content)), force=True),
    )
    assert (after.PatientID, after.IssuerOfPatientID, str(after.PatientName)) == ("H-77", "HOSPITAL", LOCAL.name)
    assert after.AccessionNumber == "A9"
    (item,) = after.OriginalAttributesSequence
    (old,) = item.ModifiedAttributesSequence
    assert (old.PatientID, old.IssuerOfPatientID, str(old.PatientName)) == ("TST-1", "", "Samplewright^Marisol")
    assert "PatientBirthDate" not in old
    assert item.AttributeModificationDateTime == "20261124093000+0000"
    assert (item.ModifyingSystem, item.SourceOfPreviousValues) == ("second-opinion", "Harbour Imaging")
    assert item.ReasonForTheAttributeModification == "COERCE"
    for keyword in ("PatientID", "IssuerOfPatientID", "PatientName", "AccessionNumber", "OriginalAttributesSequence"):
        for dataset in (before, after):
            dataset.pop(keyword, None)
    assert after == before
    assert after.PixelData == before.PixelData


def test_uids_never_change_and_our_own_reader_reads_it() -> None:
    """The same picture, under another number."""
    before, after = read_header(io.BytesIO(FILES[0])), read_header(io.BytesIO(out(FILES[0])))
    assert after.instance == before.instance
    assert after.person.id == "H-77"


def test_nothing_to_change_leaves_the_very_same_bytes() -> None:
    """An empty value changes nothing, and neither does an equal one."""
    assert out(FILES[0], Local()) == FILES[0]
    assert out(FILES[0], Local(patient_id="TST-1", birth_date="1992-03-14", sex="F")) == FILES[0]


def test_a_second_place_adds_its_change_to_the_first() -> None:
    """What was true before the first change is not lost."""
    twice = out(out(FILES[0]), Local(patient_id="Z-1"))
    items = pydicom.dcmread(io.BytesIO(twice)).OriginalAttributesSequence
    assert [item.ModifiedAttributesSequence[0].PatientID for item in items] == ["TST-1", "H-77"]


def test_a_name_that_the_file_cannot_write_stays_as_it_was() -> None:
    """The number is changed all the same."""
    latin = altered(SpecificCharacterSet="ISO_IR 100")
    after = pydicom.dcmread(io.BytesIO(out(latin, Local(patient_id="H-77", name="山田^花子"))))
    assert (str(after.PatientName), after.PatientID) == ("Samplewright^Marisol", "H-77")
    umlaut = pydicom.dcmread(io.BytesIO(out(latin, Local(name="Müller^Jörg"))))
    assert str(umlaut.PatientName) == "Müller^Jörg"
    unicode = pydicom.dcmread(io.BytesIO(out(FILES[0], Local(name="山田^花子"))))
    assert str(unicode.PatientName) == "山田^花子"


def test_what_cannot_be_rewritten_faithfully_is_refused() -> None:
    """Deflated, or no picture at all."""
    for content in (deflated(), b"no picture"):
        with pytest.raises(NotDicom):
            out(content)
