"""Launches, codes and tokens of one practice EHR, in memory. Rule: a launch and a code work once; all are opaque."""

from __future__ import annotations

import secrets
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Any

from smart_app.sandbox.access import Access

CODE_SECONDS = 60.0
LAUNCH_SECONDS = 600.0


@dataclass(frozen=True)
class Launch:
    """A chart page (or a portal) is about to open an app for this patient."""

    patient: str
    encounter: str
    user: str  # "Practitioner/…", "Patient/…", "RelatedPerson/…"
    audience: str
    app_context: str = ""  # what a card of the app sent along
    handle: str = ""  # by which the chart's page knows messages of this launch
    opened: str = ""  # the study or order on the screen, as references with blanks between them
    made: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Code:
    """What one authorisation allows, until its code is exchanged."""

    client_id: str
    redirect_uri: str
    face: str
    challenge: str
    nonce: str
    state: str
    scopes: tuple[str, ...]  # granted
    asked: tuple[str, ...]
    context: dict[str, str]
    user: str
    persona: str
    made: float = field(default_factory=time.time)


@dataclass(frozen=True)
class Token:
    """One access token and what stands behind it."""

    value: str
    face: str
    access: Access
    context: dict[str, str]
    expires: float
    refresh: str = ""
    nonce: str = ""


class Grants:
    """Everything given out and not yet used up."""

    def __init__(self, length: int = 32) -> None:
        self._length = length
        self._lock = threading.Lock()
        self._launches: dict[str, Launch] = {}
        self._codes: dict[str, Code] = {}
        self._tokens: dict[str, Token] = {}
        self._refresh: dict[str, Token] = {}

    def opaque(self) -> str:
        """Random text nobody should try to read."""
        return secrets.token_urlsafe(self._length)

    def give_launch(self, launch: Launch) -> str:
        """The launch parameter for the app."""
        with self._lock:
            value = secrets.token_urlsafe(24)
            self._launches[value] = launch
        return value

    def take_launch(self, value: str) -> Launch | None:
        """The launch behind a parameter: once, and for ten minutes."""
        with self._lock:
            launch = self._launches.pop(value, None)
        return launch if launch and time.time() - launch.made < LAUNCH_SECONDS else None

    def give_code(self, code: Code) -> str:
        """An authorisation code."""
        with self._lock:
            value = self.opaque()
            self._codes[value] = code
        return value

    def take_code(self, value: str) -> Code | None:
        """The authorisation behind a code: once, and for a minute."""
        with self._lock:
            code = self._codes.pop(value, None)
        return code if code and time.time() - code.made < CODE_SECONDS else None

    def give_token(
        self, face: str, access: Access, seconds: float, *, context: dict[str, str] | None = None, refresh: bool = False
    ) -> Token:
        """A fresh token, with a refresh token where asked."""
        made = Token(
            self.opaque(), face, access, context or {}, time.time() + seconds, self.opaque() if refresh else ""
        )
        with self._lock:
            self._tokens[made.value] = made
            if made.refresh:
                self._refresh[made.refresh] = made
        return made

    def renew(self, refresh: str, seconds: float, *, rotate: bool, scopes: tuple[str, ...] | None) -> Token | None:
        """A new access token for a refresh token, or None. Rotated tokens end the old one at once."""
        with self._lock:
            old = self._refresh.get(refresh)
            if old is None:
                return None
            access = replace(old.access, scopes=scopes) if scopes else old.access
            next_refresh = self.opaque() if rotate else refresh
            made = replace(old, value=self.opaque(), access=access, expires=time.time() + seconds, refresh=next_refresh)
            if rotate:
                del self._refresh[refresh]
            self._refresh[next_refresh] = made
            self._tokens[made.value] = made
            return made

    def behind_refresh(self, refresh: str) -> Token | None:
        """The grant behind a refresh token."""
        return self._refresh.get(refresh)

    def token(self, value: str) -> Token | None:
        """The living token with that value, or None."""
        with self._lock:
            found = self._tokens.get(value)
        return found if found and found.expires > time.time() else None

    def revoke(self, value: str) -> None:
        """End a refresh token. An access token cannot be revoked and runs out by itself."""
        with self._lock:
            self._refresh.pop(value, None)

    def counts(self) -> dict[str, Any]:
        """How many of each, for the state page."""
        with self._lock:
            return {"launches": len(self._launches), "codes": len(self._codes), "tokens": len(self._tokens)}
