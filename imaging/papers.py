"""A report as staff may open it: without anything that acts, without hidden places and times, in a form that opens.

Rule: what strangers gave is kept as it is and never opened by anybody; what people open was made here, by a process of
its own. PDFs lose scripts, actions and attached files, photos become plain JPEGs, structured reports become text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import BinaryIO

from imaging.confined import Confines, run
from imaging.discs import real_file
from imaging.errors import BadPaper

DICOM = "application/dicom"
LOCKED, UNREAD, TOO_LARGE = 3, 4, 5
CONFINES = Confines(seconds=60, memory=2_000_000_000, answer=100_000_000)
MOST_PAGES = 500
MOST_PIXELS = 120_000_000  # of a photo
WORDS = {
    LOCKED: "The report is locked with a password. Save it without one, or take photos of the pages.",
    TOO_LARGE: f"The report has more than {MOST_PAGES} pages or more than {MOST_PIXELS // 1_000_000} megapixels.",
}
UNREAD_WHY = "The report is damaged and cannot be opened. Take photos of the pages, or ask for it again."


@dataclass(frozen=True)
class Paper:
    """What staff open. `text` is what a program can read of it; `removed` names what was taken out."""

    content_type: str
    body: bytes
    text: str = ""
    pages: int = 1
    removed: tuple[str, ...] = ()


def prepare(stream: BinaryIO, kind: str) -> Paper:
    """Make what staff may open of a report of that content type ("application/dicom" for one in a DICOM coat).

    Raises BadPaper with advice for the person who gave it.
    """
    with real_file(stream) as source:
        ended = run("imaging.papermaking", kind, source=source, confines=CONFINES)
    if ended.code != 0:
        raise BadPaper(WORDS.get(ended.code or 0, UNREAD_WHY), locked=ended.code == LOCKED)
    head, _, body = ended.out.partition(b"\n")
    about = json.loads(head)
    return Paper(about["content_type"], body, about["text"], about["pages"], tuple(about["removed"]))
