"""The document of the launch library, run: every piece of code in it, in order, against a server on loopback."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from launch import discovery, signatures
from launch.outbound import Outbound
from tests.unit.launch_authority import Authority

PAGE = Path(__file__).parents[2] / "docs" / "launch-library.md"
CALLBACK = "https://app.example.org/callback"


def pieces() -> list[str]:
    """The code of the page."""
    return re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


def test_every_piece_of_code_in_the_document_works(tmp_path: Path) -> None:
    discovery.forget()
    signatures.forget()
    with Authority() as authority:
        authority.now = datetime.now(UTC)
        authority.configuration_changes = {
            "introspection_endpoint": f"{authority.url}/oauth2/introspect",
            "revocation_endpoint": f"{authority.url}/oauth2/revoke",
        }
        authority.answers["/oauth2/introspect"] = [(200, {}, {"active": True, "patient": "p1"})]
        authority.answers["/oauth2/revoke"] = [(200, {}, b"")] * 2
        authority.token_changes = {"fhirContext": [{"reference": "ImagingStudy/7"}]}
        found: dict[str, Any] = {
            "json": json,
            "folder": tmp_path,
            "callback": CALLBACK,
            "asked": {"iss": authority.iss, "launch": "opaque"},
            "kept": {},
        }
        for number, piece in enumerate(pieces()):
            here = piece.replace("https://ehr.example.org/fhir", authority.iss)
            here = here.replace("Outbound()", "Outbound(practice=True)")
            exec(compile(here, f"{PAGE.name}, piece {number}", "exec"), found)
            if "begun" in found and "returned" not in found:
                assert isinstance(found["http"], Outbound)
                found["returned"] = authority.browser_follows(found["send_to"])
        _as_it_says(found, authority)


def _as_it_says(found: dict[str, Any], authority: Authority) -> None:
    assert found["kept"] == {}
    assert (found["patient"], found["encounter"], found["kind"]) == ("p1", "e1", "Practitioner")
    assert found["study"] == ("ImagingStudy/7",)
    assert found["not_allowed"] == ["ImagingStudy: rs"]
    assert found["record"] == found["record_again"] == {"resourceType": "Patient", "id": "p1"}
    assert found["still_good"].active
    assert found["taken_back"]
    assert (found["reason"], found["page_for_support"]) == ("access_denied", None)
    assert "does not know" in found["page"]
    grants = [seen.form["grant_type"] for seen in authority.requests_to("/oauth2/token")]
    assert grants == ["authorization_code", "client_credentials"]


def test_the_document_uses_nothing_but_the_library() -> None:
    """It is used alone: no room of the product, no framework."""
    used = {line.split()[1].partition(".")[0] for piece in pieces() for line in piece.splitlines() if _imports(line)}
    assert used == {"launch", "pathlib", "datetime"}


def _imports(line: str) -> bool:
    return line.startswith(("import ", "from "))
