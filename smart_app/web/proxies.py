"""Somebody acts for the patient: checked with the chart when they come in, and said on every page after that."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, g
from flask_babel import gettext
from flask_babel import lazy_gettext as _

from fhir.chart import Chart
from fhir.errors import ChartError
from launch.errors import LaunchError
from smart_app.acting import Right, right_to_act
from smart_app.case import Party
from smart_app.sites import Site
from smart_app.web.errors import NoLongerProxy
from smart_app.web.sessions import ports

RELATIONSHIPS: dict[str, Any] = {
    "MTH": _("mother"),
    "FTH": _("father"),
    "PRN": _("parent"),
    "GUARD": _("guardian"),
    "SPS": _("spouse"),
    "HUSB": _("husband"),
    "WIFE": _("wife"),
    "DOMPART": _("partner"),
    "CHILD": _("child"),
    "DAU": _("daughter"),
    "SON": _("son"),
    "SIB": _("brother or sister"),
    "GRPRN": _("grandparent"),
    "POWATT": _("power of attorney"),
    "HPOWATT": _("health care power of attorney"),
    "RESPRSN": _("responsible for them"),
}
"""v3 RoleCode -> the word on a page; another code or word of the chart is shown as it is."""


def must_still_act(chart: Chart, user: str, patient: str, site: Site) -> Right:
    """The right of who comes in for somebody else. Raises NoLongerProxy, once it was written to the audit.

    A chart that does not answer takes no right away: the portal has just vouched for it by the launch.
    """
    on = ports().now().astimezone(ZoneInfo(site.timezone)).date()
    try:
        right = right_to_act(chart, user, patient, on)
    except (ChartError, LaunchError):
        return Right()
    if right.ended:
        who = Party("proxy", right.name, user, site.name)
        with ports().store.transaction() as tx:
            tx.audit.write(ports().now(), who, "refuse-proxy", "", "launch", right.why)
        raise NoLongerProxy("The chart says that this person may not act for this patient.")
    return right


def acting_words() -> str:
    """Who acts for whom on this line, in one sentence for the person who acts; empty for everybody else."""
    line = g.get("line")
    if line is None or line.party.role != "proxy":
        return ""
    kept = line.context.get("patient") or {}
    patient = " ".join((*kept.get("given", ()), kept.get("family", ""))).strip() or gettext("this patient")
    relationship = relationship_words(str(line.context.get("relationship", "")))
    named = f"{line.party.name} ({relationship})" if relationship else line.party.name
    return str(gettext("%(name)s acts for %(patient)s.", name=named, patient=patient))


def relationship_words(code: str) -> str:
    """What they are to the patient."""
    return str(RELATIONSHIPS.get(code, code))


def asked_for(requester: Party) -> str:
    """For staff: who asked, where that was no clinician."""
    if requester.role == "proxy":
        return str(gettext("Asked by %(name)s, who acts for the patient", name=requester.name))
    return str(gettext("Asked by the patient")) if requester.role == "patient" else ""


def install(app: Flask) -> None:
    """For the templates."""
    app.jinja_env.globals.update(acting_words=acting_words, asked_for=asked_for)
