"""How a chart says no. Rule: a refusal is a status and exactly the body the real one sends, even if that is none."""

from __future__ import annotations

from typing import Any

from fhir.errors import ChartConflict, ChartError, ChartRefused, ChartUnavailable, ChartUnclear, NotInChart

FHIR_JSON = "application/fhir+json"


class Refusal(Exception):
    """One answer that is not a success. `body` is JSON, or None for an empty body."""

    def __init__(
        self,
        status: int,
        body: dict[str, Any] | None = None,
        *,
        content_type: str = FHIR_JSON,
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {words(body)}".strip())
        self.status = status
        self.body = body
        self.content_type = content_type
        self.headers = headers or {}


def outcome(
    status: int,
    code: str,
    text: str = "",
    *,
    severity: str = "error",
    number: str = "",
    location: str = "",
    diagnostics: str = "",
    headers: dict[str, str] | None = None,
) -> Refusal:
    """A refusal with an OperationOutcome. `number` is a vendor's own error number."""
    return Refusal(
        status, operation_outcome(code, text, severity, number, location, diagnostics), headers=headers or {}
    )


def operation_outcome(
    code: str, text: str = "", severity: str = "error", number: str = "", location: str = "", diagnostics: str = ""
) -> dict[str, Any]:
    """One OperationOutcome with one issue."""
    issue: dict[str, Any] = {"severity": severity, "code": code}
    if text or number:
        details: dict[str, Any] = {}
        if number:
            details["coding"] = [{"system": "urn:practice:epic:error", "code": number, "display": text}]
        if text:
            details["text"] = text
        issue["details"] = details
    if location:
        issue["location"] = [location]
    if diagnostics:
        issue["diagnostics"] = diagnostics
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def words(body: dict[str, Any] | None) -> str:
    """What a person can read in the body."""
    if not body:
        return ""
    if body.get("resourceType") != "OperationOutcome":
        return str(body.get("message", ""))
    issues = body.get("issue", [])
    return "; ".join(
        i.get("details", {}).get("text") or i.get("diagnostics") or " ".join(i.get("location", [])) or i["code"]
        for i in issues
    )


def as_chart_error(refusal: Refusal, *, writing: bool) -> ChartError:
    """The same refusal in the family of `fhir.errors`, as a client of the HTTP face would see it."""
    status, text = refusal.status, words(refusal.body) or f"The chart answered {refusal.status} without a word."
    if status in (404, 410):
        return NotInChart(text, status=status)
    if status in (409, 412):
        return ChartConflict(text, status=status)
    if status in (429, 503):
        wait = refusal.headers.get("Retry-After")
        return ChartUnavailable(text, status=status, retry_after=float(wait) if wait else None)
    if status >= 500:
        kind = ChartUnclear if writing else ChartUnavailable
        return kind(text, status=status)
    return ChartRefused(text, status=status)
