"""The link in a patient's letter, and the code that reaches them apart from it. Rule: either alone opens nothing.

The link is random and signed, so that a forged one is refused before anything is looked up. The code is never stored
nor sent with the link: it is worked out when the office that invites reads it to the patient. It is one code for a
referral until its invitations are taken back (`generation` counts those), so that a letter sent twice keeps it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta

from itsdangerous import BadSignature, Signer

LIVES = timedelta(days=30)
DIGITS = 6


def new_link(secret: str) -> str:
    """The last part of a new link: 256 random bits and our signature."""
    return _signer(secret).sign(secrets.token_urlsafe(32)).decode("ascii")


def is_ours(secret: str, link: str) -> bool:
    """Did we sign it?"""
    try:
        _signer(secret).unsign(link.encode("utf-8", "surrogatepass"))
    except BadSignature:
        return False
    return True


def code_for(secret: str, referral_id: str, generation: int) -> str:
    """The six digits that go with the links to this referral, in two groups for reading aloud."""
    named = f"invitation code {generation} {referral_id}"
    mac = hmac.new(secret.encode(), named.encode(), hashlib.sha256).digest()
    digits = f"{int.from_bytes(mac[:8]) % 10**DIGITS:0{DIGITS}d}"
    return f"{digits[:3]} {digits[3:]}"


def code_fits(code: str, typed: str) -> bool:
    """Is this the code, however it was grouped?"""
    digits = "".join(sign for sign in typed if sign in "0123456789")
    return hmac.compare_digest(digits.encode(), code.replace(" ", "").encode())


def _signer(secret: str) -> Signer:
    return Signer(secret, salt="second-opinion invitation", digest_method=hashlib.sha256)
