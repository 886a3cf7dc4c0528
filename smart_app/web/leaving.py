"""Somebody leaves: what the chart gave them is handed back to it.

Rule: leaving waits for nobody. The line has ended and its token is forgotten before the chart is told, and a chart that
does not listen changes nothing. Another window of the same person on the same grant keeps it.
"""

from __future__ import annotations

import json
import logging
import threading
from typing import Any

from launch.asking import revoke
from launch.discovery import discover
from launch.errors import LaunchError
from launch.issuers import Issuer
from launch.outbound import Outbound
from smart_app.ports import Ports
from smart_app.store import Line, Transaction
from smart_app.web.doors import Doors

log = logging.getLogger(__name__)
PATIENCE = (2.0, 4.0)
"""Seconds to connect and to answer; nobody waits for it, and nothing should pile up."""


def grant_of(tx: Transaction, line: Line, doors: Doors) -> dict[str, Any]:
    """The token the line holds, where no other open line holds the same grant; empty otherwise."""
    if not line.token or line.kind not in ("clinician", "patient") or tx.sessions.shares_grant(line):
        return {}
    try:
        token: dict[str, Any] = json.loads(doors.vault.open(line.token))
    except (LaunchError, ValueError):
        return {}
    return token


def give_back(ports: Ports, doors: Doors, line: Line, token: dict[str, Any]) -> threading.Thread | None:
    """Tell the chart that this grant is over (RFC 7009), beside the request. None where there is nothing to tell."""
    if not token:
        return None
    try:
        issuer = doors.chart(str(line.context.get("iss", "")), line.kind)
    except LaunchError:
        return None
    told = threading.Thread(target=_tell, args=(ports, doors, issuer, token, line.site), daemon=True)
    told.start()
    return told


def _tell(ports: Ports, doors: Doors, issuer: Issuer, token: dict[str, Any], site: str) -> None:
    http = Outbound(practice=doors.http.practice, timeout=PATIENCE, inside=doors.http.inside)
    try:
        found = discover(issuer.iss, http=http, client_id=issuer.client_id, allowed=issuer.origins)
        taken = revoke(issuer, found, token, keys=doors.keys, http=http, now=ports.now)
    except LaunchError:
        taken = False
    log.info("The grant of a person who left was %s by site %s.", "taken back" if taken else "not taken back", site)
