"""Any disc: every file gets one verdict, the verdicts add up, and nothing hostile gets through."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pydicom
import pytest

from imaging.errors import UnsafeMedia
from imaging.media import Limits, Verdict, survey, walk
from imaging.phantom import ct_study
from imaging.report import describe
from imaging.study import Person

WHO = Person("Samplewright^Marisol", "1992-03-14", "F", "TST-1")
FILES = ct_study(WHO, study_date="2026-11-03", description="Head CT", series=2, slices=2)


def verdicts(path: Path) -> dict[str, str]:
    """Name to verdict."""
    return {found.name: found.verdict.value for found in walk([path])}


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """A disc as imaging centres burn them."""
    folder = tmp_path / "disc"
    (folder / "DICOM").mkdir(parents=True)
    for number, content in enumerate(FILES):
        (folder / "DICOM" / f"IM{number}").write_bytes(content)
    (folder / "DICOM" / "COPY").write_bytes(FILES[0])
    (folder / "AUTORUN.INF").write_text("[autorun]")
    (folder / "report.pdf").write_bytes(b"%PDF-1.7\n")
    (folder / "page.jpg").write_bytes(b"\xff\xd8\xff\xe0rest")
    (folder / "empty").write_bytes(b"")
    (folder / "cut").write_bytes(FILES[1][:-500])
    (folder / "locked.enc").write_bytes(b"secret")
    (folder / ".hidden").write_bytes(b"x")
    (folder / "loop").symlink_to(folder)
    return folder


def test_every_file_has_one_verdict_and_they_add_up(disc: Path) -> None:
    """Ten files and a link that is not followed."""
    found = survey([disc])
    assert found.counts == {
        "image": 4,
        "duplicate": 1,
        "not-an-image": 2,
        "report": 2,
        "unreadable": 2,
        "locked": 1,
    }
    assert found.files == 12
    assert sum(found.counts.values()) == found.files


def test_the_description_is_plain_json_for_programs(disc: Path) -> None:
    """The contract of `second-opinion study --json`."""
    described = describe([disc])
    study = described["studies"][0]
    assert study["patient"] == {
        "name": "Samplewright^Marisol",
        "birth_date": "1992-03-14",
        "sex": "F",
        "id": "TST-1",
    }
    assert [s["instances"] for s in study["series"]] == [2, 2]
    assert sum(described["verdicts"].values()) == 12
    assert {f["rule"] for f in described["findings"]} == {"unreadable", "locked"}


def test_two_people_on_a_disc_are_a_finding_and_spellings_of_one_are_not(tmp_path: Path) -> None:
    """Somebody else's picture blocks; another spelling only informs."""
    other = ct_study(
        Person("Placeholder^Peter", "1950-01-01", "M", "Z"), study_date="2026-11-03", description="x", slices=1
    )
    spelled = ct_study(
        Person("SAMPLEWRIGHT^MARISOL T", "1992-03-14", "F", "T"), study_date="2020-01-01", description="y"
    )
    (tmp_path / "a").write_bytes(FILES[0])
    (tmp_path / "b").write_bytes(spelled[0])
    assert [f["rule"] for f in describe([tmp_path])["findings"]] == ["name-variants", "no-report"]
    (tmp_path / "c").write_bytes(other[0])
    assert describe([tmp_path])["findings"][0]["rule"] == "more-than-one-person"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def test_a_zip_is_read_in_place_whatever_its_names(tmp_path: Path) -> None:
    """Names that climb or are odd never touch the disk; one ZIP inside is read too."""
    inner = zipped({"IM2": FILES[2]})
    path = tmp_path / "disc.zip"
    path.write_bytes(zipped({"../../etc/IM0": FILES[0], "/abs/IM1": FILES[1], "inner.zip": inner, "r.txt": b"hi"}))
    before = sorted(tmp_path.rglob("*"))
    found = list(walk([path]))
    assert [f.verdict for f in found] == [Verdict.IMAGE, Verdict.IMAGE, Verdict.IMAGE, Verdict.NOT_AN_IMAGE]
    with found[0].open() as stream:
        assert stream.read() == FILES[0]
    assert sorted(tmp_path.rglob("*")) == before


def test_a_locked_zip_says_so(tmp_path: Path) -> None:
    """A password is the sender's to give."""
    content = bytearray(zipped({"IM0": FILES[0]}, zipfile.ZIP_STORED))
    content[6] |= 1
    central = content.index(b"PK\x01\x02")
    content[central + 8] |= 1
    (tmp_path / "locked.zip").write_bytes(content)
    assert [f.verdict for f in walk([tmp_path / "locked.zip"])] == [Verdict.LOCKED]


def test_a_damaged_zip_is_one_unreadable_file(tmp_path: Path) -> None:
    """Cut in the middle, or with a member whose bytes are wrong."""
    whole = zipped({"IM0": FILES[0]})
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    wrong = bytearray(whole)
    wrong[200:220] = bytes(20)
    (tmp_path / "wrong.zip").write_bytes(wrong)
    assert {f.name: f.verdict.value for f in walk([tmp_path])} == {
        "cut.zip": "unreadable",
        "wrong.zip/IM0": "unreadable",
    }


@pytest.mark.parametrize(
    ("content", "limits", "named"),
    [
        (zipped({"bomb": bytes(20_000_000)}), Limits(ratio=100), "times its size"),
        (zipped({f"{n}": b"x" for n in range(20)}), Limits(files=10), "More than 10 files"),
        (zipped({"a": bytes(3000)}, zipfile.ZIP_STORED), Limits(total_bytes=2000), "2,000 bytes"),
        (zipped({"b.zip": zipped({"c.zip": zipped({"d": b"x"})})}), Limits(), "nested deeper than 1"),
    ],
)
def test_a_hostile_zip_is_refused_with_the_limits_name(
    tmp_path: Path, content: bytes, limits: Limits, named: str
) -> None:
    """Bombs by ratio, number, size and nesting."""
    (tmp_path / "hostile.zip").write_bytes(content)
    with pytest.raises(UnsafeMedia, match=named):
        list(walk([tmp_path / "hostile.zip"], limits))


def test_headers_that_lack_something_are_not_filled_in(tmp_path: Path) -> None:
    """Absent stays absent; a picture without its own number is unreadable, with the reason."""
    nameless = pydicom.dcmread(io.BytesIO(FILES[0]))
    del nameless.PatientName
    del nameless.PatientBirthDate
    nameless.save_as(tmp_path / "nameless")
    del nameless.StudyInstanceUID
    nameless.save_as(tmp_path / "homeless")
    found = {f.name: f for f in walk([tmp_path])}
    assert found["nameless"].header is not None
    assert found["nameless"].header.person == Person("", "", "F", "TST-1")
    assert found["homeless"].verdict is Verdict.UNREADABLE
    assert "StudyInstanceUID" in found["homeless"].why


def test_names_in_many_alphabets_are_decoded(shared: Path) -> None:
    """Japanese, Korean, Greek, Hebrew, Russian and Arabic discs name their person."""
    names = {
        " ".join((f.header.person.name, *f.header.person.name_groups))
        for f in walk([shared / "data" / "dicom" / "charsets"])
        if f.header is not None
    }
    text = " ".join(names)
    assert all(part in text for part in ("山田", "김희중", "Διονυσιος", "שרון", "Люкceмбypг", "قباني"))


def test_every_public_test_file_gets_a_verdict_and_none_stops_the_walk() -> None:
    """pydicom's own odd files: compressed, big endian, truncated, without preamble, DICOMDIRs."""
    folder = Path(pydicom.__file__).parent / "data" / "test_files"
    found = survey([folder])
    assert sum(found.counts.values()) == found.files == sum(1 for p in folder.rglob("*") if p.is_file())
    assert found.counts["directory"] >= 5
    assert found.counts["image"] >= 100
