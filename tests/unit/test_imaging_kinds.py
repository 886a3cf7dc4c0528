"""What is beside the pictures on a real disc: reports are found, a viewer's own files are not taken for them."""

from __future__ import annotations

import io
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from imaging.kinds import picture_size, program_in_front
from imaging.media import survey, walk
from tests.discs import FILES


def photo(kind: str, width: int = 800, height: int = 1100) -> bytes:
    """A grey page."""
    out = io.BytesIO()
    Image.new("RGB", (width, height), "grey").save(out, kind)
    return out.getvalue()


REPORT = "CT HEAD\n\nTechnique: plain CT.\nFindings: nothing acute.\nIMPRESSION:\nNormal.\n"
INFORME = "TC DE CRÁNEO\n\nTécnica: sin contraste.\nHallazgos: ninguno.\nImpresión diagnóstica: normal.\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)


@pytest.mark.parametrize(
    ("name", "content", "verdict", "why"),
    [
        ("report.txt", REPORT.encode(), "report", "text/plain"),
        ("informe.txt", INFORME.encode("cp1252"), "report", "text/plain"),
        ("informe.txt", INFORME.encode("utf-16"), "report", "text/plain"),
        ("README.TXT", b"Put the disc into a computer and run the viewer.", "not-an-image", ""),
        ("notes.xyz", REPORT.encode(), "not-an-image", ""),
        ("binary.txt", REPORT.encode() + b"\0\1\2", "not-an-image", ""),
        ("IMG_1.HEIC", HEIC, "report", "image/heic"),
        ("page.jpg", photo("JPEG"), "report", "image/jpeg"),
        ("page.png", photo("PNG", 1100, 800), "report", "image/png"),
        ("logo.png", photo("PNG", 64, 64), "not-an-image", "small picture"),
        ("thumb.jpg", photo("JPEG", 300, 200), "not-an-image", "small picture"),
        ("letter.pdf", b"\n\n%PDF-1.7\n", "report", "application/pdf"),
        ("._IM0.dcm", b"\x00\x05\x16\x07\x00\x02\x00\x00" + bytes(300), "not-an-image", "Mac"),
        ("IM0.p7m", b"anything", "locked", "password"),
        ("IM0", bytes.fromhex("3080") + bytes.fromhex("06092a864886f70d010703") + bytes(200), "locked", "password"),
        ("disc.zip.aes", b"AES\x02\x00\x00" + bytes(200), "locked", "password"),
        ("report.html", b"<html><h1>Findings</h1>", "not-an-image", "save it as PDF"),
    ],
)
def test_files_beside_the_pictures_are_told_by_their_bytes(
    tmp_path: Path, name: str, content: bytes, verdict: str, why: str
) -> None:
    """Reports in every form that people have, and what is none."""
    (tmp_path / name).write_bytes(content)
    (found,) = walk([tmp_path / name])
    assert (found.verdict.value, why in found.why) == (verdict, True), found.why


def test_a_viewer_on_the_disc_brings_no_reports(tmp_path: Path) -> None:
    """Its manual and its pictures belong to it; the letter beside it is a report."""
    for name, content in {
        "Viewer/manual.pdf": b"%PDF-1.4\n",
        "VIEWER-WIN/x64/splash.png": photo("PNG"),
        "weasis/resources/help.jpg": photo("JPEG"),
        "__MACOSX/report.pdf": b"%PDF-1.4\n",
        "Help/Index.html": b"<html>",
        "report.pdf": b"%PDF-1.4\n",
        "Reports/page.jpg": photo("JPEG"),
        "DICOM/IM0": FILES[0],
        "AUTORUN.INF": b"[autorun]\nopen=viewer.exe",
        "viewer.exe": b"MZ" + bytes(300),
        ".DS_Store": b"\0\0\0\1Bud1" + bytes(100),
    }.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = survey([tmp_path])
    assert found.counts == {"report": 2, "image": 1, "not-an-image": 8}


def test_a_text_of_empty_lines_takes_no_time(tmp_path: Path) -> None:
    """A search for headings that went back and forth would stand still here."""
    (tmp_path / "a.txt").write_bytes(b"\n \n" * 300_000)
    started = time.perf_counter()
    assert survey([tmp_path]).counts == {"not-an-image": 1}
    assert time.perf_counter() - started < 3


def test_the_size_of_a_photo_is_read_and_never_invented() -> None:
    """A lie about a segment's length ends the search."""
    assert picture_size("image/jpeg", io.BytesIO(photo("JPEG", 640, 480))) == (640, 480)
    assert picture_size("image/png", io.BytesIO(photo("PNG", 33, 44))) == (33, 44)
    assert picture_size("image/jpeg", io.BytesIO(b"\xff\xd8" + struct.pack(">BBH", 255, 0xE0, 0) * 9)) is None
    assert picture_size("image/png", io.BytesIO(b"\x89PNG\r\n\x1a\n")) is None
    assert picture_size("application/pdf", io.BytesIO(b"%PDF-")) is None


@pytest.mark.parametrize(
    ("preamble", "what"),
    [
        (b"MZ\x90\0", "Windows"),
        (b"\x7fELF\x02", "Linux"),
        (b"\xcf\xfa\xed\xfe", "macOS"),
        (b"#!/bin/sh\n", "a script"),
        (b"  <SCRIPT>alert(1)", "a script"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"II*\0", ""),
        (bytes(128), ""),
    ],
)
def test_a_program_in_front_of_a_picture_is_noticed(preamble: bytes, what: str) -> None:
    """A TIFF there is allowed (PS3.10 section 7.1), a program is not wanted."""
    assert program_in_front(preamble.ljust(128, b"\0")) == what
