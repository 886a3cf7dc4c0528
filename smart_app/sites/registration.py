"""One registration of ours with one EHR: for whom, where, under which id, with which proof and rights."""

from __future__ import annotations

from dataclasses import dataclass, field

AUDIENCES = ("clinician", "patient", "system")
"""Who comes in by it; "system" is this installation itself (SMART Backend Services)."""
STAGES = ("production", "sandbox")
"""A hospital gives one id for its test environment and another for the real one."""
RINGS = {"production": "", "sandbox": "sandbox"}
"""The ring of our signing keys (`launch.keys`) for each: vendors forbid that the two share keys."""


@dataclass(frozen=True)
class Persona:
    """One way into a site's EHR: an issuer for an audience.

    `audience` is "clinician", "patient" or "system". `auth` is a token_endpoint_auth_method (RFC 7591 section 2),
    with "none" for a public client. `signing_alg` ("RS384", "ES384") overrules the choice made from the EHR's own
    list. `client_secret` is open here and sealed in the store.
    """

    audience: str
    iss: str
    client_id: str
    scopes: tuple[str, ...]
    auth: str = "private_key_jwt"
    client_secret: str = field(default="", repr=False)
    stage: str = "production"
    signing_alg: str = ""

    @property
    def key(self) -> str:
        """Its name within the site."""
        return f"{self.stage} {self.audience}"

    @property
    def ring(self) -> str:
        """The ring of our keys that signs for it."""
        return RINGS.get(self.stage, "")
