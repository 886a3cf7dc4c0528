"""De-identifies DICOM images by PS3.15 Annex E: a table over a byte stream, searched once more before release.

Rule: what cannot be cleaned for certain is set aside and named; it is never released, and never painted over.
"""

from __future__ import annotations

from imaging.deidentify.keys import Keys, read_key
from imaging.deidentify.outcome import Outcome
from imaging.deidentify.profiles import DEFAULT, PROFILES, Profile, profile_named
from imaging.deidentify.run import deidentify

__all__ = ["DEFAULT", "PROFILES", "Keys", "Outcome", "Profile", "deidentify", "profile_named", "read_key"]
