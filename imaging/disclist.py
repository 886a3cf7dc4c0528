"""The process that lists a disc image: `python -m imaging.disclist MOST < IMAGE`, JSON lines on standard output.

Each line is [name, kind, [[offset, length], ...]] with kind "file" or "link"; offsets are bytes of the image. Ends
with 3 where there are more than MOST entries, 4 where the bytes are no disc image that can be read.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from typing import Any

from imaging.confined import confine

TOO_MANY, UNREAD = 3, 4


def entries(image: Any) -> Iterator[tuple[str, str, list[tuple[int, int]]]]:
    """Every entry of an open `pycdlib.PyCdlib` that is no folder, under the fullest names that the disc has."""
    from pycdlib.pycdlibexception import PyCdlibException

    way = _names(image)
    for folder, _, names in image.walk(**{way: "/"}):
        for name in names:
            path = f"{folder.rstrip('/')}/{name}"
            shown = path.lstrip("/").removesuffix(";1").rstrip(".") if way == "iso_path" else path.lstrip("/")
            try:
                yield shown, "file", image.get_file_byte_extents(**{way: path})
            except PyCdlibException:
                yield shown, "link", []


def _names(image: Any) -> str:
    if image.has_rock_ridge():
        return "rr_path"
    if image.has_joliet():
        return "joliet_path"
    return "udf_path" if image.has_udf() else "iso_path"


def main() -> None:
    """List what standard input holds."""
    confine()
    import pycdlib

    most = int(sys.argv[1])
    image = pycdlib.PyCdlib()
    try:
        image.open_fp(sys.stdin.buffer)
        found = []
        for entry in entries(image):
            found.append(json.dumps(entry))
            if len(found) > most:
                sys.exit(TOO_MANY)
    except Exception:  # noqa: BLE001  (a damaged image makes the library raise almost anything)
        sys.exit(UNREAD)
    sys.stdout.write("\n".join(found))


if __name__ == "__main__":
    main()
