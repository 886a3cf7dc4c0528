"""The practice EHR: three kinds of hospital system in miniature, for demonstrations, integrators and tests.

Rule: it refuses what the real ones refuse, in their words. It runs on this machine only, never beside real settings.
"""

from __future__ import annotations

from smart_app.sandbox.clients import registrations
from smart_app.sandbox.directory import directory_toml
from smart_app.sandbox.house import Elsewhere
from smart_app.sandbox.practice import Practice, serve
from smart_app.sandbox.town import NotForProduction

__all__ = ["Elsewhere", "NotForProduction", "Practice", "directory_toml", "registrations", "serve"]
