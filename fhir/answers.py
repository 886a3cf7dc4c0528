"""What a chart's answer means: every status and broken connection becomes one of `fhir.errors`, in plain words.

Vendors answer with empty bodies, HTML pages and JSON that is not FHIR. Nothing here may fail on any of them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from urllib3 import exceptions as broken

from fhir.errors import (
    ChartConflict,
    ChartError,
    ChartRefused,
    ChartUnavailable,
    ChartUnclear,
    NotInChart,
)

REQUEST_IDS = ("X-Request-Id", "X-Correlation-Id", "Correlation-Id", "Request-Id", "opc-request-id", "CorrelationId")
LONGEST_WAIT = 3600.0
NEVER_ASKED = (
    requests.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.MissingSchema,
    requests.exceptions.ProxyError,
)
NEVER_SENT = (broken.NewConnectionError, broken.ConnectTimeoutError, broken.NameResolutionError)


@contextmanager
def translated(*, writing: bool) -> Iterator[None]:
    """Turn what `requests` raises into the chart's family; a write that may have left us becomes ChartUnclear."""
    try:
        yield
    except requests.RequestException as problem:
        if not writing or _never_left(problem):
            raise ChartUnavailable("The chart could not be reached.") from problem
        raise ChartUnclear("The chart was asked to write and no answer came back.") from problem


def _never_left(problem: requests.RequestException) -> bool:
    if isinstance(problem, NEVER_ASKED):
        return True
    cause = problem.args[0] if problem.args else None
    reason = getattr(cause, "reason", cause)
    if isinstance(problem, requests.exceptions.SSLError):
        return "CERTIFICATE_VERIFY_FAILED" in str(reason)  # the handshake failed, so nothing was sent
    return isinstance(reason, NEVER_SENT)


def refusal(status: int, headers: Mapping[str, str], body: bytes, *, writing: bool) -> ChartError:
    """The error for an answer that is not a success. Reads and writes differ: a write may have been done all the same.

    429 and 503 have surely not acted. To a write, 408 and every other 5xx but 501 are unclear, as is a redirect
    that may follow an act (301, 302, 303).
    """
    words, codes = _reason(body)
    support = _support(headers, codes)
    if status in (429, 503):
        return ChartUnavailable(
            words or f"The chart is busy (HTTP {status}).",
            status=status,
            support=support,
            retry_after=retry_after(headers.get("Retry-After")),
        )
    if status in (404, 410):
        return NotInChart(
            words or "The chart has no such record, or does not show it to us.", status=status, support=support
        )
    if status in (409, 412):
        return ChartConflict(
            words or "The record was changed in the chart by somebody else.", status=status, support=support
        )
    if status in (408, 301, 302, 303) or (status >= 500 and status != 501):
        if writing:
            return ChartUnclear(
                f"The chart answered HTTP {status}; it may or may not have written.", status=status, support=support
            )
        if status >= 400:
            return ChartUnavailable(words or f"The chart is failing (HTTP {status}).", status=status, support=support)
    return ChartRefused(f"{_opening(status)} {words or _guess(status, body)}".strip(), status=status, support=support)


def _opening(status: int) -> str:
    if status == 401:
        return "The chart no longer accepts our sign-in (HTTP 401)."
    if 300 <= status < 400:
        return f"The chart sent us to another address (HTTP {status}); we did not follow."
    return f"The chart refused (HTTP {status})."


def _guess(status: int, body: bytes) -> str:
    if status == 403 and not body.strip():
        return "It gave no reason. Usually this app was not granted that kind of record."
    if status == 405:
        return "It does not offer this."
    if status in (406, 415):
        return "It does not take this format."
    if status == 413:
        return "The document is too large for it."
    return "It gave no reason."


def _reason(body: bytes) -> tuple[str, tuple[str, ...]]:
    """Readable words of an OperationOutcome, an OAuth error or a vendor's own JSON; and codes for support."""
    try:
        content = json.loads(body)
    except ValueError:
        return "", ()
    if not isinstance(content, dict):
        return "", ()
    if content.get("resourceType") == "OperationOutcome":
        return outcome_words(content), outcome_codes(content)
    words = [
        str(content[name])
        for name in ("error", "error_description", "message", "code", "title", "detail")
        if isinstance(content.get(name), str | int)
    ]
    text = _short(": ".join(dict.fromkeys(words)))
    if "insufficient_scope" in text:
        text = f"This app was not granted the permission it needs ({text})."
    codes = tuple(str(content[name]) for name in ("error_uri", "correlationId", "requestId") if content.get(name))
    return text, codes


def outcome_words(outcome: Mapping[str, Any]) -> str:
    """The issues of an OperationOutcome in one line, at most 300 characters."""
    said = []
    for issue in outcome.get("issue") or ():
        if not isinstance(issue, dict):
            continue
        details = issue.get("details")
        text = (details.get("text") if isinstance(details, dict) else None) or issue.get("diagnostics")
        if not text and isinstance(details, dict):
            text = next((c.get("display") for c in details.get("coding") or () if isinstance(c, dict)), None)
        said.append(str(text or issue.get("code") or ""))
    return _short("; ".join(dict.fromkeys(s for s in said if s)))


def outcome_codes(outcome: Mapping[str, Any]) -> tuple[str, ...]:
    """The vendor's codes in an OperationOutcome (an Epic 59141, an Oracle `throttled`)."""
    codes = []
    for issue in outcome.get("issue") or ():
        if isinstance(issue, dict) and isinstance(issue.get("details"), dict):
            codes += [
                str(c["code"]) for c in issue["details"].get("coding") or () if isinstance(c, dict) and "code" in c
            ]
    return tuple(codes)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:299] + "…"


def _support(headers: Mapping[str, str], codes: tuple[str, ...]) -> str | None:
    ids = [f"{name}: {headers[name]}" for name in REQUEST_IDS if headers.get(name)]
    return _short("; ".join((*ids, *codes))) or None


def retry_after(value: str | None) -> float | None:
    """Seconds to wait (RFC 9110 section 10.2.3), between 0 and an hour; None where the value makes no sense."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError):
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        seconds = (moment - datetime.now(UTC)).total_seconds()
    if seconds != seconds:  # NaN
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)
