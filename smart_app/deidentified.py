"""`second-opinion deidentify`: cleaned copies of a folder, file or ZIP, and what was done, in words or as JSON."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

PATIENCE = 2.0  # seconds without a word
PARTIAL = 3  # the exit code where something was left behind


def clean_media(
    source: Path,
    out: Path,
    *,
    profile: str,
    safe_private: bool,
    key: Path | None,
    same_person: bool,
    looked_at: Path | None,
    names: Path | None,
    as_json: bool,
) -> tuple[str, int]:
    """What is to be printed, and the exit code: 0 where every picture came out. Raises ImagingError, OSError.

    Without a key, one is made for this output folder and kept in this user's own settings, so that a second run into
    it fits the first.
    """
    from imaging.deidentify import deidentify, profile_named, read_key
    from imaging.deidentify.report import as_json as report_of
    from imaging.deidentify.report import in_words

    chosen = profile_named(profile, safe_private=safe_private)
    kept = own_folder(out)
    if key is None and not (kept / "key").exists():
        print(
            f"The key of this folder is kept in {kept / 'key'}. Who gets the images must not get it.", file=sys.stderr
        )
    outcome = deidentify(
        [source],
        out,
        keys=read_key(key or kept / "key"),
        profile=chosen,
        ledger=kept / "done.jsonl",
        same_person=same_person,
        looked_at=frozenset((looked_at.read_text("utf-8").split()) if looked_at else ()),
        progress=_aloud(),
    )
    if names is not None:
        _write_names(names, outcome.names)
    report = report_of(outcome)
    said = json.dumps(report, indent=2, ensure_ascii=False) if as_json else in_words(report)
    return said, 0 if outcome.complete else PARTIAL


def own_folder(out: Path) -> Path:
    """Where what belongs to an output folder, and must not lie in it, is kept.

    In this user's settings; beside the folder where those cannot be written.
    """
    where = hashlib.sha256(os.fsencode(out.resolve())).hexdigest()[:24]
    settings = Path(click.get_app_dir("second-opinion")) / "deidentify" / where
    if not settings.is_absolute():  # XDG_CONFIG_HOME is set and empty: as if it were not set
        settings = Path.home() / ".config" / "second-opinion" / "deidentify" / where
    try:
        settings.mkdir(parents=True, exist_ok=True)
        writable = os.access(settings, os.W_OK)
    except OSError:
        writable = False
    return settings if writable else out.resolve().parent / f".{where}.second-opinion"


def _write_names(path: Path, names: dict[int, str]) -> None:
    """File numbers and names of what did not come out. File names often are patients' names, so for its owner alone."""
    handle = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.writelines(f"{number}\t{name}\n" for number, name in names.items())


def _aloud() -> Callable[[int], None]:
    """Says on standard error how far it is, every few seconds."""
    spoken = time.monotonic()

    def progress(files: int) -> None:
        nonlocal spoken
        if files % 50 == 0 and time.monotonic() - spoken > PATIENCE:
            spoken = time.monotonic()
            print(f"{files:,} files so far", file=sys.stderr, flush=True)

    return progress
