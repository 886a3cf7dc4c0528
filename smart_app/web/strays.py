"""The quarantine desk: reports of other systems that do not fit the case they name, both sides, and who closed them.

Rule: nothing here turns a report into an opinion. The sender sends a right one, or a person says what was done.
"""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from fhir.incoming import read_report
from smart_app.exchange.done import close_stray
from smart_app.referral import Unfinished
from smart_app.store.strays import Stray
from smart_app.web.answers import moved, page
from smart_app.web.errors import error_state
from smart_app.web.sessions import current_line, ports

blueprint = Blueprint("strays", __name__, url_prefix="/line/<line_id>/operate/strays")


@blueprint.get("")
def listed() -> Response:
    """Every report that waits for somebody, oldest first."""
    return _page()


@blueprint.post("/<stray_id>/close")
def close(stray_id: str) -> Response:
    """A person says what was done about it."""
    try:
        close_stray(ports(), current_line().party, stray_id, request.form.get("reason", ""))
    except Unfinished as unfinished:
        return _page(stray_id, unfinished)
    return moved("strays.listed", closed="1")


def _page(at: str = "", error: Unfinished | None = None) -> Response:
    with ports().store.reading() as tx:
        waiting = tx.strays.open()
        cases = {r.id: r for r in (tx.referrals.get(stray.referral_id) for stray in waiting)}
    names = {system.id: system.name for system in ports().directory.systems}
    state: dict[str, object] = {"strays": [_told(stray) for stray in waiting]}
    if error is not None:
        state["error"] = error_state(error)
    return page(
        "operator/strays.html",
        state,
        status=422 if error else 200,
        strays=waiting,
        cases=cases,
        reports={stray.id: read_report(stray.document) for stray in waiting},
        system_names=names,
        site_names={site.id: site.name for site in ports().directory.sites},
        faults={f"reason-{at}": "missing"} if error else {},
        who=current_line().party,
        now=ports().now(),
        closed=request.args.get("closed", ""),
    )


def _told(stray: Stray) -> dict[str, object]:
    return {
        "id": stray.id,
        "system": stray.system,
        "referral_id": stray.referral_id,
        "differs": [list(line) for line in stray.differs],
    }
