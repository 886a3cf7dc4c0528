"""The words of the walk to a hospital: English here, translated where they are shown.

A sentence of the walk says what was found; a cause says what to tell, or to ask, the hospital on the phone. The command
line shows the same sentences.
"""

from __future__ import annotations

from collections.abc import Mapping


def _(text: str) -> str:
    """Marks a sentence for the catalogues and leaves it as it is."""
    return text


STEP = {
    "registered": _("Registrations"),
    "keys": _("Our keys"),
    "discovery": _("Configuration"),
    "abilities": _("Abilities"),
    "proof": _("Proof of who we are"),
    "clock": _("Clock"),
    "token": _("Token for the worker"),
    "scopes": _("Scopes"),
    "rungs": _("Way into the chart"),
    "frames": _("Frame"),
    "imaging": _("Image archive"),
    "person": _("By a person"),
}
LEVEL = {"good": _("Good"), "note": _("To know"), "warn": _("Look at this"), "bad": _("Does not work")}
AUDIENCE = {"clinician": _("Clinicians"), "patient": _("Patients"), "system": _("Worker"), "": _("Whole site")}
STAGE = {"production": _("Production"), "sandbox": _("Test environment")}

FOUND = {
    "nothing-registered": _("Nothing is registered for the stage “%(stage)s”. Nobody can come in."),
    "no-clinician": _("No registration for clinicians: the app cannot be opened from a chart."),
    "no-patient": _("No registration for patients: they come by invitation only."),
    "no-system": _("No registration for the worker: no opinion can be filed in the chart."),
    "disabled": _("The site is disabled: this is what would be found if it were enabled."),
    "keys-good": _("Our key set is served at %(url)s, without a redirect, with the keys that sign (%(kids)s)."),
    "keys-missing": _("Our own signing keys cannot be read: %(why)s"),
    "keys-not-https": _("Our key set at %(url)s is not served by https. No hospital will fetch it."),
    "keys-unseen": _("Our key set at %(url)s could not be reached from here. Open it from outside, e.g. with a phone."),
    "keys-redirect": _("Our key set at %(url)s answers with a redirect to %(where)s. EHRs do not follow redirects."),
    "keys-status": _("Our key set at %(url)s answers with status %(status)s."),
    "keys-no-json": _("At %(url)s stands something that is not our key set. Look at the proxy in front of the app."),
    "keys-others": _(
        "The key set at %(url)s does not hold the keys that sign here. Another installation may answer there."
    ),
    "address-unsafe": _(
        "%(iss)s may not be called: %(why)s Is it a private address? Then name its origin in the site."
    ),
    "no-such-host": _("There is no host named %(host)s. Check the address, or ask for its public name."),
    "certificate": _(
        "The certificate of %(host)s is not trusted here. Ask for the full chain of a public certificate."
    ),
    "no-answer": _("%(host)s does not answer in time. Ask whether a firewall must let us in, and give our address."),
    "no-connection": _("%(host)s refuses the connection. Ask whether the port is right and a firewall must let us in."),
    "discovery-moved": _(
        "%(iss)s answers with a redirect to %(where)s. Use the address it leads to, if it is the FHIR base."
    ),
    "discovery-status": _("%(host)s answers with status %(status)s. Ask whether the server is up."),
    "discovery-no-json": _("At %(iss)s answers a page, not a FHIR server. Ask for the FHIR R4 base address."),
    "discovery-404": _(
        "%(iss)s has no SMART configuration. Ask for the FHIR R4 base address; it often ends in R4 or fhir."
    ),
    "discovery-unusable": _("The SMART configuration of %(iss)s cannot be used: %(why)s"),
    "endpoint-unsafe": _("The SMART configuration of %(iss)s names an address that may not be called: %(why)s"),
    "discovery-good": _("The SMART configuration of %(iss)s is there."),
    "no-authorize": _("The EHR names no authorisation endpoint: nobody can sign in. Ask whether SMART is switched on."),
    "abilities-missing": _("The EHR does not offer %(missing)s. Ask whether it is switched on for this environment."),
    "no-s256": _("The EHR does not offer PKCE with S256. Ask for it: we do not launch without."),
    "no-their-keys": _("The keys of the EHR at %(url)s cannot be read, so that no sign-in can be checked."),
    "proof-not-offered": _(
        "The EHR does not take %(auth)s; it offers %(offered)s. Change how this registration signs in."
    ),
    "alg-not-offered": _("The EHR does not take %(ours)s; it offers %(offered)s."),
    "scopes-not-offered": _("The EHR does not know these scopes as we spell them: %(scopes)s"),
    "clock-unknown": _("%(host)s does not say what time it is there."),
    "clock-good": _("Our clock and that of %(host)s differ by %(seconds)s s."),
    "clock-ahead": _("Our clock is %(seconds)s s ahead of %(host)s. Set ours by NTP; if ours is right, tell them."),
    "clock-behind": _("Our clock is %(seconds)s s behind %(host)s. Set ours by NTP; if ours is right, tell them."),
    "token-good": _("The worker gets a token as %(client_id)s."),
    "token-silent": _(
        "The token endpoint at %(host)s gives no usable answer (status %(status)s). Try again; then call."
    ),
    "token-impossible": _("No token could be asked for: %(why)s"),
    "token-invalid-client": _("The EHR does not accept us as %(client_id)s (invalid_client). It never says why."),
    "token-no-user": _("%(client_id)s is known, but no background user is mapped to it (unauthorized_client)."),
    "token-scope": _(
        "The EHR grants none of the scopes asked for (invalid_scope). Compare them with the registration."
    ),
    "token-no-backend": _("The EHR does not offer Backend Services (client_credentials) at this address."),
    "token-denied": _(
        "The EHR refuses %(client_id)s (%(reason)s). Ask whether the app is approved for this environment."
    ),
    "token-refused": _("The EHR refuses: %(said)s"),
    "scopes-missing": _("Asked for and not granted: %(scopes)s"),
    "no-statement": _("The CapabilityStatement at %(iss)s/metadata cannot be read, so that nothing can be filed."),
    "rung-not-taken": _("This chart does not take a new %(rung)s."),
    "rung-not-granted": _("The chart takes a %(rung)s, but this app was not granted the right to write one."),
    "only-by-hand": _("No way into the chart is left: every opinion would wait to be filed by hand."),
    "rung": _("An opinion goes into the chart as a %(rung)s."),
    "can-look": _("We can look in the chart whether an opinion stands there before we send it again."),
    "cannot-look": _("We cannot look in this chart: where an answer is lost, a person looks and decides."),
    "no-frames": _(
        "No frame origin is named: the app cannot be shown inside the chart. Ask for the address of its window."
    ),
    "imaging-good": _("The image archive at %(host)s answers."),
    "imaging-asks": _("The image archive at %(host)s answers and asks for a token."),
    "imaging-silent": _("The image archive at %(host)s cannot be reached."),
    "imaging-status": _("The image archive at %(host)s answers with status %(status)s."),
    "launch-once": _("Launch the app once from a test patient’s chart. The launch address to register is %(url)s."),
    "start-once": _("Sign in once as a test patient at %(url)s."),
}
CAUSE = {
    "waits": _(
        "The registration is new or was just changed: it can take up to %(minutes)s minutes to arrive. Try again then."
    ),
    "stage": _("“Is %(client_id)s the id of this environment?” Test and production ids differ."),
    "jwks-redirect": _("Our key set answers with a redirect, which EHRs do not follow. This is ours to mend."),
    "jwks-unreachable": _("“Can your server fetch %(jwks)s?” It must be public, by https, without a sign-in in front."),
    "jwks-static": _(
        "“Is our key set registered as an address?” An uploaded key is no longer accepted: give %(jwks)s."
    ),
    "kid-unknown": _("“Does your server hold our newest keys?” It may keep our key set for up to %(hours)s hours."),
    "kid-cached": _("“Does your server hold our newest keys?” It may have kept what it read before."),
    "clock": _("The clocks differ by more than a minute; our proof is then too old or not valid yet."),
    "alg": _("“Which algorithm does the registration name?” We sign with RS384 or ES384."),
    "tenant": _("“Is %(client_id)s allowed for this tenant?” An app is approved for each tenant by itself."),
    "secret": _("“Is this the secret you gave us?” Enter it again; it may have expired."),
    "method": _("“How shall the secret be sent?” In the header (basic) or in the form (post)."),
    "proxy-address": _("“Which token address does the proxy see?” It must be the one its configuration names."),
}
SUPPORT = _("For their support: %(error_uri)s")


def sentence(code: str, facts: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The words of that code and everything they name; what a finding of an older version lacks is empty."""
    return FOUND.get(code) or CAUSE.get(code) or code, {**dict.fromkeys(NAMED, ""), **facts}


NAMED = (
    *("stage", "url", "kids", "why", "where", "status", "iss", "host", "missing", "auth", "offered", "ours", "scopes"),
    *("seconds", "client_id", "reason", "said", "rung", "minutes", "hours", "jwks", "error_uri"),
)


def in_english(code: str, facts: Mapping[str, str]) -> str:
    """The sentence as the command line shows it."""
    words, named = sentence(code, facts)
    return words % named
