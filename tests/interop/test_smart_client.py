"""A SMART client that is not ours (npm fhirclient) launches against the practice EHR, really over HTTP.

`npm ci --prefix tests/peers` fetches it; node comes with the development environment.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import requests

from smart_app.sandbox import Practice
from smart_app.sandbox.clients import PASSPHRASE
from tests.interop.peers import free_port, peer, walk

pytestmark = [pytest.mark.interop, pytest.mark.needs]


def launched(practice: Practice, ehr: str, base: str, audience: str = "clinician") -> dict[str, Any]:
    """What the foreign app has learned after a launch from the chart."""
    asked = {"patient": "holloway", "audience": audience}
    made = requests.post(f"{practice.origin}/practice/{ehr}/launches", json=asked, timeout=10).json()
    browser = requests.Session()
    start = requests.Request("GET", f"{base}/launch", params={"iss": made["iss"], "launch": made["launch"]}).prepare()
    back = walk(browser, str(start.url), f"{base}/callback")
    answer = browser.get(back, timeout=30)
    assert answer.ok, answer.text
    return dict(answer.json())


@pytest.mark.parametrize("ehr", ["epic", "oracle", "open"])
@pytest.mark.parametrize("proof", ["secret", "ES384", "RS384"])
def test_a_foreign_app_launches_reads_and_renews(tmp_path: Path, ehr: str, proof: str) -> None:
    """By a secret or by a signed assertion; the practice EHR fetches the key set from the app as real ones do."""
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with Practice(tmp_path / "ehr", app_base=base) as practice:
        scope = " ".join(practice.scopes(ehr, "clinician"))
        how: dict[str, Any] = {"secret": PASSPHRASE} if proof == "secret" else {"alg": proof}
        with peer("smart-client.mjs", port=port, client="second-opinion-clinician", scope=scope, **how):
            learned = launched(practice, ehr, base)
    assert learned["family"] == "Holloway"
    assert learned["patient"] == learned["again"]
    assert learned["encounter"]
    assert learned["userType"] == "Practitioner"
    assert learned["renewable"]
    assert learned["refreshed"] is (proof == "secret" and ehr != "epic"), "it cannot renew with a key, nor unnamed"


def test_a_foreign_app_is_told_who_the_patient_is_from_the_portal(tmp_path: Path) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    with Practice(tmp_path / "ehr", app_base=base) as practice:
        scope = " ".join(practice.scopes("open", "patient"))
        with peer("smart-client.mjs", port=port, client="second-opinion-patient", scope=scope, secret=PASSPHRASE):
            learned = launched(practice, "open", base, "patient")
    assert learned["userType"] == "Patient"
    assert learned["user"].endswith(learned["patient"])
