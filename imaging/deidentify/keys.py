"""What is derived from the secret key: new UIDs, a name for a patient, how far that patient's dates move.

Rule: the same key gives the same answers, in any order and at any later time; without the key nothing can be undone.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from base64 import b32encode
from pathlib import Path

from imaging.errors import KeyUnusable

SHORTEST = 16  # bytes
NEW = 32  # bytes
REGISTERED = "1.2.840.10008."  # UIDs that the standard itself gives out (PS3.6 Annex A): kinds, never instances
NEAREST, FARTHEST = 30, 3650  # days that dates move into the past


class Keys:
    """Everything that depends on the secret. Holds the UIDs it was asked for, so that a scan can look for them."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) < SHORTEST:
            raise KeyUnusable(
                f"The key has {len(secret)} bytes; {SHORTEST} are the least. Leave it out to get a new one."
            )
        self._secret = secret
        self.uids: dict[str, str] = {}
        """Each UID met, and what stands for it."""

    @classmethod
    def of_case(cls, secret: bytes, case: str) -> Keys:
        """The keys of one case of an installation: what comes later fits, and no two cases can be joined."""
        return cls(hmac.digest(secret, f"case\0{case}".encode(), hashlib.sha256))

    def _digest(self, purpose: str, text: str) -> bytes:
        return hmac.digest(self._secret, f"{purpose}\0{text}".encode("utf-8", "surrogateescape"), hashlib.sha256)

    def uid(self, old: str) -> str:
        """The UID that stands for this one: a UUID (RFC 9562 version 8) under 2.25 (PS3.5 section B.2)."""
        if old.startswith(REGISTERED) or not old:
            return old
        new = self.uids.get(old)
        if new is None:
            number = int.from_bytes(self._digest("uid", old)[:16])
            number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
            new = self.uids[old] = f"2.25.{number}"
        return new

    def pseudonym(self, person: str) -> str:
        """A short name for whoever this text tells apart from others."""
        return "SO-" + b32encode(self._digest("person", person))[:10].decode("ascii")

    def shift(self, pseudonym: str) -> int:
        """Days that this patient's dates move, always into the past, so that no date lies in the future."""
        number = int.from_bytes(self._digest("shift", pseudonym)[:8])
        return -(NEAREST + number % (FARTHEST - NEAREST + 1))

    def token(self, text: str) -> str:
        """Stands for a text in what is kept of a run, and tells nothing about it to anyone without the key."""
        return self._digest("token", text)[:16].hex()


def read_key(path: Path) -> Keys:
    """The key of that file, made (readable by its owner alone) where there is none. Raises KeyUnusable."""
    try:
        if not path.exists():
            _make(path)
        text = path.read_bytes().strip()
    except OSError as problem:
        raise KeyUnusable(f"{path}: the key cannot be read or made ({type(problem).__name__}).") from problem
    try:
        secret = bytes.fromhex(text.decode("ascii"))
    except ValueError:
        secret = text
    if len(secret) < SHORTEST:
        raise KeyUnusable(f"{path}: the key is shorter than {SHORTEST} bytes. Name another file, or one to be made.")
    return Keys(secret)


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as out:
        out.write(secrets.token_hex(NEW) + "\n")
        out.flush()
        os.fsync(out.fileno())
    try:
        os.link(partial, path)  # never over a key that another run made meanwhile
    except FileExistsError:
        pass
    finally:
        partial.unlink()
