"""Drawn pictures of nobody: small, valid CT and MR studies for demos, tests and the practice EHR."""

from __future__ import annotations

import hashlib
import io

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filewriter import dcmwrite
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, MRImageStorage

from imaging.study import Person

ROOT = "2.25."  # UIDs derived from a UUID-like number (PS3.5 Annex B.2)
CLASSES = {"CT": CTImageStorage, "MR": MRImageStorage}
Pixels = NDArray[np.int16]


def ct_study(
    person: Person,
    *,
    study_date: str,
    description: str,
    series: int = 2,
    slices: int = 12,
    size: int = 128,
    laterality: str = "",
    body_part: str = "HEAD",
    modality: str = "CT",
    study_instance_uid: str | None = None,
    institution: str = "Harbour Sample Imaging",
) -> list[bytes]:
    """One study as DICOM files, the same bytes for the same arguments.

    `study_date` is ISO, `modality` "CT" or "MR"; pixels are int16 in Hounsfield-like units, `size` by `size`, `slices`
    in each of `series`. The spot is on the person's left side.
    """
    seed = f"{person.name}|{person.birth_date}|{person.id}|{study_date}|{description}|{modality}"
    study = study_instance_uid or uid(seed)
    frame = uid(f"{study}|frame of reference")
    files = []
    for number in range(1, series + 1):
        for position in range(slices):
            dataset = _common(person, study, study_date, description, institution)
            dataset.SOPClassUID = CLASSES[modality]
            dataset.SOPInstanceUID = uid(f"{study}|{number}|{position}")
            dataset.SeriesInstanceUID = uid(f"{study}|{number}")
            dataset.FrameOfReferenceUID = frame
            dataset.Modality = modality
            dataset.SeriesNumber = number
            dataset.SeriesDescription = f"{description} {number}"
            dataset.InstanceNumber = position + 1
            dataset.BodyPartExamined = body_part
            if laterality:
                dataset.Laterality = laterality
            _place(dataset, position, slices, size)
            _draw(dataset, slice_of(position, slices, size, contrast=number), modality)
            files.append(_written(dataset))
    return files


def uid(seed: str) -> str:
    """A UID that is always the same for that seed."""
    return ROOT + str(int(hashlib.sha256(seed.encode()).hexdigest()[:32], 16))


def slice_of(position: int, slices: int, size: int, contrast: int = 1) -> Pixels:
    """An ellipse with a rim, two dark hollows and one bright spot on its left side, in Hounsfield-like units."""
    y, x = np.mgrid[-1 : 1 : complex(0, size), -1 : 1 : complex(0, size)]
    height = 2 * (position + 0.5) / slices - 1
    scale = float(np.sqrt(max(0.05, 1 - height**2)))
    radius = np.hypot(x / (0.72 * scale), y / (0.9 * scale))
    picture = np.full((size, size), -1000.0)
    picture[radius < 1] = 900
    texture = 6 * np.sin(9 * x + contrast) * np.cos(7 * y + height)
    inside = radius < 0.9
    picture[inside] = (35 + 10 * contrast + texture - 12 * radius)[inside]
    for side in (-1, 1):
        hollow = np.hypot((x - side * 0.16 * scale) / (0.1 * scale), (y + 0.05) / (0.3 * scale)) < 1
        picture[hollow] = 5
    spot = np.hypot(x - 0.36 * scale, y - 0.2) < 0.08 * scale
    picture[spot] = 75 + 15 * contrast
    return picture.astype(np.int16)


def _common(person: Person, study: str, study_date: str, description: str, institution: str) -> Dataset:
    dataset = Dataset()
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.PatientName = "=".join((person.name, *person.name_groups)) if person.name_groups else person.name
    dataset.PatientID = person.id
    dataset.PatientBirthDate = person.birth_date.replace("-", "")
    dataset.PatientSex = person.sex
    dataset.StudyInstanceUID = study
    dataset.StudyDate = dataset.SeriesDate = dataset.ContentDate = study_date.replace("-", "")
    dataset.StudyTime = dataset.SeriesTime = dataset.ContentTime = "093000"
    dataset.TimezoneOffsetFromUTC = "+0000"
    dataset.StudyID = "1"
    dataset.AccessionNumber = str(int(hashlib.sha256(study.encode()).hexdigest()[:8], 16))
    dataset.StudyDescription = description
    dataset.InstitutionName = institution
    dataset.Manufacturer = "Second Opinion phantom"
    dataset.ReferringPhysicianName = ""
    dataset.PositionReferenceIndicator = ""
    return dataset


def _place(dataset: Dataset, position: int, slices: int, size: int) -> None:
    dataset.PatientPosition = "HFS"
    dataset.PixelSpacing = [240 / size, 240 / size]
    dataset.SliceThickness = 180 / slices
    dataset.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    dataset.ImagePositionPatient = [-120, -120, -90 + position * 180 / slices]
    dataset.SliceLocation = -90 + position * 180 / slices
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "AXIAL"]


def _draw(dataset: Dataset, picture: Pixels, modality: str) -> None:
    dataset.Rows, dataset.Columns = picture.shape
    dataset.SamplesPerPixel = 1
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.WindowCenter, dataset.WindowWidth = 50, 160
    dataset.AcquisitionNumber = 1
    if modality == "CT":
        dataset.RescaleIntercept, dataset.RescaleSlope, dataset.RescaleType = 0, 1, "HU"
        dataset.KVP = 120
    else:
        dataset.ScanningSequence, dataset.SequenceVariant, dataset.ScanOptions = "SE", "NONE", ""
        dataset.MRAcquisitionType, dataset.EchoTime, dataset.RepetitionTime = "2D", 90, 5000
        dataset.EchoTrainLength = 1
        picture = np.maximum(picture, 0)  # a signal, not Hounsfield units
    dataset.PixelData = picture.astype("<i2").tobytes()


def _written(dataset: Dataset) -> bytes:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    out = io.BytesIO()
    dcmwrite(out, dataset, enforce_file_format=True)
    return out.getvalue()
