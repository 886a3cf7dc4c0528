"""The bench tells the truth: ratios the right way round, floors that are missed, peers that are not there."""

from __future__ import annotations

import io
from dataclasses import replace

import pydicom
import pytest

from benchmarks import ct
from benchmarks.measure import Row
from benchmarks.table import table

FASTER = Row("reading", "headers/s", 900, floor=8, aim=15, peer=100, peer_name="them")
QUICKER = Row("answering", "ms", 10, floor=3, aim=4, peer=35, peer_name="them", more_is_better=False)
SMALLER = Row("memory", "MB", 130, floor=200, aim=120, absolute=True, more_is_better=False)


@pytest.mark.parametrize(
    ("row", "ratio", "verdict"),
    [
        (FASTER, 9, "floor"),
        (replace(FASTER, ours=1600), 16, "aim"),
        (replace(FASTER, ours=700), 7, "BELOW FLOOR"),
        (QUICKER, 3.5, "floor"),
        (replace(QUICKER, ours=20), 1.75, "BELOW FLOOR"),
        (SMALLER, 130, "floor"),
        (replace(SMALLER, ours=119), 119, "aim"),
        (replace(SMALLER, ours=250), 250, "BELOW FLOOR"),
        (replace(FASTER, floor=0, aim=0), 9, "no promise"),
    ],
)
def test_better_is_more_or_less_as_the_row_says(row: Row, ratio: float, verdict: str) -> None:
    """And the floor is missed loudly."""
    assert row.ratio == ratio
    assert row.verdict == verdict


def test_a_peer_that_is_not_there_is_named() -> None:
    """A figure without one is no success."""
    row = FASTER.having({"ours": [3, 1, 2], "peer": []}, missing="Orthanc is not here")
    assert (row.ours, row.peer, row.verdict) == (2, None, "no peer")
    assert "missing" in table([row])


def test_the_drawn_study_is_what_it_says_and_always_the_same() -> None:
    """Every picture its own number and pixels, in series of equal size."""
    drawn = list(ct.pictures(6, 2, seed="t", size=16))
    assert drawn == list(ct.pictures(6, 2, seed="t", size=16))
    assert drawn != list(ct.pictures(6, 2, seed="u", size=16))
    read = [pydicom.dcmread(io.BytesIO(content)) for _, content in drawn]
    assert len({d.SOPInstanceUID for d in read}) == len({d.PixelData for d in read}) == 6
    assert len({d.SeriesInstanceUID for d in read}) == 2
    assert [int(d.InstanceNumber) for d in read] == [1, 2, 3, 1, 2, 3]
    assert all(d.file_meta.MediaStorageSOPInstanceUID == d.SOPInstanceUID for d in read)
    assert len(read[0].PixelData) == 16 * 16 * 2
