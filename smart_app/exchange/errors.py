"""What the exchange refuses, each with the HTTP status and the FHIR issue code it is told by.

ExchangeError
├── NotUnderstood   the request is not one we can answer (400)
├── NotThere        nothing of that name is theirs (404)
├── NotAllowed      the token does not reach that far (403)
├── Unfit           the resource breaks a rule, which is named (422)
├── OutOfStep       the case has moved on, or somebody else changed it first (409, 412)
└── Stray           a report that does not fit its referral; it is kept for a person (422)
"""

from __future__ import annotations


class ExchangeError(Exception):
    """The message is a sentence for the people who run the other system."""

    status = 400
    code = "invalid"


class NotUnderstood(ExchangeError):
    """The request is not one we can answer; the message names the part."""


class NotThere(ExchangeError):
    """Nothing of that name is theirs."""

    status = 404
    code = "not-found"


class NotAllowed(ExchangeError):
    """The token does not reach that far."""

    status = 403
    code = "forbidden"


class Unfit(ExchangeError):
    """The resource breaks a rule; the message names the element."""

    status = 422
    code = "business-rule"


class OutOfStep(ExchangeError):
    """The case has moved on. `status` is 412 where a precondition failed."""

    status = 409
    code = "conflict"

    def __init__(self, message: str, *, status: int = 409) -> None:
        super().__init__(message)
        self.status = status


class Stray(ExchangeError):
    """A report that does not fit the referral it names. It was kept and a person looks at it."""

    status = 422
    code = "conflict"
