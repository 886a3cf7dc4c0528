"""The viewer's pages: one per case, with the person in a band above the pictures, and the files it is made of.

The files are the same for everybody and kept by browsers for ever under an address that names their edition. The
pages are asked for anew each time, and say nothing to who may not look.
"""

from __future__ import annotations

import gzip
import json
import mimetypes

from flask import Blueprint, Response, current_app, redirect, render_template, request, send_file, url_for
from flask_babel import get_locale, gettext
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as AnyResponse

from smart_app.web.dates import age, day, long_day
from smart_app.web.looking import Look, look
from smart_app.web.sessions import ports
from smart_app.web.viewer import ASSETS, EDITION, Pack, installed

blueprint = Blueprint("viewer", __name__, url_prefix="/viewer")

POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "worker-src blob: 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
"""For the viewer and its workers: nothing from, and nothing to, any other place."""
AROUND = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; font-src 'self'; frame-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)
FOR_EVER = "public, max-age=31536000, immutable"
TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}
BROWSER_KEYS = frozenset(
    {
        "cornerstone3D.renderingCapabilities",
        "hotkey-definitions",
        "hotkeys-migrated",
        "i18nextLng",
        "loglevel",
        "shownTours",
        "user-preferred-keys",
    }
)
"""What the viewer keeps in browser storage: no patient's value. The answer that ends a line clears it."""


def packed() -> Pack | None:
    """The installed viewer. Looked for until it is there, then remembered."""
    found: Pack | None = current_app.extensions.get("second-opinion-viewer")
    if found is None:
        found = installed(ports().settings.viewer)
        current_app.extensions["second-opinion-viewer"] = found
    return found


# -- the files ---------------------------------------------------------------------------------------------------


@blueprint.get("/assets/<edition>/<path:name>")
def asset(edition: str, name: str) -> Response:
    """One file of the viewer, compressed as it lies on disk."""
    pack = packed()
    if pack is None or edition != EDITION or name not in pack.files:
        raise NotFound
    kept, path = pack.files[name], pack.path(name)
    kind = TYPES.get(path.suffixes[-2 if kept.gzip else -1]) or mimetypes.guess_type(name)[0]
    etag = kept.sha256[:32]
    if request.if_none_match.contains(etag):
        answer = Response(status=304)
    elif kept.gzip and not request.accept_encodings["gzip"]:
        answer = Response(gzip.decompress(path.read_bytes()), content_type=kind)
    else:
        answer = send_file(path, mimetype=kind, conditional=False, etag=etag)
        answer.headers["Content-Type"] = kind or "application/octet-stream"
        if kept.gzip:
            answer.headers["Content-Encoding"] = "gzip"
    answer.headers["Vary"] = "Accept-Encoding"
    answer.headers["Cache-Control"] = FOR_EVER
    answer.headers["Content-Security-Policy"] = POLICY  # a worker obeys the policy of its own file
    return answer


# -- the pages ---------------------------------------------------------------------------------------------------


@blueprint.get("/<line_id>/<referral_id>/viewer")
def case(line_id: str, referral_id: str) -> tuple[Response, int]:
    """The page of one case: the person, what the viewer is not for, and the viewer.

    `within=case`: shown inside a page of ours that has the person in a band of its own.
    """
    found = look(line_id, referral_id)
    named = [uid for value in request.args.getlist("StudyInstanceUIDs") for uid in value.split(",") if uid]
    studies = [found.note(uid).study_instance_uid for uid in named] or [
        note.study_instance_uid for note in found.referral.studies
    ]
    if not studies:
        raise NotFound
    pack = packed()
    frame = (
        url_for(".ohif", line_id=line_id, referral_id=referral_id, path="viewer", StudyInstanceUIDs=",".join(studies))
        if pack
        else ""
    )
    page = render_template(
        "viewer/case.html",
        language=str(get_locale() or "en"),
        frame=frame,
        back=_case_page(found),
        within=request.args.get("within") == "case",
        lossy=_lossy(found, studies),
        **_person(found),
    )
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = AROUND
    return answer, 200 if pack else 503


@blueprint.get("/<line_id>/<referral_id>/ohif/", defaults={"path": ""})
@blueprint.get("/<line_id>/<referral_id>/ohif/<path:path>")
def ohif(line_id: str, referral_id: str, **_: str) -> AnyResponse:
    """The viewer itself, for the frame in the page of the case. Opened alone it leads to that page."""
    look(line_id, referral_id)
    pack = packed()
    if pack is None or request.headers.get("Sec-Fetch-Dest") == "document":
        asked = request.args.getlist("StudyInstanceUIDs")
        return redirect(url_for(".case", line_id=line_id, referral_id=referral_id, StudyInstanceUIDs=asked), 303)
    root = url_for(".ohif", line_id=line_id, referral_id=referral_id, path="").rstrip("/")
    page = render_template(
        "viewer/ohif.html",
        pack=pack,
        assets=ASSETS,
        pages=root,
        images=f"/dicomweb/{line_id}/{referral_id}",
    )
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.headers["Content-Security-Policy"] = POLICY
    return answer


def _person(found: Look) -> dict[str, object]:
    """Name and facts for the band. A patient's own page says no more than name and birth date."""
    patient = found.referral.patient
    unknown = gettext("not known")
    if found.line.kind == "patient":
        return {"name": patient.name, "facts": [(gettext("Born"), long_day(patient.birth_date) or unknown)]}
    years = age(patient.birth_date)
    born = f"{day(patient.birth_date)} ({years})" if years else day(patient.birth_date) or unknown
    sexes = {"female": gettext("Female"), "male": gettext("Male"), "other": gettext("Other")}
    facts = [(gettext("Born"), born), (gettext("Sex"), sexes.get(patient.sex, "")), (gettext("MRN"), patient.mrn)]
    return {"name": patient.formal_name, "facts": [(label, value) for label, value in facts if value]}


def _case_page(found: Look) -> str:
    line, referral = found.line, found.referral
    return {
        "expert": f"/line/{line.id}/cases/{referral.id}",
        "clinician": f"/line/{line.id}/referrals/{referral.id}",
        "patient": f"/line/{line.id}/status",
    }.get(line.kind, "")


def _lossy(found: Look, studies: list[str]) -> list[str]:
    """Series whose first picture says that compression lost something (0028,2110), by description or number."""
    lossy = []
    for uid in studies:
        for series in found.note(uid).series:
            first = next(iter(found.shelf.metadata_text(uid, series.series_instance_uid)), "{}")
            if json.loads(first).get("00282110", {}).get("Value") == ["01"]:
                lossy.append(series.description or gettext("series %(number)s", number=series.number or "?"))
    return lossy


@blueprint.after_request
def pages_are_never_kept(answer: AnyResponse) -> AnyResponse:
    """A page that names a person is kept by no cache, and nothing here is shown by another site."""
    answer.headers.setdefault("Cache-Control", "no-store")
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    return answer
