"""A disc with a person in every place of it, de-identified: what is nowhere, what stays, what is set aside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from imaging.deidentify import PROFILES, Keys, Outcome, deidentify, profile_named
from imaging.deidentify.report import as_json, in_words
from tests.planted import ROOT, SECRETS, STUDY, WHO, content, disc, planted

KEY = b"a secret of thirty-two bytes ...."


@dataclass
class Cleaned:
    """One de-identified disc."""

    outcome: Outcome
    keys: Keys
    folder: Path

    def of(self, old: str) -> Dataset:
        """The object that had this SOP Instance UID."""
        return pydicom.dcmread(next(self.folder.rglob(f"{self.keys.uid(old)}.dcm")))

    @property
    def files(self) -> list[Path]:
        """Everything in the folder."""
        return [path for path in self.folder.rglob("*") if path.is_file()]


@pytest.fixture(scope="module", params=sorted(PROFILES))
def cleaned(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Cleaned:
    """The planted disc under each profile."""
    place = tmp_path_factory.mktemp(request.param)
    keys = Keys(KEY)
    given = disc(place / "in")
    outcome = deidentify(
        [given], place / "out", keys=keys, profile=profile_named(request.param), ledger=place / "done.jsonl"
    )
    return Cleaned(outcome, keys, place / "out")


def leaves(dataset: Dataset) -> Iterator[pydicom.DataElement]:
    """Every element, in every depth."""
    for element in dataset:
        if element.VR == "SQ":
            for item in element.value:
                yield from leaves(item)
        yield element


def test_every_file_has_a_verdict(cleaned: Cleaned) -> None:
    """Six pictures and reports come out, a document and an ultrasound picture do not."""
    assert dict(cleaned.outcome.counts) == {"deidentified": 6, "quarantined": 2, "not-an-image": 1}
    assert sorted(one.reason for one in cleaned.outcome.quarantined) == ["burned-in-kind", "encapsulated-document"]
    assert len(cleaned.files) == len(cleaned.outcome.released) == 6
    assert not cleaned.outcome.complete


def test_nothing_of_the_person_is_anywhere(cleaned: Cleaned) -> None:
    """Names, numbers, dates, places and UIDs: in no byte of any file, and in no name of one."""
    for path in cleaned.files:
        data = path.read_bytes().lower()
        for secret in (
            *SECRETS,
            b"thistlewood",
            b"ostrander",
            b"pemberton",
            b"sandoval",
            b"4417",
            b"998877",
            b"551199",
        ):
            assert secret not in data, (secret, path.name)
        old = {uid for uid in re.findall(rb"1\.2\.826[0-9.]+", data) if not uid.endswith(b".77.7")}
        assert not old  # but for the device's, which one profile keeps
        assert not any(secret in str(path.relative_to(cleaned.folder)).lower().encode() for secret in SECRETS)


def test_the_report_tells_nobody(cleaned: Cleaned) -> None:
    """Neither for programs nor for people."""
    report = as_json(cleaned.outcome)
    for text in (str(report), in_words(report)):
        assert not any(secret.decode() in text.lower() for secret in SECRETS)
        assert ROOT not in text
    assert sum(report["verdicts"].values()) == report["files"] == 9
    assert report["instances_out"] == 6
    assert sum(s["instances"] for study in report["studies"] for s in study["series"]) == 6


def test_preamble_and_file_meta_are_ours(cleaned: Cleaned) -> None:
    """No bytes of the old preamble, no application's name, nothing private; the instance fits."""
    for path in cleaned.files:
        assert path.read_bytes()[:132] == bytes(128) + b"DICM"
        dataset = pydicom.dcmread(path)
        meta = dataset.file_meta
        assert {element.keyword for element in meta} == {
            "FileMetaInformationGroupLength", "FileMetaInformationVersion", "MediaStorageSOPClassUID",
            "MediaStorageSOPInstanceUID", "TransferSyntaxUID", "ImplementationClassUID", "ImplementationVersionName",
        }  # fmt: skip
        assert meta.MediaStorageSOPInstanceUID == dataset.SOPInstanceUID
        assert meta.MediaStorageSOPClassUID == dataset.SOPClassUID


def test_the_marks_say_what_was_done(cleaned: Cleaned) -> None:
    """Identity removed, a method, its codes, and what became of dates; each once."""
    profile = cleaned.outcome.profile
    for path in cleaned.files:
        dataset = pydicom.dcmread(path)
        assert dataset.PatientIdentityRemoved == "YES"
        assert profile.name in dataset.DeidentificationMethod
        codes = [(item.CodeValue, item.CodeMeaning) for item in dataset.DeidentificationMethodCodeSequence]
        assert tuple(codes) == profile.codes
        assert {item.CodingSchemeDesignator for item in dataset.DeidentificationMethodCodeSequence} == {"DCM"}
        moved = "MODIFIED" if profile.name != "basic" else "REMOVED"
        assert dataset.LongitudinalTemporalInformationModified == moved


def test_private_odd_and_drawn_groups_are_gone(cleaned: Cleaned) -> None:
    """In every depth: private elements, curves, overlays, group lengths, padding, what nobody described."""
    for path in cleaned.files:
        for element in leaves(pydicom.dcmread(path)):
            group = element.tag.group
            assert not group & 1
            assert group & 0xFF00 not in (0x5000, 0x6000)
            assert element.tag != 0xFFFCFFFC
            assert element.keyword


def test_references_still_fit(cleaned: Cleaned) -> None:
    """Within the set, each UID that pointed at an object of the disc points at the same object's new UID."""
    first = cleaned.of(ROOT + "1.1")
    for other in (cleaned.of(ROOT + "1.2"), cleaned.of(ROOT + "2.1")):
        assert other.StudyInstanceUID == first.StudyInstanceUID == cleaned.keys.uid(STUDY)
        assert other.FrameOfReferenceUID == first.FrameOfReferenceUID
        assert other.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
        assert other.ReferencedImageSequence[0].ReferencedSOPClassUID == first.SOPClassUID
    assert cleaned.of(ROOT + "2.1").SeriesInstanceUID != first.SeriesInstanceUID
    report = cleaned.of(ROOT + "9.21")
    evidence = report.CurrentRequestedProcedureEvidenceSequence[0]
    assert evidence.StudyInstanceUID == first.StudyInstanceUID
    series = evidence.ReferencedSeriesSequence[0]
    assert series.SeriesInstanceUID == first.SeriesInstanceUID
    assert series.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    state = cleaned.of(ROOT + "9.31").ReferencedSeriesSequence[0]
    assert state.SeriesInstanceUID == first.SeriesInstanceUID
    assert state.ReferencedImageSequence[0].ReferencedSOPInstanceUID == first.SOPInstanceUID
    nested = first.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0]
    assert nested.ReferencedSOPInstanceUID == first.SOPInstanceUID


def test_the_tree_of_a_report_stays_and_its_leaves_are_cleaned(cleaned: Cleaned) -> None:
    """Codes, measurements and references stay; text, persons, dates and UIDs do not."""
    leaves_ = cleaned.of(ROOT + "9.21").ContentSequence[0].ContentSequence
    by_kind = {leaf.ValueType: leaf for leaf in leaves_}
    assert [leaf.ValueType for leaf in leaves_] == ["PNAME", "TEXT", "DATE", "UIDREF", "NUM", "IMAGE"]
    assert by_kind["PNAME"].PersonName == "REMOVED"
    assert by_kind["TEXT"].TextValue == "REMOVED"
    assert by_kind["TEXT"].ConceptNameCodeSequence[0].CodeMeaning == "Finding"
    assert cleaned.keys.uid(ROOT + "1") == by_kind["UIDREF"].UID
    assert by_kind["NUM"].MeasuredValueSequence[0].NumericValue == 12.5
    assert by_kind["NUM"].MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeMeaning == "millimeter"
    assert by_kind["IMAGE"].ReferencedSOPSequence[0].ReferencedSOPInstanceUID == cleaned.keys.uid(ROOT + "1.1")
    observer = cleaned.of(ROOT + "9.21").VerifyingObserverSequence[0]
    assert (observer.VerifyingObserverName, observer.get("VerifyingOrganization", "REMOVED")) == ("REMOVED", "REMOVED")


def test_marks_on_a_picture_stay_and_their_words_do_not(cleaned: Cleaned) -> None:
    """A line keeps its points; label, description and text lose the name."""
    state = cleaned.of(ROOT + "9.31")
    marks = state.GraphicAnnotationSequence[0]
    assert list(marks.GraphicObjectSequence[0].GraphicData) == [1, 2, 3, 4]
    assert marks.TextObjectSequence[0].UnformattedTextValue in ("REMOVED", "s nodule")
    assert state.ContentLabel == "REMOVED"
    assert state.ContentDescription == ""
    assert state.ContentCreatorName == "REMOVED"


def test_dates_go_or_move_together(cleaned: Cleaned) -> None:
    """All by one amount, days and moments alike; times of day stay; the birth date never does."""
    picture = cleaned.of(ROOT + "1.1")
    assert picture.PatientBirthDate == ""
    assert "PatientBirthTime" not in picture
    if cleaned.outcome.profile.name == "basic":
        assert picture.StudyDate == ""
        assert picture.AcquisitionDateTime == picture.InstanceCreationDate + "000000" == "19000101000000"
        assert picture.StudyTime == ""
        return
    days = cleaned.keys.shift(picture.PatientID)
    new = (date(2024, 3, 11) + timedelta(days)).strftime("%Y%m%d")
    assert picture.StudyDate == picture.SeriesDate == picture.AcquisitionDate == new
    assert picture.ContentDate == (date(2024, 3, 12) + timedelta(days)).strftime("%Y%m%d")
    assert picture.AcquisitionDateTime == f"{new}101503.120000+0100"
    assert picture.StudyTime == "101500"
    assert picture.DateOfLastCalibration == (date(2024, 3, 1) + timedelta(days)).strftime("%Y%m%d")
    nested = picture.SourceImageSequence[0].PurposeOfReferenceCodeSequence[0]
    assert (nested.ContentDate, nested.PersonName) == (new, "REMOVED")


def test_the_options_keep_what_they_name(cleaned: Cleaned) -> None:
    """Device and patient characteristics and cleaned descriptions in one profile, in the others not."""
    picture = cleaned.of(ROOT + "1.1")
    research = cleaned.outcome.profile.name == "research"
    assert picture.PatientSex == ("M" if research else "")
    assert picture.get("PatientAge") == ("062Y" if research else None)
    assert picture.get("PatientWeight") == (82 if research else None)
    assert picture.get("StationName") == ("CTROOM3" if research else "REMOVED")
    assert picture.get("DeviceSerialNumber") == ("SN-00991" if research else "REMOVED")
    assert picture.get("StudyDescription") == ("CT CHEST W CONTRAST" if research else None)
    assert picture.get("ProtocolName") == ("Chest/Abd" if research else "REMOVED")
    assert picture.ManufacturerModelName == "SynthCT 64"
    codes = picture.ProcedureCodeSequence
    assert [(c.CodingSchemeDesignator, c.CodeMeaning) for c in codes] == [("99LOCAL", "Chest for"), ("LN", "CT Chest")]


def test_one_patient_has_one_name_of_ours(cleaned: Cleaned) -> None:
    """In every file, as name and as number."""
    seen = {(d.PatientID, str(d.PatientName)) for d in map(pydicom.dcmread, cleaned.files)}
    assert len(seen) == 1
    assert re.fullmatch(r"SO-[A-Z2-7]{10}", seen.pop()[0])
    assert WHO.id not in str(seen)


def test_pixels_are_the_same_bytes(cleaned: Cleaned) -> None:
    """Also in the implicit file of another character set."""
    for series in (1, 2, 6):
        new = cleaned.of(f"{ROOT}{series}.1")
        assert new.PixelData == planted(1, series).PixelData
    assert cleaned.of(ROOT + "6.1").file_meta.TransferSyntaxUID == "1.2.840.10008.1.2"


def test_a_planted_file_is_what_it_is_for() -> None:
    """The test's own premise: each secret stands in it."""
    data = content(planted()).lower()
    assert all(secret in data for secret in SECRETS)
