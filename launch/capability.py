"""Where an older server keeps its addresses: the CapabilityStatement, in JSON or in XML.

SMART App Launch 1.0 named them in the extension `oauth-uris` of `rest.security`; newer servers have
`.well-known/smart-configuration`, which is asked first. Rule: nothing else of the statement is read or judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
METADATA = "/metadata"
_MEMBERS = {
    "authorize": "authorization_endpoint",
    "token": "token_endpoint",
    "introspect": "introspection_endpoint",
    "revoke": "revocation_endpoint",
    "register": "registration_endpoint",
    "manage": "management_endpoint",
}


def as_configuration(body: bytes) -> dict[str, Any]:
    """The addresses of a CapabilityStatement under the names a SMART configuration gives them; empty without any."""
    statement = body.lstrip().removeprefix(b"\xef\xbb\xbf")
    pairs = _in_xml(statement) if statement.startswith(b"<") else _in_json(statement)
    return {_MEMBERS[name]: uri for name, uri in pairs if name in _MEMBERS}


def _in_json(body: bytes) -> Iterator[tuple[str, str]]:
    try:
        statement = json.loads(body)
    except (ValueError, RecursionError):
        return
    for rest in _list(statement, "rest"):
        security = rest.get("security") if isinstance(rest, dict) else None
        for extension in _list(security, "extension"):
            if isinstance(extension, dict) and extension.get("url") == OAUTH_URIS:
                for part in _list(extension, "extension"):
                    name, uri = (part.get("url"), part.get("valueUri")) if isinstance(part, dict) else ("", "")
                    if isinstance(name, str) and isinstance(uri, str):
                        yield name, uri


def _in_xml(body: bytes) -> Iterator[tuple[str, str]]:
    """FHIR forbids DTDs (R4, section 2.6.1), and one would be a way to make us read other addresses."""
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError):
        return
    for extension in root.iter("{http://hl7.org/fhir}extension"):
        if extension.get("url") == OAUTH_URIS:
            for part in extension.iter("{http://hl7.org/fhir}extension"):
                value = part.find("{http://hl7.org/fhir}valueUri")
                uri = value.get("value") if value is not None else None
                if uri:
                    yield part.get("url", ""), uri


def _list(value: object, member: str) -> list[Any]:
    found = value.get(member) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []
