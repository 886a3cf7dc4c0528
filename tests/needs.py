"""Say, before the tests run, which real parts this machine lacks, why they are wanted, and how to get them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

NEEDS = (
    ("a browser", lambda: shutil.which("chromium") or shutil.which("google-chrome"), "chromium", "walks every screen"),
    (
        "PostgreSQL",
        lambda: any(Path("/usr/lib/postgresql").glob("*/bin/initdb")),
        "postgresql",
        "proves the second database",
    ),
    ("pdftotext", lambda: shutil.which("pdftotext"), "poppler-utils", "reads the opinion's PDF back"),
)


def main() -> int:
    """Print what is missing; fail only where nothing may be skipped (CI=true)."""
    missing = [(name, package, why) for name, found, package, why in NEEDS if not found()]
    for name, package, why in missing:
        print(f"Not here: {name}, which {why}. On Debian: apt-get install {package}. Its tests are skipped.")
    return 1 if missing and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
