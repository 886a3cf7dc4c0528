"""Tokens while they rest in the store: sealed, with keys that change.

Rule: the first secret seals and every one opens, so a secret is changed by putting the new one in front for as long as
sessions live; `again` seals with the newest what an older one sealed.
"""

from __future__ import annotations

import base64

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from launch.errors import GrantEnded


class Vault:
    """Seals text of any length (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, *secrets: str) -> None:
        if not secrets or not all(secrets):
            raise ValueError("a vault needs a secret")
        self._fernet = MultiFernet([Fernet(_derived(secret)) for secret in secrets])

    def seal(self, text: str) -> str:
        """The text as sealed ASCII of any length."""
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str:
        """The text again. Raises GrantEnded where it was changed or sealed with a secret that is gone."""
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeError) as problem:
            raise _gone() from problem

    def again(self, sealed: str) -> str:
        """The same text, sealed with the newest secret. Raises GrantEnded."""
        try:
            return self._fernet.rotate(sealed.encode()).decode("ascii")
        except (InvalidToken, UnicodeError) as problem:
            raise _gone() from problem


def _gone() -> GrantEnded:
    return GrantEnded("The stored token can no longer be opened. Please launch again.")


def _derived(secret: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"second-opinion token vault").derive(secret.encode())
    return base64.urlsafe_b64encode(key)
