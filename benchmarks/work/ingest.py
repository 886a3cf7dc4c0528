"""Stores everything of a folder or ZIP in a new archive, durably, and says how many instances a second."""

import json
import sys
import time
from pathlib import Path

from imaging.archive import open_archive
from imaging.ingest import ingest
from imaging.media import walk

archive = open_archive(sys.argv[2])
shelf = archive.shelf("bench")
began = time.perf_counter()
stored = sum(put is not None and put.outcome == "stored" for _, put in ingest(shelf, walk([Path(sys.argv[1])])))
seconds = time.perf_counter() - began
archive.close()
print(json.dumps({"stored": stored, "per_second": stored / seconds}))
