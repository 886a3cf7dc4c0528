"""Why there is no viewer."""

from __future__ import annotations


class ViewerNotPacked(Exception):
    """The viewer could not be fetched, is not the one we know, or could not be written. The message says what to do."""
