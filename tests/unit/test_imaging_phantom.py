"""Pictures of nobody: valid, always the same, and a volume that a viewer can build."""

from __future__ import annotations

import io

import numpy as np
import pydicom
import pytest

from imaging.header import read_header
from imaging.phantom import ct_study
from imaging.study import Person

WHO = Person("Müller^José", "1990-02-03", "M", "X-1", name_groups=("山田^花子",))


@pytest.mark.parametrize("modality", ["CT", "MR"])
def test_the_same_arguments_give_the_same_bytes(modality: str) -> None:
    """And other arguments other numbers."""
    first, again, other = (
        ct_study(WHO, study_date=date, description="Knee", slices=2, size=16, modality=modality)
        for date in ("2026-01-02", "2026-01-02", "2026-01-03")
    )
    assert first == again
    uids = [{read_header(io.BytesIO(c)).instance.sop_instance_uid for c in files} for files in (first, other)]
    assert len(uids[0]) == len(uids[1]) == 4
    assert not uids[0] & uids[1]


def test_it_says_what_it_was_told() -> None:
    """Person, study, series, side."""
    files = ct_study(WHO, study_date="2026-01-02", description="Knee MR", series=3, slices=2, size=16,
                     laterality="L", body_part="KNEE", modality="MR", study_instance_uid="1.2.3")  # fmt: skip
    headers = [read_header(io.BytesIO(content)) for content in files]
    assert len(headers) == 6
    assert {h.person for h in headers} == {WHO}
    assert {h.person.name_groups for h in headers} == {("山田^花子",)}
    assert {(h.instance.study_instance_uid, h.laterality, h.body_part, h.modality) for h in headers} == {
        ("1.2.3", "L", "KNEE", "MR")
    }
    assert {h.series_number for h in headers} == {1, 2, 3}
    assert not any(h.oddities for h in headers)


def test_the_slices_make_a_volume() -> None:
    """One orientation, even spacing, one frame of reference."""
    files = ct_study(WHO, study_date="2026-01-02", description="Head CT", series=1, slices=6, size=32)
    slices = [pydicom.dcmread(io.BytesIO(content)) for content in files]
    heights = [float(s.ImagePositionPatient[2]) for s in slices]
    assert np.allclose(np.diff(heights), float(slices[0].SliceThickness))
    assert len({str(s.ImageOrientationPatient) for s in slices}) == len({s.FrameOfReferenceUID for s in slices}) == 1
    assert len({s.SOPInstanceUID for s in slices}) == 6


def test_there_is_something_to_see() -> None:
    """More than a dozen shades in the window, and the spot on the person's left."""
    middle = ct_study(WHO, study_date="2026-01-02", description="Head CT", series=1, slices=3, size=64)[1]
    pixels = pydicom.dcmread(io.BytesIO(middle)).pixel_array
    assert pixels.shape == (64, 64)
    assert len(np.unique(np.clip(pixels, -30, 130))) > 12
    right_half, left_half = pixels[35:41, 18:24], pixels[35:41, 40:46]
    assert left_half.max() > right_half.max() + 20
