"""What can go wrong on the way in.

    LaunchError
    ├── UntrustedIssuer   not an EHR this installation knows; no call was made
    ├── DiscoveryFailed   the EHR's configuration could not be read; may be retried
    ├── LaunchExpired     the state is unknown, used or too old: launch again from the chart
    ├── LaunchRefused     the authorisation server said no; `reason` is its error code
    ├── GrantEnded        the token can no longer be refreshed: launch again
    └── IdentityRejected  the id_token does not prove who is there
"""

from __future__ import annotations


class LaunchError(Exception):
    """The launch stopped. The message says what happened and holds no token, code or state."""

    retry = False


class UntrustedIssuer(LaunchError):
    """The issuer is not in the list of EHRs this installation trusts."""


class DiscoveryFailed(LaunchError):
    """The EHR's SMART or OpenID configuration could not be fetched or lacks what is needed."""

    retry = True


class LaunchExpired(LaunchError):
    """The state that came back is unknown, was used before, or is too old."""


class LaunchRefused(LaunchError):
    """The authorisation server refused. `reason` is its OAuth error code, `error_uri` its page for support."""

    def __init__(self, message: str, *, reason: str = "", error_uri: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason
        self.error_uri = error_uri


class GrantEnded(LaunchError):
    """The grant behind this token is over (only `invalid_grant` ends it)."""


class IdentityRejected(LaunchError):
    """The id_token failed a check. The message names the check."""
