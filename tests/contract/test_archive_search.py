"""QIDO-RS over a shelf: what may be asked on each level, and a no to everything else, whatever is on the shelf."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from imaging.archive import Archive, Shelf, open_archive
from imaging.errors import ArchiveRefused
from imaging.phantom import ct_study
from imaging.study import Person
from tests.discs import altered

WHO = Person("Müller^José", "1990-02-03", "M", "X-1", name_groups=("山田^花子",))
HEAD = ct_study(WHO, study_date="2026-11-03", description="Head CT", series=2, slices=2, size=16)
KNEE = ct_study(
    WHO, study_date="2025-05-01", description="Knee MR", series=1, slices=1, size=16, modality="MR", laterality="L"
)


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Archive]:
    """An archive with one filled shelf and one empty one."""
    archive = open_archive(tmp_path_factory.mktemp("archive"))
    shelf = archive.shelf("case")
    for content in (*HEAD, *KNEE):
        shelf.put(io.BytesIO(content))
    yield archive
    archive.close()


@pytest.fixture
def shelf(archive: Archive) -> Shelf:
    """The filled shelf."""
    return archive.shelf("case")


STUDIES = [
    ({}, 2),
    ({"StudyDate": "20261103"}, 1),
    ({"StudyDate": "20261101-20261130"}, 1),
    ({"StudyDate": "20261104-"}, 0),
    ({"StudyDate": "-20260101"}, 1),
    ({"StudyDate": "*"}, 2),
    ({"StudyTime": "0930"}, 2),
    ({"StudyTime": "09-10"}, 2),
    ({"StudyTime": "093000-093000"}, 2),
    ({"StudyTime": "0931-"}, 0),
    ({"PatientName": "müll*"}, 2),
    ({"PatientName": "MÜLLER^JOSÉ"}, 2),
    ({"PatientName": "Müller"}, 0),
    ({"PatientName": "Muller^Jose"}, 0),
    ({"PatientName": "山田*"}, 2),
    ({"PatientName": "M?ller^*"}, 2),
    ({"PatientID": "X-1"}, 2),
    ({"PatientID": "x-1"}, 0),
    ({"PatientID": "X.1"}, 0),
    ({"00100020": "X-2"}, 0),
    ({"PatientBirthDate": "19900203"}, 2),
    ({"PatientSex": "F"}, 0),
    ({"ModalitiesInStudy": "MR"}, 1),
    ({"ModalitiesInStudy": "PT"}, 0),
    ({"AccessionNumber": "NOPE"}, 0),
    ({"StudyDescription": "Head*"}, 1),
    ({"StudyDescription": "Head*", "ModalitiesInStudy": "MR"}, 0),
    ({"NumberOfStudyRelatedSeries": "2"}, 1),
    ({"StudyInstanceUID": "1.2.3"}, 0),
    ({"PatientID": "X-1", "includefield": "all", "fuzzymatching": "true"}, 2),
]


@pytest.mark.parametrize(("filters", "count"), STUDIES)
def test_filters_filter(shelf: Shelf, filters: dict[str, str], count: int) -> None:
    """Ranges, wildcards, tags and plain values (PS3.4 section C.2.2.2)."""
    assert len(shelf.search_for_studies(filters)) == count


@pytest.mark.parametrize("separator", [",", "\\"])
def test_a_list_of_uids_finds_each(shelf: Shelf, separator: str) -> None:
    """Either separator is in use."""
    uids = [study.study_instance_uid for study in shelf.studies()]
    assert len(shelf.search_for_studies({"StudyInstanceUID": separator.join([*uids, "1.2.3"])})) == 2


UNKNOWN = [
    ("studies", "PatientsFavouriteColour"),
    ("studies", "00091010"),
    ("studies", "SeriesNumber"),
    ("studies", "SOPInstanceUID"),
    ("studies", "patientid"),
    ("series", "SOPInstanceUID"),
    ("series", "Rows"),
    ("instances", "PatientName"),
    ("instances", "Nothing"),
]


@pytest.mark.parametrize("owner", ["case", "nobody"])
@pytest.mark.parametrize(("level", "name"), UNKNOWN)
def test_an_unknown_filter_is_refused_on_every_level_and_never_ignored(
    archive: Archive, owner: str, level: str, name: str
) -> None:
    """An ignored filter would answer with too much; whether it is refused does not hang on what is stored."""
    with pytest.raises(ArchiveRefused, match=name):
        list(archive.shelf(owner).query_text(level, search_filters={name: "1"}))
    with pytest.raises(ArchiveRefused, match=name):
        list(archive.shelf(owner).query_text(level, search_filters={"StudyInstanceUID": "9.9", name: "1"}))


@pytest.mark.parametrize(
    "filters",
    [
        {"StudyDate": "2026-11-03"},
        {"StudyDate": "yesterday"},
        {"StudyDate": "-"},
        {"StudyDate": "20261103-20261104-20261105"},
        {"StudyTime": "9:30"},
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(shelf: Shelf, filters: dict[str, str]) -> None:
    """A date that is none finds nothing, and the asker would believe it."""
    with pytest.raises(ArchiveRefused):
        shelf.search_for_studies(filters)


def test_an_answer_has_what_the_standard_wants_of_its_level(shelf: Shelf) -> None:
    """PS3.18 tables 10.6.3-3 to 10.6.3-5; an empty value keeps its tag."""
    (study,) = shelf.search_for_studies({"ModalitiesInStudy": "CT"})
    uid = study["0020000D"]["Value"][0]
    assert study["00100010"]["Value"] == [{"Alphabetic": "Müller^José", "Ideographic": "山田^花子"}]
    assert study["00080030"] == {"vr": "TM", "Value": ["093000"]}
    assert study["00080090"] == {"vr": "PN"}
    assert (study["00201206"]["Value"], study["00201208"]["Value"]) == ([2], [4])
    first, second = shelf.search_for_series(uid)
    assert [s["00200011"]["Value"] for s in (first, second)] == [[1], [2]]
    assert first["00201209"]["Value"] == [2]
    instance = shelf.search_for_instances(uid, first["0020000E"]["Value"][0])[0]
    assert [instance[tag]["Value"] for tag in ("00200013", "00280010", "00280011", "00280100")] == [
        [1],
        [16],
        [16],
        [16],
    ]
    assert all(list(a) == sorted(a) for a in (study, first, instance))


def test_series_and_instances_are_found_across_studies(shelf: Shelf) -> None:
    """Without a study in the path."""
    assert len(shelf.search_for_series()) == 3
    assert len(shelf.search_for_series(search_filters={"Modality": "MR"})) == 1
    assert len(shelf.search_for_series(search_filters={"StudyDescription": "Head CT"})) == 2
    assert len(shelf.search_for_series(search_filters={"Laterality": "L"})) == 1
    assert len(shelf.search_for_instances()) == 5
    assert len(shelf.search_for_instances(search_filters={"InstanceNumber": "2"})) == 2
    assert len(shelf.search_for_instances(search_filters={"SeriesNumber": "1"})) == 3


def test_pages_follow_each_other_without_gap_or_repeat(shelf: Shelf) -> None:
    """The order is always the same."""
    whole = shelf.search_for_instances()
    pages = [shelf.search_for_instances(limit=2, offset=start) for start in (0, 2, 4, 6)]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert [answer for page in pages for answer in page] == whole
    assert shelf.search_for_studies(limit=0) == []
    for wrong in ({"limit": -1}, {"offset": -1}):
        with pytest.raises(ArchiveRefused):
            shelf.search_for_studies(**wrong)


@pytest.mark.parametrize("level", ["studies", "series", "instances"])
@pytest.mark.parametrize("page", [{}, {"limit": 1, "offset": 1}])
def test_the_answers_as_text_are_the_same_answers(shelf: Shelf, level: str, page: dict[str, int]) -> None:
    """The HTTP face sends texts; nobody can tell the difference."""
    search = {
        "studies": shelf.search_for_studies,
        "series": shelf.search_for_series,
        "instances": shelf.search_for_instances,
    }
    assert [json.loads(text) for text in shelf.query_text(level, **page)] == search[level](**page)


def test_nothing_of_another_owner_is_ever_found(archive: Archive) -> None:
    """Neither by universal matching nor by a known number."""
    other = archive.shelf("nobody")
    uid = archive.shelf("case").studies()[0].study_instance_uid
    assert other.search_for_studies() == other.search_for_series(uid) == other.search_for_instances(uid) == []
    assert other.search_for_studies({"StudyInstanceUID": uid}) == []


def test_owners_whose_names_are_alike_are_different_owners(archive: Archive) -> None:
    """No owner's name is a path or a pattern."""
    for name in ("../case", "case/", "CASE", "cas%", "*", "case\0"):
        assert archive.shelf(name).studies() == [], name


def test_a_study_without_a_time_has_none(tmp_path: Path) -> None:
    """Absent stays absent."""
    archive = open_archive(tmp_path)
    shelf = archive.shelf("x")
    shelf.put(io.BytesIO(altered(HEAD[0], without=("StudyTime", "StudyDate", "StudyDescription"))))
    (study,) = shelf.search_for_studies()
    assert (study["00080020"], study["00080030"]) == ({"vr": "DA"}, {"vr": "TM"})
    assert shelf.search_for_studies({"StudyDate": "19000101-"}) == []
    archive.close()
