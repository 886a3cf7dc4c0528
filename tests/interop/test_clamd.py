"""A real clamd, with one signature of its own and no download, finds EICAR in what we send it."""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import time
from collections.abc import Iterator

import pytest

from imaging.errors import Infected, ScannerUnavailable
from imaging.scanning import scan
from tests.papers import in_dicom, pdf
from tests.scanner import EICAR

CLAMD = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(CLAMD is None, reason="clamd is not here (on Debian: apt-get install clamav-daemon)"),
]


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A clamd of our own on a local socket."""
    folder = tmp_path_factory.mktemp("clamd")
    signatures = folder / "signatures"
    signatures.mkdir()
    (signatures / "own.hsb").write_text(f"{hashlib.sha256(EICAR).hexdigest()}:{len(EICAR)}:Own.Eicar\n")
    (signatures / "own.ndb").write_text(f"Own.Eicar-Inside:0:*:{EICAR.hex()}\n")
    (folder / "clamd.conf").write_text(
        f"LocalSocket {folder / 'clamd.ctl'}\nDatabaseDirectory {signatures}\nLogFile {folder / 'log'}\n"
        "Foreground yes\nStreamMaxLength 3M\nUser root\n"
    )
    assert CLAMD is not None
    process = subprocess.Popen([CLAMD, "--config-file", folder / "clamd.conf"], stdout=subprocess.DEVNULL)
    try:
        for _ in range(300):
            if (folder / "clamd.ctl").exists() or process.poll() is not None:
                break
            time.sleep(0.1)
        assert process.poll() is None, (folder / "log").read_text()
        yield f"unix:{folder / 'clamd.ctl'}"
    finally:
        process.terminate()
        process.wait(20)


def test_a_real_scanner_passes_reports_and_stops_eicar(address: str) -> None:
    """Alone, inside a larger file, and inside a PDF in a DICOM coat."""
    scan(address, io.BytesIO(pdf()))
    scan(address, io.BytesIO(in_dicom()))
    for harmful in (EICAR, b"%PDF-1.7\n" + bytes(300_000) + EICAR, in_dicom(pdf() + EICAR)):
        with pytest.raises(Infected, match=r"Own\.Eicar"):
            scan(address, io.BytesIO(harmful))


def test_what_is_larger_than_the_scanner_takes_does_not_pass(address: str) -> None:
    """Its own limit (StreamMaxLength) ends the sending; that is no permission."""
    with pytest.raises(ScannerUnavailable):
        scan(address, io.BytesIO(bytes(6_000_000)))
