"""Draws synthetic CT studies for the measurements: 512x512, 16 bit, about 110 elements, with noise as scanners have it.

The header is written once a series by pydicom; pictures then differ in numbers of equal length and in their noise, so
that thousands of files are made in seconds and are the same bytes for the same seed.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian

ROOT = "1.2.826.0.1.3680043.8.498."
DIGITS = 30  # of the last part of every UID, so that one can stand in another's place
NUMBER = "90909"  # stands for the picture's number


def uid(*parts: object) -> str:
    """A UID of always the same length."""
    digest = int(hashlib.sha256("/".join(map(str, parts)).encode()).hexdigest(), 16)
    return ROOT + "1" + str(digest)[: DIGITS - 1].rjust(DIGITS - 1, "3")


def pictures(count: int, series: int, *, seed: str = "a", size: int = 512) -> Iterator[tuple[str, bytes]]:
    """(name on the disc, file) of each picture of one study, its series of equal size."""
    noise = np.random.default_rng(int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16)).normal(0, 18, (size, size))
    image = _body(size)
    for number in range(series):
        head = _template(seed, number, size)
        for at in range(count // series):
            slice_ = np.roll(noise, (at * 37 + number) % size, axis=at % 2) + image
            values = np.clip(np.rint(slice_ + 1024 + 60 * np.sin(at / 17)), 0, 4095).astype("<u2").tobytes()
            yield f"DICOM/SE{number:03d}/IM{at + 1:05d}", _filled(head, seed, number, at + 1) + values


def write_study(folder: Path, count: int, series: int, *, seed: str = "a", size: int = 512) -> int:
    """That study as files below a folder; answers the bytes written."""
    total = 0
    for name, content in pictures(count, series, seed=seed, size=size):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        total += len(content)
    return total


def write_zip(path: Path, folder: Path) -> None:
    """Everything below a folder as a deflated ZIP, as a hospital's CD export makes it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        archive.writestr("AUTORUN.INF", "[autorun]\n")
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, str(file.relative_to(folder)))


def _filled(head: bytes, seed: str, series: int, number: int) -> bytes:
    return head.replace(uid("picture").encode(), uid(seed, series, number).encode()).replace(
        NUMBER.encode(), f"{number:05d}".encode()
    )


def _body(size: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """A chest, roughly: air, fat, soft tissue, two lungs, a spine."""
    y, x = np.mgrid[-1 : 1 : size * 1j, -1 : 1 : size * 1j]
    image = np.full((size, size), -1000.0)
    for width, height, cx, cy, value in (
        (0.84, 0.64, 0, 0, -90),
        (0.78, 0.58, 0, 0, 40),
        (0.26, 0.36, -0.38, -0.05, -850),
        (0.26, 0.36, 0.38, -0.05, -850),
        (0.1, 0.1, 0, 0.36, 420),
    ):
        image[((x - cx) / width) ** 2 + ((y - cy) / height) ** 2 < 1] = value
    return image


def _template(seed: str, series: int, size: int) -> bytes:
    """The header of every picture of one series, with marks where they differ, up to the value of the pixels."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = CTImageStorage
    dataset.file_meta.MediaStorageSOPInstanceUID = uid("picture")
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    for keyword, value in _values(seed, series, size).items():
        setattr(dataset, keyword, value)
    dataset.add_new(0x00090010, "LO", "BENCH PRIVATE 01")
    dataset.add_new(0x00091001, "LO", "a private word")
    dataset.add_new(0x00091002, "OB", bytes(range(256)) * 6)
    dataset.PixelData = bytes(size * size * 2)
    dataset["PixelData"].VR = "OW"
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()[: -size * size * 2]


def _item(**values: object) -> Dataset:
    item = Dataset()
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def _values(seed: str, series: int, size: int) -> dict[str, object]:
    study = uid(seed, "study")
    return _of_study(study) | _of_series(seed, series) | _of_picture(size)


def _of_study(study: str) -> dict[str, object]:
    code = _item(CodeValue="36226-8", CodingSchemeDesignator="LN", CodeMeaning="CT Chest and Abdomen W contrast IV")
    reference = _item(ReferencedSOPClassUID="1.2.840.10008.3.1.2.3.1", ReferencedSOPInstanceUID=study)
    step = _item(
        RequestedProcedureID="RP1",
        ScheduledProcedureStepID="SPS1",
        ScheduledProtocolCodeSequence=[_item(CodeValue="X1", CodingSchemeDesignator="99L", CodeMeaning="routine")],
    )
    other = _item(PatientID="OLD-998", IssuerOfPatientID="ELSEWHERE", TypeOfPatientID="TEXT")
    return {
        "SpecificCharacterSet": "ISO_IR 192",
        "StudyDate": "20260311",
        "StudyTime": "101500",
        "AccessionNumber": "ACC-77-4411",
        "Modality": "CT",
        "Manufacturer": "BENCH MEDICAL",
        "InstitutionName": "Example General Hospital",
        "InstitutionAddress": "12 High Street",
        "ReferringPhysicianName": "Sender^Sam^^Dr",
        "StationName": "CT3",
        "StudyDescription": "CT CHEST ABDOMEN W CONTRAST",
        "ProcedureCodeSequence": [code],
        "InstitutionalDepartmentName": "Radiology",
        "PerformingPhysicianName": "Performer^Paula",
        "NameOfPhysiciansReadingStudy": "First^Frida",
        "OperatorsName": "Tech^Tom",
        "ManufacturerModelName": "Bench 64",
        "ReferencedStudySequence": [reference],
        "PatientName": "Samplewright^Marisol^Q",
        "PatientID": "TST-12345",
        "IssuerOfPatientID": "ELSEWHERE",
        "PatientBirthDate": "19610704",
        "PatientSex": "F",
        "OtherPatientIDsSequence": [other],
        "PatientAge": "064Y",
        "PatientSize": "1.68",
        "PatientWeight": "62",
        "PatientAddress": "99 Elm Street",
        "EthnicGroup": "X",
        "Occupation": "Teacher",
        "AdditionalPatientHistory": "Seen before.",
        "PatientComments": "None",
        "StudyInstanceUID": study,
        "StudyID": "4411",
        "RequestingPhysician": "Asker^Ann",
        "RequestedProcedureDescription": "CT chest abdomen",
        "AdmissionID": "ADM-5",
        "RequestAttributesSequence": [step],
        "PerformedProcedureStepStartDate": "20260311",
        "PerformedProcedureStepStartTime": "101500",
        "PerformedProcedureStepID": "PPS1",
    }


def _of_series(seed: str, series: int) -> dict[str, object]:
    return {
        "SeriesDate": "20260311",
        "SeriesTime": f"1015{series:02d}",
        "AcquisitionDate": "20260311",
        "SeriesDescription": ("Scout", "Axial soft", "Axial lung", "Axial thick")[series % 4],
        "SeriesInstanceUID": uid(seed, "series", series),
        "SeriesNumber": series + 1,
        "AcquisitionNumber": 1,
        "FrameOfReferenceUID": uid(seed, "frame"),
        "PositionReferenceIndicator": "SN",
        "ContrastBolusAgent": "AGENT 350",
        "BodyPartExamined": "CHEST",
        "ScanOptions": "HELICAL",
        "SliceThickness": "1.25",
        "KVP": "120",
        "SpacingBetweenSlices": "1.25",
        "DataCollectionDiameter": "500",
        "DeviceSerialNumber": "SN-1",
        "SoftwareVersions": "1.0",
        "ProtocolName": "Chest",
        "ReconstructionDiameter": "360",
        "DistanceSourceToDetector": "949",
        "DistanceSourceToPatient": "541",
        "GantryDetectorTilt": "0",
        "TableHeight": "150",
        "RotationDirection": "CW",
        "ExposureTime": "500",
        "XRayTubeCurrent": "250",
        "Exposure": "125",
        "FilterType": "BODY",
        "GeneratorPower": "30",
        "FocalSpots": "1.2",
        "ConvolutionKernel": "STANDARD",
        "PatientPosition": "FFS",
    }


def _of_picture(size: int) -> dict[str, object]:
    return {
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "InstanceCreationDate": "20260311",
        "InstanceCreationTime": "101502.120",
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": uid("picture"),
        "ContentDate": "20260311",
        "AcquisitionTime": f"101600.{NUMBER}",
        "ContentTime": "101700",
        "InstanceNumber": NUMBER,
        "ImagePositionPatient": ["-180", "-180", f"-{NUMBER}.2"],
        "ImageOrientationPatient": ["1", "0", "0", "0", "1", "0"],
        "SliceLocation": f"-{NUMBER}.2",
        "ImageComments": "None",
        "SamplesPerPixel": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "Rows": size,
        "Columns": size,
        "PixelSpacing": ["0.703125", "0.703125"],
        "BitsAllocated": 16,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "SmallestImagePixelValue": 0,
        "LargestImagePixelValue": 4095,
        "BurnedInAnnotation": "NO",
        "WindowCenter": ["40", "-600"],
        "WindowWidth": ["400", "1500"],
        "RescaleIntercept": "-1024",
        "RescaleSlope": "1",
        "RescaleType": "HU",
        "LossyImageCompression": "00",
    }
