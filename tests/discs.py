"""DICOM files with one thing changed, and discs of them, for the tests of the pictures."""

from __future__ import annotations

import io
import zipfile
import zlib
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from imaging.phantom import ct_study
from imaging.study import Person

WHO = Person("Samplewright^Marisol", "1992-03-14", "F", "TST-1")
FILES = ct_study(WHO, study_date="2026-11-03", description="Head CT", series=2, slices=2, size=32)
PUBLIC = Path(pydicom.__file__).parent / "data" / "test_files"


def of(person: Person, **more: object) -> bytes:
    """One small picture of that person."""
    given = {"study_date": "2026-11-03", "description": "Head CT", "series": 1, "slices": 1, "size": 32, **more}
    return ct_study(person, **given)[0]  # type: ignore[arg-type]


def altered(content: bytes = FILES[0], *, without: tuple[str, ...] = (), syntax: str = "", **values: object) -> bytes:
    """The same object with other values, without some, or in another transfer syntax."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    for keyword in without:
        delattr(dataset, keyword)
    for keyword, value in values.items():
        setattr(dataset, keyword, value)
    if syntax:
        dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID", "1.2")
    return written(dataset)


def written(dataset: Dataset) -> bytes:
    """The file of a data set, however odd it is."""
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, enforce_file_format=False)
    return out.getvalue()


def raw_value(content: bytes, keyword: str, value: bytes) -> bytes:
    """The same file with other bytes in one element, as a careless writer leaves them. Lengths must be equal."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    old = dataset.get_item(keyword).value
    assert isinstance(old, bytes)
    assert len(old) == len(value)
    assert content.count(old) == 1
    return content.replace(old, value)


def naked(content: bytes = FILES[0]) -> bytes:
    """The same data set in implicit VR without preamble and file meta, as old scanners wrote it."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    del dataset.file_meta
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, implicit_vr=True, little_endian=True, enforce_file_format=False)
    content = out.getvalue()
    return content[132:] if content[128:132] == b"DICM" else content


def implicit(content: bytes = FILES[0]) -> bytes:
    """The same data set in implicit VR."""
    return altered(content, syntax=ImplicitVRLittleEndian)


def deflated(content: bytes = FILES[0]) -> bytes:
    """The same data set, deflated."""
    return altered(content, syntax=DeflatedExplicitVRLittleEndian)


def deflate_bomb(size: int) -> bytes:
    """A deflated object that unpacks to `size` bytes of one private element."""
    start = deflated()
    dataset = pydicom.dcmread(io.BytesIO(start))
    end = start.index(b"1.2.840.10008.1.2.1.99")
    head = 132 + 12 + dataset.file_meta.FileMetaInformationGroupLength
    assert end < head
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    first = b"\x09\x00\x10\x00UN\0\0" + (size - 12).to_bytes(4, "little")
    body = packer.compress(first) + b"".join(packer.compress(bytes(1_000_000)) for _ in range(size // 1_000_000))
    return start[:head] + body + packer.flush()


def encapsulated(
    frames: list[bytes], *, fragments: int = 1, table: bool = True, syntax: str = "1.2.840.10008.1.2.4.70"
) -> bytes:
    """An object whose frames are these compressed bytes, each in so many fragments."""
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    dataset.file_meta.TransferSyntaxUID = UID(syntax)
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = encapsulate(frames, fragments_per_frame=fragments, has_bot=table)
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    return written(dataset)


def directory(contents: list[bytes]) -> bytes:
    """A DICOMDIR that lists these pictures (PS3.3 Annex F): one record each, flat."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = UID("1.2.840.10008.1.3.10")
    dataset.file_meta.MediaStorageSOPInstanceUID = UID("1.2.3")
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.FileSetID = "DISC"
    records, series = [], set()
    for content in contents:
        picture = pydicom.dcmread(io.BytesIO(content), stop_before_pixels=True)
        if picture.SeriesInstanceUID not in series:
            series.add(picture.SeriesInstanceUID)
            record = Dataset()
            record.DirectoryRecordType = "SERIES"
            record.SeriesInstanceUID = picture.SeriesInstanceUID
            record.Modality = picture.Modality
            record.SeriesDescription = picture.SeriesDescription
            records.append(record)
        record = Dataset()
        record.DirectoryRecordType = "IMAGE"
        record.ReferencedSOPInstanceUIDInFile = picture.SOPInstanceUID
        records.append(record)
    dataset.DirectoryRecordSequence = records
    out = io.BytesIO()
    pydicom.dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A ZIP of these members."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def printed(*lines: str, size: int = 512) -> bytes:
    """A capture with these lines on black, as consoles print them."""
    import numpy as np
    from PIL import Image, ImageDraw, ImageFont

    picture = Image.new("L", (size, size), 0)
    font = ImageFont.load_default(size=18)
    for number, line in enumerate(lines):
        ImageDraw.Draw(picture).text((20, 20 + 26 * number), line, fill=255, font=font)
    ImageDraw.Draw(picture).ellipse((150, 200, 400, 450), fill=90)
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    dataset.Rows, dataset.Columns = size, size
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 8, 8, 7, 0
    for keyword in ("RescaleIntercept", "RescaleSlope", "RescaleType", "WindowCenter", "WindowWidth"):
        delattr(dataset, keyword)
    dataset.PixelData = np.asarray(picture).tobytes()
    return written(dataset)
