"""Real studies of others: segmentations, reports, maps and their pictures still fit, and nobody is named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from imaging.deidentify import Keys, Outcome, deidentify, profile_named
from imaging.quiet import quiet
from imaging.verdict import Verdict
from imaging.walking import walk

KEYS = Keys(bytes(range(32)))
PERSONAL = (0x00100010, 0x00100020, 0x00080050, 0x00100030)
pytestmark = pytest.mark.needs
REFERENCES = ("ReferencedSOPInstanceUID", "ReferencedSOPClassUID", "StudyInstanceUID", "SeriesInstanceUID")


@pytest.fixture(scope="module", params=["basic", "research"])
def cleaned(
    request: pytest.FixtureRequest, shared: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Outcome, Path]:
    """Everything in the folder of real files, under two profiles."""
    place = tmp_path_factory.mktemp(request.param)
    outcome = deidentify(
        [shared / "data" / "dicom"], place / "out", keys=KEYS, profile=profile_named(request.param),
        ledger=place / "done.jsonl",
    )  # fmt: skip
    return outcome, place / "out"


def originals(shared: Path) -> dict[str, list[bytes]]:
    """Files by the SOP Instance UID that they get."""
    found: dict[str, list[bytes]] = {}
    for one in walk([shared / "data" / "dicom"]):
        if one.verdict is Verdict.IMAGE and one.header is not None:
            with one.open() as stream:
                found.setdefault(KEYS.uid(one.header.instance.sop_instance_uid), []).append(stream.read())
    return found


def references(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Every reference, in every depth."""
    for element in dataset.iterall():
        if element.keyword in REFERENCES:
            yield element.keyword, str(element.value)


def test_the_counts_add_up_and_each_loss_has_a_reason(cleaned: tuple[Outcome, Path], shared: Path) -> None:
    """As many verdicts as files; only captures, ultrasound and a second content of one number are set aside."""
    outcome, folder = cleaned
    assert sum(outcome.counts.values()) == sum(1 for _ in walk([shared / "data" / "dicom"]))
    assert len(list(folder.rglob("*.dcm"))) == len(outcome.released) > 50
    reasons = Counter(one.reason for one in outcome.quarantined)
    assert set(reasons) <= {"burned-in-capture", "burned-in-kind", "same-number-other-content"}


def test_segmentations_reports_and_maps_point_at_the_same_objects(cleaned: tuple[Outcome, Path], shared: Path) -> None:
    """Each reference is the new UID of what it pointed at before; kinds of objects stay what they were."""
    outcome, folder = cleaned
    before, checked = originals(shared), 0
    for one in outcome.released:
        if one.modality not in ("SEG", "SR", "PR", "RWV", "KO"):
            continue
        new = pydicom.dcmread(next(folder.rglob(f"{one.sop_instance_uid}.dcm")))
        old = pydicom.dcmread(pydicom.filebase.DicomBytesIO(before[one.sop_instance_uid][0]))
        there = Counter((keyword, KEYS.uid(uid)) for keyword, uid in references(old))
        here = Counter(references(new))
        assert not here - there
        assert {key for key in there if key[0] == "ReferencedSOPInstanceUID"} == {
            key for key in here if key[0] == "ReferencedSOPInstanceUID"
        }
        checked += len(here)
    assert checked > 20


def test_nobody_is_named(cleaned: tuple[Outcome, Path], shared: Path) -> None:
    """A search of our own, of the header's bytes for the person's strings; pixels stay to the byte."""
    outcome, folder = cleaned
    before = originals(shared)
    for one in outcome.released:
        raw = next(folder.rglob(f"{one.sop_instance_uid}.dcm")).read_bytes()
        head = raw.split(b"\xe0\x7f\x10\x00")[0]
        candidates = []
        for content in before[one.sop_instance_uid]:
            with quiet():
                old = pydicom.dcmread(pydicom.filebase.DicomBytesIO(content), force=True)
                candidates.append(old.get("PixelData"))
                told = [bytes(old.get_item(tag).value or b"") for tag in PERSONAL if tag in old]
                told += [str(old.get(keyword) or "").encode() for keyword in ("StudyInstanceUID", "SeriesInstanceUID")]
            for secret in told:
                assert len(secret.strip()) < 5 or secret.strip() not in head
        with quiet():
            assert pydicom.dcmread(pydicom.filebase.DicomBytesIO(raw)).get("PixelData") in candidates
