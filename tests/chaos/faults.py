"""The faults: what the worker is told at the one write, and whether the EHR has really written.

A fault that ends in `-written` passes the write on first. `expected` says what may become of it before a person looks:
"filed" by itself, or parked as "refused" or "unclear".
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from tests.chaos.proxy import CUT, Act, Answer, outcome

JSON = ("Content-Type", "application/fhir+json")
HTML = ("Content-Type", "text/html")


@dataclass(frozen=True)
class Fault:
    """One kind of trouble at the write."""

    name: str
    act: Act
    may_end: tuple[str, ...]
    """What may become of it, as far as the fault alone decides."""

    @property
    def written(self) -> bool:
        """Has the EHR written when the worker meets the fault?"""
        return self.name.endswith(("delay", "-written"))


def _instead(status: int, body: bytes = b"", *headers: tuple[str, str]) -> Act:
    def act(forward: Callable[[], Answer]) -> Answer:
        del forward
        return Answer(status, headers or ((JSON,) if body else ()), body)

    return act


def _after(change: Callable[[Answer], Answer | None]) -> Act:
    return lambda forward: change(forward())


def _slow(forward: Callable[[], Answer]) -> Answer:
    time.sleep(0.7)
    return forward()


def _cut(forward: Callable[[], Answer]) -> None:
    del forward


def _half(answer: Answer) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2] + CUT)


def _twice(answer: Answer) -> Answer:
    """Two Locations that disagree: the second names what does not exist."""
    first = next((value for name, value in answer.headers if name.lower() == "location"), "")
    other = "Location", first.rpartition("/")[0] + "/99999999" if first else "DocumentReference/99999999"
    return replace(answer, headers=(*answer.headers, other))


def _as(status: int, content: tuple[str, str], body: bytes) -> Callable[[Answer], Answer]:
    """The EHR has written; a machine before it answers in its place."""
    return lambda _: Answer(status, (content,), body)


def _typed(answer: Answer) -> Answer:
    kept = tuple(header for header in answer.headers if header[0].lower() != "content-type")
    return replace(answer, headers=(*kept, HTML))


_REFUSED, _PASSES, _UNCLEAR = ("refused",), ("filed",), ("filed", "unclear")
PAGE = b"<html><body><h1>Bad gateway</h1></body></html>"

FAULTS = (
    Fault("delay", _slow, _PASSES),
    Fault("cut-before", _cut, _UNCLEAR),
    Fault("cut-after-written", _after(lambda _: None), _UNCLEAR),
    Fault("cut-in-answer-written", _after(_half), _UNCLEAR),
    Fault("401", _instead(401, b"", ("WWW-Authenticate", 'Bearer error="invalid_token"')), _PASSES),
    Fault("403-empty", _instead(403), _REFUSED),
    Fault("404", _instead(404, outcome("Not found")), _REFUSED),
    Fault("409", _instead(409, outcome("Conflict")), _REFUSED),
    Fault("412", _instead(412, outcome("Precondition failed")), _REFUSED),
    Fault("422", _instead(422, outcome("Not processable")), _REFUSED),
    Fault("429", _instead(429), _PASSES),
    Fault("429-retry-after", _instead(429, b"", ("Retry-After", "1")), _PASSES),
    Fault("500", _instead(500, outcome("Internal error")), _UNCLEAR),
    Fault("500-written", _after(_as(500, JSON, outcome("Internal error"))), _UNCLEAR),
    Fault("502-html", _instead(502, PAGE, HTML), _UNCLEAR),
    Fault("502-html-written", _after(_as(502, HTML, PAGE)), _UNCLEAR),
    Fault("503", _instead(503, b"", ("Retry-After", "1")), _PASSES),
    Fault("garbage-written", _after(_as(200, JSON, b'{"resourceType": "Docu\x00\xff')), _UNCLEAR),
    Fault("wrong-type-written", _after(_typed), _UNCLEAR),
    Fault("two-locations-written", _after(_twice), _UNCLEAR),
)
