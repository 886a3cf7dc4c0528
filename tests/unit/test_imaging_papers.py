"""What staff open of a report was made by us: it shows what the report shows, and nothing in it acts."""

from __future__ import annotations

import io

import pytest
from PIL import Image
from pypdf import PdfReader

from imaging import papers
from imaging.confined import Confines
from imaging.errors import BadPaper
from imaging.papermaking import make
from imaging.papers import Paper, prepare
from tests.discs import FILES
from tests.papers import HEIC, armed_pdf, in_dicom, locked_pdf, pdf, photo, structured

PDF = "application/pdf"


def of(content: bytes, kind: str) -> Paper:
    """What staff open of it, made in this process."""
    return make(io.BytesIO(content), kind)


def test_it_is_made_in_a_process_of_its_own_with_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same paper comes back; what takes too long, or grows too large, is refused."""
    there, here = prepare(io.BytesIO(pdf(pages=2)), PDF), of(pdf(pages=2), PDF)
    assert (there.content_type, there.text, there.pages) == (here.content_type, here.text, here.pages)
    assert there.body[:5] == b"%PDF-"
    with pytest.raises(BadPaper, match="without one, or take photos") as refused:
        prepare(io.BytesIO(locked_pdf("secret")), PDF)
    assert refused.value.locked
    monkeypatch.setattr(papers, "CONFINES", Confines(seconds=0.01))
    with pytest.raises(BadPaper, match="Take photos of the pages"):
        prepare(io.BytesIO(pdf()), PDF)
    monkeypatch.setattr(papers, "CONFINES", Confines(answer=100))
    with pytest.raises(BadPaper, match="Take photos of the pages"):
        prepare(io.BytesIO(pdf()), PDF)


def test_a_pdf_keeps_its_pages_and_its_words() -> None:
    """And its words can be compared with the question."""
    paper = of(pdf(pages=3), PDF)
    assert (paper.content_type, paper.pages, paper.removed) == (PDF, 3, ())
    assert len(PdfReader(io.BytesIO(paper.body)).pages) == 3
    assert "left knee" in paper.text
    assert "Page 3." in paper.text


def test_everything_that_acts_is_taken_out_of_a_pdf_and_named() -> None:
    """Scripts of the file and of a page, programs, forms, films, attached files, links."""
    before = armed_pdf()
    paper = of(before, PDF)
    flat = _flat(paper.body)
    for trap in (b"/JavaScript", b"/JS", b"/Launch", b"/OpenAction", b"/AA", b"/EmbeddedFile", b"/EF", b"/RichMedia"):
        assert trap not in flat, trap
    for word in (b"js-of", b"js-after", b"cmd.exe", b"attached-file", b"collect.example", b"x.example", b"xfa"):
        assert word not in flat, word
    assert _flat(before).count(b"/JavaScript") >= 3
    assert set(paper.removed) == {"scripts", "attached files", "programs to start", "links", "forms", "forms that send"}
    assert "left knee" in paper.text


def _flat(content: bytes) -> bytes:
    """Every object of a PDF as text, streams opened."""
    reader = PdfReader(io.BytesIO(content))
    parts = [content]
    for number in range(1, int(reader.trailer["/Size"])):
        try:
            found = reader.get_object(number)
        except Exception:  # noqa: BLE001
            continue
        parts.append(repr(found).encode("utf-8", "replace"))
        if hasattr(found, "get_data"):
            parts.append(found.get_data())
    return b"\n".join(parts)


def test_a_pdf_with_a_password_is_locked_and_one_that_only_forbids_printing_is_not() -> None:
    """Many hospitals' programs write the latter."""
    with pytest.raises(SystemExit) as ended:
        of(locked_pdf("secret"), PDF)
    assert ended.value.code == papers.LOCKED
    assert "left knee" in of(locked_pdf(""), PDF).text


def test_a_photo_becomes_a_plain_upright_jpeg_without_place_and_device() -> None:
    """As it was held, with its bar at the top."""
    for content, kind in ((photo(), "image/jpeg"), (photo(turned=True), "image/jpeg"), (photo("PNG"), "image/png")):
        paper = of(content, kind)
        seen = Image.open(io.BytesIO(paper.body))
        assert (paper.content_type, seen.format, seen.size) == ("image/jpeg", "JPEG", (700, 900))
        assert dict(seen.getexif()) == {}
        assert b"Placeholder Phone" not in paper.body
        assert paper.removed == ("place, time or device",)
        assert max(seen.getpixel((350, 40))) < 40 < 200 < min(seen.getpixel((350, 800)))


def test_a_telephones_photo_becomes_a_jpeg() -> None:
    """HEIC, which most programs of a hospital do not open."""
    paper = of(HEIC, "image/heic")
    seen = Image.open(io.BytesIO(paper.body))
    assert (paper.content_type, seen.size) == ("image/jpeg", (640, 480))
    assert max(seen.getpixel((100, 50))) < 60 < 200 < min(seen.getpixel((100, 300)))


def test_text_is_utf8_whatever_it_was() -> None:
    """Windows' own letters, too."""
    paper = of("Técnica: sin contraste.\nHallazgos: rodilla izquierda.".encode("cp1252"), "text/plain")
    assert paper.body.decode("utf-8") == paper.text == "Técnica: sin contraste.\nHallazgos: rodilla izquierda."


def test_a_report_in_a_dicom_coat_is_taken_out_of_it() -> None:
    """A PDF is disarmed like any other; a structured report is read in its order."""
    paper = of(in_dicom(armed_pdf()), "application/dicom")
    assert (paper.content_type, b"/JavaScript" in _flat(paper.body)) == (PDF, False)
    assert "left knee" in paper.text
    words = of(structured(), "application/dicom").text
    assert words.splitlines() == [
        "Diagnostic imaging report",
        "",
        "Findings",
        "  Finding: Tear of the medial meniscus of the left knee.",
        "  Length: 12 mm",
        "  Laterality: Left",
        "  Source",
        "Observer: Exemplar Tobias",
    ]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", PDF),
        (pdf()[:400], PDF),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg"),
        (photo("PNG")[:300], "image/png"),
        (HEIC[:400], "image/heic"),
        (b"\0\1\2", "text/plain"),
        (FILES[0], "application/dicom"),
        (in_dicom(b"no pdf at all."), "application/dicom"),
        (pdf(), "image/jpeg"),
        (b"GIF89a", "image/gif"),
    ],
)
def test_what_cannot_be_opened_is_refused_with_advice(content: bytes, kind: str) -> None:
    """In our own words: a library's may quote the file."""
    with pytest.raises(SystemExit) as ended:
        of(content, kind)
    assert ended.value.code == papers.UNREAD


def test_a_report_of_more_pages_or_pixels_than_anybody_reads_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before they are decoded."""
    monkeypatch.setattr("imaging.papermaking.MOST_PAGES", 2)
    monkeypatch.setattr("imaging.papermaking.MOST_PIXELS", 600_000)
    for content, kind in ((pdf(pages=3), PDF), (photo(), "image/jpeg")):
        with pytest.raises(SystemExit) as ended:
            of(content, kind)
        assert ended.value.code == papers.TOO_LARGE
