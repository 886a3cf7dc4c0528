"""What can go wrong between us and a chart. One family, translated once, in `fhir.chart`.

ChartError
├── ChartUnavailable   surely not written; may be retried (refused connection, 429, 503)
├── ChartUnclear       sent and never answered; look first, never guess
├── ChartRefused       the chart said no (4xx); another rung, or a person
│   └── ChartConflict  somebody else changed it first (409, 412)
├── NotInChart         404, 410
└── InvalidResource    ours is not valid R4; nothing was sent
"""

from __future__ import annotations


class ChartError(Exception):
    """The chart did not do what was asked.

    `status` is the HTTP status where there was one. `support` holds what a hospital's help desk asks for
    (request id, error_uri); it never holds a token or a patient value.
    """

    retry = False

    def __init__(self, message: str, *, status: int | None = None, support: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.support = support


class ChartUnavailable(ChartError):
    """The chart could not take the request and has surely not acted on it.

    `retry_after` is the wait it asked for, in seconds.
    """

    retry = True

    def __init__(
        self, message: str, *, status: int | None = None, support: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message, status=status, support=support)
        self.retry_after = retry_after


class ChartUnclear(ChartError):
    """The request left us and no answer came back, or what stands there could not be read back.

    `reference` is where the chart said it stands ("Type/id"), if it said so.
    """

    def __init__(
        self, message: str, *, status: int | None = None, support: str | None = None, reference: str | None = None
    ) -> None:
        super().__init__(message, status=status, support=support)
        self.reference = reference


class ChartRefused(ChartError):
    """The chart answered and said no."""


class ChartConflict(ChartRefused):
    """The resource was changed by somebody else since we read it."""


class NotInChart(ChartError):
    """No such resource in this chart, or none that this token may see."""


class InvalidResource(ChartError):
    """A resource of ours would not be valid R4. It was not sent."""
