"""Makes the ImagingStudy of a folder, instances included, with dicom2fhir, and says how many instances a second."""

import asyncio
import json
import sys
import time
from pathlib import Path

from dicom2fhir.dicom2fhir import from_directory

CONFIG = {
    "dicom_timezone": "Europe/Madrid",
    "generator": {"imaging_study": {"add_instances": True}, "observation": {"add_vital_signs": False}},
}
count = sum(1 for path in Path(sys.argv[1]).rglob("*") if path.is_file())
began = time.perf_counter()
bundle = asyncio.run(from_directory(sys.argv[1], CONFIG))
text = bundle.model_dump_json()
seconds = time.perf_counter() - began
assert text.count('"sopClass"') == count, text.count('"sopClass"')
print(json.dumps({"per_second": count / seconds}))
