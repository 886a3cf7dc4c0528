"""Words printed into a picture raise a doubt; a picture without them clears nothing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from imaging.burned_in import burned_in_risk
from imaging.header import read_header
from imaging.ocr import has_text
from tests.discs import altered, printed


def test_a_reader_that_is_not_there_or_a_picture_that_cannot_be_drawn_says_nothing(tmp_path: Path) -> None:
    """Nothing is cleared by that: the rules hold as before."""
    (tmp_path / "a").write_bytes(printed("SAMPLEWRIGHT MARISOL"))
    (tmp_path / "b").write_bytes(b"no picture")
    assert not has_text(tmp_path / "a", str(tmp_path / "no-program"))
    assert not has_text(tmp_path / "b", "tesseract")


@pytest.mark.parametrize(
    ("values", "risk"),
    [
        ({}, ""),
        ({"BurnedInAnnotation": "NO"}, ""),
        ({"BurnedInAnnotation": "YES"}, "flag"),
        ({"Modality": "US"}, "kind"),
        ({"Modality": "XA", "BurnedInAnnotation": "NO"}, "kind"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7", "BurnedInAnnotation": "NO"}, "capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7.4"}, "capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.3.1"}, "kind"),
        ({"ImageType": ["DERIVED", "SECONDARY", "DOSE_INFO"]}, "capture"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"], "BurnedInAnnotation": "NO"}, "capture"),
    ],
)
def test_rules_say_which_pictures_are_suspect_and_no_header_clears_them(values: dict[str, object], risk: str) -> None:
    """ "NO" in the header is not believed (safety rule 7)."""
    assert burned_in_risk(read_header(io.BytesIO(altered(**values)))) == risk
