"""One practice EHR: its chart, its tokens, its ways in. Rule: a token opens only the FHIR base it was given for."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

from smart_app.sandbox.clients import Register
from smart_app.sandbox.foreign import ForeignShelf
from smart_app.sandbox.grants import Grants
from smart_app.sandbox.personality import TENANT, Personality
from smart_app.sandbox.records import Records
from smart_app.sandbox.signing import SigningKey


@dataclass(frozen=True)
class Face:
    """One FHIR base with its own discovery document. `persona` is "both", "staff" or "patient"."""

    key: str
    persona: str
    origin: str
    fhir_base: str
    issuer: str  # what the discovery document says
    id_issuer: str  # what the id_token says
    authorize: str
    token: str
    keys: str
    introspect: str
    revoke: str = ""

    def path(self, url: str) -> str:
        """The path of one of our addresses."""
        return urlsplit(url).path


@dataclass(frozen=True)
class Elsewhere:
    """Somebody else's FHIR server, to be stood in front of. `token` is sent there if it wants one."""

    base: str
    token: str = ""

    @property
    def name(self) -> str:
        """How it is called on the screens."""
        return f"The server at {urlsplit(self.base).netloc}"


@dataclass
class House:
    """One practice hospital with everything behind its doors."""

    personality: Personality
    records: Records
    grants: Grants
    register: Register
    key: SigningKey
    faces: tuple[Face, ...]

    @property
    def name(self) -> str:
        """epic, oracle or open."""
        return self.personality.name

    def face(self, audience: str) -> Face:
        """The way in for that audience."""
        wanted = "patient" if audience == "patient" else "staff"
        return next(face for face in self.faces if face.persona in ("both", wanted))


def build(
    personality: Personality,
    folder: Path,
    origin: str,
    patient_origin: str,
    register: Register,
    key: SigningKey,
    elsewhere: Elsewhere | None = None,
) -> House:
    """Open one hospital: its chart from the journal in that folder, or elsewhere; its addresses on those origins."""
    faces = faces_of(personality.name, origin, patient_origin)
    if elsewhere is None:
        records = Records(personality, folder / f"{personality.name}.jsonl", base=faces[0].fhir_base)
    else:
        personality = replace(personality, hospital=elsewhere.name, product="Practice sign-in")
        which = hashlib.sha256(elsewhere.base.encode()).hexdigest()[:8]
        records = Records(
            personality,
            folder / f"elsewhere-{which}.jsonl",
            base=faces[0].fhir_base,
            make_shelf=lambda journal, now: ForeignShelf(elsewhere.base, elsewhere.token, journal, now),
        )
    length = 600 if personality.name == "epic" else 32
    return House(personality, records, Grants(length), register, key, faces)


def _epic(origin: str, patient_origin: str) -> tuple[Face, ...]:
    del patient_origin
    house = f"{origin}/epic"
    return (
        Face(
            key="epic",
            persona="both",
            origin=origin,
            fhir_base=f"{house}/api/FHIR/R4",
            issuer=f"{house}/oauth2",
            id_issuer=f"{house}/oauth2",
            authorize=f"{house}/oauth2/authorize",
            token=f"{house}/oauth2/token",
            keys=f"{house}/api/epic/2019/Security/Open/PublicKeys/530027/OIDC",
            introspect=f"{house}/oauth2/introspect",
        ),
    )


def _oracle(origin: str, patient_origin: str) -> tuple[Face, ...]:
    return (_oracle_face(origin, "staff", "provider"), _oracle_face(patient_origin, "patient", "patient"))


def _oracle_face(origin: str, persona: str, word: str) -> Face:
    tenant = f"{origin}/oracle/tenants/{TENANT}"
    token = f"{tenant}/hosts/{urlsplit(origin).netloc.replace(':', '-')}/protocols/oauth2/profiles/smart-v1/token"
    return Face(
        key=f"oracle-{persona}",
        persona=persona,
        origin=origin,
        fhir_base=f"{origin}/oracle/r4/{TENANT}",
        issuer=tenant,
        id_issuer=f"{tenant}/oidc/idsps/{TENANT}/",
        authorize=f"{tenant}/protocols/oauth2/profiles/smart-v1/personas/{word}/authorize",
        token=token,
        keys=f"{origin}/oracle/jwk",
        introspect=f"{origin}/oracle/tokeninfo",
        revoke=f"{token}/revoke",
    )


def _open(origin: str, patient_origin: str) -> tuple[Face, ...]:
    del patient_origin
    house = f"{origin}/open"
    return (
        Face(
            key="open",
            persona="both",
            origin=origin,
            fhir_base=f"{house}/fhir",
            issuer=f"{house}/fhir",
            id_issuer=f"{house}/fhir",
            authorize=f"{house}/auth/authorize",
            token=f"{house}/auth/token",
            keys=f"{house}/keys",
            introspect=f"{house}/auth/introspect",
        ),
    )


def faces_of(name: str, origin: str, patient_origin: str) -> tuple[Face, ...]:
    """The ways in of that kind of hospital on those origins, the staff's first."""
    return _FACES[name](origin, patient_origin)


_FACES = {"epic": _epic, "oracle": _oracle, "open": _open}
