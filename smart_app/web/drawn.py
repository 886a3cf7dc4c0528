"""Pictures drawn by us, small and for orientation: WADO-RS thumbnails and rendered frames (PS3.18 section 10.4.1.1).

Drawing is work for another process; a few at a time, so that nobody can fill the machine with it.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import NoReturn

from flask import Response, request
from werkzeug.exceptions import BadRequest, NotAcceptable, ServiceUnavailable

from imaging.archive import Shelf
from imaging.errors import CannotDraw, NotHere
from imaging.pixels import render
from smart_app.case import StudyNote
from smart_app.web.multipart import accepted

AT_ONCE = 2
PATIENCE = 20.0  # seconds to wait for a turn
THUMBNAIL = 192  # pixels
RENDERED = 1024
_turn = threading.BoundedSemaphore(AT_ONCE)


def middle_of(note: StudyNote, series: str | None, instance: str | None) -> tuple[str, str]:
    """The series and instance that stand for what was asked: of a series the middle one. Raises NotHere."""
    for each in note.series:
        if series in (None, each.series_instance_uid) and each.instances:
            return each.series_instance_uid, instance or each.instances[len(each.instances) // 2][0]
    raise NotHere("There is nothing of that name here.")


def drawn(shelf: Shelf, study: str, series: str, instance: str, frame: int, size: int) -> Response:
    """That frame as a JPEG. Raises NotHere; NotAcceptable where it cannot be drawn or is wanted in another form."""
    if not any(taken.takes("image/jpeg") for taken in accepted(request.headers.get("Accept", ""))):
        raise NotAcceptable("Pictures are drawn as image/jpeg.")
    return picture(shelf.instance_file(study, series, instance).path, _side(size), frame)


def picture(path: Path, side: int, frame: int = 1) -> Response:
    """A frame of that file as a JPEG that fits into `side` by `side` pixels. Raises NotAcceptable."""
    if not _turn.acquire(timeout=PATIENCE):
        raise ServiceUnavailable("Too many pictures are being drawn. Try again.")
    try:
        return Response(render(path, frame, side), content_type="image/jpeg")
    except CannotDraw as problem:
        _refuse(problem)
    finally:
        _turn.release()


def _refuse(problem: CannotDraw) -> NoReturn:
    raise NotAcceptable(str(problem)) from problem


def _side(default: int) -> int:
    """The larger side of the wanted viewport. Other wishes are not drawn (section 8.3.5) and refused, not ignored."""
    if set(request.args) - {"viewport"}:
        raise BadRequest("Of a drawn picture only the viewport can be chosen.")
    words = request.args.get("viewport", f"{default},{default}").split(",")
    sides = [int(word) for word in words[:2] if word.isascii() and word.isdigit() and len(word) < 6]
    if len(words) != 2 or len(sides) != 2 or not all(sides):
        raise BadRequest("A viewport is two whole numbers: width,height.")
    return min(sides)
