"""The process that makes a report safe to open: `python -m imaging.papermaking KIND < FILE`, JSON line and bytes out.

Rule: nothing of the original is passed on that was not understood. Ends with the codes of `imaging.papers`.
"""

from __future__ import annotations

import io
import json
import sys
from typing import TYPE_CHECKING, BinaryIO

from imaging.confined import confine
from imaging.kinds import JPEG, LARGEST_TEXT, PDF, PHOTOS, TEXT, text_of
from imaging.papers import DICOM, LOCKED, MOST_PAGES, MOST_PIXELS, TOO_LARGE, UNREAD

if TYPE_CHECKING:
    from imaging.papers import Paper

MOST_TEXT = 200_000  # characters that are read for their words
LONGEST_SIDE = 4000  # pixels of a page
QUALITY = 88


def make(source: BinaryIO, kind: str) -> Paper:
    """What staff open. Ends the process (SystemExit) where that cannot be made."""
    try:
        if kind == PDF:
            return _pdf(source)
        if kind in PHOTOS:
            return _photo(source)
        if kind == TEXT:
            return _text(source.read(LARGEST_TEXT + 1))
        if kind == DICOM:
            return _dicom(source)
    except Exception:  # noqa: BLE001  (a damaged file makes libraries raise almost anything)
        sys.exit(UNREAD)
    sys.exit(UNREAD)


def _pdf(source: BinaryIO) -> Paper:
    from imaging.papers import Paper
    from imaging.pdfs import Locked, TooManyPages, disarmed

    try:
        body, text, pages, removed = disarmed(source, MOST_PAGES, MOST_TEXT)
    except Locked:
        sys.exit(LOCKED)
    except TooManyPages:
        sys.exit(TOO_LARGE)
    return Paper(PDF, body, text, pages, tuple(removed))


def _photo(source: BinaryIO) -> Paper:
    """A plain JPEG, turned as it was held, without place, time and device."""
    import pi_heif
    from PIL import Image, ImageOps

    from imaging.papers import Paper

    pi_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None  # the limit below ends the process instead of warning
    with Image.open(source, formats=("JPEG", "PNG", "HEIF")) as photo:
        if photo.width * photo.height > MOST_PIXELS:
            sys.exit(TOO_LARGE)
        photo.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
        removed = ["place, time or device"] if photo.getexif() else []
        turned = ImageOps.exif_transpose(photo)
        if turned.mode in ("RGBA", "LA", "PA", "P"):
            under = Image.new("RGBA", turned.size, "white")
            turned = Image.alpha_composite(under, turned.convert("RGBA"))
        plain = turned.convert("RGB")
    plain.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    plain.info.clear()
    out = io.BytesIO()
    plain.save(out, "JPEG", quality=QUALITY)
    return Paper(JPEG, out.getvalue(), removed=tuple(removed))


def _text(data: bytes) -> Paper:
    from imaging.papers import Paper

    text = text_of(data)
    if text is None or len(data) > LARGEST_TEXT:
        sys.exit(UNREAD)
    return Paper(TEXT, text.encode("utf-8"), text[:MOST_TEXT])


def _dicom(source: BinaryIO) -> Paper:
    from imaging.header import header_of
    from imaging.offers import report_inside
    from imaging.opening import open_dicom
    from imaging.structured import in_words

    opened = open_dicom(source)
    inside = report_inside(header_of(opened))
    if inside == "pdf":
        return _pdf(io.BytesIO(bytes(opened.dataset.EncapsulatedDocument)))
    if inside == "sr":
        return _text(in_words(opened.dataset).encode("utf-8"))
    sys.exit(UNREAD)


def main() -> None:
    """Make it of what standard input holds."""
    confine()
    paper = make(sys.stdin.buffer, sys.argv[1])
    about = {"content_type": paper.content_type, "text": paper.text, "pages": paper.pages, "removed": paper.removed}
    sys.stdout.buffer.write(json.dumps(about).encode("ascii") + b"\n" + paper.body)


if __name__ == "__main__":
    main()
