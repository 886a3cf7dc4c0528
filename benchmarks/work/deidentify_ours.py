"""De-identify a folder with the usual profile, the last search included, and say how many instances a second."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

from imaging.deidentify import Keys, deidentify, profile_named
from imaging.deidentify.table import vrs

source, target = Path(sys.argv[1]), Path(sys.argv[2])
vrs()  # the dictionary is read once, as the peer's is when it is imported
with tempfile.TemporaryDirectory(dir=target) as place:
    began = time.perf_counter()
    outcome = deidentify(
        [source],
        Path(place) / "out",
        keys=Keys(bytes(range(32))),
        profile=profile_named("research"),
        ledger=Path(place) / "state" / "done.jsonl",
    )
    seconds = time.perf_counter() - began
    if len(outcome.released) != sum(outcome.counts.values()):
        sys.exit(f"not every instance came out: {dict(outcome.counts)}")
print(json.dumps({"instances": len(outcome.released), "per_second": len(outcome.released) / seconds}))
