"""What happened, one JSON line each, so that a restarted practice goes on where it was. Rule: a line is on the disk
before anybody is told, and a torn last line is passed over."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any


class Journal:
    """An append-only file of JSON lines; without a path it forgets."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)

    def entries(self) -> list[dict[str, Any]]:
        """Every whole line, oldest first. Bytes of a torn last line are cut off, so that the next line starts clean."""
        if self._path is None or not self._path.exists():
            return []
        raw = self._path.read_bytes()
        whole = raw[: raw.rfind(b"\n") + 1]
        if len(whole) < len(raw):
            with self._path.open("r+b") as file:
                file.truncate(len(whole))
        return [json.loads(line) for line in whole.splitlines() if line.strip()]

    def append(self, entry: dict[str, Any]) -> None:
        """Write one line and wait until the disk has it."""
        if self._path is None:
            return
        line = json.dumps(entry, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        with self._lock, self._path.open("ab") as file:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
