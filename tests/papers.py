"""Reports as people give them, drawn here: PDFs with and without traps, photos of pages, a structured report."""

from __future__ import annotations

import base64
import io
from typing import Any

import pydicom
from fpdf import FPDF
from PIL import Image, ImageDraw
from pydicom.dataset import Dataset
from pydicom.uid import UID
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject

from tests.discs import FILES, written

SENTENCE = "MRI of the left knee. Findings: a tear of the medial meniscus."
HEIC = base64.b64decode(
    "AAAAHGZ0eXBoZWljAAAAAG1pZjFoZWljbWlhZgAAAVdtZXRhAAAAAAAAACFoZGxyAAAAAAAAAABwaWN0AAAAAAAAAAAAAAAAAAAAACJpbG9j"
    "AAAAAERAAAEAAQAAAAABewABAAAAAAAAALoAAAAjaWluZgAAAAAAAQAAABVpbmZlAgAAAAABAABodmMxAAAAAA5waXRtAAAAAAABAAAA12lw"
    "cnAAAAC4aXBjbwAAAHlodmNDAQNwAAAAkAAAAAAAWvAA/P34+AAADwNgAAEAGEABDAH//wNwAAADAJAAAAMAAAMAWroCQGEAAQAsQgEBA3AA"
    "AAMAkAAAAwAAAwBaoAUCAeFlupJKa5uAhoMCAAADADIAAAMAAhBiAAEAB0QBwXKwYkAAAAATY29scm5jbHgAAQANAAaAAAAAFGlzcGUAAAAA"
    "AAACgAAAAeAAAAAQcGl4aQAAAAADCAgIAAAAF2lwbWEAAAAAAAAAAQABBIECAwQAAADCbWRhdAAAALYoAa8EEQbXAsswsuAbX6pod1z6b1Ze"
    "6hLOaH74aSAKZd0gnHvl6BJfGoe/vZh59eRne6oR2Vss1WBlDlLUAAADA6am3XNlmZX4tqt+jrqsVcCqVV00QIBAlQI0HuUUkw2MpF8AADw2"
    "PNJVKKLwVnrmtDcgrATE01bIgAAABr8gkyL3IAAAAwAAAwIWhwAAAwAAAwAAAwDMgAAAAwAAAwAAAwAOiAAAAwAAAwAAAwBwQAAAAwAEvA=="
)
"""A white page of 640 by 480 pixels with two black bars, as a telephone saves it."""


def pdf(text: str = SENTENCE, pages: int = 1) -> bytes:
    """A plain report."""
    paper = FPDF()
    for number in range(pages):
        paper.add_page()
        paper.set_font("helvetica", size=12)
        paper.multi_cell(0, 8, f"{text} Page {number + 1}.")
    return bytes(paper.output())


def locked_pdf(password: str) -> bytes:
    """The same behind a password; an empty one only forbids printing."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="AES-256")
    return _saved(writer)


def armed_pdf() -> bytes:
    """A report that acts: scripts on opening and on a page, programs, forms, films, attached files and links."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf())))
    writer.add_attachment("evil.exe", b"MZ attached-file")
    script = _dict({"/S": "/JavaScript", "/JS": "js-of-the-catalogue"})
    writer._root_object[NameObject("/OpenAction")] = script
    scripts = ArrayObject([TextStringObject("a"), script])
    writer._root_object["/Names"][NameObject("/JavaScript")] = _dict({"/Names": scripts})
    page = writer.pages[0]
    page[NameObject("/AA")] = _dict({"/O": _dict({"/S": "/JavaScript", "/JS": "js-of-the-page"})})
    launch = _dict({"/S": "/Launch", "/F": "cmd.exe", "/Next": _dict({"/S": "/JavaScript", "/JS": "js-after"})})
    link = _dict({"/Type": "/Annot", "/Subtype": "/Link", "/Rect": _box(), "/A": launch})
    uri = _dict(
        {
            "/Type": "/Annot",
            "/Subtype": "/Link",
            "/Rect": _box(),
            "/A": _dict({"/S": "/URI", "/URI": "http://x.example"}),
        }
    )
    film = _dict({"/Type": "/Annot", "/Subtype": "/RichMedia", "/Rect": _box(), "/RichMediaContent": _dict({})})
    field = _dict({"/Type": "/Annot", "/Subtype": "/Widget", "/FT": "/Btn", "/Rect": _box()})
    field[NameObject("/A")] = _dict({"/S": "/SubmitForm", "/F": "http://collect.example"})
    page[NameObject("/Annots")] = ArrayObject([writer._add_object(one) for one in (link, uri, film, field)])
    form = _dict({"/Fields": ArrayObject(), "/XFA": TextStringObject("<xfa-form/>")})
    writer._root_object[NameObject("/AcroForm")] = form
    return _saved(writer)


def _dict(values: dict[str, Any]) -> DictionaryObject:
    made = DictionaryObject()
    for key, value in values.items():
        if isinstance(value, str):
            value = NameObject(value) if value.startswith("/") else TextStringObject(value)
        made[NameObject(key)] = value
    return made


def _box() -> ArrayObject:
    return ArrayObject([NumberObject(n) for n in (0, 0, 50, 50)])


def _saved(writer: PdfWriter) -> bytes:
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def photo(kind: str = "JPEG", *, size: tuple[int, int] = (700, 900), turned: bool = False) -> bytes:
    """A page with a black bar at its top, held upright, or on its side with a note that says so (EXIF)."""
    page = Image.new("RGB", size, "white")
    ImageDraw.Draw(page).rectangle((50, 20, size[0] - 50, 60), fill="black")
    exif = page.getexif()
    exif[0x010F] = "Placeholder Phone"
    exif[0x8825] = {1: "N", 2: (41.0, 23.0, 0.0)}
    if turned:
        page = page.transpose(Image.Transpose.ROTATE_90)
        exif[0x0112] = 6  # turn clockwise to see it upright
    out = io.BytesIO()
    page.save(out, kind, exif=exif)
    return out.getvalue()


def in_dicom(document: bytes | None = None, *, holds: str = "application/pdf") -> bytes:
    """A PDF in a DICOM coat, of the small disc's person and study."""
    dataset = _coat("1.2.840.10008.5.1.4.1.1.104.1", "DOC", "2.25.700")
    dataset.MIMETypeOfEncapsulatedDocument = holds
    dataset.DocumentTitle = "Radiology report"
    dataset.EncapsulatedDocument = document or pdf()
    return written(dataset)


def structured() -> bytes:
    """A structured report of the same study: two headings, a measurement, a code, a name and a picture."""
    dataset = _coat("1.2.840.10008.5.1.4.1.1.88.22", "SR", "2.25.800")
    dataset.ValueType = "CONTAINER"
    dataset.ConceptNameCodeSequence = [_code("Diagnostic imaging report")]
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12", [_code("millimetre", "mm")]
    findings = _item("CONTAINER", "Findings")
    findings.ContentSequence = [
        _item("TEXT", "Finding", TextValue="Tear of the medial meniscus of the left knee."),
        _item("NUM", "Length", MeasuredValueSequence=[measured]),
        _item("CODE", "Laterality", ConceptCodeSequence=[_code("Left")]),
        _item("IMAGE", "Source"),
    ]
    dataset.ContentSequence = [findings, _item("PNAME", "Observer", PersonName="Exemplar^Tobias")]
    return written(dataset)


def _coat(sop_class: str, modality: str, uid: str) -> Dataset:
    dataset = pydicom.dcmread(io.BytesIO(FILES[0]))
    for keyword in ("PixelData", "Rows", "Columns", "BitsAllocated", "SamplesPerPixel", "PhotometricInterpretation"):
        delattr(dataset, keyword)
    dataset.SOPClassUID = dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = UID(uid)
    dataset.SeriesInstanceUID, dataset.Modality = UID(f"{uid}.1"), modality
    dataset.SeriesDescription = "Report"
    return dataset


def _code(meaning: str, value: str = "1") -> Dataset:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = value, "99X", meaning
    return code


def _item(kind: str, name: str, **values: Any) -> Dataset:
    item = Dataset()
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", kind, [_code(name)]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item
