"""The hospitals we are connected to and the organisations that read for us: plain records, no store and no wire."""

from __future__ import annotations

from smart_app.sites.directory import Directory, Organisation, System, load_directory
from smart_app.sites.errors import NoSuchSite, SiteDisabled, SiteError, SiteStale, SiteUnfit
from smart_app.sites.hours import Hours, read_hours
from smart_app.sites.registration import AUDIENCES, RINGS, STAGES, Persona
from smart_app.sites.site import Adaptation, Brand, Contact, Site

__all__ = [
    "AUDIENCES",
    "RINGS",
    "STAGES",
    "Adaptation",
    "Brand",
    "Contact",
    "Directory",
    "Hours",
    "NoSuchSite",
    "Organisation",
    "Persona",
    "Site",
    "SiteDisabled",
    "SiteError",
    "SiteStale",
    "SiteUnfit",
    "System",
    "load_directory",
    "read_hours",
]
