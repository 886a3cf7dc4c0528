"""What can go wrong on the way in.

LaunchError
├── UntrustedIssuer        not an EHR this installation knows; no call was made
├── UnsafeAddress          an address that must not be called; nothing was sent there
│   └── Redirected         a server sends us to another address, where we do not go
├── AnswerUnusable         a server cannot be reached or its answer cannot be read; may be retried
│   ├── DiscoveryFailed    the EHR's configuration could not be read; may be retried
│   └── TokenUnavailable   the token endpoint gave no usable answer; may be retried
├── LaunchExpired          the state is unknown, used or too old: launch again from the chart
├── LaunchRefused          the authorisation server said no; `reason` is its error code
├── GrantEnded             the token can no longer be refreshed: launch again
├── IdentityRejected       the id_token does not prove who is there
├── CallerRejected         the token of a system that called us does not prove which one it is
├── KeysMissing            our own signing keys are not there or cannot be read
└── RotationUnderWay       a new pair of keys already waits for its turn
"""

from __future__ import annotations


class LaunchError(Exception):
    """The launch stopped. The message says what happened and holds no token, code or state."""

    retry = False


class UntrustedIssuer(LaunchError):
    """The issuer is not in the list of EHRs this installation trusts."""


class UnsafeAddress(LaunchError):
    """The address is not public, not https, or on an origin that was not agreed. Nothing was sent there."""


class Redirected(UnsafeAddress):
    """The server answered with a redirect to another origin. `where` is the address, to be shown and never called."""

    def __init__(self, message: str, where: str) -> None:
        super().__init__(message)
        self.where = where


class AnswerUnusable(LaunchError):
    """No answer came, or none that can be used. `status` is its HTTP status where there was one."""

    retry = True

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class DiscoveryFailed(AnswerUnusable):
    """The EHR's SMART or OpenID configuration could not be fetched or lacks what is needed."""


class TokenUnavailable(AnswerUnusable):
    """The token endpoint is down, overloaded or answers with something that is no token. No grant has ended."""


class LaunchExpired(LaunchError):
    """The state that came back is unknown, was used before, or is too old."""


class LaunchRefused(LaunchError):
    """The authorisation server refused. `reason` is its OAuth error code, `error_uri` its page for support."""

    def __init__(self, message: str, *, reason: str = "", error_uri: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.error_uri = error_uri


class GrantEnded(LaunchError):
    """The grant behind this token is over. `by_chart`: the server has ended it (`invalid_grant`), and not its time."""

    def __init__(self, message: str, *, by_chart: bool = False) -> None:
        super().__init__(message)
        self.by_chart = by_chart


class IdentityRejected(LaunchError):
    """The id_token failed a check. The message names the check."""


class CallerRejected(LaunchError):
    """A call of another system is not proven. The message names the check."""


class KeysMissing(LaunchError):
    """The folder of signing keys is empty or holds something that is not a key."""


class RotationUnderWay(LaunchError):
    """A new pair of keys was added and does not sign yet. Nothing was changed."""
