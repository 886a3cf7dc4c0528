"""Parts of the clinician's first page that the chart did not give in time: asked for by the page, filled in there."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, render_template
from werkzeug.exceptions import NotFound

from smart_app.web.charted import PARTS, PATIENT, Charted, charted
from smart_app.web.entering import opened_form
from smart_app.web.sessions import current_line

blueprint = Blueprint("later", __name__, url_prefix="/line/<line_id>")


@blueprint.get("/charted/<name>")
def part(name: str) -> Response:
    """One part, as the page shows it. What does not come even now is told as not given."""
    if name not in PARTS:
        raise NotFound
    line = current_line()
    found = charted(line, parts=(name,), patience=PATIENT)
    now = Charted(found.studies, found.orders, found.silent + found.late)
    return make_response(
        render_template(f"refer/part-{name}.html", found=now, form=opened_form(line, now), faults={}, line=line)
    )
