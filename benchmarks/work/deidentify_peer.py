"""De-identify some files of a folder with dicom-anonymizer, and say how many instances a second."""

import json
import sys
import tempfile
import time
from pathlib import Path

from dicomanonymizer import anonymize_dicom_file

source, target, most = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
files = sorted(path for path in source.rglob("*") if path.is_file())[:most]
with tempfile.TemporaryDirectory(dir=target) as place:
    began = time.perf_counter()
    for number, path in enumerate(files):
        anonymize_dicom_file(str(path), str(Path(place) / f"{number}.dcm"))
    seconds = time.perf_counter() - began
print(json.dumps({"instances": len(files), "per_second": len(files) / seconds}))
