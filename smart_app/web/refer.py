"""The clinician's pages: ask from the chart, follow, answer, read, stop. A mismatch is shown whole, to staff only."""

from __future__ import annotations

from flask import Blueprint, redirect
from werkzeug.wrappers import Response

from smart_app.web.answers import page
from smart_app.web.people import band_of
from smart_app.web.sessions import current_line, patient_of
from smart_app.web.windows import home_of

blueprint = Blueprint("refer", __name__, url_prefix="/line/<line_id>")


@blueprint.get("/")
def home() -> Response:
    """This patient's chart: its studies, orders and referrals, and one question to ask."""
    line = current_line()
    if line.kind != "clinician":
        return redirect(home_of(line), 303)
    patient = patient_of(line)
    state = {"patient": {"reference": patient.reference, "name": patient.formal_name}}
    return page("refer/home.html", state, line=line, band=band_of(patient))
