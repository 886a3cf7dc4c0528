"""Thumbnails: drawn in a process of its own, or refused in a sentence that quotes nothing of the file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from imaging import drawing, pixels
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
    """Memory and processor time; no core file with pixels in it."""
    import resource

    asked: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: asked.__setitem__(what, limits))
    drawing.limit()
    assert asked[resource.RLIMIT_AS] == (pixels.MEMORY, pixels.MEMORY)
    assert asked[resource.RLIMIT_CPU] == (30, 30)
    assert asked[resource.RLIMIT_CORE] == (0, 0)
