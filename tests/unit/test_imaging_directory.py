"""A disc's own list is a hint for what is missing: in any order, with any links, under any name."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from imaging import directory as module
from imaging.confined import Confines
from imaging.directory import Listed, ListedSeries, gaps, joined, read_directory
from imaging.errors import NotDicom
from imaging.media import survey
from imaging.offers import report_inside
from imaging.report import describe
from imaging.verdict import judge
from tests.discs import FILES, PUBLIC, altered, directory

DISCS = PUBLIC / "dicomdirtests"


@pytest.mark.parametrize("name", ["DICOMDIR", "DICOMDIR-bigEnd", "DICOMDIR-implicit", "DICOMDIR-reordered"])
def test_each_picture_is_listed_in_its_own_series(name: str) -> None:
    """By the links, whatever the order of the records; a list in big endian or implicit VR says the same."""
    with (DISCS / name).open("rb") as stream, (DISCS / "DICOMDIR").open("rb") as plain:
        listed, wanted = read_directory(stream), read_directory(plain)
    by_uid = {series.series_instance_uid: series.instances for series in listed.series}
    assert by_uid == {series.series_instance_uid: series.instances for series in wanted.series}
    assert len(wanted.series) >= 10
    assert listed.loose == frozenset()
    assert all(series.instances for series in listed.series)


def test_the_same_disc_has_all_that_its_list_names() -> None:
    """The files of the public disc, against its list of them."""
    found = survey([DISCS / "DICOMDIR", DISCS / "77654033", DISCS / "98892001", DISCS / "98892003"])
    assert found.listed is not None
    assert (found.missing, found.gaps) == (0, ())
    half = survey([DISCS / "DICOMDIR", DISCS / "98892003"])
    assert half.listed is not None
    assert {gap.whole for gap in half.gaps} == {True}
    assert len(half.listed.series) - len(half.gaps) == len({s for study in half.studies for s in study.series})


def test_a_list_without_links_is_read_in_its_order() -> None:
    """As careless writers leave it."""
    listed = read_directory(io.BytesIO(directory(FILES)))
    assert [len(series.instances) for series in listed.series] == [2, 2]
    assert [series.title for series in listed.series] == ["Head CT 1", "Head CT 2"]


def _linked(links: dict[int, tuple[int, int]]) -> bytes:
    """The list of a small disc whose records (by number) say (next, below), as numbers of records."""
    content = directory(FILES)
    for _ in range(2):  # once more when the lengths are final
        dataset = pydicom.dcmread(io.BytesIO(content))
        records = list(dataset.DirectoryRecordSequence)
        places = [record.seq_item_tell for record in records]
        for number, record in enumerate(records):
            after, below = links.get(number, (-1, -1))
            record.OffsetOfTheNextDirectoryRecord = places[after] if after >= 0 else 0
            record.OffsetOfReferencedLowerLevelDirectoryEntity = places[below] if below >= 0 else 0
        out = io.BytesIO()
        pydicom.dcmwrite(out, dataset, enforce_file_format=True)
        content = out.getvalue()
    return content


def test_links_in_a_ring_end_and_a_picture_belongs_to_one_series() -> None:
    """Records 0 and 3 are series, the others their pictures; both series claim the first picture."""
    listed = read_directory(io.BytesIO(_linked({0: (3, 1), 1: (2, -1), 2: (1, -1), 3: (0, 1), 4: (5, -1)})))
    counted = [len(series.instances) for series in listed.series]
    assert sum(counted) == len(listed.instances) == 4
    assert counted == [2, 2]


def test_gaps_are_named_by_series() -> None:
    """Some of it, nothing of it, or a series that the list names without its pictures."""
    one = ListedSeries("1", "CT", "3", "", frozenset({"a", "b"}))
    two = ListedSeries("2", "MR", "", "T2 axial", frozenset({"c"}))
    bare = ListedSeries("3", "KO")
    found = gaps(Listed((one, two, bare)), {"a", "x"}, {"1"})
    assert [(gap.series.title, gap.held, gap.whole) for gap in found] == [
        ("CT 3", 1, False),
        ("T2 axial", 0, True),
        ("KO", 0, True),
    ]
    assert gaps(Listed((one, two, bare)), {"a", "b", "c"}, {"1", "2", "3"}) == []


def test_several_lists_are_one() -> None:
    """One in each folder, the same series in two of them."""
    one = Listed((ListedSeries("1", "CT", "1", "A", frozenset({"a"})),), frozenset({"b"}))
    two = Listed((ListedSeries("1", "CT", "1", "", frozenset({"b"})),))
    whole = joined([one, two])
    assert whole.instances == {"a", "b"}
    assert whole.loose == frozenset()
    assert [series.description for series in whole.series] == ["A"]


# -- what is among the pictures ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sop_class", "title", "holds", "inside"),
    [
        ("1.2.840.10008.5.1.4.1.1.104.1", "Radiology Report", "application/pdf", "pdf"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "", "", "pdf"),
        ("1.2.840.10008.5.1.4.1.1.104.1", "", "text/html", ""),
        ("1.2.840.10008.5.1.4.1.1.104.3", "", "model/stl", ""),
        ("1.2.840.10008.5.1.4.1.1.88.11", "", "", "sr"),
        ("1.2.840.10008.5.1.4.1.1.88.22", "CT of head", "", "sr"),
        ("1.2.840.10008.5.1.4.1.1.88.33", "Imaging Measurement Report", "", ""),
        ("1.2.840.10008.5.1.4.1.1.88.67", "X-Ray Radiation Dose Report", "", ""),
        ("1.2.840.10008.5.1.4.1.1.88.59", "Of Interest", "", ""),
        ("1.2.840.10008.5.1.4.1.1.2", "", "", ""),
    ],
)
def test_a_report_in_a_dicom_coat_is_offered(
    tmp_path: Path, sop_class: str, title: str, holds: str, inside: str
) -> None:
    """Written reports are; measurements, doses and selections of pictures are not."""
    name = Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "1", "99X", title or "-"
    values = {"ConceptNameCodeSequence": [name], "MIMETypeOfEncapsulatedDocument": holds}
    content = altered(SOPClassUID=sop_class, without=("PixelData", "Rows", "Columns"), **values)
    _, header, _ = judge("a", io.BytesIO(content), len(content))
    assert header is not None
    assert report_inside(header) == inside
    (tmp_path / "a").write_bytes(content)
    assert ("report-inside" in {f["rule"] for f in describe([tmp_path])["findings"]}) == bool(inside)


def test_a_program_in_front_of_a_picture_is_told(tmp_path: Path) -> None:
    """It is a picture all the same, and kept as it is."""
    (tmp_path / "a").write_bytes(b"MZ".ljust(128, b"\0") + FILES[0][128:])
    described = describe([tmp_path])
    assert described["verdicts"] == {"image": 1}
    assert "Windows" in next(f["text"] for f in described["findings"] if f["rule"] == "executable-preamble")


def test_a_list_larger_than_real_ones_is_read_in_a_process_of_its_own_with_an_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same is read there; what does not end, or is no list, is refused."""
    content = directory(FILES)
    here = read_directory(io.BytesIO(content))
    monkeypatch.setattr(module, "LARGE", 100)
    assert read_directory(io.BytesIO(content)) == here
    with pytest.raises(NotDicom, match="too large"):
        read_directory(io.BytesIO(b"no list at all " * 20))
    monkeypatch.setattr(module, "CONFINES", Confines(seconds=0.01))
    with pytest.raises(NotDicom, match="too large"):
        read_directory(io.BytesIO(content))
