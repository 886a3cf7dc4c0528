"""The form that describes a hospital: its sections, and what each field is called, on screens and in a terminal."""

from __future__ import annotations

from smart_app.connect.fields import BRAND, CONTACTS, FIELDS, PARTS
from smart_app.connect.templates import templates
from smart_app.sites import AUDIENCES, STAGES
from smart_app.web.site_words import AUDIENCE, STAGE


def _(text: str) -> str:
    """Marks a sentence for the catalogues and leaves it as it is."""
    return text


SHORT_NAME = _("Short name")
LABEL = {
    "name": _("Name"),
    "profile": _("How its chart takes an opinion"),
    "template": _("Kind of EHR"),
    "stage": _("Stage in use"),
    "timezone": _("Time zone"),
    "phone": _("Phone for staff and patients"),
    "emergency_number": _("Emergency number"),
    "hours": _("Working hours"),
    "away": _("Days nobody is there"),
    "frame_ancestors": _("Addresses of the windows that may show the app"),
    "readers": _("Reading organisations that may receive"),
    "imaging": _("Image archive (DICOMweb)"),
    "origins": _("Other addresses its endpoints are on"),
    "inside": _("Its private addresses"),
    "note_status": _("A note arrives as"),
    "note_code": _("Own note type"),
    "rungs": _("Ways into the chart that may be used"),
    "can_look": _("Can the chart be searched for our document?"),
    "max_mb": _("Largest document, in MB"),
    "brand_name": _("Name for patients"),
    "brand_portal": _("Name of its portal"),
    "brand_place": _("Town"),
    "brand_website": _("Web page"),
}
HINT = {
    "name": _("What staff call it."),
    "timezone": _("Such as America/Chicago."),
    "hours": _("Such as Mon-Fri 08:00-17:00. Shown beside the phone number."),
    "away": _("Dates, such as 2026-12-25, with blanks between."),
    "frame_ancestors": _("Such as https://ehr.example.org, with blanks between. The EHR team knows them."),
    "readers": _("None chosen means every one."),
    "imaging": _("Only where it lets us fetch images. Its root, such as https://pacs.example.org/dicom-web."),
    "origins": _("Empty: any public one. Else only these, such as https://login.example.org."),
    "inside": _("Only for an EHR without a public address, such as https://fhir.hospital.lan."),
    "note_status": _("Only where the chart takes drafts, which a clinician signs."),
    "note_code": _("A LOINC code, or the hospital’s own as system|code. Empty: the usual one."),
    "rungs": _("Some of those its kind has, or by-hand. Empty: all of them."),
    "can_look": _("Empty: as its kind usually can. Say yes only after it was tried there."),
    "max_mb": _("Empty: 5."),
    "stage": _("Only its registrations let people in."),
    "brand_name": _("Empty: the name above."),
}
PART = {
    "iss": _("FHIR base address"),
    "client_id": _("Client id"),
    "auth": _("How we prove who we are"),
    "scopes": _("Scopes"),
    "signing_alg": _("Signing algorithm"),
    "client_secret": _("Secret"),
}
PART_HINT = {
    "iss": _("As the EHR sends it when it opens the app."),
    "auth": _("Empty: by our key."),
    "scopes": _("Empty: those of the template."),
    "signing_alg": _("Empty: RS384, or ES384 where the EHR takes nothing else."),
    "client_secret": _("Is kept sealed and never shown. Empty leaves the one that is kept."),
}
CONTACT = {"technical": _("EHR team"), "clinical": _("Clinical contact"), "privacy": _("Privacy officer")}
CONTACT_PART = {"name": _("Name"), "phone": _("Phone"), "email": _("E-mail")}
CHOICE = {
    "private_key_jwt": _("by our key (private_key_jwt)"),
    "client_secret_basic": _("by a secret in the header (basic)"),
    "client_secret_post": _("by a secret in the form (post)"),
    "none": _("not at all (public client, PKCE)"),
    "preliminary": _("a draft to be signed there"),
    "final": _("final"),
    "yes": _("yes"),
    "no": _("no"),
    "epic": _("as Epic: a text note in a visit"),
    "oracle": _("as Oracle Health: a PDF document"),
    "open": _("as an open server: a diagnostic report"),
    **STAGE,
}
CHOSEN = ("profile", "stage", "note_status", "can_look")
FAULTS = {
    "missing": _("This is missing."),
    "unknown": _("There is no such field."),
    "choice": _("Choose one of those offered."),
    "id": _("Small letters, digits and dashes, 40 at most; not “new”, “brands” or “start”."),
    "taken": _("There is a site of this name already."),
    "zone": _("There is no such time zone. Write it as America/Chicago."),
    "hours": _("Write the hours as Mon-Fri 08:00-17:00."),
    "date": _("Write each date as 2026-12-25."),
    "origin": _("Write each as https://host, without a path."),
    "address": _("Write a public https address. A private one must be named under “private addresses”."),
    "other-site": _("Another site has this address. One address opens one hospital."),
    "unknown-reader": _("There is no such reading organisation."),
    "number": _("Write a number from 1 to 100."),
    "code": _("Write a LOINC code, such as 11488-4, or system|code."),
    "email": _("Write an e-mail address."),
    "too-long": _("This is too long."),
    "scopes": _("Write scopes with blanks between, such as launch openid user/Patient.read."),
    "scope-level": _(
        "These scopes are for another audience: user/ for clinicians, patient/ for patients, system/ for the worker."
    ),
    "public-system": _("The worker must prove who it is."),
    "ascii": _("A secret has plain letters, digits and signs only."),
}
SECTIONS = (
    ("who", _("The hospital"), ("name", "phone", "emergency_number", "timezone", "hours", "away")),
    ("ehr", _("Its EHR"), ("template", "stage", "frame_ancestors", "origins", "inside")),
    ("chart", _("Into the chart"), ("profile", "note_status", "note_code", "rungs", "can_look", "max_mb")),
    ("images", _("Images and readers"), ("imaging", "readers")),
    ("patients", _("For patients"), BRAND),
)
"""(key, heading, fields). Registrations and contacts have sections of their own."""


def label(name: str) -> tuple[str, ...]:
    """What a field is called, from the wide to the narrow: ("Production", "Clinicians", "Client id")."""
    if name in LABEL:
        return (LABEL[name],)
    first, _bar, rest = name.partition("_")
    if first == "contact":
        role, _bar, part = rest.partition("_")
        return (CONTACT[role], CONTACT_PART[part])
    audience, _bar, part = rest.partition("_")
    return (STAGE[first], AUDIENCE[audience], PART[part])


def hint(name: str) -> str:
    """One sentence about a field, or nothing."""
    stage, _bar, rest = name.partition("_")
    return PART_HINT.get(rest.partition("_")[2], "") if stage in STAGES else HINT.get(name, "")


def value(name: str, text: str) -> str:
    """What a field says, in words where it was chosen from a list."""
    if name == "template":
        return templates()[text].name if text in templates() else text
    return CHOICE.get(text, text) if name in CHOSEN or name.endswith("_auth") else text


def fault_words(code: str) -> str:
    """What is wrong with a field, in a sentence."""
    return FAULTS.get(code, code)


def field_words() -> dict[str, str]:
    """Every field as the command line explains it."""
    return {name: ". ".join(part for part in (": ".join(label(name)), hint(name)) if part) for name in FIELDS}


REGISTRATIONS = tuple(
    (stage, audience, tuple(f"{stage}_{audience}_{part}" for part in PARTS))
    for stage in STAGES
    for audience in AUDIENCES
)
PEOPLE = tuple((role, tuple(f"contact_{role}_{part}" for part in CONTACT_PART)) for role in CONTACTS)
