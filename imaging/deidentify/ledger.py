"""What an earlier run into the same folder did, so that a broken one goes on and a later one fits.

Rule: nothing in it tells a person: instances and studies are named by what the secret key makes of them.
"""

from __future__ import annotations

import fcntl
import json
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from imaging.errors import OutputUnusable


@dataclass(frozen=True)
class Entry:
    """One instance that was cleaned: by token, what it was (digest, bytes), whose and where it is now."""

    token: str
    digest: str
    size: int
    pseudonym: str
    place: str  # below the folder, without suffix
    written: int  # bytes
    head: int  # of them before the pixels' value
    study: str  # new UID
    who: str  # tokens of the person's number and birth date, parted by "."
    form: str = ""  # "packed" for compressed pixels, "deflated" for a deflated object


class Ledger:
    """The entries of one folder, appended as they are made. One run at a time."""

    def __init__(self, file: Path, made_by: str, *, empty: bool = False) -> None:
        """`made_by` tells profile and key; `empty` that the folder holds nothing, so that another way may begin.

        Raises OutputUnusable where another run is at work, or images were made another way.
        """
        self.entries: dict[str, Entry] = {}
        self.patients: dict[str, tuple[str, str]] = {}  # new study UID to pseudonym and who that is
        self._lock, self._out = _locked(file)
        lines = file.read_text("utf-8", "replace").splitlines()
        if lines and empty and _parsed(lines[0]).get("made_by") != made_by:
            self._out.truncate(0)
            lines = []
        if not lines:
            self._append({"made_by": made_by})
        elif _parsed(lines[0]).get("made_by") != made_by:
            self.close()
            raise OutputUnusable(
                "This folder holds images made with another profile or another key. Choose another folder: "
                "mixed, they would not match."
            )
        for line in lines[1:]:
            self._remember(_parsed(line))

    def _remember(self, values: dict[str, object]) -> None:
        try:
            entry = Entry(**values)  # type: ignore[arg-type]
        except TypeError:  # the last line of a run that was broken off
            return
        self.entries[entry.token] = entry
        self.patients.setdefault(entry.study, (entry.pseudonym, entry.who))

    def add(self, entry: Entry) -> None:
        """One more, kept at once."""
        self._append(vars(entry))
        self.entries[entry.token] = entry
        self.patients.setdefault(entry.study, (entry.pseudonym, entry.who))

    def _append(self, values: dict[str, object]) -> None:
        self._out.write(json.dumps(values, separators=(",", ":")) + "\n")
        self._out.flush()

    def close(self) -> None:
        """Let other runs in."""
        self._out.close()
        self._lock.close()


def _locked(file: Path) -> tuple[IO[bytes], IO[str]]:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        lock = file.with_suffix(".lock").open("wb")
        out = file.open("a", encoding="utf-8")
    except OSError as problem:
        raise OutputUnusable(f"{file.parent}: the record of this run cannot be kept there.") from problem
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        out.close()
        raise OutputUnusable(
            "Another run is writing into this folder. Wait for it, or choose another folder."
        ) from None
    if out.tell() and not file.read_bytes().endswith(b"\n"):  # a line broken off
        out.write("\n")
    return lock, out


def _parsed(line: str) -> dict[str, object]:
    try:
        values = json.loads(line)
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
