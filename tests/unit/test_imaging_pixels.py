"""Thumbnails: drawn in a process of its own, or refused in a sentence that quotes nothing of the file."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from imaging import confined, pixels
from imaging.errors import CannotDraw
from imaging.pixels import render
from tests.discs import FILES, PUBLIC, altered, encapsulated


def picture(path: Path, **more: int) -> Image.Image:
    """What is drawn of that file."""
    return Image.open(io.BytesIO(render(path, **more)))


def test_a_picture_is_drawn_in_its_window(tmp_path: Path) -> None:
    """The phantom: black around, a white rim, grey inside."""
    (tmp_path / "a").write_bytes(FILES[0])
    drawn = picture(tmp_path / "a", size=64).convert("L")
    assert drawn.size == (32, 32)
    assert drawn.getpixel((0, 0)) < 30
    assert max(drawn.getdata() if not hasattr(drawn, "get_flattened_data") else drawn.get_flattened_data()) > 220
    assert 60 < drawn.getpixel((16, 24)) < 200


def test_a_compressed_colour_picture_fits_into_the_size_asked_for() -> None:
    """JPEG 2000 and RLE, several frames, colour."""
    drawn = picture(PUBLIC / "SC_rgb_rle_2frame.dcm", frame=2, size=50)
    assert drawn.mode == "RGB"
    assert max(drawn.size) == 50


def test_each_frame_is_counted_from_one() -> None:
    """The third of two is not there."""
    for frame in (0, 3):
        with pytest.raises(CannotDraw, match="no such frame"):
            render(PUBLIC / "SC_rgb_rle_2frame.dcm", frame)


def test_a_picture_that_is_too_large_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    """A header that promises terapixels costs nothing."""
    (tmp_path / "a").write_bytes(altered(Rows=60_000, Columns=60_000))
    with pytest.raises(CannotDraw, match="64 megapixels"):
        render(tmp_path / "a")


def test_what_cannot_be_decoded_is_refused_in_our_own_words(tmp_path: Path) -> None:
    """Decoders quote files in their errors."""
    (tmp_path / "a").write_bytes(encapsulated([b"\xff\xd8 Samplewright \xff\xd9"]))
    with pytest.raises(CannotDraw, match=r"^This picture cannot be drawn here\.$"):
        render(tmp_path / "a")


def test_a_decoder_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time is bounded."""
    (tmp_path / "a").write_bytes(FILES[0])
    monkeypatch.setattr(pixels, "SECONDS", 0.001)
    with pytest.raises(CannotDraw, match="too long"):
        render(tmp_path / "a")


def test_the_process_limits_itself_before_it_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory, processor time and answer; no core file with pixels in it."""
    import resource

    asked: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: asked.__setitem__(what, limits))
    monkeypatch.setenv(confined.LIMITS, "30.0 3000000000 1000")
    confined.confine()
    assert asked == {
        resource.RLIMIT_AS: (3_000_000_000, 3_000_000_000),
        resource.RLIMIT_CPU: (30, 30),
        resource.RLIMIT_FSIZE: (1000, 1000),
        resource.RLIMIT_CORE: (0, 0),
    }


def test_a_codestream_that_lies_about_its_size_ends_its_own_process_only(tmp_path: Path) -> None:
    """The header says 32 by 32; the JPEG 2000 inside asks for terapixels."""
    size = struct.pack(">HHIIIIIIIIHBBB", 41, 0, 2_000_000, 2_000_000, 0, 0, 2_000_000, 2_000_000, 0, 0, 1, 7, 1, 1)
    stream = b"\xff\x4f\xff\x51" + size + b"\xff\xd9"
    (tmp_path / "a").write_bytes(encapsulated([stream], syntax="1.2.840.10008.1.2.4.90"))
    with pytest.raises(CannotDraw, match=r"^This picture cannot be drawn here\.$"):
        render(tmp_path / "a")


def test_the_process_knows_no_secret_and_may_use_no_more_memory_than_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a decoder could steal is not there; a bomb ends the decoder."""
    monkeypatch.setenv("SECOND_OPINION_SECRET", "not for decoders")
    (tmp_path / "greedy.py").write_text(
        "import os, sys\nfrom imaging.confined import confine\nconfine()\n"
        "sys.stdout.write(os.environ.get('SECOND_OPINION_SECRET', 'none'))\nsys.stdout.flush()\n"
        "bytearray(int(sys.argv[1]))\n"
    )
    monkeypatch.chdir(tmp_path)  # `python -m` looks here first
    small = confined.run("greedy", "1000", confines=confined.Confines(memory=400_000_000))
    large = confined.run("greedy", "900000000", confines=confined.Confines(memory=400_000_000))
    assert (small.code, small.out) == (0, b"none")
    assert (large.code, large.out) == (1, b"none")


def test_angiography_in_twelve_bit_jpeg_is_drawn(shared: Path) -> None:
    """A syntax that pydicom's plugins refuse; the vessels are there, not one flat grey."""
    drawn = picture(shared / "data" / "dicom" / "compressed_wg04" / "XA1_JPLY", size=128).convert("L")
    low, high = drawn.getextrema()
    assert drawn.size == (128, 128)
    assert high - low > 150
