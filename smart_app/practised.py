"""The practice EHR as `play` and the journeys press its buttons: by its control face, on loopback."""

from __future__ import annotations

from typing import Any

import requests

from imaging.study import Person
from smart_app.played import StepFailed


class Chart:
    """The practice EHR, by its control face."""

    def __init__(self, base: str, ehr: str) -> None:
        self.base = f"{base}/practice/{ehr}"
        self._signed: set[str] = set()

    def add_patient(self, person: Person, *, other: bool = False) -> str:
        """A patient with the identity of the images (absent stays absent), or somebody else entirely."""
        family, _, given = person.name.partition("^")
        identity = {
            "family": family,
            "given": given.replace("^", " ").strip(),
            "birth_date": person.birth_date,
            "sex": {"M": "male", "F": "female", "O": "other"}.get(person.sex, ""),
            "mrn": person.id,
        }
        if other:
            identity = {
                "family": "Otherwise",
                "given": "Olive",
                "birth_date": "1944-04-04",
                "sex": "female",
                "mrn": "W-1",
            }
        return str(self._post("patients", identity)["id"])

    def launch(self, patient_id: str, audience: str) -> str:
        """Press the button in the chart or portal: the address the EHR opens."""
        return str(self._post("launches", {"patient": patient_id, "audience": audience})["launch_url"])

    def scenario(self, patient_id: str, name: str | None) -> None:
        """From now on this goes wrong for that patient; None: all is well again."""
        self._post("scenario", {"patient": patient_id, "scenario": name})

    def sign_note(self, resource: str) -> None:
        """The clinician signs our note in the chart, once."""
        if resource not in self._signed:
            self._post(f"notes/{resource.rpartition('/')[2]}/sign", {})
            self._signed.add(resource)

    def documents(self, patient_id: str) -> list[str]:
        """References of the opinions that stand in this patient's chart."""
        answer = requests.get(f"{self.base}/documents", params={"patient": patient_id}, timeout=30)
        answer.raise_for_status()
        return [str(entry["reference"]) for entry in answer.json()["documents"]]

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = requests.post(f"{self.base}/{path}", json=body, timeout=30)
        if not answer.ok:
            raise StepFailed(f"the practice EHR answered {answer.status_code} to {path.split('/', maxsplit=1)[0]}")
        return dict(answer.json())
