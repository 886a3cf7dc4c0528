"""What a hospital types into its registration of our app: one list for guides, command line and screens."""

from __future__ import annotations

from smart_app.connect.ours import key_set_address
from smart_app.sites import RINGS, Site


def to_register(base_url: str, site: Site) -> dict[str, str]:
    """{what it is called in registrations: our address}, for the site's present stage."""
    ring = RINGS.get(site.stage, "")
    return {
        "launch": f"{base_url}/launch",
        "launch_patient": f"{base_url}/launch/patient",
        "redirect": f"{base_url}/callback",
        "jwks": key_set_address(base_url, ring),
        "start": f"{base_url}/start/{site.id}",
    }
