"""Every public file of the working group's compression set (NEMA WG04) is read, told apart and drawn."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image

from imaging.pixels import render
from imaging.verdict import Verdict, judge

pytestmark = pytest.mark.interop


def test_every_transfer_syntax_is_read_and_drawn(shared: Path) -> None:
    """RLE, JPEG lossless and 12 bit, JPEG-LS, JPEG 2000, HTJ2K: each shows something of the same size as the header."""
    folder = shared / "data" / "dicom" / "compressed_wg04"
    files = [path for path in sorted(folder.iterdir()) if path.suffix != ".zst"]
    syntaxes = set()
    for path in files:
        with path.open("rb") as stream:
            verdict, header, why = judge(path.name, stream, path.stat().st_size)
        assert (verdict, why) == (Verdict.IMAGE, ""), path.name
        assert header is not None
        syntaxes.add(header.instance.transfer_syntax_uid)
        drawn = Image.open(io.BytesIO(render(path, size=4096)))
        assert drawn.size == (header.instance.columns, header.instance.rows), path.name
        low, high = drawn.convert("L").getextrema()
        assert high - low > 50, path.name
    assert len(files) >= 18
    assert len(syntaxes) == 8
