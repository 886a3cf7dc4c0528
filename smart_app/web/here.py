"""The registrations of this application, from anywhere in a request."""

from __future__ import annotations

from flask import current_app

from launch.errors import LaunchError
from launch.issuers import Issuer
from smart_app.store import Line
from smart_app.web.doors import Doors

DOORS = "second-opinion-doors"


def doors() -> Doors:
    """The registrations of this application."""
    found: Doors = current_app.extensions[DOORS]
    return found


def registration(line: Line) -> Issuer | None:
    """Our registration with the chart of that line; None where it was taken away since, or the line has no chart."""
    try:
        return doors().chart(str(line.context.get("iss", "")), line.kind)
    except LaunchError:
        return None
