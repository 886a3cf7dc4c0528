"""The DICOMweb face of one referral's images, for the viewer (PS3.18 sections 10.4 and 10.6). Reading only.

Every request asks again whether this line may look. Stored bytes go out as they are, from disk, piece by piece, and
no answer is kept by any cache. Nothing is searched by who the patient is: that would put a person into a URL.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from flask import Blueprint, Response, request, url_for
from werkzeug.exceptions import BadRequest, HTTPException, NotAcceptable

from imaging.archive import StoredFile
from imaging.errors import ArchiveRefused, ArchiveUnavailable, ImagingError, NotHere
from imaging.reading.jsontext import BULK
from smart_app.web.drawn import RENDERED, THUMBNAIL, drawn, middle_of
from smart_app.web.looking import Look, look, looked
from smart_app.web.multipart import Bytes, Part, WholeFile, accepted, frame_type, related, single

blueprint = Blueprint("images", __name__, url_prefix="/dicomweb/<line_id>/<referral_id>/studies")

JSON = "application/dicom+json"
DICOM = "application/dicom"
OCTETS = "application/octet-stream"
RELATED = "multipart/related"
EXPLICIT = "1.2.840.10008.1.2.1"
DEFLATED = "1.2.840.10008.1.2.1.99"
FILTERS = {
    "StudyInstanceUID": "0020000D",
    "SeriesInstanceUID": "0020000E",
    "SOPInstanceUID": "00080018",
    "SOPClassUID": "00080016",
    "Modality": "00080060",
    "ModalitiesInStudy": "00080061",
    "StudyDate": "00080020",
    "StudyTime": "00080030",
    "SeriesNumber": "00200011",
    "InstanceNumber": "00200013",
}
"""What images are searched by here, by keyword or tag."""
IGNORED = frozenset({"includefield", "fuzzymatching", "limit", "offset"})
MOST_ANSWERS = 10_000


# -- searching (QIDO-RS) -----------------------------------------------------------------------------------------


@blueprint.get("", strict_slashes=False)
def studies(line_id: str, referral_id: str) -> Response:
    """The studies of this referral."""
    found = look(line_id, referral_id)
    mine = {note.study_instance_uid for note in found.referral.studies}
    answers = found.shelf.search_for_studies(_filters())
    return _answers([answer for answer in answers if _uid(answer, "0020000D") in mine])


@blueprint.get("/<study>/series")
def series(line_id: str, referral_id: str, study: str) -> Response:
    """The series of one study."""
    found = _looked(line_id, referral_id, study)
    return _answers(found.shelf.search_for_series(study, _filters()))


@blueprint.get("/<study>/instances")
def instances(line_id: str, referral_id: str, study: str) -> Response:
    """The instances of one study."""
    found = _looked(line_id, referral_id, study)
    return _instances(found, study, None)


@blueprint.get("/<study>/series/<series>/instances")
def instances_of_series(line_id: str, referral_id: str, study: str, series: str) -> Response:
    """The instances of one series."""
    found = _looked(line_id, referral_id, study)
    return _instances(found, study, series)


def _instances(found: Look, study: str, series: str | None) -> Response:
    """Thousands of them: their stored texts go out as they are."""
    limit, offset = _count("limit", MOST_ANSWERS), _count("offset", 0)
    return _page(list(found.shelf.query_text("instances", study, series, _filters(), limit, offset)))


def _filters() -> dict[str, str]:
    asked = {key: value for key, value in request.args.items() if key not in IGNORED}
    if not asked.keys() <= {*FILTERS, *FILTERS.values()}:
        raise BadRequest("Images are not searched by that here: name the study, series or instance.")
    return asked


def _answers(found: list[dict[str, Any]]) -> Response:
    limit, offset = _count("limit", MOST_ANSWERS), _count("offset", 0)
    page = found[offset : offset + limit]
    return _page([json.dumps(one, ensure_ascii=False, separators=(",", ":")) for one in page])


def _page(texts: list[str]) -> Response:
    _take(JSON, "application/json")
    answer = Response(f"[{','.join(texts)}]", 200 if texts else 204, content_type=JSON)
    if request.args.get("fuzzymatching") == "true":
        answer.headers["Warning"] = (
            f'299 {request.host}: "The fuzzymatching parameter is not supported. '
            'Only literal matching has been performed."'
        )
    return answer


def _count(name: str, default: int) -> int:
    text = request.args.get(name, str(default))
    if not text.isascii() or not text.isdigit():
        raise BadRequest(f"{name} must be a whole number.")
    return min(int(text), MOST_ANSWERS)


def _uid(answer: dict[str, Any], tag: str) -> str:
    element = answer.get(tag)
    values = element.get("Value") if isinstance(element, dict) else None
    return str(values[0]) if values else ""


# -- reading (WADO-RS) -------------------------------------------------------------------------------------------


@blueprint.get("/<study>/metadata")
@blueprint.get("/<study>/series/<series>/metadata")
@blueprint.get("/<study>/series/<series>/instances/<instance>/metadata")
def metadata(
    line_id: str, referral_id: str, study: str, series: str | None = None, instance: str | None = None
) -> Response:
    """The stored DICOM JSON of every instance asked for, one after another as it is read."""
    found = _looked(line_id, referral_id, study)
    _take(JSON, "application/json")
    homes = {uid: s.series_instance_uid for s in found.note(study).series for uid, _, _ in s.instances}
    root = url_for(".studies", line_id=line_id, referral_id=referral_id) + f"/{study}/series"
    texts = (_addressed(text, homes, root) for text in found.shelf.metadata_text(study, series, instance))
    first = next(texts, None)
    if first is None:
        raise NotHere("There is nothing of that name here.")
    return Response(_array(first, texts), content_type=JSON)


def _array(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield "[" + first
    for text in rest:
        yield ",\n" + text
    yield "]"


OWN_UID = re.compile(r'"00080018":\{[^{}]*?"Value":\["([0-9.]+)"\]')


def _addressed(text: str, homes: dict[str, str], root: str) -> str:
    """Stored metadata with our address of its bulk data. Tags stand in order: the first SOP Instance UID is its own."""
    if BULK not in text:
        return text
    own = OWN_UID.search(text)
    uid = own.group(1) if own else ""
    address = f"{root}/{homes.get(uid, '-')}/instances/{uid or '-'}/bulkdata"
    return text.replace(f'"BulkDataURI":"{BULK}/', f'"BulkDataURI":"{address}/')


@blueprint.get("/<study>")
@blueprint.get("/<study>/series/<series>")
@blueprint.get("/<study>/series/<series>/instances/<instance>")
def retrieve(
    line_id: str, referral_id: str, study: str, series: str | None = None, instance: str | None = None
) -> Response:
    """The files themselves: every one of the study or series, or one."""
    found = _looked(line_id, referral_id, study)
    if series is not None and instance is not None:
        files = [found.shelf.instance_file(study, series, instance)]
    else:
        files = found.shelf.instance_files(study, series)
    return _files(files)


def _files(files: list[StoredFile]) -> Response:
    parts = [
        Part(f"{DICOM}; transfer-syntax={file.transfer_syntax_uid}", WholeFile(file.path, file.size)) for file in files
    ]
    for taken in accepted(request.headers.get("Accept", "")):
        if all(taken.takes(DICOM, file.transfer_syntax_uid) for file in files):
            if taken.media_type == DICOM and len(parts) == 1:
                return single(parts[0])
            if taken.media_type in (RELATED, "*/*"):
                return related(parts, DICOM)
    raise NotAcceptable("Files are sent as they are stored: ask for multipart/related; type=application/dicom.")


@blueprint.get("/<study>/series/<series>/instances/<instance>/frames/<numbers>")
def frames(line_id: str, referral_id: str, study: str, series: str, instance: str, numbers: str) -> Response:
    """The stored bytes of the frames with these numbers (from 1, parted by commas)."""
    found = _looked(line_id, referral_id, study)
    wanted = [int(number) for number in numbers.split(",") if number.isascii() and number.isdigit()]
    if len(wanted) != len(numbers.split(",")) or 0 in wanted:
        raise BadRequest("Frames are named by their numbers, counted from 1.")
    bodies = found.shelf.frames(study, series, instance, wanted)
    stored = bodies[0].transfer_syntax_uid
    syntax = EXPLICIT if stored == DEFLATED else stored  # deflating covers a whole file, never one frame
    media_type = frame_type(syntax)
    parts = [Part(f"{media_type}; transfer-syntax={syntax}", body) for body in bodies]
    for taken in accepted(request.headers.get("Accept", "")):
        # A viewer asks for application/octet-stream in any syntax, and means: as it is stored.
        as_stored = taken.transfer_syntax == "*" and taken.takes(OCTETS, syntax)
        if taken.takes(media_type, syntax) or as_stored:
            return (
                single(parts[0]) if taken.media_type == media_type and len(parts) == 1 else related(parts, media_type)
            )
    raise NotAcceptable("Frames are sent as they are stored: ask for any transfer syntax.")


@blueprint.get("/<study>/series/<series>/instances/<instance>/bulkdata/<path:path>")
def bulkdata(line_id: str, referral_id: str, study: str, series: str, instance: str, path: str) -> Response:
    """One large value that the metadata names instead of holding it."""
    found = _looked(line_id, referral_id, study)
    part = Part(OCTETS, Bytes(found.shelf.bulk(study, series, instance, path)))
    for taken in accepted(request.headers.get("Accept", "")):
        if taken.takes(OCTETS):
            return related([part], OCTETS) if taken.media_type == RELATED else single(part)
    raise NotAcceptable("Bulk data is sent as application/octet-stream.")


@blueprint.get("/<study>/thumbnail")
@blueprint.get("/<study>/series/<series>/thumbnail")
@blueprint.get("/<study>/series/<series>/instances/<instance>/thumbnail")
@blueprint.get("/<study>/series/<series>/instances/<instance>/frames/<int:frame>/thumbnail")
def thumbnail(
    line_id: str,
    referral_id: str,
    study: str,
    series: str | None = None,
    instance: str | None = None,
    frame: int = 1,
) -> Response:
    """A small picture of a study, series, instance or frame, for orientation only."""
    found = _looked(line_id, referral_id, study)
    series, instance = middle_of(found.note(study), series, instance)
    return drawn(found.shelf, study, series, instance, frame, THUMBNAIL)


@blueprint.get("/<study>/series/<series>/instances/<instance>/rendered")
@blueprint.get("/<study>/series/<series>/instances/<instance>/frames/<int:frame>/rendered")
def rendered(line_id: str, referral_id: str, study: str, series: str, instance: str, frame: int = 1) -> Response:
    """A drawn picture of one frame, in the window that the file names."""
    found = _looked(line_id, referral_id, study)
    return drawn(found.shelf, study, series, instance, frame, RENDERED)


def _looked(line_id: str, referral_id: str, study: str) -> Look:
    found = look(line_id, referral_id)
    looked(found, study)
    return found


def _take(*media_types: str) -> None:
    if not any(taken.takes(kind) for taken in accepted(request.headers.get("Accept", "")) for kind in media_types):
        raise NotAcceptable(f"This is answered as {media_types[0]}.")


# -- every answer ------------------------------------------------------------------------------------------------


@blueprint.after_request
def never_kept(answer: Response) -> Response:
    """No cache keeps an image, and no other site may show one."""
    answer.headers["Cache-Control"] = "no-store"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


@blueprint.errorhandler(HTTPException)
def refused(problem: HTTPException) -> Response:
    """A plain sentence instead of a page. A 404 says nothing about what exists."""
    words = "There is nothing of that name here." if problem.code == 404 else problem.description or problem.name
    return Response(words, problem.code or 500, content_type="text/plain; charset=utf-8")


@blueprint.errorhandler(ImagingError)
def no_image(problem: ImagingError) -> Response:
    """What the archive says, in the words of HTTP."""
    codes = {NotHere: 404, ArchiveRefused: 400, ArchiveUnavailable: 503}
    answer = Response(str(problem), codes.get(type(problem), 500), content_type="text/plain; charset=utf-8")
    if problem.retry:
        answer.headers["Retry-After"] = "5"
    return answer
