"""Any disc: every file gets one verdict, the verdicts add up, and nothing hostile gets through."""

from __future__ import annotations

import io
import os
import struct
import zipfile
from pathlib import Path

import pydicom
import pytest

from imaging.errors import UnsafeMedia
from imaging.media import Limits, Verdict, look_into, survey, walk
from imaging.report import describe, in_words
from imaging.study import Person
from imaging.verdict import shown
from tests.discs import FILES, PUBLIC, altered, directory, of, zipped

OTHER = Person("Placeholder^Peter", "1950-01-01", "M", "Z")


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
    (folder / "link").symlink_to(folder / "DICOM" / "IM0")
    return folder


def test_every_file_has_one_verdict_and_they_add_up(disc: Path) -> None:
    """Twelve files and a link to one of them; a link to a folder is no file. None is followed."""
    found = survey([disc])
    assert found.counts == {
        "image": 4,
        "duplicate": 1,
        "not-an-image": 3,
        "report": 2,
        "unreadable": 2,
        "locked": 1,
    }
    assert found.files == 13
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
    assert sum(described["verdicts"].values()) == 13
    assert {f["rule"] for f in described["findings"]} == {"unreadable", "locked"}


def test_two_people_on_a_disc_are_a_finding_and_spellings_of_one_are_not(tmp_path: Path) -> None:
    """Somebody else's picture blocks; another spelling only informs."""
    other = of(OTHER)
    spelled = of(Person("SAMPLEWRIGHT^MARISOL T", "1992-03-14", "F", "T"), study_date="2020-01-01")
    (tmp_path / "a").write_bytes(FILES[0])
    (tmp_path / "b").write_bytes(spelled)
    assert [f["rule"] for f in describe([tmp_path])["findings"]] == ["name-variants", "no-report"]
    (tmp_path / "c").write_bytes(other)
    assert describe([tmp_path])["findings"][0]["rule"] == "more-than-one-person"


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
        (zipped({"in.zip": zipped({"bomb": bytes(60_000_000)})}), Limits(ratio=1100), "times its size"),
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


def test_a_file_that_is_too_large_has_its_verdict_and_stops_nobody_else(tmp_path: Path) -> None:
    """A film on the disc, larger than all that may be given; the pictures beside it are read."""
    (tmp_path / "film.mp4").write_bytes(bytes(5_000_000))
    (tmp_path / "IM0").write_bytes(FILES[0])
    (tmp_path / "disc.zip").write_bytes(zipped({"film.mp4": bytes(5_000_000), "IM1": FILES[1]}, zipfile.ZIP_STORED))
    limits = Limits(file_bytes=100_000, total_bytes=100_000)
    assert survey([tmp_path], limits).counts == {"image": 2, "too-large": 2}


def test_reading_has_an_end(tmp_path: Path) -> None:
    """However small the files are that take so long."""
    (tmp_path / "IM0").write_bytes(FILES[0])
    with pytest.raises(UnsafeMedia, match="longer than 0 seconds"):
        survey([tmp_path], Limits(seconds=0))


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
    found = survey([PUBLIC])
    assert sum(found.counts.values()) == found.files == sum(1 for p in PUBLIC.rglob("*") if p.is_file())
    assert found.counts["directory"] >= 5
    assert found.counts["image"] >= 100


# -- folders -----------------------------------------------------------------------------------------------------


def test_links_are_counted_and_never_followed(tmp_path: Path) -> None:
    """A link could lead to any file of the server."""
    secret = tmp_path / "secret"
    secret.write_bytes(FILES[0])
    disc = tmp_path / "disc"
    disc.mkdir()
    (disc / "file").symlink_to(secret)
    (disc / "nowhere").symlink_to(tmp_path / "nothing")
    (disc / "up").symlink_to(tmp_path)
    assert {f.verdict for f in walk([disc])} == {Verdict.NOT_AN_IMAGE}
    assert survey([disc]).studies == ()


def test_what_is_no_file_is_not_opened(tmp_path: Path) -> None:
    """A pipe would keep the walk waiting for ever."""
    os.mkfifo(tmp_path / "pipe")
    assert verdicts(tmp_path) == {"pipe": "not-an-image"}


def test_a_file_that_is_not_there_is_unreadable(tmp_path: Path) -> None:
    """It was given, so it is counted."""
    assert verdicts(tmp_path / "gone") == {"gone": "unreadable"}


def test_a_file_that_goes_away_while_it_is_read_does_not_end_the_walk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scratched disc fails in the middle."""
    (tmp_path / "bad").write_bytes(FILES[0])
    (tmp_path / "good").write_bytes(FILES[1])
    really_open = Path.open

    def failing(self: Path, *args: object, **more: object):
        if self.name == "bad":
            raise OSError(5, "Input/output error")
        return really_open(self, *args, **more)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", failing)
    assert verdicts(tmp_path) == {"bad": "unreadable", "good": "image"}


def test_folders_without_end_are_refused(tmp_path: Path) -> None:
    """The limit is named."""
    deep = tmp_path.joinpath(*["d"] * 6)
    deep.mkdir(parents=True)
    with pytest.raises(UnsafeMedia, match="deeper than 5"):
        list(walk([tmp_path], Limits(depth=5)))


def test_a_file_that_is_too_large_is_said_so_and_not_opened(tmp_path: Path) -> None:
    """The others go on."""
    (tmp_path / "big").write_bytes(bytes(5000))
    (tmp_path / "small").write_bytes(altered(without=("PixelData",)))
    assert verdicts_of(tmp_path, Limits(file_bytes=4000)) == {"big": "too-large", "small": "image"}
    zip_path = tmp_path / "disc.zip"
    zip_path.write_bytes(zipped({"big": os.urandom(5000), "small": b"hello"}))
    found = {f.name: f.verdict.value for f in walk([zip_path], Limits(file_bytes=4000, ratio=10_000))}
    assert found == {"disc.zip": "too-large"} or found == {
        "disc.zip/big": "too-large",
        "disc.zip/small": "not-an-image",
    }


def verdicts_of(path: Path, limits: Limits) -> dict[str, str]:
    """Name to verdict, under these limits."""
    return {found.name: found.verdict.value for found in walk([path], limits)}


@pytest.mark.parametrize(
    ("name", "content", "verdict", "why"),
    [
        ("a.7z", b"7z\xbc\xaf\x27\x1c" + bytes(200), "unreadable", "Unpack it"),
        ("a.rar", b"Rar!\x1a\x07\x01" + bytes(200), "unreadable", "Unpack it"),
        ("a.gz", b"\x1f\x8b\x08" + bytes(200), "unreadable", "Unpack it"),
        ("a.iso", bytes(0x8001) + b"CD001" + bytes(200), "unreadable", "image of a disc"),
        ("a.dcm", b"this is no picture" * 20, "unreadable", "damaged"),
        ("a.docx", zipped({"word/document.xml": b"<a/>"}), "not-an-image", "save it as PDF"),
        ("viewer.jar", zipped({"A.class": b"x", "B.class": b"x"}), "not-an-image", ""),
        ("letter", b"-----BEGIN PGP MESSAGE-----\n" + bytes(200), "locked", "password"),
        ("a.aes", bytes(300), "locked", "password"),
        ("scan.PDF", b"%PDF-1.4 ...", "report", "application/pdf"),
        ("page", b"\x89PNG\r\n\x1a\n...", "report", "image/png"),
        ("x.pdf", b"no pdf at all", "not-an-image", ""),
        ("short", b"DICM", "not-an-image", ""),
        ("picture.pdf", FILES[0], "image", ""),
        ("report-in-preamble", b"%PDF-1.4".ljust(128, b"\0") + FILES[0][128:], "image", ""),
        ("DIRFILE", directory(FILES), "directory", ""),
        ("empty.zip", zipped({}), "not-an-image", "empty"),
    ],
)
def test_each_kind_of_file_is_told_by_its_bytes(
    tmp_path: Path, name: str, content: bytes, verdict: str, why: str
) -> None:
    """And what may hold pictures is never passed over as merely not a picture."""
    (tmp_path / name).write_bytes(content)
    (found,) = walk([tmp_path / name])
    assert (found.verdict.value, why in found.why) == (verdict, True)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("IM1", "IM1"),
        ("a\nb\x1b[2J", "a?b?[2J"),
        ("\u202egnp.exe", "?gnp.exe"),
        ("folder\\file", "folder/file"),
        ("broken\udcff", "broken?"),
        ("x" * 20 + "end", "…xxxxxxend"),
    ],
)
def test_names_are_shown_without_tricks(name: str, wanted: str) -> None:
    """They come from a stranger's disc and go to a page, a log of the giver and JSON."""
    assert shown(name, 10 if name.startswith("xx") else 300) == wanted


def test_names_that_are_no_text_do_not_break_the_answer(tmp_path: Path) -> None:
    """Old discs have names in no known encoding."""
    Path(os.fsdecode(bytes(tmp_path) + b"/IM\xff\xfe")).write_bytes(FILES[0])
    (found,) = walk([tmp_path])
    assert found.name.encode("utf-8") == b"IM??"


# -- ZIPs --------------------------------------------------------------------------------------------------------


def test_members_can_be_opened_again_after_the_walk(tmp_path: Path) -> None:
    """Also those of a ZIP in a ZIP."""
    path = tmp_path / "disc.zip"
    path.write_bytes(zipped({"IM0": FILES[0], "inner.zip": zipped({"IM1": FILES[1]})}))
    found = list(walk([path]))
    contents = []
    for one in found:
        with one.open() as stream:
            contents.append(stream.read())
    assert contents == FILES[:2]


def test_a_large_zip_is_walked_in_one_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of members is read once, and each member is unpacked once."""
    path = tmp_path / "disc.zip"
    path.write_bytes(zipped({f"IM{n}": FILES[0] for n in range(50)}))
    opened = []
    really = zipfile.ZipFile.open
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda self, *a, **m: opened.append(1) or really(self, *a, **m))
    assert survey([path]).counts == {"image": 1, "duplicate": 49}
    assert len(opened) <= 50 + 2 * 49  # each once, and both sides of every comparison of duplicates


def test_many_small_bombs_are_one_bomb(tmp_path: Path) -> None:
    """Each member alone is under the ratio of a single file; together they are not."""
    path = tmp_path / "bombs.zip"
    path.write_bytes(zipped({f"{n}": bytes(900_000) for n in range(100)}))
    with pytest.raises(UnsafeMedia, match="200 times its size"):
        list(walk([path]))


def test_bytes_under_several_names_are_refused(tmp_path: Path) -> None:
    """Overlapping members: a small file that claims to be thousands."""
    content = bytearray(zipped({"a": os.urandom(50_000), "b": os.urandom(50_000)}, zipfile.ZIP_STORED))
    first = content.index(b"PK\x01\x02")
    second = content.index(b"PK\x01\x02", first + 4)
    content[second + 42 : second + 46] = content[first + 42 : first + 46]
    content[second + 20 : second + 28] = struct.pack("<LL", 90_000, 90_000)
    path = tmp_path / "overlap.zip"
    path.write_bytes(content)
    try:
        found = {f.verdict for f in walk([path])}
    except UnsafeMedia as refusal:
        assert "several names" in str(refusal)  # noqa: PT017
    else:
        assert Verdict.UNREADABLE in found


def test_a_list_of_members_that_would_fill_the_memory_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Millions of empty members are counted by the length of their list."""
    path = tmp_path / "list.zip"
    path.write_bytes(zipped({f"{n}": b"" for n in range(3000)}))

    def read(*_: object) -> None:
        raise AssertionError("the list was read")

    monkeypatch.setattr(zipfile, "ZipFile", read)
    with pytest.raises(UnsafeMedia, match="More than 50 files"):
        list(walk([path], Limits(files=50)))


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_one_wrong_byte_in_a_zip_is_noticed(tmp_path: Path, method: int) -> None:
    """A pixel that changed on a scratched disc is not shown to an expert."""
    noise = altered(PixelData=os.urandom(2048))
    content = bytearray(zipped({"IM0": noise}, method))
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "scratched.zip").write_bytes(content)
    (found,) = walk([tmp_path / "scratched.zip"])
    assert found.verdict is Verdict.UNREADABLE


def test_a_member_that_is_longer_than_it_says_is_damaged(tmp_path: Path) -> None:
    """The promised length is the most that is unpacked."""
    content = bytearray(zipped({"IM0": FILES[0]}))
    central = content.index(b"PK\x01\x02")
    content[central + 24 : central + 28] = struct.pack("<L", 1000)
    (tmp_path / "lying.zip").write_bytes(content)
    (found,) = walk([tmp_path / "lying.zip"])
    assert found.verdict is Verdict.UNREADABLE
    assert found.size == 1000


def test_an_unknown_packing_is_said_so(tmp_path: Path) -> None:
    """Not "damaged": the giver can pack it otherwise."""
    content = bytearray(zipped({"IM0": FILES[0]}))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        where = content.index(mark)
        content[where + at : where + at + 2] = struct.pack("<H", 9)  # deflate64
    (tmp_path / "odd.zip").write_bytes(content)
    (found,) = walk([tmp_path / "odd.zip"])
    assert (found.verdict, "packed in a way" in found.why) == (Verdict.UNREADABLE, True)


def test_programs_inside_a_zip_are_no_zips_in_a_zip(tmp_path: Path) -> None:
    """A viewer on the disc brings Java programs; they are files like others, and nest nothing."""
    viewer = zipped({"viewer.jar": zipped({"A.class": b"x"}), "help.docx": zipped({"a.xml": b"x"})})
    (tmp_path / "disc.zip").write_bytes(zipped({"IM0": FILES[0], "viewer.zip": viewer}))
    assert survey([tmp_path / "disc.zip"]).counts == {"image": 1, "not-an-image": 2}


OFFICE = zipped({"[Content_Types].xml": b"<a/>", "word/document.xml": b"<a/>"})


def test_a_word_file_is_one_file_whatever_it_is_called(tmp_path: Path) -> None:
    """Office files and Java programs are ZIPs; their giver gave one file, and is told what to do with a report."""
    (tmp_path / "staged").write_bytes(OFFICE)
    (found,) = look_into(tmp_path / "staged", "My report")
    assert (found.name, found.verdict, "save it as PDF" in found.why) == ("My report", Verdict.NOT_AN_IMAGE, True)
    (tmp_path / "disc.zip").write_bytes(zipped({"viewer.zip": zipped({"help": OFFICE, "IM0": FILES[0]})}))
    assert survey([tmp_path / "disc.zip"]).counts == {"not-an-image": 1, "image": 1}


def test_the_givers_name_explains_what_bytes_under_our_name_leave_open(tmp_path: Path) -> None:
    """A file waits under a name without an ending."""
    (tmp_path / "0123abcd").write_bytes(bytes(300))
    assert [f.verdict.value for f in look_into(tmp_path / "0123abcd", "IM0.dcm")] == ["unreadable"]
    assert [f.verdict.value for f in look_into(tmp_path / "0123abcd", "IM0.aes")] == ["locked"]
    (tmp_path / "0123abcd").write_bytes(zipped({"IM0": FILES[0]}))
    assert [f.name for f in look_into(tmp_path / "0123abcd", "disc.zip")] == ["disc.zip/IM0"]


# -- the description ---------------------------------------------------------------------------------------------


def rules(path: Path) -> dict[str, str]:
    """Finding rule to its text."""
    return {finding["rule"]: finding["text"] for finding in describe([path])["findings"]}


def test_pictures_that_the_discs_list_names_and_nobody_finds_are_a_gap(tmp_path: Path) -> None:
    """A disc that lists four pictures in two sets and gave one."""
    (tmp_path / "DICOMDIR").write_bytes(directory(FILES))
    (tmp_path / "IM0").write_bytes(FILES[0])
    said = rules(tmp_path)
    assert said["missing-pictures"] == "The disc's own list names 4 pictures; 1 of them are here."
    assert said["missing-series"] == (
        "We got 1 of 2 picture sets. Missing: Head CT 2. Not complete: Head CT 1 (1 of 2 pictures)."
    )
    for number in (1, 2, 3):
        (tmp_path / f"IM{number}").write_bytes(FILES[number])
    assert not {"missing-pictures", "missing-series"} & rules(tmp_path).keys()


def test_one_number_with_two_contents_is_a_finding(tmp_path: Path) -> None:
    """A copy is none."""
    (tmp_path / "a").write_bytes(FILES[0])
    (tmp_path / "b").write_bytes(FILES[0])
    assert "same-number-other-content" not in rules(tmp_path)
    (tmp_path / "c").write_bytes(FILES[0][:-2] + b"zz")
    assert "same-number-other-content" in rules(tmp_path)
    assert survey([tmp_path]).counts == {"image": 1, "duplicate": 2}


def test_a_study_whose_files_name_two_people_blocks(tmp_path: Path) -> None:
    """Somebody has mixed two people under one study number."""
    uid = str(pydicom.dcmread(io.BytesIO(FILES[0])).StudyInstanceUID)
    (tmp_path / "a").write_bytes(FILES[0])
    (tmp_path / "b").write_bytes(of(OTHER, study_instance_uid=uid + "1"))
    assert "mixed-study" not in rules(tmp_path)
    (tmp_path / "b").write_bytes(altered(of(OTHER), StudyInstanceUID=uid))
    assert {"more-than-one-person", "mixed-study"} <= rules(tmp_path).keys()


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned-in-risk"),
        ({"Modality": "US"}, "burned-in-risk"),
        ({"Modality": "XA"}, "burned-in-risk"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "BurnedInAnnotation": "NO"}, "burned-in-risk"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "burned-in-risk"),
        ({"PatientIdentityRemoved": "YES"}, "identity-removed"),
        ({"PatientBirthDate": ""}, "identity-absent"),
        ({"Laterality": "L", "ImageLaterality": "R"}, "odd-headers"),
    ],
)
def test_what_a_header_gives_reason_to_say_is_a_finding(tmp_path: Path, values: dict[str, str], rule: str) -> None:
    """One value each; without it there is no finding."""
    (tmp_path / "a").write_bytes(altered(**values))
    assert rule in rules(tmp_path)
    (tmp_path / "a").write_bytes(FILES[0])
    assert rule not in rules(tmp_path)


def test_pictures_without_a_picture_are_a_finding(tmp_path: Path) -> None:
    """A header alone shows nothing to anybody."""
    (tmp_path / "a").write_bytes(altered(without=("PixelData",)))
    assert "no-pixels" in rules(tmp_path)


def test_series_of_two_sides_in_one_study_are_a_finding(tmp_path: Path) -> None:
    """Written in full."""
    (tmp_path / "a").write_bytes(altered(FILES[0], Laterality="L"))
    (tmp_path / "b").write_bytes(altered(FILES[2], Laterality="R"))
    assert rules(tmp_path)["laterality"] == "The series of one study name different sides: LEFT, RIGHT."


def test_a_folder_without_pictures_blocks(tmp_path: Path) -> None:
    """And so does an empty one."""
    assert "no-images" in rules(tmp_path)
    (tmp_path / "a.txt").write_text("hello")
    assert "no-images" in rules(tmp_path)


def test_the_description_can_be_read_by_a_tired_person(disc: Path) -> None:
    """Who, what, how many, and what is wrong."""
    words = in_words(describe([disc]))
    assert "Samplewright^Marisol, born 1992-03-14" in words
    assert "13 files:" in words
    assert "warn: 2 of 13 files could not be read." in words
