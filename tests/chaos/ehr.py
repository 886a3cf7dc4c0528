"""The practice EHR as a process, known by one address and listening on another: a proxy of trouble stands between."""

from __future__ import annotations

import sys
from pathlib import Path

from smart_app.sandbox import Practice

BEHIND = "127.0.0.2"
"""Where it listens; it is known as 127.0.0.1 on the same ports."""


def main(folder: str, app_base: str, port: str, patient_port: str) -> None:
    """Serve until killed."""
    practice = Practice(Path(folder), app_base=app_base, port=int(port), patient_port=int(patient_port))
    practice.host = BEHIND
    practice.start().wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
