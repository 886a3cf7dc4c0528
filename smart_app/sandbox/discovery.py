"""What each practice EHR says of itself before anybody signs in. Rule: the oddities of the real documents are kept.

Epic hides introspection and names few scopes; Oracle has one document per persona, and its id_tokens come from an
issuer beneath the one it names; the open server names itself by its FHIR base.
"""

from __future__ import annotations

from typing import Any

from smart_app.sandbox.house import Face, House
from smart_app.sandbox.scopes import offered

_COMMON = (
    *("launch-ehr", "launch-standalone", "client-public", "client-confidential-symmetric"),
    *("client-confidential-asymmetric", "sso-openid-connect", "permission-offline", "permission-patient"),
    *("permission-user", "permission-v1", "permission-v2", "authorize-post"),
)
_CAPABILITIES = {
    "epic": (
        *("context-banner", "context-style", "context-ehr-patient", "context-ehr-encounter"),
        "context-standalone-patient",
    ),
    "oracle-staff": (
        *("context-banner", "context-style", "context-ehr-patient", "context-ehr-encounter", "permission-online"),
    ),
    "oracle-patient": (
        *("context-banner", "context-style", "context-standalone-patient", "context-ehr-patient", "permission-online"),
        "health-cards",
    ),
    "open": (
        *("context-passthrough-banner", "context-passthrough-style", "context-ehr-patient", "context-ehr-encounter"),
        *("context-standalone-patient", "smart-imaging-access"),
    ),
}


def smart_configuration(house: House, face: Face) -> dict[str, Any]:
    """`.well-known/smart-configuration` of one FHIR base (SMART App Launch 2.2)."""
    document: dict[str, Any] = {
        "issuer": face.issuer,
        "jwks_uri": face.keys,
        "authorization_endpoint": face.authorize,
        "token_endpoint": face.token,
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "private_key_jwt"],
        "scopes_supported": list(offered(house.personality, patient_face=face.persona == "patient")),
        "response_types_supported": ["code"],
        "capabilities": [*_COMMON, *_CAPABILITIES[face.key]],
        "code_challenge_methods_supported": ["S256"],
        "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
    }
    if house.name == "epic":
        document["token_endpoint_auth_methods_supported"].insert(0, "client_secret_post")
        document["grant_types_supported"] += ["urn:ietf:params:oauth:grant-type:jwt-bearer"]
        return document
    document["token_endpoint_auth_signing_alg_values_supported"] = ["RS384", "ES384"]
    document["introspection_endpoint"] = face.introspect
    if house.name == "oracle":
        document["grant_types_supported"].remove("refresh_token")  # it works, and is not said
        document["revocation_endpoint"] = face.revoke
        document["management_endpoint"] = f"{face.issuer}/personas/{face.persona}/my-authorizations"
    return document


def openid_configuration(house: House, face: Face) -> dict[str, Any]:
    """The OpenID document of the issuer that signs the id_tokens."""
    document = {
        "issuer": face.id_issuer,
        "jwks_uri": face.keys,
        "authorization_endpoint": face.authorize,
        "token_endpoint": face.token,
        "id_token_signing_alg_values_supported": ["RS256"],
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "scopes_supported": list(offered(house.personality, patient_face=face.persona == "patient"))[:5],
    }
    if house.name == "epic":
        document["response_modes_supported"] = ["query"]
    return document
