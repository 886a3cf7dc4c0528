"""The practice hospitals together, opened in a folder: who they are, where they are, who signs in how.

Rule: this never stands beside real settings. It refuses to start where an installation is configured that does not
call itself a practice, and on any address but this machine's own.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from smart_app.sandbox.clients import Register, registrations
from smart_app.sandbox.house import Elsewhere, House, build
from smart_app.sandbox.identity import ORGANISATIONS, SignIn
from smart_app.sandbox.mailbox import Mailbox
from smart_app.sandbox.personality import PERSONALITIES
from smart_app.sandbox.scopes import registered
from smart_app.sandbox.signing import SigningKey


class NotForProduction(Exception):
    """The practice EHR does not start here; the message says why."""


class Town:
    """Three practice EHRs, their sign-in services and a mailbox, for one app at `app_base`.

    A port of 0 is replaced by a free one at once, so that addresses are known before `start`. `smtp_port` None means
    no mail server. With `elsewhere`, the open hospital's records are that server's. Raises NotForProduction.
    """

    def __init__(
        self,
        folder: Path,
        *,
        app_base: str,
        port: int = 0,
        patient_port: int = 0,
        smtp_port: int | None = None,
        host: str = "127.0.0.1",
        environ: Mapping[str, str] | None = None,
        elsewhere: Elsewhere | None = None,
    ) -> None:
        refuse_production(os.environ if environ is None else environ, host, app_base)
        self.folder = folder
        self.app_base = app_base.rstrip("/")
        self.host = host
        self.port = port or free_port(host)
        self.patient_port = patient_port or free_port(host)
        self.origin = f"http://{host}:{self.port}"
        self.patient_origin = f"http://{host}:{self.patient_port}"
        key = SigningKey.load(folder)
        self.register = Register(registrations(self.app_base))
        self.houses: dict[str, House] = {
            name: build(
                personality,
                folder,
                self.origin,
                self.patient_origin,
                self.register,
                key,
                elsewhere if name == "open" else None,
            )
            for name, personality in PERSONALITIES.items()
        }
        self.sign_ins = {
            organisation.id: SignIn(organisation, f"{self.origin}/idp/{organisation.id}", self.register, key)
            for organisation in ORGANISATIONS
        }
        if smtp_port == 0:
            smtp_port = free_port(host)
        self.mailbox = Mailbox(folder / "mailbox.jsonl", host, smtp_port)

    @property
    def smtp_port(self) -> int | None:
        """Where letters are taken; None without a mail server."""
        return self.mailbox.port

    def scopes(self, ehr: str, audience: str) -> tuple[str, ...]:
        """What the app's registration there allows, spelled as that kind of EHR spells it."""
        return registered(PERSONALITIES[ehr], audience)

    def state(self) -> dict[str, Any]:
        """What is going on, for programs."""
        return {
            "practice": True,
            "app": self.app_base,
            "ehrs": {
                name: {
                    "iss": {face.persona: face.fhir_base for face in house.faces},
                    "patients": len(house.records.shelf.present("Patient")),
                    "scenarios": house.records.scenarios.all(),
                    **house.grants.counts(),
                }
                for name, house in self.houses.items()
            },
            "sign_in": {name: sign_in.issuer for name, sign_in in self.sign_ins.items()},
            "mailbox": {"smtp_port": self.smtp_port, "letters": len(self.mailbox.letters())},
        }


def refuse_production(environ: Mapping[str, str], host: str, app_base: str) -> None:
    """Raises NotForProduction beside real settings or on an address others can reach."""
    configured = [name for name in environ if name.startswith("SECOND_OPINION_")]
    if configured and environ.get("SECOND_OPINION_PRACTICE") != "1":
        raise NotForProduction(
            "The practice EHR does not start beside real settings (SECOND_OPINION_PRACTICE is not 1)."
        )
    if not is_loopback(host):
        raise NotForProduction(f"The practice EHR listens on this machine only, not on {host}.")
    if not is_loopback(urlsplit(app_base).hostname or ""):
        raise NotForProduction("The practice EHR serves an app on this machine only.")


def is_loopback(host: str) -> bool:
    """Is this an address of this machine that nobody else can reach?"""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def free_port(host: str) -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
