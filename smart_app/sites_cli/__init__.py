"""`second-opinion site`: hospitals at the command line. `commands` one site, `brands` those patients look for."""

from __future__ import annotations

from smart_app.sites_cli.brands import brands
from smart_app.sites_cli.commands import site

site.add_command(brands)

__all__ = ["site"]
