"""What was found among the pictures, and what their giver says of it: is this the report, is this the wrong one.

A picture that may have a name printed into it is shown to the one who gave it, and to nobody else from here.
"""

from __future__ import annotations

from flask import Blueprint, redirect, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from smart_app import offering
from smart_app.referral import Referral
from smart_app.store import Line
from smart_app.web.drawn import THUMBNAIL, picture
from smart_app.web.plainly import referral_of, upload_of
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("found", __name__, url_prefix="/line/<line_id>")


@blueprint.post("/show/report")
def decide() -> Response:
    """ "Is this the report?" """
    line, referral = _theirs()
    offering.decide_offer(
        ports(), line.party, referral.id, request.form.get("key", ""), taken=request.form.get("taken") == "yes"
    )
    return redirect(url_for("upload.show"), 303)


@blueprint.post("/show/no-report")
def no_report() -> Response:
    """The reports given are the wrong ones."""
    line, referral = _theirs()
    offering.leave_out_reports(ports(), line.party, referral.id)
    return redirect(url_for("upload.show"), 303)


@blueprint.get("/show/picture/<key>")
def shown(key: str) -> Response:
    """One of the pictures that may have text printed into them, small, as its giver gave it."""
    _, referral = _theirs()
    upload = upload_of(referral)
    if upload is None or upload.step == "sent" or key not in {k for _, k in offering.with_text(upload)}:
        raise NotFound
    return picture(ports().staging / upload.id / key, THUMBNAIL * 2)


def _theirs() -> tuple[Line, Referral]:
    line = current_line()
    referral = referral_of(line)
    if referral is None:
        raise NotFound
    return line, referral
