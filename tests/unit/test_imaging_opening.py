"""Bytes of strangers: opened or refused with a reason, whatever they are, in bounded memory."""

from __future__ import annotations

import io
import threading
import tracemalloc
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging import opening
from imaging.errors import NotDicom
from imaging.fragments import cut_short, fragments
from imaging.header import header_of, read_header
from imaging.opening import open_dicom
from imaging.reading import start
from tests.discs import FILES, PUBLIC, altered, deflate_bomb, deflated, encapsulated, implicit, naked, raw_value


def is_cut(content: bytes) -> bool:
    """Does the file end too early?"""
    stream = io.BytesIO(content)
    return cut_short(stream, open_dicom(stream))


@pytest.mark.parametrize("content", [FILES[0], implicit(), deflated(), naked(), encapsulated([b"\xff\xd8\xff\xd9"])])
def test_every_way_of_writing_is_read_alike(content: bytes) -> None:
    """Explicit, implicit, deflated, without preamble, compressed: one header."""
    read = read_header(io.BytesIO(content))
    whole = read_header(io.BytesIO(FILES[0]))
    assert (read.person, read.instance.sop_instance_uid) == (whole.person, whole.instance.sop_instance_uid)
    assert not is_cut(content)


def test_a_file_without_file_meta_says_in_which_syntax_its_bytes_are() -> None:
    """The syntax is told to viewers, so it must be that of the bytes."""
    assert open_dicom(io.BytesIO(naked())).transfer_syntax_uid == start.IMPLICIT_LITTLE_UID
    big = PUBLIC / "MR_small_bigendian.dcm"
    content = big.read_bytes()
    with big.open("rb") as stream:
        assert open_dicom(stream).transfer_syntax_uid == start.EXPLICIT_BIG_UID
    headless = content[content.index(b"\x00\x08\x00\x05CS") :] if b"\x00\x08\x00\x05CS" in content else None
    if headless is not None:
        assert open_dicom(io.BytesIO(headless)).transfer_syntax_uid == start.EXPLICIT_BIG_UID


@pytest.mark.parametrize(
    "content",
    [b"", b"DICM", b"hello, this is a letter and no picture at all" * 20, bytes(1000), b"\x02\x00" + bytes(13)],
)
def test_what_is_no_dicom_is_refused(content: bytes) -> None:
    """Nothing passes as DICOM by accident."""
    with pytest.raises(NotDicom):
        read_header(io.BytesIO(content))


def test_every_cut_is_noticed_or_refused() -> None:
    """A file cut anywhere is never taken for a whole picture; a cut between two elements leaves it without pixels."""
    for content in (FILES[0], implicit(), encapsulated([b"\xff\xd8" + b"x" * 60 + b"\xff\xd9"] * 3)):
        for end in range(140, len(content) - 8, 37):
            stream = io.BytesIO(content[:end])
            try:
                opened = open_dicom(stream)
                header = header_of(opened)
            except NotDicom:
                continue
            assert cut_short(stream, opened) or "PixelData" in header.oddities, end


def test_a_whole_file_is_not_called_cut() -> None:
    """With pixels, without pixels, and with padding after them."""
    assert not is_cut(FILES[0])
    assert not is_cut(altered(without=("PixelData",)))
    assert not is_cut(FILES[0] + bytes(512))
    assert not is_cut(encapsulated([b"\xff\xd8\xff\xd9"])[:-8])  # some writers leave the delimiter out


def test_a_deflated_bomb_is_refused_before_it_unpacks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A small file that unpacks without end costs no more than the limit."""
    monkeypatch.setattr(start, "MOST_INFLATED", 5_000_000)
    bomb = deflate_bomb(60_000_000)
    assert len(bomb) < 100_000
    tracemalloc.start()
    try:
        with pytest.raises(NotDicom, match="unpacks to more than"):
            open_dicom(io.BytesIO(bomb))
        assert tracemalloc.get_traced_memory()[1] < 25_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("missing", [2, 20, 400])
def test_a_deflated_file_that_is_cut_is_called_cut_or_refused(missing: int) -> None:
    """It has no checksum that would say so; its own end does."""
    content = deflated()
    try:
        assert is_cut(content[:-missing])
    except NotDicom as refusal:
        assert str(refusal)  # noqa: PT017


def test_a_header_that_would_fill_the_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that is not pixels is read into memory, so it is bounded."""
    monkeypatch.setattr(opening, "MOST_HEADER", 20_000)
    with pytest.raises(NotDicom, match="too large"):
        open_dicom(io.BytesIO(altered(ImageComments="x" * 10_000, EncapsulatedDocument=bytes(30_000))))


def test_a_length_that_lies_allocates_nothing(tmp_path: Path) -> None:
    """Four bytes that promise two hundred megabytes, in a file of one kilobyte."""
    at = FILES[0].index(b"\x08\x00\x08\x00CS")
    lying = b"\x08\x00\x08\x00UN\x00\x00" + (200_000_000).to_bytes(4, "little") + b"abc"
    (tmp_path / "lying").write_bytes(FILES[0][:at] + lying)
    tracemalloc.start()
    try:
        with (tmp_path / "lying").open("rb") as stream, pytest.raises(NotDicom):
            read_header(stream)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


def test_only_one_thread_at_a_time_silences_the_parser() -> None:
    """Python's warning filters are global: two threads would restore each other's."""
    entered = threading.Event()

    def enter() -> None:
        with opening.quiet():
            entered.set()

    with opening.quiet():
        thread = threading.Thread(target=enter)
        thread.start()
        assert not entered.wait(0.2)
    assert entered.wait(10)
    thread.join()


def test_a_header_of_endless_elements_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time is bounded like memory."""
    monkeypatch.setattr(opening, "MOST_READS", 40)
    with pytest.raises(NotDicom, match="too large"):
        open_dicom(io.BytesIO(FILES[0]))


@settings(max_examples=150, deadline=None)
@given(st.integers(132, len(FILES[0]) - 2100), st.binary(min_size=1, max_size=12))
def test_any_damage_gives_a_header_or_a_refusal(position: int, damage: bytes) -> None:
    """Never another error, and never a warning: both would name the person."""
    content = FILES[0][:position] + damage + FILES[0][position + len(damage) :]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            stream = io.BytesIO(content)
            opened = open_dicom(stream)
            header_of(opened)
            cut_short(stream, opened)
        except NotDicom:
            pass


def test_no_warning_escapes_from_any_thread(capfd: pytest.CaptureFixture[str]) -> None:
    """Warnings of the parser quote values. Eight threads read a header that it warns about."""
    odd = raw_value(FILES[0], "PatientBirthDate", b"19920332")
    found: list[str] = []

    def read() -> None:
        found.extend(read_header(io.BytesIO(odd)).person.birth_date for _ in range(10))

    threads = [threading.Thread(target=read) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [""] * 80
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_fragments_are_found_by_their_items_alone() -> None:
    """Offset table, fragments and their end, without decoding."""
    content = encapsulated([b"a" * 10, b"b" * 20], fragments=2)
    stream = io.BytesIO(content)
    opened = open_dicom(stream)
    assert opened.pixels is not None
    assert opened.pixels.length is None
    found = fragments(stream, opened.pixels, opened.size)
    assert found.complete
    assert [length for _, _, length in found.items] == [6, 4, 10, 10] or len(found.items) == 4
    assert len(found.table) == 2


def test_damaged_files_in_public_are_told_from_whole_ones() -> None:
    """Two of the parser's own test files are cut: one in its pixels, one in its header."""
    assert is_cut((PUBLIC / "MR_truncated.dcm").read_bytes())
    assert is_cut((PUBLIC / "rtplan_truncated.dcm").read_bytes())
    assert not is_cut((PUBLIC / "MR_small.dcm").read_bytes())


def test_sequences_without_end_are_refused() -> None:
    """Five thousand sequences inside each other."""
    level = b"\x08\x00\x40\x11SQ\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0\xff\xff\xff\xff"
    with pytest.raises(NotDicom):
        read_header(io.BytesIO(FILES[0][: FILES[0].index(b"\x08\x00\x16\x00UI")] + level * 5000))
