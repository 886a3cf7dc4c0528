"""Why an opinion went into the chart the way it did: the ways that were passed over, and the visit, in our words."""

from __future__ import annotations

from flask import Flask
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from fhir.filing import Visit
from fhir.invariants import moment as begun
from smart_app.case import Filing
from smart_app.web.dates import moment
from smart_app.web.phrases import FILED_AS

VISIT = {
    "named": _("In the visit that somebody named."),
    "launch": _("In the visit that the app was opened from."),
    "current": _("In the visit that is going on."),
    "arrived": _("In the visit that the patient has come for."),
    "latest": _("In the patient’s latest visit."),
    "planned": _("In the patient’s next planned visit."),
}
VISIT_IS = {
    "current": _("going on"),
    "arrived": _("the patient has arrived"),
    "latest": _("past"),
    "planned": _("planned"),
}


def why_there(filing: Filing) -> list[str]:
    """One sentence for each way that was passed over, and one for the visit; empty where there was no choice."""
    said = []
    for one in filing.passed:
        way = str(FILED_AS.get(one.way, one.way))
        if one.code == "refused":
            said.append(gettext("It refused a %(way)s: %(said)s", way=way, said=one.words))
        elif one.code == "not-granted":
            said.append(gettext("We were not granted the right to write a %(way)s there.", way=way))
        else:
            said.append(gettext("It takes no %(way)s.", way=way))
    if filing.visit_why in VISIT:
        said.append(str(VISIT[filing.visit_why]))
    return said


def visit_options(visits: list[Visit]) -> list[tuple[str, str, str]]:
    """The visits of one patient as the options of a form: value, what and when, and how it stands."""
    return [
        (
            visit.reference,
            " · ".join(part for part in (visit.kind, _when(visit)) if part) or visit.reference,
            _is(visit),
        )
        for visit in visits
    ]


def _when(visit: Visit) -> str:
    return moment(begun(visit.start))


def _is(visit: Visit) -> str:
    return str(VISIT_IS.get(visit.why, ""))


def install(app: Flask) -> None:
    """The reasons, in every template."""
    app.jinja_env.filters["why_there"] = why_there
