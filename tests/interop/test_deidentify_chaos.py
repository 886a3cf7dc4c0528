"""De-identification killed with -9 at any moment, many times: whole, once each, and the same as without a kill."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pydicom
import pytest

from imaging.deidentify import Keys, deidentify, profile_named
from tests.discs import FILES, altered, zipped

pytestmark = pytest.mark.interop

ROOT = Path(__file__).resolve().parents[2]
COUNT = 250
RUN = """
import sys
from pathlib import Path
from imaging.deidentify import Keys, deidentify, profile_named
from imaging.deidentify.table import vrs
vrs()
place = Path(sys.argv[1])
print("ready", flush=True)
deidentify([place / "in"], place / "out", keys=Keys(bytes(range(32))), profile=profile_named("research"),
           ledger=place / "state" / "done.jsonl")
"""


@pytest.mark.timeout(300)
@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_kills_at_any_moment_change_nothing_of_the_result(tmp_path: Path, *, packed: bool) -> None:
    """After each kill what is visible is whole; in the end the bytes are those of a run that nobody disturbed."""
    files = {
        f"IM{n}": altered(FILES[0], SOPInstanceUID=f"1.2.3.{n}", InstanceNumber=n, SeriesInstanceUID=f"1.2.{n % 3}")
        for n in range(COUNT)
    }
    if packed:
        (tmp_path / "in").write_bytes(zipped(files))
    else:
        (tmp_path / "in").mkdir()
        for name, data in files.items():
            (tmp_path / "in" / name).write_bytes(data)
    dice, killed, seen = random.Random(7), 0, 0
    for _ in range(20):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(dice.random() * 0.4)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        visible = list((tmp_path / "out").rglob("*.dcm"))
        assert len(visible) >= seen
        seen = len(visible)
        for path in visible:
            assert len(pydicom.dcmread(path).PixelData) == 32 * 32 * 2
    assert killed >= 5
    options = {"keys": Keys(bytes(range(32))), "profile": profile_named("research")}
    outcome = deidentify([tmp_path / "in"], tmp_path / "out", ledger=tmp_path / "state" / "done.jsonl", **options)
    assert outcome.counts["deidentified"] + outcome.counts["already-here"] == COUNT
    quiet = deidentify([tmp_path / "in"], tmp_path / "calm" / "out", ledger=tmp_path / "calm" / "l.jsonl", **options)
    assert len(quiet.released) == COUNT
    assert contents(tmp_path / "out") == contents(tmp_path / "calm" / "out")
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def contents(folder: Path) -> dict[str, bytes]:
    """Everything in a folder, by its path in it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
