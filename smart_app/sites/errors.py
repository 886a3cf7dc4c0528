"""What can go wrong when a hospital is described or changed.

SiteError
├── SiteUnfit    a field is missing or wrong; `fields` says which and why
├── SiteStale    somebody changed the site meanwhile; nothing was saved
├── NoSuchSite   there is no site of that name, or it stands in the file and is changed there
└── SiteDisabled nothing is sent to a site that an operator has disabled
"""

from __future__ import annotations


class SiteError(Exception):
    """A site cannot be what was asked. The message holds no secret and is a sentence for the operator."""


class SiteUnfit(SiteError):
    """`fields` is {field: code or sentence}."""

    def __init__(self, message: str, **fields: str) -> None:
        super().__init__(message)
        self.fields = fields


class SiteStale(SiteError):
    """Somebody else changed it first."""


class NoSuchSite(SiteError):
    """No site of that name can be changed here."""


class SiteDisabled(SiteError):
    """An operator has disabled the site: nothing is sent to it until it is enabled."""

    retry = False
