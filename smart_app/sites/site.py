"""One hospital: its EHR, how its chart takes a report, when and where its people are, who may read for it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from smart_app.sites.hours import Hours
from smart_app.sites.registration import Persona


@dataclass(frozen=True)
class Contact:
    """Somebody to call there. `role` is "technical" (the EHR team), "clinical" or "privacy"."""

    role: str
    name: str = ""
    phone: str = ""
    email: str = ""


@dataclass(frozen=True)
class Brand:
    """What patients call the place: its name for them, its portal, where it is, and its own web page."""

    name: str = ""
    portal: str = ""
    place: str = ""
    website: str = ""


@dataclass(frozen=True)
class Adaptation:
    """How this chart differs from the stock profile of its kind (`fhir.profiles`); None and empty change nothing.

    `rungs` are the steps it may be filed on, a part of the profile's own. `can_look`: somebody has proven there that
    the chart can be searched for our document. `max_mb` is the largest document it takes.
    """

    rungs: tuple[str, ...] = ()
    can_look: bool | None = None
    max_mb: int | None = None


@dataclass(frozen=True)
class Site:
    """One hospital. `profile` names how its chart takes a report (`fhir.filing`): epic, oracle or open.

    `stage` chooses which registrations are in use. From a `disabled` site nobody comes in and nothing is sent to it.
    `template` is what it was described by; the causes of its refusals are looked up under it. `readers` are the
    reading organisations that may receive its images: none named means every one. `imaging` is the DICOMweb root of
    its archive, if it opens one to us. `origins`, where any are named, are the only ones beside the issuer's own on
    which its endpoints may be; `inside` are those of its origins that may have private addresses.
    """

    id: str
    name: str
    profile: str
    registrations: tuple[Persona, ...]
    timezone: str = "UTC"
    frame_ancestors: tuple[str, ...] = ()
    emergency_number: str = "911"
    phone: str = ""
    note_status: str = "preliminary"  # Epic only: "preliminary" or "final"
    note_code: str = ""  # the organisation's own note type, if it has one
    stage: str = "production"
    disabled: bool = False
    template: str = ""
    hours: Hours | None = None
    brand: Brand = Brand()
    contacts: tuple[Contact, ...] = ()
    adaptation: Adaptation = Adaptation()
    imaging: str = ""
    readers: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    inside: tuple[str, ...] = ()
    hooks_jwks: str = ""  # where the keys of its CDS Hooks calls are; without it such calls are refused

    @property
    def personas(self) -> tuple[Persona, ...]:
        """The registrations in use: those of the present stage; none where the site is disabled."""
        return () if self.disabled else tuple(one for one in self.registrations if one.stage == self.stage)

    def persona(self, audience: str) -> Persona:
        """The registration in use for that audience. Raises KeyError where the site has none."""
        for persona in self.personas:
            if persona.audience == audience:
                return persona
        why = "is disabled" if self.disabled else f"has no {audience} persona"
        raise KeyError(f"site {self.id} {why}")

    def contact(self, role: str) -> Contact | None:
        """Who to call there for that; None where nobody is named."""
        return next((contact for contact in self.contacts if contact.role == role), None)

    def may_be_read_by(self, organisation_id: str) -> bool:
        """May that reading organisation receive its images?"""
        return not self.readers or organisation_id in self.readers

    def without_secrets(self) -> Site:
        """The same with every secret left out, as it may be stored, shown and compared."""
        return replace(self, registrations=tuple(replace(one, client_secret="") for one in self.registrations))
