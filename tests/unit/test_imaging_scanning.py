"""Where a site has a virus scanner, no report passes it unasked; no answer is no permission."""

from __future__ import annotations

import io
import socket
import threading
from pathlib import Path

import pytest

from imaging import scanning
from imaging.errors import Infected, ScannerUnavailable
from imaging.scanning import scan
from tests.scanner import EICAR, listening


def test_what_is_clean_passes_and_every_byte_of_it_was_seen(tmp_path: Path) -> None:
    """Files larger than one piece, and empty ones."""
    with listening(tmp_path) as (address, seen):
        for size in (0, 1, scanning.PIECE, scanning.PIECE * 2 + 7):
            scan(address, io.BytesIO(bytes(size)))
    assert seen == [0, 1, scanning.PIECE, scanning.PIECE * 2 + 7]


def test_what_is_found_is_named(tmp_path: Path) -> None:
    """In the scanner's word for it."""
    with listening(tmp_path) as (address, _), pytest.raises(Infected, match="Eicar-Test"):
        scan(address, io.BytesIO(b"before " * 50_000 + EICAR))


@pytest.mark.parametrize("said", ["INSTREAM size limit exceeded. ERROR", "stream: OKAY", "stream: ", " ", "OK"])
def test_an_unclear_answer_is_no_permission(tmp_path: Path, said: str) -> None:
    """Too large for the scanner, or words that it never says."""
    with listening(tmp_path, said) as (address, _), pytest.raises(ScannerUnavailable, match="no clear answer"):
        scan(address, io.BytesIO(b"x"))


@pytest.mark.parametrize("address", ["unix:/nowhere/clamd.ctl", "tcp:127.0.0.1:1", "tcp:3310", "localhost", ""])
def test_a_scanner_that_is_not_there_lets_nothing_pass(address: str) -> None:
    """And it may be asked again later."""
    with pytest.raises(ScannerUnavailable) as refused:
        scan(address, io.BytesIO(b"x"))
    assert refused.value.retry


def test_a_scanner_that_hangs_up_or_never_answers_lets_nothing_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for, not for ever."""
    monkeypatch.setattr(scanning, "SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"tcp:127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(ScannerUnavailable):
            scan(address, io.BytesIO(b"x"))
        hang_up = threading.Thread(target=lambda: [listener.accept()[0].close() for _ in range(2)])
        hang_up.start()
        with pytest.raises(ScannerUnavailable):
            scan(address, io.BytesIO(bytes(5_000_000)))
        hang_up.join()
