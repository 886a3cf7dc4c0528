"""A disc on which a person's name, numbers, dates and UIDs stand in every place where real discs have them."""

from __future__ import annotations

import io
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from imaging.phantom import ct_study
from imaging.study import Person

WHO = Person("Plantagenet^Zebedee^Quill", "1961-07-04", "M", "MRN-778812")
SECRETS = (b"plantagenet", b"zebedee", b"778812", b"19610704", b"1961-07-04", b"acc-4417", b"elsewhere", b"wetherby")
"""What must be nowhere in the output, in lower case."""

ROOT = "1.2.826.0.1.3680043.10.1338.77."
STUDY = ROOT + "100"


def planted(number: int = 1, series: int = 1, **more: object) -> Dataset:
    """One CT picture with everything in it; `more` sets attributes."""
    dataset = pydicom.dcmread(
        io.BytesIO(ct_study(WHO, study_date="2024-03-11", description="x", series=1, slices=1, size=16)[0])
    )
    dataset.preamble = b"Plantagenet^Zebedee was here".ljust(128, b"\0")
    dataset.SOPInstanceUID = f"{ROOT}{series}.{number}"
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.SourceApplicationEntityTitle = "WETHERBY_CT"
    dataset.file_meta.PrivateInformationCreatorUID = ROOT + "9"
    dataset.file_meta.PrivateInformation = b"Zebedee"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = STUDY, f"{ROOT}{series}"
    dataset.FrameOfReferenceUID = ROOT + "8"
    dataset.InstanceNumber, dataset.SeriesNumber = number, series
    _dates(dataset)
    _people(dataset)
    _texts(dataset)
    _sequences(dataset)
    _private(dataset)
    dataset.add_new(0x60000010, "US", 8)
    dataset.add_new(0x60000011, "US", 8)
    dataset.add_new(0x60000022, "LO", "Zebedee's overlay")
    dataset.add_new(0x60003000, "OW", b"\0" * 8)
    dataset.add_new(0x50000022, "LO", "Zebedee's curve")
    dataset.add_new(0xFFFCFFFC, "OB", b"Plantagenet padding ")
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    return dataset


def _dates(dataset: Dataset) -> None:
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = "20240311"
    dataset.ContentDate = dataset.InstanceCreationDate = "20240312"
    dataset.AcquisitionDateTime = "20240311101503.120000+0100"
    dataset.StudyTime, dataset.AcquisitionTime = "101500", "101503.12"
    dataset.PatientBirthTime = "0312"
    dataset.DateOfLastCalibration = "20240301"


def _people(dataset: Dataset) -> None:
    dataset.PatientAge, dataset.PatientWeight, dataset.PatientSize = "062Y", "82", "1.78"
    dataset.OtherPatientNames = "Plantagenet-Wetherby^Zeb"
    dataset.PatientAddress, dataset.PatientTelephoneNumbers = "99 Elm St, Elsewhere", "+44 1555 010077"
    dataset.PatientMotherBirthName = "Wetherby^Ada"
    dataset.IssuerOfPatientID, dataset.AccessionNumber, dataset.StudyID = "ELSEWHERE", "ACC-4417", "S4417"
    dataset.ReferringPhysicianName = "Thistlewood^Rita"
    dataset.OperatorsName, dataset.PerformingPhysicianName = "Ostrander^Olga", "Pemberton^Paul"
    dataset.InstitutionName = "St. Elsewhere General Hospital"
    dataset.InstitutionAddress = "12 High Street, Elsewhere"
    dataset.StationName, dataset.DeviceSerialNumber = "CTROOM3", "SN-00991"
    dataset.AdmissionID, dataset.Occupation, dataset.EthnicGroup = "ADM-551199", "Teacher", "X"
    dataset.DeviceUID = ROOT + "7"


def _texts(dataset: Dataset) -> None:
    dataset.StudyDescription = "CT CHEST W CONTRAST Plantagenet 20240311"
    dataset.SeriesDescription = "Axial 1.25mm lung for Dr Thistlewood"
    dataset.ProtocolName = "Chest/Abd"
    dataset.PatientComments = "call daughter Jane Plantagenet"
    dataset.ImageComments = "Reviewed with Zebedee 1961-07-04"
    dataset.AdditionalPatientHistory = "MRN-778812 seen 2024-03-01"
    dataset.RequestedProcedureDescription = "CT chest"
    dataset.ManufacturerModelName = "SynthCT 64"


def _sequences(dataset: Dataset) -> None:
    other = Dataset()
    other.PatientID, other.TypeOfPatientID = "OLD-998877", "TEXT"
    dataset.OtherPatientIDsSequence = [other]
    image = Dataset()
    image.ReferencedSOPClassUID = dataset.SOPClassUID
    image.ReferencedSOPInstanceUID = ROOT + "1.1"
    dataset.ReferencedImageSequence = [image]
    study = Dataset()
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = UID("1.2.840.10008.3.1.2.3.1"), STUDY
    dataset.ReferencedStudySequence = [study]
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "X1", "99ELSEWHERE", "Chest for Zebedee"
    protocol = Dataset()
    protocol.CodeValue, protocol.CodingSchemeDesignator, protocol.CodeMeaning = "36226-8", "LN", "CT Chest"
    dataset.ProcedureCodeSequence = [code, protocol]
    requested = Dataset()
    requested.RequestedProcedureID, requested.AccessionNumber = "RP4417", "ACC-4417"
    requested.ScheduledPerformingPhysicianName = "Sandoval^Sam"
    dataset.RequestAttributesSequence = [requested]
    # A sequence that stays, with a person, a date, a private element and a UID in its second depth.
    inner = Dataset()
    inner.PersonName, inner.ContentDate, inner.ReferencedSOPInstanceUID = (
        "Plantagenet^Zebedee",
        "20240311",
        ROOT + "1.1",
    )
    inner.add_new(0x00190010, "LO", "SYNTH_PRIV_02")
    inner.add_new(0x00191001, "LO", "nested private Zebedee")
    outer = Dataset()
    outer.PurposeOfReferenceCodeSequence = [inner]
    outer.ReferencedSOPInstanceUID = ROOT + "1.1"
    dataset.SourceImageSequence = [outer]


def _private(dataset: Dataset) -> None:
    dataset.add_new(0x00090010, "LO", "SYNTH_PRIV_01")
    dataset.add_new(0x00091001, "LO", "Plantagenet^Zebedee private copy")
    dataset.add_new(0x00091003, "UI", STUDY)
    dataset.add_new(0x00290010, "LO", "SYNTH_PRIV_03")
    dataset.add_new(0x00291010, "OB", b"Zebedee".ljust(32, b"\0") * 40)
    dataset.add_new(0x20010010, "LO", "Philips Imaging DD 001")
    dataset.add_new(0x20011003, "FL", 1000.0)  # listed as safe: the diffusion factor
    dataset.add_new(0x200110FE, "LO", "Zebedee, not listed")


def of_kind(sop_class: str, modality: str, number: int, **more: object) -> Dataset:
    """An object without pixels in the same study."""
    dataset = planted(number, 9, Modality=modality, SOPClassUID=UID(sop_class))
    dataset.file_meta.MediaStorageSOPClassUID = UID(sop_class)
    for tag in [tag for tag in dataset.keys() if tag.group in (0x0028, 0x6000, 0x5000, 0x7FE0)]:  # noqa: SIM118
        del dataset[tag]
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    return dataset


def report() -> Dataset:
    """A structured report: a tree whose leaves name everything."""
    leaves = []
    for kind, name, keyword, value in (
        ("PNAME", "Person Observer Name", "PersonName", "Thistlewood^Rita"),
        ("TEXT", "Finding", "TextValue", "Zebedee Plantagenet has a nodule, seen 2024-03-01 by Thistlewood"),
        ("DATE", "Date", "Date", "20240311"),
        ("UIDREF", "Series", "UID", f"{ROOT}1"),
    ):
        leaf = _content(kind, name)
        setattr(leaf, keyword, value)
        leaves.append(leaf)
    number = _content("NUM", "Diameter")
    unit = Dataset()
    unit.CodeValue, unit.CodingSchemeDesignator, unit.CodeMeaning = "mm", "UCUM", "millimeter"
    measured = Dataset()
    measured.NumericValue, measured.MeasurementUnitsCodeSequence = "12.5", [unit]
    number.MeasuredValueSequence = [measured]
    image = _content("IMAGE", "Source")
    reference = Dataset()
    reference.ReferencedSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    reference.ReferencedSOPInstanceUID = ROOT + "1.1"
    image.ReferencedSOPSequence = [reference]
    inside = _content("CONTAINER", "Findings")
    inside.ContentSequence = [*leaves, number, image]
    observer = Dataset()
    observer.VerifyingObserverName, observer.VerifyingOrganization = "Thistlewood^Rita", "St. Elsewhere"
    observer.VerificationDateTime = "20240312101500"
    evidence = Dataset()
    evidence.StudyInstanceUID = STUDY
    evidence.ReferencedSeriesSequence = [Dataset()]
    evidence.ReferencedSeriesSequence[0].SeriesInstanceUID = f"{ROOT}1"
    evidence.ReferencedSeriesSequence[0].ReferencedSOPSequence = [reference]
    return of_kind(
        "1.2.840.10008.5.1.4.1.1.88.33", "SR", 21,
        ValueType="CONTAINER", CompletionFlag="COMPLETE", VerificationFlag="VERIFIED",
        VerifyingObserverSequence=[observer], ContentSequence=[inside],
        CurrentRequestedProcedureEvidenceSequence=[evidence],
    )  # fmt: skip


def _content(kind: str, meaning: str) -> Dataset:
    item, name = Dataset(), Dataset()
    name.CodeValue, name.CodingSchemeDesignator, name.CodeMeaning = "121071", "DCM", meaning
    item.RelationshipType, item.ValueType, item.ConceptNameCodeSequence = "CONTAINS", kind, [name]
    return item


def presentation() -> Dataset:
    """A presentation state: a mark with a text, a label, a layer, and the pictures it is of."""
    text = Dataset()
    text.UnformattedTextValue = "Zebedee's nodule"
    text.AnchorPoint, text.AnchorPointVisibility, text.AnchorPointAnnotationUnits = [3, 4], "N", "PIXEL"
    line = Dataset()
    line.GraphicData, line.GraphicType, line.NumberOfGraphicPoints = [1, 2, 3, 4], "POLYLINE", 2
    marks = Dataset()
    marks.GraphicLayer, marks.TextObjectSequence, marks.GraphicObjectSequence = "LAYER1", [text], [line]
    series = Dataset()
    series.SeriesInstanceUID = f"{ROOT}1"
    series.ReferencedImageSequence = [Dataset()]
    series.ReferencedImageSequence[0].ReferencedSOPClassUID = UID("1.2.840.10008.5.1.4.1.1.2")
    series.ReferencedImageSequence[0].ReferencedSOPInstanceUID = ROOT + "1.1"
    return of_kind(
        "1.2.840.10008.5.1.4.1.1.11.1", "PR", 31,
        ContentLabel="ZEBEDEE", ContentDescription="For Zebedee", ContentCreatorName="Thistlewood^Rita",
        PresentationCreationDate="20240311", PresentationCreationTime="101500",
        GraphicAnnotationSequence=[marks], ReferencedSeriesSequence=[series],
    )  # fmt: skip


def document() -> Dataset:
    """A report packed as PDF."""
    return of_kind(
        "1.2.840.10008.5.1.4.1.1.104.1", "DOC", 41,
        EncapsulatedDocument=b"%PDF-1.4 Plantagenet, Zebedee 1961-07-04".ljust(64), DocumentTitle="Zebedee",
        MIMETypeOfEncapsulatedDocument="application/pdf",
    )  # fmt: skip


def ultrasound() -> Dataset:
    """A kind of picture that has names burned into it."""
    return planted(1, 5, Modality="US", SOPClassUID=UID("1.2.840.10008.5.1.4.1.1.6.1"))


def latin() -> Dataset:
    """Implicit VR and another character set, as old scanners wrote."""
    dataset = planted(1, 6, SpecificCharacterSet="ISO_IR 100", PatientComments="für Zebedee Plántagenet")
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    return dataset


def content(dataset: Dataset) -> bytes:
    """The file."""
    out = io.BytesIO()
    syntax = dataset.file_meta.TransferSyntaxUID
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    pydicom.dcmwrite(
        out, dataset, implicit_vr=syntax == ImplicitVRLittleEndian, little_endian=True, enforce_file_format=False
    )
    return out.getvalue()


def disc(folder: Path) -> Path:
    """All of them, under names that tell the person, with what else a disc holds."""
    files = {
        "PLANTAGENET/CT/1": planted(1, 1), "PLANTAGENET/CT/2": planted(2, 1), "PLANTAGENET/CT/3": planted(1, 2),
        "PLANTAGENET/SR": report(), "PLANTAGENET/PR": presentation(), "PLANTAGENET/PDF": document(),
        "PLANTAGENET/US": ultrasound(), "PLANTAGENET/LATIN": latin(),
    }  # fmt: skip
    for name, dataset in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content(dataset))
    (folder / "AUTORUN.INF").write_bytes(b"[autorun]\n")
    return folder
