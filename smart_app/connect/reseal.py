"""After the secret was changed: what older ones sealed is sealed again with the newest, so that they can go."""

from __future__ import annotations

from dataclasses import dataclass

from launch.errors import GrantEnded
from launch.keys import Keys
from launch.vault import Vault
from smart_app.ports import Ports


@dataclass(frozen=True)
class Resealed:
    """How many of each were sealed again. `lost`: lines that ended, since nobody can open their token any more."""

    keys: int
    sites: int
    lines: int
    lost: int


def reseal(ports: Ports) -> Resealed:
    """Do it for signing keys, client secrets and tokens. May be repeated. Raises KeysMissing, GrantEnded."""
    vault = Vault(*ports.settings.secrets)
    keys = Keys.create(ports.settings.data / "keys", *ports.settings.secrets).reseal()
    lost: list[str] = []

    def token(line_id: str, sealed: str) -> str:
        try:
            return vault.again(sealed)
        except GrantEnded:
            lost.append(line_id)
            return sealed

    with ports.store.transaction() as tx:
        sites = tx.sites.reseal(vault.again)
        lines = tx.sessions.reseal(token)
        for line_id in lost:
            tx.sessions.end_line(line_id)
    return Resealed(keys, sites, lines - len(lost), len(lost))
