"""Which options of PS3.15 Annex E a run takes, under a short name, and the codes that say so in every file.

Rule: a profile only names options; what an option does to an attribute stands in the tables beside this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from imaging.errors import UnknownProfile


class Option(Enum):
    """An option of PS3.15 section E.3: its column in the tables, its code of CID 7050, the code's meaning."""

    GRAPHICS = ("graphics", "113103", "Clean Graphics Option")
    STRUCTURE = ("structure", "113104", "Clean Structured Content Option")
    DESCRIPTORS = ("descriptors", "113105", "Clean Descriptors Option")
    DATES = ("dates", "113107", "Retain Longitudinal Temporal Information Modified Dates Option")
    PATIENT = ("patient", "113108", "Retain Patient Characteristics Option")
    DEVICE = ("device", "113109", "Retain Device Identity Option")
    SAFE_PRIVATE = ("", "113111", "Retain Safe Private Option")

    @property
    def column(self) -> str:
        """Its column in the tables; empty where the option is no matter of single attributes."""
        return self.value[0]

    @property
    def code(self) -> tuple[str, str]:
        """Code value and meaning (DCM)."""
        return self.value[1], self.value[2]


BASIC_CODE = ("113100", "Basic Application Confidentiality Profile")
ALWAYS = frozenset({Option.GRAPHICS, Option.STRUCTURE})
"""Drawn marks and the trees of reports are kept and cleaned in every profile: without them nothing is left to read."""


@dataclass(frozen=True)
class Profile:
    """A named choice of options."""

    name: str
    options: frozenset[Option]

    def has(self, option: Option) -> bool:
        """Is this option taken?"""
        return option in self.options

    @property
    def codes(self) -> tuple[tuple[str, str], ...]:
        """What goes into De-identification Method Code Sequence (0012,0064): the basic profile, then the options."""
        return (BASIC_CODE, *sorted(option.code for option in self.options))


PROFILES = {
    profile.name: profile
    for profile in (
        Profile("basic", ALWAYS),
        Profile("basic-dates", ALWAYS | {Option.DATES}),
        Profile("research", ALWAYS | {Option.DATES, Option.PATIENT, Option.DEVICE, Option.DESCRIPTORS}),
    )
}
DEFAULT = "research"


def profile_named(name: str, *, safe_private: bool = False) -> Profile:
    """The profile of that name, with the safe private elements kept if asked. Raises UnknownProfile."""
    known = PROFILES.get(name)
    if known is None:
        raise UnknownProfile(f"There is no profile called {name!r}. There are: {', '.join(PROFILES)}.")
    return Profile(known.name, known.options | {Option.SAFE_PRIVATE}) if safe_private else known
