"""References between resources, as they are written."""

from __future__ import annotations

import re

REFERENCE = re.compile(r"(?:^|/)([A-Z][A-Za-z]+)/([A-Za-z0-9\-._~]{1,256})(?:/_history/[^/?#]+)?/?(?:[?#].*)?$")


def type_and_id(reference: str | None, resource_type: str | None = None) -> str | None:
    """ "Type/id" of a reference, absolute or relative, with or without `/_history/…`; None if it names no such type."""
    match = REFERENCE.search(reference or "")
    if match is None or (resource_type and match.group(1) != resource_type):
        return None
    return f"{match.group(1)}/{match.group(2)}"
