"""The key the practice signs identities with. Rule: one RSA key, made once, on disk for its owner only (RS256)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import RSAKey


class SigningKey:
    """An RSA key in a folder."""

    def __init__(self, key: RSAKey) -> None:
        self._key = key

    @classmethod
    def load(cls, folder: Path) -> SigningKey:
        """The key of that folder, made on the first call."""
        path = folder / "signing-key.json"
        if path.exists():
            return cls(RSAKey.import_key(json.loads(path.read_text("utf-8"))))
        folder.mkdir(parents=True, exist_ok=True)
        key = RSAKey.generate_key(2048, auto_kid=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            json.dump(key.as_dict(private=True), file)
        return cls(key)

    def sign(self, claims: dict[str, Any]) -> str:
        """A compact JWT."""
        return jwt.encode({"alg": "RS256", "kid": self._key.kid}, claims, self._key)

    def jwks(self) -> dict[str, Any]:
        """The public half."""
        return {"keys": [{**self._key.as_dict(private=False), "use": "sig", "alg": "RS256"}]}
