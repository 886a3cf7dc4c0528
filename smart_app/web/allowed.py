"""What the hospital's registration did not allow, in the words of the screen. The scopes themselves stay out of it."""

from __future__ import annotations

import json
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _

from launch.errors import LaunchError
from launch.issuers import Issuer
from launch.scopes import Gap, gaps, granted_scopes
from launch.vault import Vault
from smart_app.store import Line

WHAT: dict[str, Any] = {
    "*": _("everything in the chart"),
    "Binary": _("the files behind documents"),
    "Communication": _("messages"),
    "DiagnosticReport": _("reports"),
    "DocumentReference": _("documents"),
    "Encounter": _("visits"),
    "Endpoint": _("where images can be fetched"),
    "ImagingStudy": _("imaging studies"),
    "Observation": _("results"),
    "Organization": _("the hospital’s departments"),
    "Patient": _("the patient’s name and birth date"),
    "Practitioner": _("the names of staff"),
    "RelatedPerson": _("who acts for the patient"),
    "ServiceRequest": _("the orders"),
    "Task": _("tasks"),
}
"""Resource -> how a screen calls it; another resource keeps the standard's own name."""


def not_allowed(line: Line, issuer: Issuer | None, vault: Vault) -> list[str]:
    """One sentence part for each thing that was asked and is not allowed now, e.g. "reading orders".

    Taken from the token the line holds, since a renewal may allow less than the launch did (RFC 6749 section 6).
    """
    found = dict.fromkeys(part for gap in _gaps(line, issuer, vault) if gap.resource for part in in_words(gap))
    return list(found)


def _gaps(line: Line, issuer: Issuer | None, vault: Vault) -> tuple[Gap, ...]:
    if issuer is not None and line.token:
        try:
            token = json.loads(vault.open(line.token))
            return gaps(issuer.scopes, granted_scopes(token, issuer.scopes))
        except (LaunchError, ValueError):
            pass
    return gaps(line.context.get("missing", []), ())


def in_words(gap: Gap) -> list[str]:
    """What of one scope is missing: reading, writing, or both; and under which condition it is allowed all the same."""
    what = str(WHAT.get(gap.resource, gap.resource))
    said = []
    if set(gap.letters) & set("rs"):
        said.append(gettext("reading %(what)s", what=what))
    if set(gap.letters) & set("cud"):
        said.append(gettext("writing %(what)s", what=what))
    if gap.only:
        said = [gettext("%(part)s (only some of them)", part=part) for part in said]
    return said
