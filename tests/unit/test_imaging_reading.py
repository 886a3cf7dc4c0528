"""The fast reader answers what pydicom answers, or leaves the file to it: on every public file, and on broken bytes."""

from __future__ import annotations

import io
import random
import struct
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from imaging import header as reading
from imaging.errors import NotDicom
from imaging.fragments import Pixels
from imaging.header import Header, header_of, read_object
from imaging.opening import open_dicom
from imaging.reading.nested import PLAIN_SETS
from imaging.reading.wanted import Odd
from tests.discs import FILES, altered

Answer = tuple[Header, Pixels | None, int, bool, bytes | None]


def fast(content: bytes) -> Answer | None:
    """What the fast reader says; None where it leaves the file to pydicom."""
    try:
        read = reading._read_fast(io.BytesIO(content))
    except Odd:
        return None
    return read.header, read.pixels, read.size, read.header_cut, read.body


def slow(content: bytes) -> Answer | type[NotDicom]:
    """What pydicom says, or which refusal its answer comes to."""
    try:
        opened = open_dicom(io.BytesIO(content))
        return header_of(opened), opened.pixels, opened.size, opened.header_cut, opened.body
    except NotDicom as refusal:
        return type(refusal)


def public_files(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    """Every file there is, DICOM or not."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix not in (".py", ".pyc"):
                yield path, path.read_bytes()


PYDICOM = Path(str(pydicom.__file__)).parent / "data"


def agreed(files: Iterator[tuple[Path, bytes]]) -> tuple[int, list[str]]:
    """How many the fast reader answered, each as pydicom does, and those left to pydicom though it can read them."""
    answered, left = 0, []
    for path, content in files:
        quick, thorough = fast(content), slow(content)
        if quick is not None:
            assert quick == thorough, path.name
            answered += 1
        elif not isinstance(thorough, type):
            left.append(path.name)
    return answered, left


def test_every_file_that_pydicom_tests_itself_with_is_read_as_pydicom_reads_it() -> None:
    """Element by element; few are left to pydicom."""
    answered, left = agreed(public_files(PYDICOM))
    assert answered >= 130
    assert len(left) <= 8, left


def test_every_real_picture_is_read_as_pydicom_reads_it(shared: Path) -> None:
    """Scanners of three makers, names in ten character sets, every compressed syntax."""
    answered, left = agreed(public_files(shared / "data" / "dicom"))
    assert answered >= 60
    assert all(name.startswith(("In_", "seg", "liver")) for name in left), left  # frames with functional groups


def encoded(syntax: str, **values: object) -> bytes:
    """The phantom in that transfer syntax."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    dataset.file_meta.TransferSyntaxUID = syntax
    little = syntax != ExplicitVRBigEndian
    if not little:
        dataset.PixelData = bytes(dataset.PixelData)
    out = io.BytesIO()
    implicit = syntax == ImplicitVRLittleEndian
    pydicom.dcmwrite(out, dataset, implicit_vr=implicit, little_endian=little, enforce_file_format=True)
    return out.getvalue()


def other_ids(count: int) -> list[Dataset]:
    """Items of a sequence that is wanted."""
    found = []
    for number in range(count):
        item = Dataset()
        item.PatientID = f"OUT-{number}"
        item.IssuerOfPatientID = "ELSEWHERE"
        found.append(item)
    return found


SYNTAXES = (
    ImplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    DeflatedExplicitVRLittleEndian,
)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("naked", [False, True], ids=["preamble", "naked"])
def test_each_way_of_writing_is_read_fast(syntax: str, naked: bool) -> None:
    """Implicit, explicit, big endian, deflated; with preamble, and where that is allowed without."""
    content = encoded(syntax, OtherPatientIDsSequence=other_ids(2))
    content = content[132:] if naked and syntax != DeflatedExplicitVRLittleEndian else content
    read = fast(content)
    assert read is not None
    assert read == slow(content)
    assert read[0].person.other_ids == ("OUT-0", "OUT-1")


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize("undefined", [False, True])
def test_sequences_are_stepped_over_and_into(implicit: bool, undefined: bool) -> None:
    """Of both lengths, nested, longer than the first piece that is read, wanted and not."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    inner = other_ids(700)
    for item in inner:
        item.is_undefined_length_sequence_item = undefined
        item.ReferencedImageSequence = [Dataset()]
        item["ReferencedImageSequence"].is_undefined_length = undefined
    dataset.OtherPatientIDsSequence = inner[:3]
    dataset.ReferencedStudySequence = inner
    for keyword in ("OtherPatientIDsSequence", "ReferencedStudySequence"):
        dataset[keyword].is_undefined_length = undefined
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, implicit_vr=implicit, little_endian=True, enforce_file_format=True)
    read = fast(out.getvalue())
    assert read is not None
    assert read == slow(out.getvalue())
    assert read[0].person.other_ids == ("OUT-0", "OUT-1", "OUT-2")


@pytest.mark.parametrize("character_set", sorted(PLAIN_SETS))
def test_ascii_is_ascii_in_every_set_that_is_taken_for_plain(character_set: bytes) -> None:
    """So that no decoder need be asked."""
    letters = bytes(n for n in range(128) if n != 0x1B)
    encodings = pydicom.charset.convert_encodings(character_set.decode())
    assert pydicom.charset.decode_bytes(letters, encodings, set()) == letters.decode("ascii")


def test_a_length_that_lies_ends_the_fast_reading() -> None:
    """Longer than the file, or into the pixels."""
    at = FILES[0].index(b"\x10\x00\x10\x00PN") + 6
    for length in (65535, 300):
        lying = FILES[0][:at] + struct.pack("<H", length) + FILES[0][at + 2 :]
        assert fast(lying) is None or fast(lying) == slow(lying)


def test_a_deflated_set_that_is_cut_is_left_to_pydicom() -> None:
    """Half of it inflates; only a whole one is sure."""
    content = encoded(DeflatedExplicitVRLittleEndian)
    assert fast(content[:-40]) is None


def test_pictures_of_one_series_are_told_apart() -> None:
    """Most of a header is decoded once for a series, never the picture's own number."""
    headers = [read_object(io.BytesIO(altered(number=n, InstanceNumber=n + 1))).header for n in range(2)]
    assert [h.instance.number for h in headers] == [1, 2]
    assert headers[0].person is headers[1].person


def test_what_is_remembered_of_a_series_is_bounded() -> None:
    """A header of megabytes is read each time, and not kept in memory."""
    reading._shared.cache_clear()
    content = encoded(ExplicitVRLittleEndian, OtherPatientIDs=["X" * 60] * (reading.REMEMBERED // 60))
    assert fast(content) == slow(content)
    assert reading._shared.cache_info().currsize == 0
    assert fast(FILES[0]) is not None
    assert reading._shared.cache_info().currsize == 1


PIECES = (
    *(
        b"\xff\xff\xff\xff",
        b"\xfe\xff\x00\xe0",
        b"\xfe\xff\x0d\xe0\0\0\0\0",
        b"\xfe\xff\xdd\xe0\0\0\0\0",
        b"\\",
        b"=",
        b"^",
    ),
    *(
        b"\x08\0\x05\0CS\x02\0",
        b"\x1b$B",
        b"\0\0",
        b"\x10\0\x10\0PN\x04\0",
        b"\xe0\x7f\x10\0OW",
        b"SQ",
        b"UN",
        b"OB",
        b"\xe9",
    ),
)


def broken(chance: random.Random, content: bytes) -> bytes:
    """The same bytes with one to three faults, near the beginning more often."""
    out = bytearray(content)
    reach = chance.choice((150, 600, len(out)))
    for _ in range(chance.randint(1, 3)):
        at, kind = chance.randrange(min(reach, len(out))), chance.randrange(4)
        if kind == 0:
            out[at] = chance.randrange(256)
        elif kind == 1:
            piece = chance.choice(PIECES)
            out[at : at + len(piece)] = piece
        elif kind == 2:
            out[at:at] = chance.choice(PIECES)
        else:
            del out[at : at + chance.choice((1, 2, 8, len(out) // 2))]
    return bytes(out) or b"\0"


def test_broken_bytes_are_never_read_as_something_else() -> None:
    """Nothing but NotDicom is raised, and where the fast reader answers it answers as pydicom."""
    chance = random.Random(5)
    bases = [encoded(syntax, OtherPatientIDsSequence=other_ids(2)) for syntax in SYNTAXES]
    bases += [bases[0][132:], bases[1][132:]]
    answered = 0
    for _ in range(1500):
        content = broken(chance, chance.choice(bases))
        quick = fast(content)
        if quick is not None:
            answered += 1
            assert quick == slow(content)
    assert answered > 200


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tail: bytes) -> None:
    """Behind a good beginning, whatever comes."""
    for head in (FILES[0][:400], FILES[0][:132], b"\x08\x00\x05\x00"):
        quick = fast(head + tail)
        assert quick is None or quick == slow(head + tail)
        with suppress(NotDicom):
            read_object(io.BytesIO(head + tail))
