"""The process that reads a large list of a disc: `python -m imaging.dirlist < DICOMDIR`, JSON on standard output."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from imaging.confined import confine

UNREAD = 4


def main() -> None:
    """Read what standard input holds. Ends with 4 where it is no list."""
    confine()
    from imaging.directory import listed_in
    from imaging.errors import NotDicom

    try:
        listed = listed_in(sys.stdin.buffer)
    except NotDicom:
        sys.exit(UNREAD)
    series = [asdict(one) | {"instances": sorted(one.instances)} for one in listed.series]
    sys.stdout.write(json.dumps({"series": series, "loose": sorted(listed.loose)}))


if __name__ == "__main__":
    main()
