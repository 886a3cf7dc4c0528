"""The image of a disc is read in place like the disc itself, and a hostile one is refused."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pycdlib
import pytest

from imaging.discs import Part
from imaging.errors import UnsafeMedia
from imaging.media import Limits, Verdict, survey, walk
from tests.discs import FILES, directory, zipped

SECTOR = 2048


def disc_image(kind: str = "joliet", members: dict[str, bytes] | None = None) -> bytes:
    """An ISO image of a folder DICOM with these members; without, of a small disc."""
    members = {f"IM{n}": content for n, content in enumerate(FILES)} if members is None else members
    image = pycdlib.PyCdlib()
    more = {"joliet": {"joliet": 3}, "rock": {"rock_ridge": "1.09"}, "udf": {"udf": "2.60"}, "plain": {}}[kind]
    image.new(interchange_level=3, **more)
    paths = {"joliet": "joliet_path", "udf": "udf_path"}
    more = {"rr_name": "DICOM"} if kind == "rock" else {paths[kind]: "/DICOM"} if kind in paths else {}
    image.add_directory("/DICOM", **more)
    for number, (name, content) in enumerate(members.items()):
        more = {"rr_name": name} if kind == "rock" else {paths[kind]: f"/DICOM/{name}"} if kind in paths else {}
        image.add_fp(io.BytesIO(content), len(content), f"/DICOM/F{number}.;1", **more)
    out = io.BytesIO()
    image.write_fp(out)
    image.close()
    return out.getvalue()


@pytest.mark.parametrize("kind", ["joliet", "rock", "udf", "plain"])
def test_a_disc_image_counts_as_the_files_on_it(tmp_path: Path, kind: str) -> None:
    """Whatever names the burning program wrote; the pictures are byte for byte those on the disc."""
    (tmp_path / "cd.iso").write_bytes(disc_image(kind))
    found = list(walk([tmp_path / "cd.iso"]))
    assert [f.verdict for f in found] == [Verdict.IMAGE] * 4
    names = [f.name for f in found]
    assert names == [f"cd.iso/DICOM/{'F' if kind == 'plain' else 'IM'}{n}" for n in range(4)]
    for one, content in zip(found, FILES, strict=True):
        with one.open() as stream:  # after the walk, too
            assert stream.read() == content


def test_a_disc_image_inside_a_zip_and_a_zip_on_a_disc_are_read(tmp_path: Path) -> None:
    """One inside another is usual; what the disc lists and lacks is told as on a disc."""
    inner = zipped({"IM2": FILES[2], "IM3": FILES[3]})
    image = disc_image(members={"DIRFILE": directory(FILES), "IM0": FILES[0], "more.zip": inner, "read.me": b"hi"})
    (tmp_path / "cd.iso").write_bytes(image)
    found = survey([tmp_path / "cd.iso"])
    assert found.counts == {"directory": 1, "image": 3, "not-an-image": 1}
    assert found.listed is not None
    assert (len(found.listed.instances), found.missing) == (4, 1)
    (tmp_path / "cd.iso").unlink()
    (tmp_path / "cd.zip").write_bytes(zipped({"cd.iso": disc_image()}, zipfile.ZIP_DEFLATED))
    assert survey([tmp_path]).counts == {"image": 4}


def test_containers_are_not_nested_without_end(tmp_path: Path) -> None:
    """The refusal names the limit."""
    deep = zipped({"cd.iso": disc_image(members={"a.zip": zipped({"IM0": FILES[0]})})})
    (tmp_path / "deep.zip").write_bytes(deep)
    with pytest.raises(UnsafeMedia, match="nested deeper than 1"):
        survey([tmp_path / "deep.zip"])
    assert survey([tmp_path / "deep.zip"], Limits(nesting=2)).counts == {"image": 1}


def test_more_files_than_allowed_on_a_disc_are_refused(tmp_path: Path) -> None:
    """Before any of them is read."""
    (tmp_path / "cd.iso").write_bytes(disc_image(members={f"F{n}": b"x" for n in range(12)}))
    with pytest.raises(UnsafeMedia, match="More than 10 files"):
        survey([tmp_path / "cd.iso"], Limits(files=10))
    with pytest.raises(UnsafeMedia, match="More than 10 bytes"):
        survey([tmp_path / "cd.iso"], Limits(total_bytes=10))


def test_a_damaged_disc_image_is_one_unreadable_file_with_advice(tmp_path: Path) -> None:
    """Cut off, or with a list that leads nowhere."""
    whole = disc_image()
    (tmp_path / "cut.iso").write_bytes(whole[: 18 * SECTOR])
    nowhere = bytearray(whole)
    nowhere[16 * SECTOR + 158 : 16 * SECTOR + 162] = b"\xff\xff\xff\x7f"  # where the root folder lies
    nowhere[17 * SECTOR + 158 : 17 * SECTOR + 162] = b"\xff\xff\xff\x7f"
    (tmp_path / "nowhere.iso").write_bytes(nowhere)
    for found in walk([tmp_path]):
        assert found.verdict is Verdict.UNREADABLE
        assert "Give us the folder" in found.why


def test_a_cut_image_gives_what_is_whole_in_it_and_names_the_rest(tmp_path: Path) -> None:
    """Half a picture is none, and what lies beyond the end is not invented."""
    whole = disc_image(members={"IM0": FILES[0], "IM1": FILES[1], "IM2": FILES[2]})
    (tmp_path / "cut.iso").write_bytes(whole[: whole.index(FILES[1]) + len(FILES[1]) // 2])
    found = {f.name: (f.verdict.value, f.why) for f in walk([tmp_path / "cut.iso"])}
    assert found["cut.iso/DICOM/IM0"] == ("image", "")
    assert found["cut.iso/DICOM/IM1"][0] == found["cut.iso/DICOM/IM2"][0] == "unreadable"
    assert "cut short" in found["cut.iso/DICOM/IM1"][1]
    assert "outside" in found["cut.iso/DICOM/IM2"][1]


def test_a_part_of_an_image_reads_and_seeks_like_a_file() -> None:
    """Over several stretches."""
    part = io.BufferedReader(Part(io.BytesIO(b"..abc..defg.."), ((2, 3), (7, 4)), shared=False))
    assert part.read() == b"abcdefg"
    part.seek(2)
    assert part.read(3) == b"cde"
    assert part.seek(0, io.SEEK_END) == 7
    assert part.read(1) == b""
    part.seek(-2, io.SEEK_END)
    assert part.read() == b"fg"
