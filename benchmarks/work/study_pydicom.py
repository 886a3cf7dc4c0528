"""What `second-opinion study --json` says, by the loop that one would write with pydicom."""

import json
import sys
from pathlib import Path

from pydicom import dcmread
from pydicom.errors import InvalidDicomError

studies: dict = {}
verdicts = {"image": 0, "not-an-image": 0}
for path in sorted(Path(sys.argv[1]).rglob("*")):
    if not path.is_file():
        continue
    try:
        dataset = dcmread(path, stop_before_pixels=True)
    except InvalidDicomError:
        verdicts["not-an-image"] += 1
        continue
    verdicts["image"] += 1
    study = studies.setdefault(
        str(dataset.StudyInstanceUID),
        {
            "patient": {
                "name": str(dataset.get("PatientName", "")),
                "birth_date": dataset.get("PatientBirthDate", ""),
                "sex": dataset.get("PatientSex", ""),
                "id": dataset.get("PatientID", ""),
            },
            "date": dataset.get("StudyDate", ""),
            "description": dataset.get("StudyDescription", ""),
            "series": {},
        },
    )
    series = study["series"].setdefault(
        str(dataset.SeriesInstanceUID),
        {
            "modality": dataset.get("Modality", ""),
            "description": dataset.get("SeriesDescription", ""),
            "body_part": dataset.get("BodyPartExamined", ""),
            "laterality": dataset.get("Laterality", ""),
            "instances": set(),
        },
    )
    series["instances"].add(str(dataset.SOPInstanceUID))
for study in studies.values():
    for series in study["series"].values():
        series["instances"] = len(series["instances"])
print(json.dumps({"studies": studies, "verdicts": verdicts}))
