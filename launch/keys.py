"""Our own signing keys, RS384 and ES384, as PEM files of mode 0600, sealed by a secret where one is given.

Rule: every key is published from the moment it exists, and the newest whose time has come signs (`keyring` says when).
A folder holds a ring; rings for other purposes (a test environment may not share keys with production) lie in folders
of their own inside it. Files that change while we run are taken up at the next signature.
"""

from __future__ import annotations

import base64
import os
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey

from launch.errors import KeysMissing
from launch.keyring import SCHEDULE, Turn, read_schedule, turn_of

RSA_BITS = 3072
FILE = re.compile(r"(rs384|es384)-(\d+)\.pem")
_RING = re.compile(r"[a-z][a-z0-9-]{0,40}")
Signature = frozenset[tuple[str, int, int]]


@dataclass(frozen=True)
class Key:
    """One private key; `number` is that of its pair."""

    number: int
    alg: str
    kid: str
    private: RSAKey | ECKey

    def public(self) -> dict[str, Any]:
        """As RFC 7517 publishes it."""
        return {**self.private.as_dict(private=False), "kid": self.kid, "alg": self.alg, "use": "sig"}


class Keys:
    """The keys of one folder, oldest first, and its other rings."""

    def __init__(self, folder: Path, *secret: str) -> None:
        self.folder = folder
        self._secrets = secret
        self._seen: Signature | None = None
        self._keys: tuple[Key, ...] = ()
        self._turns: dict[int, Turn] = {}
        self._rings: dict[str, Keys] = {}
        self._read_folder()

    @classmethod
    def load(cls, folder: Path, *secret: str) -> Keys:
        """Read every key of the folder. Raises KeysMissing unless there is at least one of each algorithm.

        The first secret seals new files; each is tried to open what is there, sealed or not.
        """
        return cls(folder, *secret)

    @classmethod
    def create(cls, folder: Path, *secret: str) -> Keys:
        """Read the keys, making a first pair where there is none. Two processes may start at once."""
        try:
            return cls.load(folder, *secret)
        except KeysMissing:
            if any(folder.glob("*.pem")):
                raise
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            place_pair(folder, 1, *secret)
            return cls.load(folder, *secret)

    def ring(self, name: str) -> Keys:
        """The ring of that name, made at its first use; the empty name is this one. Raises ValueError, KeysMissing."""
        if not name:
            return self
        if not _RING.fullmatch(name):
            raise ValueError(f"a ring of keys is not called {name!r}: small letters, digits and dashes")
        if name not in self._rings:
            self._rings[name] = Keys.create(self.folder / name, *self._secrets)
        return self._rings[name]

    def all(self) -> tuple[Key, ...]:
        """Every key, oldest first."""
        self._read_folder()
        return self._keys

    def turn(self, number: int) -> Turn:
        """When that pair signs and when it ends."""
        return turn_of(self._turns, number)

    def jwks(self, at: datetime | None = None) -> dict[str, Any]:
        """The public key set (RFC 7517) to serve at our `jwks_uri`; it holds no private member.

        With `at` the keys that have ended by then are left out.
        """
        return {"keys": [key.public() for key in self.all() if at is None or not self.turn(key.number).ended(at)]}

    def signing(self, alg: str, at: datetime | None = None) -> Key:
        """The key that signs at that moment. Raises KeysMissing."""
        fit = [key for key in self.all() if key.alg == alg]
        if not fit:
            raise KeysMissing(f"There is no {alg} signing key.")
        due = [key for key in fit if at is not None and self.turn(key.number).signs(at)]
        standing = [key for key in fit if at is None or not self.turn(key.number).ended(at)]
        return due[-1] if due else (standing or fit)[0]

    def sign(self, claims: Mapping[str, Any], alg: str = "RS384") -> str:
        """A compact JWT with `kid` in its header, signed by the key whose turn it is at the claims' own `iat`."""
        issued = claims.get("iat")
        at = datetime.fromtimestamp(issued, UTC) if isinstance(issued, int) else None
        key = self.signing(alg, at)
        return jwt.encode({"alg": alg, "kid": key.kid}, dict(claims), key.private, algorithms=[alg])

    def add_pair(self, number: int) -> None:
        """Publish a new pair of that number, sealed as this folder's keys are."""
        place_pair(self.folder, number, *self._secrets)

    def reseal(self) -> int:
        """Seal every key of this folder and its rings with the first secret. Answers how many keys there are."""
        for key in self.all():
            pem = key.private.as_pem(private=True)
            loaded = load_pem_private_key(pem, None)
            draft = _draft(self.folder, loaded.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, _seal(self._secrets)))
            draft.replace(self.folder / f"{key.alg.lower()}-{key.number}.pem")
        rings = [entry.name for entry in os.scandir(self.folder) if entry.is_dir() and _RING.fullmatch(entry.name)]
        return len(self.all()) + sum(self.ring(name).reseal() for name in rings)

    def _read_folder(self) -> None:
        """Read again where a file came, went or was replaced."""
        try:
            seen = frozenset(
                (entry.name, entry.stat().st_mtime_ns, entry.inode())
                for entry in os.scandir(self.folder)
                if FILE.fullmatch(entry.name) or entry.name == SCHEDULE
            )
        except FileNotFoundError:
            seen = frozenset()
        if seen == self._seen:
            return
        found = sorted((int(name[2]), file) for file, *_ in seen if (name := FILE.fullmatch(file)))
        keys = tuple(_read(self.folder / file, number, self._secrets) for number, file in found)
        missing = [alg for alg in ("RS384", "ES384") if not any(key.alg == alg for key in keys)]
        if missing:
            raise KeysMissing(f"There is no {' and no '.join(missing)} signing key in the folder of keys.")
        self._turns = read_schedule(self.folder)
        self._keys, self._seen = keys, seen


def place_pair(folder: Path, number: int, *secret: str) -> None:
    """Put a new pair of that number into the folder; one that is there already stays."""
    sealed = _seal(secret)
    rsa_key = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    _place(folder / f"rs384-{number}.pem", rsa_key, sealed)
    _place(folder / f"es384-{number}.pem", ec.generate_private_key(ec.SECP384R1()), sealed)


def _place(path: Path, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey, seal: KeySerializationEncryption) -> None:
    """Whole or not at all, and never over a key that is already there: the first process to arrive wins."""
    draft = _draft(path.parent, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, seal))
    try:
        if not path.exists():
            os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _draft(folder: Path, pem: bytes) -> Path:
    """The whole file, on disk and for us alone, under a name that nobody reads."""
    draft = folder / f".{secrets.token_hex(8)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    return draft


def _seal(opened_by: tuple[str, ...]) -> KeySerializationEncryption:
    return BestAvailableEncryption(_password(opened_by[0])) if opened_by and opened_by[0] else NoEncryption()


def _read(path: Path, number: int, opened_by: tuple[str, ...]) -> Key:
    alg = path.name[:5].upper()
    try:
        pem = path.read_bytes()
    except OSError as problem:
        raise KeysMissing(f"{path.name} is not a private key that can be read.") from problem
    sealed = b"ENCRYPTED PRIVATE KEY" in pem
    for password in [_password(secret) for secret in opened_by if secret] if sealed else [None]:
        private = _opened(pem, alg, password)
        if private is not None:
            return Key(number, alg, private.thumbprint(), private)
    why = "was sealed with another secret than we have" if sealed else "is not a private key that can be read"
    raise KeysMissing(f"{path.name} {why}.")


def _opened(pem: bytes, alg: str, password: bytes | None) -> RSAKey | ECKey | None:
    try:
        key: RSAKey | ECKey = (RSAKey if alg == "RS384" else ECKey).import_key(pem, password=password)
    except (ValueError, TypeError, JoseError, UnsupportedAlgorithm):
        return None
    return key if key.is_private else None


def _password(secret: str) -> bytes:
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=b"second-opinion signing keys").derive(secret.encode())
    return base64.urlsafe_b64encode(key)
