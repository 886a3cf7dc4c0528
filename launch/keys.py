"""Our own signing keys, RS384 and ES384, as PEM files of mode 0600. Rule: the oldest key signs, every key is published.

An EHR may keep our key set for more than a day, so a key is changed in three steps: `generate` adds a pair, which is
published at once; a day or two later the old files are removed; from then on the new pair signs.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from launch.errors import KeysMissing

RSA_BITS = 3072
_FILE = re.compile(r"(rs384|es384)-(\d+)\.pem")


@dataclass(frozen=True)
class _Key:
    alg: str
    kid: str
    private: RSAKey | ECKey

    def public(self) -> dict[str, Any]:
        return {**self.private.as_dict(private=False), "kid": self.kid, "alg": self.alg, "use": "sig"}


class Keys:
    """The keys of one folder, oldest first."""

    def __init__(self, keys: tuple[_Key, ...]) -> None:
        self._keys = keys

    @classmethod
    def load(cls, folder: Path) -> Keys:
        """Read every key of the folder. Raises KeysMissing unless there is at least one of each algorithm."""
        found = sorted((int(name[2]), path) for path in folder.glob("*.pem") if (name := _FILE.fullmatch(path.name)))
        keys = cls(tuple(_read(path) for _, path in found))
        missing = [alg for alg in ("RS384", "ES384") if not any(key.alg == alg for key in keys._keys)]
        if missing:
            raise KeysMissing(f"There is no {' and no '.join(missing)} signing key in the folder of keys.")
        return keys

    @classmethod
    def create(cls, folder: Path) -> Keys:
        """Read the keys, making a first pair where there is none. Two processes may start at once."""
        try:
            return cls.load(folder)
        except KeysMissing:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _place_pair(folder, 1)
            return cls.load(folder)

    def jwks(self) -> dict[str, Any]:
        """The public key set (RFC 7517) to serve at our `jwks_uri`; it holds no private member."""
        return {"keys": [key.public() for key in self._keys]}

    def sign(self, claims: Mapping[str, Any], alg: str = "RS384") -> str:
        """A compact JWT with `kid` in its header, signed by the oldest key of that algorithm."""
        key = next((key for key in self._keys if key.alg == alg), None)
        if key is None:
            raise KeysMissing(f"There is no {alg} signing key.")
        return jwt.encode({"alg": alg, "kid": key.kid}, dict(claims), key.private, algorithms=[alg])


def generate(folder: Path) -> Keys:
    """Add a new pair beside those that exist. It is published at once and signs when the older files are removed."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    numbers = [int(name[2]) for path in folder.glob("*.pem") if (name := _FILE.fullmatch(path.name))]
    _place_pair(folder, max(numbers, default=0) + 1)
    return Keys.load(folder)


def _place_pair(folder: Path, number: int) -> None:
    _place(folder / f"rs384-{number}.pem", rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
    _place(folder / f"es384-{number}.pem", ec.generate_private_key(ec.SECP384R1()))


def _place(path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
    """Whole or not at all, and never over a key that is already there: the first process to arrive wins."""
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    draft = path.with_name(f".{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        if not path.exists():
            os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _read(path: Path) -> _Key:
    alg = path.name[:5].upper()
    try:
        pem = path.read_bytes()
        private: RSAKey | ECKey = RSAKey.import_key(pem) if alg == "RS384" else ECKey.import_key(pem)
        if not private.is_private:
            raise ValueError("a public key cannot sign")
        return _Key(alg, private.thumbprint(), private)
    except Exception as problem:
        raise KeysMissing(f"{path.name} is not a private key that can be read.") from problem
