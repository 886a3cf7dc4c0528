"""Every part of the screens in every state, on one page, for builders and testers. Only in the practice mode."""

from __future__ import annotations

from flask import Blueprint, Response, request

from smart_app.web.answers import page

blueprint = Blueprint("styleguide", __name__, url_prefix="/styleguide")
AUDIENCES = ("clinician", "patient", "expert", "operator")


@blueprint.get("")
def parts() -> Response:
    """The page. `?audience=patient` shows the parts at another density."""
    audience = request.args.get("audience", "clinician")
    return page("styleguide.html", {}, audience=audience if audience in AUDIENCES else "clinician")
