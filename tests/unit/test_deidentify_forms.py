"""Every way of writing a file: the fast way and pydicom's agree, pixels stay to the byte, texts of every script go."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEGLSLossless,
)

from imaging.deidentify import PROFILES, Keys, deidentify, profile_named
from imaging.deidentify.elements import Odd
from imaging.deidentify.instance import Rewriter, Rewritten
from imaging.deidentify.known import Known
from imaging.deidentify.odd import clean_oddly
from imaging.deidentify.output import Output
from imaging.deidentify.rewrite import Cleaner, Patient
from imaging.quiet import quiet
from imaging.verdict import Found, Verdict
from imaging.walking import walk
from tests.discs import PUBLIC, naked
from tests.planted import ROOT, SECRETS, content, planted

KEY = bytes(range(32))
WHO = Patient("SO-TEST", -100)


def cleaner(profile: str = "research") -> Cleaner:
    """A fresh one."""
    return Cleaner(PROFILES[profile], Keys(KEY), Known())


def through(folder: Path, data: bytes, profile: str = "research", *, name: str = "a") -> Dataset:
    """One file de-identified, read again by pydicom."""
    source = folder / "in" / name
    source.parent.mkdir(exist_ok=True)
    source.write_bytes(data)
    outcome = deidentify(
        [source], folder / "out", keys=Keys(KEY), profile=profile_named(profile), ledger=folder / "done.jsonl"
    )
    assert dict(outcome.counts) == {"deidentified": 1}, outcome.quarantined
    (path,) = (folder / "out").rglob("*.dcm")
    return pydicom.dcmread(path)


def same(one: Dataset, other: Dataset, path: str = "") -> Iterator[str]:
    """Where two data sets differ."""
    for tag in sorted({*one.keys(), *other.keys()}):
        if tag not in one or tag not in other:
            yield f"{path}{tag} only on one side"
        elif one[tag].VR == "SQ":
            if len(one[tag].value) != len(other[tag].value):
                yield f"{path}{tag} items"
            for left, right in zip(one[tag].value, other[tag].value, strict=False):
                yield from same(left, right, f"{path}{tag}/")
        elif str(one[tag].value) != str(other[tag].value):
            yield f"{path}{tag} {one[tag].value!r} {other[tag].value!r}"


def whole(done: Rewritten) -> bytes:
    """The bytes of a cleaned object without its file meta."""
    done.source.seek(done.pixels.value if done.pixels else 0)
    pixels = done.source.read(done.pixels_end - done.pixels.value) if done.pixels else b""
    return done.body + pixels + done.tail


PUBLIC_PICTURES = [
    found
    for found in walk([PUBLIC])
    if found.verdict is Verdict.IMAGE and found.header is not None and found.size < 3_000_000
]


@pytest.mark.parametrize("found", PUBLIC_PICTURES, ids=lambda found: found.name)
def test_both_ways_agree_on_public_files(found: Found) -> None:
    """What the fast way writes is what pydicom's parser and the same table give, element by element."""
    assert found.header is not None
    with found.open() as stream:
        try:
            fast = Rewriter(cleaner()).rewrite(stream, found.size, found.header, WHO)
        except Odd:
            clean_oddly(stream, cleaner(), WHO)  # then the other way can
            return
        implicit = fast.meta.find(b"1.2.840.10008.1.2\0") > 0
        slow = clean_oddly(stream, cleaner(), WHO)
    fast.close()
    left, right = (
        pydicom.dcmread(io.BytesIO(prefixed(done.body, implicit=implicit)), force=True, stop_before_pixels=True)
        for done in (fast, slow)
    )
    with quiet():
        assert list(same(left, right)) == []
    assert (fast.pixels is None) == (slow.pixels is None)
    if fast.pixels is not None and slow.pixels is not None and not fast.deflate:
        assert (fast.pixels.value, fast.pixels.undefined) == (slow.pixels.value, slow.pixels.undefined)
    assert fast.content == slow.content


def prefixed(body: bytes, *, implicit: bool) -> bytes:
    """A data set with the least file meta that makes it readable."""
    meta = pydicom.dataset.FileMetaDataset()
    meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = UID("1.2"), UID("1.2")
    out = io.BytesIO()
    pydicom.filewriter.write_file_meta_info(out, meta)
    return bytes(128) + b"DICM" + out.getvalue() + body


def test_every_public_picture_comes_out_readable_and_its_pixels_untouched(tmp_path: Path) -> None:
    """All of pydicom's files: counts add up, pixels stay, UIDs fit, and pydicom reads what we wrote."""
    keys = Keys(KEY)
    outcome = deidentify(
        [PUBLIC], tmp_path / "out", keys=keys, profile=profile_named("research"), ledger=tmp_path / "l.jsonl"
    )
    given = list(walk([PUBLIC]))
    assert sum(outcome.counts.values()) == len(given)
    assert len(outcome.released) > 80
    old = {}
    aside = {one.number for one in outcome.quarantined}
    for number, found in enumerate(given, 1):
        if found.header is not None and number not in aside:
            old.setdefault(keys.uid(found.header.instance.sop_instance_uid), found)
    for one in outcome.released:
        path = next((tmp_path / "out").rglob(f"{one.sop_instance_uid}.dcm"))
        new = pydicom.dcmread(path)
        with old[one.sop_instance_uid].open() as stream:
            before = pydicom.dcmread(stream, force=True)
        assert new.get("PixelData") == before.get("PixelData")
        named = before.file_meta.get("TransferSyntaxUID")
        assert named in (None, new.file_meta.TransferSyntaxUID), old[one.sop_instance_uid].name
        assert new.SOPInstanceUID == keys.uid(before.SOPInstanceUID) == new.file_meta.MediaStorageSOPInstanceUID
        assert new.SOPClassUID == before.SOPClassUID
        raw = path.read_bytes().split(b"\xe0\x7f\x10\x00")[0]
        name = str(before.get("PatientName", "")).encode()
        assert len(name) < 8 or name not in raw
        for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
            uid = str(before.get(keyword) or "").encode()
            assert not uid or uid.startswith(b"1.2.840.10008.") or uid not in raw


@pytest.mark.parametrize("syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian])
@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_each_transfer_syntax_is_kept_and_cleaned_alike(tmp_path: Path, syntax: UID, profile: str) -> None:
    """The same elements as from explicit little endian, in the syntax that was given."""
    dataset = planted()
    plain = through(tmp_path, content(planted()), profile)
    (tmp_path / "other").mkdir()
    dataset.file_meta.TransferSyntaxUID = syntax
    out = io.BytesIO()
    if syntax == ExplicitVRBigEndian:
        dataset = pydicom.dcmread(io.BytesIO(content(planted())))
        dataset.file_meta.TransferSyntaxUID = syntax
        list(dataset.iterall())
    pydicom.dcmwrite(
        out,
        dataset,
        implicit_vr=syntax.is_implicit_VR,
        little_endian=syntax.is_little_endian,
        enforce_file_format=False,
    )
    other = through(tmp_path / "other", out.getvalue(), profile)
    assert other.file_meta.TransferSyntaxUID == syntax
    assert list(same(plain, other)) == []
    raw = next((tmp_path / "other" / "out").rglob("*.dcm")).read_bytes()
    assert not any(secret in raw.lower() for secret in SECRETS)


def test_a_file_without_preamble_gets_one(tmp_path: Path) -> None:
    """As old scanners wrote; what comes out is a file as PS3.10 wants it."""
    new = through(tmp_path, naked(content(planted())))
    assert new.file_meta.TransferSyntaxUID == ImplicitVRLittleEndian
    assert new.StudyDescription == "CT CHEST W CONTRAST"


def test_compressed_pixels_stay_to_the_byte(tmp_path: Path) -> None:
    """Several frames in several fragments with an offset table, and what follows them."""
    frames = [bytes([n]) * (101 + n) for n in range(3)]
    dataset = planted(NumberOfFrames=3, BurnedInAnnotation="NO")
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    dataset.PixelData = encapsulate(frames, fragments_per_frame=2, has_bot=True)
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    assert through(tmp_path, content(dataset)).PixelData == dataset.PixelData


@pytest.mark.parametrize(
    ("charset", "name"),
    [
        ("ISO_IR 192", "Яковлев^Пётр"),
        ("ISO_IR 144", "Яковлев^Пётр"),
        ("ISO_IR 100", "Müllenhöff^Jürgen"),
        ("ISO_IR 126", "Διονυσιος^Χ"),
        ("ISO_IR 138", "שרון^דבורה"),
        ("ISO_IR 127", "قباني^لنزار"),
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동"),
        ("GB18030", "Wang^XiaoDong=王^小东"),
    ],
)
def test_names_of_every_script_are_found_and_go(tmp_path: Path, charset: str, name: str) -> None:
    """Also where they stand in a description that is kept, and in a text of the maker."""
    dataset = planted(SpecificCharacterSet=charset.split("\\"), PatientName=name)
    group = name.rsplit("=", maxsplit=1)[-1]
    dataset.StudyDescription = f"CT HEAD {group.split('^')[0]}"
    dataset.OtherPatientNames = dataset.PatientMotherBirthName = name
    dataset.ConvolutionKernel = group.split("^")[0][:16]
    data = content(dataset)
    encoded = group.split("^")[0].encode(pydicom.charset.python_encoding[charset.rsplit("\\", maxsplit=1)[-1]])
    new = through(tmp_path, data)
    raw = next((tmp_path / "out").rglob("*.dcm")).read_bytes()
    assert new.StudyDescription == "CT HEAD"
    assert new.ConvolutionKernel == "REMOVED"
    assert encoded not in raw
    assert group.split("^")[0].encode() not in raw


def test_lengths_are_made_anew_whatever_they_were(tmp_path: Path) -> None:
    """Sequences and items of undefined length come out whole."""
    dataset = planted()
    for element in dataset:
        if element.VR == "SQ":
            element.is_undefined_length = True
            for item in element.value:
                item.is_undefined_length_sequence_item = True
    plain = through(tmp_path, content(planted()))
    (tmp_path / "other").mkdir()
    assert list(same(plain, through(tmp_path / "other", content(dataset)))) == []


def test_a_sequence_written_as_unknown_is_cleaned_inside(tmp_path: Path) -> None:
    """UN of undefined length holds implicit VR (PS3.5 section 6.2.2): the name in it goes, the reference stays."""
    dataset = planted()
    del dataset.ReferencedImageSequence
    data = content(dataset)
    uid = (ROOT + "1.1").encode() + b"\0" * (len(ROOT + "1.1") % 2)
    inner = b"\x08\x00\x55\x11" + len(uid).to_bytes(4, "little") + uid + b"\x40\x00\x23\xa1\x08\x00\x00\x00Zebedee "
    unknown = b"\x08\x00\x40\x11UN\0\0\xff\xff\xff\xff" + b"\xfe\xff\x00\xe0" + len(inner).to_bytes(4, "little") + inner
    unknown += b"\xfe\xff\xdd\xe0\0\0\0\0"
    at = data.index(b"\x08\x00\x12\x21SQ")
    new = through(tmp_path, data[:at] + unknown + data[at:])
    (item,) = new.ReferencedImageSequence
    assert item.ReferencedSOPInstanceUID == Keys(KEY).uid(ROOT + "1.1")
    assert item.PersonName == "REMOVED"


def test_a_header_of_many_megabytes_is_read_to_its_end(tmp_path: Path) -> None:
    """Thousands of frames with functional groups: longer than any first bytes that are read."""
    dataset = planted(NumberOfFrames=3000)
    groups = []
    for number in range(3000):
        item, content_item = Dataset(), Dataset()
        content_item.FrameAcquisitionDateTime, content_item.FrameComments = "20240311101500", f"Zebedee {number}"
        item.FrameContentSequence = [content_item]
        groups.append(item)
    dataset.PerFrameFunctionalGroupsSequence = groups
    dataset.PixelData = bytes(16 * 16 * 2 * 3000)
    new = through(tmp_path, content(dataset))
    first = new.PerFrameFunctionalGroupsSequence[2999].FrameContentSequence[0]
    assert "FrameComments" not in first
    assert first.FrameAcquisitionDateTime == new.StudyDate + "101500"


def test_no_pixel_is_read_into_memory(tmp_path: Path) -> None:
    """Only the header, a few samples and what is searched for; the rest is copied by the system."""
    size = 40_000_000
    dataset = planted(Rows=4000, Columns=5000)
    dataset.PixelData = bytes(size)
    source = tmp_path / "big"
    source.write_bytes(content(dataset))
    read = []

    class Counted(io.BufferedReader):
        def read(self, count: int | None = -1) -> bytes:
            found = super().read(count)
            read.append(len(found))
            return found

    (found,) = walk([source])
    assert found.header is not None
    with Counted(io.FileIO(source)) as stream:
        done = Rewriter(cleaner()).rewrite(stream, found.size, found.header, WHO)
        done.meta = b""
        Output(tmp_path / "out").write("p/s/e/i", done)
    assert sum(read) < 200_000
