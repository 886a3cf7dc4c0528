"""What a header says, and what is absent because it does not: nothing is guessed, nothing odd stops the reading."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from imaging.errors import NotDicom
from imaging.header import IsDirectory, header_of, read_header
from imaging.opening import open_dicom
from imaging.study import Header, Person, gather, started
from tests.discs import FILES, WHO, altered, directory, implicit, naked, of, raw_value, written


def header(content: bytes = FILES[0]) -> Header:
    """The header of these bytes."""
    return read_header(io.BytesIO(content))


def with_raw(keyword: str, vr: str, value: bytes) -> Header:
    """The header of a picture in which one element has these bytes."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        tag = pydicom.datadict.tag_for_keyword(keyword)
        dataset[tag] = pydicom.dataelem.RawDataElement(
            pydicom.tag.Tag(tag), vr, len(value), value, 0, is_implicit_VR=False, is_little_endian=True
        )
        return header(written(dataset))


def test_a_whole_header_is_read() -> None:
    """The values of the phantom, one by one."""
    read = header()
    assert read.person == WHO
    assert (read.modality, read.body_part, read.series_number, read.instance.number) == ("CT", "HEAD", 1, 1)
    assert (read.study_date, read.study_time, read.timezone) == ("2026-11-03", "093000", "+0000")
    assert (read.instance.rows, read.instance.columns, read.instance.bits, read.instance.frames) == (32, 32, 16, 1)
    assert read.oddities == ()


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "field"),
    [
        ("PatientBirthDate", "DA", b"19920332", "birth_date"),
        ("PatientBirthDate", "DA", b"00000000", "birth_date"),
        ("PatientBirthDate", "DA", b"1992", "birth_date"),
        ("PatientBirthDate", "DA", b"14/03/1992", "birth_date"),
        ("PatientBirthDate", "DA", b"19920314\\19930314", "birth_date"),
        ("PatientName", "PN", b"Samplewright^Marisol\\Placeholder^Peter ", "name"),
        ("PatientID", "LO", b"TST-1\\TST-2 ", "id"),
        ("PatientSex", "CS", b"F\\M ", "sex"),
    ],
)
def test_a_value_of_identity_that_cannot_be_relied_on_is_absent_and_named(
    keyword: str, vr: str, value: bytes, field: str
) -> None:
    """Of two names none is the name; half a date is no date."""
    read = with_raw(keyword, vr, value)
    assert getattr(read.person, field) == ""
    assert keyword in read.oddities


@pytest.mark.parametrize(
    ("keyword", "vr", "value", "field", "wanted"),
    [
        ("PatientBirthDate", "DA", b"1992.03.14", "birth_date", "1992-03-14"),
        ("PatientBirthDate", "DA", b"19920314\\19920314", "birth_date", "1992-03-14"),
        ("PatientName", "PN", b"  Samplewright^Marisol^^ ", "name", "Samplewright^Marisol"),
        ("PatientName", "PN", b"    ", "name", ""),
        ("PatientSex", "CS", b"f ", "sex", "F"),
        ("PatientID", "LO", b"TST-1\0", "id", "TST-1"),
    ],
)
def test_careless_writing_is_read(keyword: str, vr: str, value: bytes, field: str, wanted: str) -> None:
    """Padding, an old date format, and a value said twice."""
    assert getattr(with_raw(keyword, vr, value).person, field) == wanted


@pytest.mark.parametrize(
    ("keyword", "vr", "value"),
    [
        ("InstanceNumber", "IS", b"abc "),
        ("InstanceNumber", "IS", b"-1"),
        ("InstanceNumber", "IS", b"99999999999 "),
        ("InstanceNumber", "IS", b"1e400 "),
        ("SeriesNumber", "IS", b"1.9.10.0"),
        ("StudyDate", "DA", b"yesterday "),
    ],
)
def test_odd_numbers_and_dates_do_not_stop_the_reading(keyword: str, vr: str, value: bytes) -> None:
    """The value is absent, and the finding names it."""
    read = with_raw(keyword, vr, value)
    assert keyword in read.oddities
    assert read.instance.sop_instance_uid == header().instance.sop_instance_uid


def test_an_illegal_representation_does_not_stop_the_reading() -> None:
    """A writer that knows no VR of the standard."""
    content = FILES[0].replace(b"\x08\x00\x60\x00CS", b"\x08\x00\x60\x00ZZ")
    assert header(content).person == WHO


@pytest.mark.parametrize("missing", ["StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID"])
def test_a_picture_that_cannot_be_told_from_others_is_refused_by_name(missing: str) -> None:
    """Without its number it can neither be stored nor asked for."""
    with pytest.raises(NotDicom, match=missing):
        header(altered(without=(missing,)))


@pytest.mark.parametrize("uid", [b"1.2.3/../../etc", b"1.2.x.4", b"1..2", b"1.2.3\\1.2.4"])
def test_a_number_that_is_no_uid_is_refused(uid: bytes) -> None:
    """UIDs come into addresses; they are digits and dots."""
    with pytest.raises(NotDicom, match="SOPInstanceUID"):
        with_raw("SOPInstanceUID", "UI", uid)


def test_a_disc_list_is_told_from_a_picture() -> None:
    """Whatever its file is called."""
    with pytest.raises(IsDirectory):
        header(directory(FILES))


def test_other_numbers_of_the_patient_are_kept() -> None:
    """Retired attribute and sequence, each number once."""
    item = Dataset()
    item.PatientID = "OUT-2"
    read = header(altered(OtherPatientIDs=["OUT-1", "OUT-2"], OtherPatientIDsSequence=[item]))
    assert read.person.other_ids == ("OUT-1", "OUT-2")


@pytest.mark.parametrize(
    ("values", "side"),
    [
        ({"Laterality": "L"}, "L"),
        ({"ImageLaterality": "R"}, "R"),
        ({"Laterality": "R", "ImageLaterality": "R"}, "R"),
        ({"ImageLaterality": "U"}, ""),
        ({}, ""),
    ],
)
def test_the_side_is_read_from_series_and_image(values: dict[str, str], side: str) -> None:
    """Unpaired and unnamed are no side."""
    assert header(altered(**values)).laterality == side


def test_sides_that_contradict_each_other_are_no_side_and_a_finding() -> None:
    """LEFT for the series and RIGHT for its image: nobody may rely on either."""
    read = header(altered(Laterality="L", ImageLaterality="R"))
    assert read.laterality == ""
    assert "Laterality" in read.oddities


@pytest.mark.parametrize(("sides", "wanted"), [(["L", "L"], "L"), (["L", "R"], "B")])
def test_the_side_of_an_enhanced_image_is_that_of_its_frames(sides: list[str], wanted: str) -> None:
    """Functional groups, shared or per frame (PS3.3 section C.7.6.16.2.8)."""
    frames = []
    for side in sides:
        anatomy, frame = Dataset(), Dataset()
        anatomy.FrameLaterality = side
        frame.FrameAnatomySequence = [anatomy]
        frames.append(frame)
    assert header(altered(PerFrameFunctionalGroupsSequence=frames)).laterality == wanted


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("chrFren", "Buc^Jérôme"),
        ("chrGerm", "Äneas^Rüdiger"),
        ("chrGreek", "Διονυσιος"),
        ("chrRuss", "Люкceмбypг"),
        ("chrArab", "قباني^لنزار"),
        ("chrHbrw", "שרון^דבורה"),
        ("chrH31", "Yamada^Tarou"),
        ("chrX1", "Wang^XiaoDong"),
        ("chrX2", "Wang^XiaoDong"),
    ],
)
def test_names_are_decoded_by_their_character_set(shared: Path, file: str, name: str) -> None:
    """ISO 2022 with code extensions, and UTF-8."""
    with (shared / "data" / "dicom" / "charsets" / f"charset_{file}.dcm").open("rb") as stream:
        assert read_header(stream).person.name == name


def test_the_groups_of_a_name_are_kept_in_their_places(shared: Path) -> None:
    """Ideographic first, phonetic second."""
    with (shared / "data" / "dicom" / "charsets" / "charset_chrH31.dcm").open("rb") as stream:
        assert read_header(stream).person.name_groups == ("山田^太郎", "やまだ^たろう")
    only = header(of(Person("", "1990-01-01", "M", "9", name_groups=("山田^太郎",))))
    assert (only.person.name, only.person.name_groups) == ("山田^太郎", ("山田^太郎",))


# -- studies -----------------------------------------------------------------------------------------------------


def test_studies_are_gathered_with_their_series_in_order() -> None:
    """Order of the files does not matter, and a picture given twice counts once."""
    headers = [header(content) for content in (*reversed(FILES), FILES[0])]
    (study,) = gather(headers)
    assert [series.number for series in study.series] == [1, 2]
    assert [[number for _, _, number in series.instances] for series in study.series] == [[1, 2], [1, 2]]
    assert study.modalities == ("CT",)
    assert study.started == "2026-11-03T09:30:00+00:00"


def test_the_kind_of_what_describes_pictures_is_not_the_kind_of_the_study() -> None:
    """A CT with a structured report is a CT; a study of reports only is of reports."""
    report = altered(FILES[3], Modality="SR", SeriesInstanceUID="1.2.9", SOPInstanceUID="1.2.9.1")
    assert gather([header(report), header(FILES[0])])[0].modalities == ("CT",)
    assert gather([header(report)])[0].modalities == ("SR",)


@pytest.mark.parametrize(("second", "wanted"), [("L", "L"), ("R", "B"), ("", "L")])
def test_a_series_of_both_sides_says_so(second: str, wanted: str) -> None:
    """One picture of LEFT and one of RIGHT."""
    pictures = [altered(FILES[0], Laterality="L"), altered(FILES[1], Laterality=second)]
    assert gather(map(header, pictures))[0].series[0].laterality == wanted


def test_what_the_first_header_lacks_another_of_the_study_may_say() -> None:
    """A report object in front of the pictures has no accession number."""
    bare = altered(FILES[0], without=("AccessionNumber", "StudyDescription", "StudyDate", "StudyTime"))
    (study,) = gather([header(bare), header(FILES[1])])
    assert study.accession == header().accession
    assert study.description == "Head CT"
    assert study.started == "2026-11-03T09:30:00+00:00"


def test_a_study_without_a_date_starts_when_its_series_does() -> None:
    """Its own date stays absent."""
    (study,) = gather([header(altered(without=("StudyDate",)))])
    assert (study.date, study.started) == ("", "2026-11-03")


@pytest.mark.parametrize(
    ("date", "time", "zone", "wanted"),
    [
        ("2026-11-03", "093000", "+0100", "2026-11-03T09:30:00+01:00"),
        ("2026-11-03", "093000.123", "-0330", "2026-11-03T09:30:00-03:30"),
        ("2026-11-03", "0930", "+0000", "2026-11-03T09:30:00+00:00"),
        ("2026-11-03", "09:30:15", "+0000", "2026-11-03T09:30:15+00:00"),
        ("2026-07-03", "093000", "Europe/Madrid", "2026-07-03T09:30:00+02:00"),
        ("2026-11-03", "093000", "Europe/Madrid", "2026-11-03T09:30:00+01:00"),
        ("2026-11-03", "093000", "UTC", "2026-11-03T09:30:00+00:00"),
        ("2026-11-03", "093000", "", "2026-11-03"),
        ("2026-11-03", "", "+0100", "2026-11-03"),
        ("2026-11-03", "09", "+0100", "2026-11-03"),
        ("2026-11-03", "250000", "+0100", "2026-11-03"),
        ("2026-11-03", "096100", "+0100", "2026-11-03"),
        ("2026-11-03", "093000", "+2500", "2026-11-03"),
        ("2026-11-03", "093000", "Nowhere/Land", "2026-11-03"),
        ("2026-11-03", "093000", "../../etc/passwd", "2026-11-03"),
        ("", "093000", "+0100", ""),
    ],
)
def test_a_time_is_told_only_with_its_zone(date: str, time: str, zone: str, wanted: str) -> None:
    """FHIR R4 forbids a time without a zone, and a wrong one is worse than none."""
    assert started(date, time, zone) == wanted


def test_the_header_names_its_own_zone_and_the_site_only_fills_in() -> None:
    """The scanner's zone goes before the hospital's."""
    assert gather([header()], zone="+0500")[0].started.endswith("+00:00")
    bare = header(altered(without=("TimezoneOffsetFromUTC",)))
    assert gather([bare], zone="+0500")[0].started.endswith("+05:00")
    assert gather([bare])[0].started == "2026-11-03"


def test_a_value_changed_in_place_keeps_its_length() -> None:
    """The test's own tool does what it says."""
    assert header(raw_value(FILES[0], "PatientBirthDate", b"19920315")).person.birth_date == "1992-03-15"


def test_headers_tell_what_completeness_is_judged_by() -> None:
    """View, contrast, slices, field and other names: by our own reader and by pydicom alike."""
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "399368009", "SCT", "medio-lateral oblique"
    values = {
        "ViewCodeSequence": [code],
        "ViewPosition": "CC",
        "ContrastBolusAgent": "Gadobutrol",
        "SliceThickness": "1.25",
        "MagneticFieldStrength": "3",
        "PatientBirthName": "Maidenly^Marisol",
        "OtherPatientNames": ["Alias^Marisol", "Maidenly^Marisol"],
    }
    for content in (altered(**values), implicit(altered(**values)), naked(altered(**values))):
        header = read_header(io.BytesIO(content))
        assert (header.view, header.contrast, header.thickness, header.field_strength) == ("MLO", "Gadobutrol", 1.25, 3)
        assert header.person.other_names == ("Maidenly^Marisol", "Alias^Marisol")
        assert header == header_of(open_dicom(io.BytesIO(content)))
    bare = read_header(io.BytesIO(altered(without=("SliceThickness",), ViewPosition="CC")))
    assert (bare.view, bare.contrast, bare.thickness, bare.field_strength) == ("CC", "", None, None)
    odd = read_header(io.BytesIO(raw_value(altered(SliceThickness="1.25"), "SliceThickness", b"-1.5")))
    assert (odd.thickness, odd.oddities) == (None, ("SliceThickness",))
