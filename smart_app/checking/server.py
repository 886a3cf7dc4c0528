"""The check itself: statement, entrance, kind, rungs; every hole becomes a finding that says whom to ask."""

from __future__ import annotations

from urllib.parse import urlsplit

from fhir.abilities import LADDER, Ability, imaging, ladder, reads
from fhir.profiles import PROFILES, Rung, may_create
from fhir.statement import (
    SPOKEN,
    Resource,
    interactions,
    maker,
    oauth_addresses,
    read_statement,
    release,
    resource_types,
)
from smart_app.checking.asking import Asker, Heard, is_loopback
from smart_app.checking.questions import QUESTIONS, WHO
from smart_app.checking.report import Report
from smart_app.checking.smart import Entrance, look_for_entrance, not_for_production

METADATA = "application/fhir+json, application/json;q=0.9, application/fhir+xml;q=0.5"
AREAS = ("patient", "user", "system")
NONE_SAID = Entrance(trouble="it was not asked")


def check_server(base: str, *, profile: str | None = None, token: str = "") -> Report:
    """Ask a server what it is and work out what can be done there. Reads only. Raises NotAnAddress."""
    asker = Asker(base, token)
    report = Report(asker.base)
    statement, heard = _statement(asker)
    if heard.trouble:
        report.error(f"{asker.base}: {heard.trouble}. Is the address right, and is the server running?")
        report.smart = NONE_SAID.as_json()
        entrance = NONE_SAID
    else:
        entrance = look_for_entrance(asker)
        report.smart = entrance.as_json()
        if statement is None:
            report.error(f"Its statement (metadata) cannot be read: {heard.in_words}.{_hint(heard)}")
    _recognise(report, statement, profile)
    if statement is None:
        report.rungs = [Rung(kind, kind, possible=False, why="The server could not be asked.") for kind in LADDER]
        return report
    report.heard = True
    _release(report, statement)
    _abilities(report, statement, entrance)
    _entrance(report, statement, entrance, token=bool(token))
    _ask(report, statement)
    return report


def _statement(asker: Asker) -> tuple[Resource | None, Heard]:
    heard = asker.get("metadata", METADATA)
    found = read_statement(heard.body) if heard.status == 200 else None
    if found is None and not heard.trouble and not heard.moved_to and heard.status not in (401, 403, 404):
        again = asker.get("metadata?_format=json", "application/json")  # some know formats by parameter only
        found = read_statement(again.body) if again.status == 200 else None
    return found, heard


def _hint(heard: Heard) -> str:
    if heard.status == 404 or "html" in heard.content_type:
        return " A FHIR base often ends in /fhir, /r4 or /R4."
    return ""


def _recognise(report: Report, statement: Resource | None, wanted: str | None) -> None:
    known = maker(statement) if statement is not None else None
    if wanted is not None:
        report.profile = PROFILES[wanted]
        if known and known[0] != wanted:
            report.warn(f"The server calls itself {known[1]}, which goes with profile “{known[0]}”, not “{wanted}”.")
    elif known is not None:
        report.profile = PROFILES[known[0]]
        report.tell(f"The server calls itself {known[1]}: profile “{known[0]}”.")
    else:
        report.profile = PROFILES["open"]
        if statement is not None:
            report.warn(
                "The server does not say who made it. Judged as an open server, by its statement alone: "
                "if it is an Epic or a Millennium, say so with --profile."
            )


def _release(report: Report, statement: Resource) -> None:
    version, name = release(statement)
    report.version = version or name
    if not name:
        report.warn("It does not say which FHIR release it speaks. Judged as R4.")
    elif name not in SPOKEN:
        report.error(f"It speaks FHIR {name} ({version or 'no version given'}); we speak R4. Ask for its R4 address.")
    if statement.get("kind") == "requirements":
        report.warn("The statement describes what a server should do, not what this one does.")


def _abilities(report: Report, statement: Resource, entrance: Entrance) -> None:
    assert report.profile is not None
    found = reads(statement)
    found.append(imaging(statement, entrance.capabilities, has_associated=entrance.has_associated))
    rungs = ladder(report.profile, statement, None)
    name = release(statement)[1]
    if name and name not in SPOKEN:
        why = f"The server speaks FHIR {name}, we speak R4."
        found = [Ability(a.name, possible=False, why=why) for a in found]
        rungs = [Rung(r.name, r.resource, possible=False, why=why) for r in rungs]
    report.reads, report.rungs = found, rungs
    if not resource_types(statement):
        report.warn("The statement lists no record types at all, so nothing is known to be possible.")
    missing = [a.name for a in found if not a.possible and a.name in ("Patient", "DiagnosticReport")]
    if missing and name in (*SPOKEN, ""):
        report.warn(f"{' and '.join(missing)} cannot be read there; the app opens with less on its first page.")
    if report.profile.encounter == "required" and not {"Encounter"} & {a.name for a in found if a.possible}:
        report.warn("Notes go into a visit there, and visits cannot be read: notes will wait for a person.")


def _entrance(report: Report, statement: Resource, entrance: Entrance, *, token: bool) -> None:
    if entrance.configuration is not None:
        _ways_in(report, entrance)
        return
    if entrance.found:
        report.error(f"Its SMART configuration cannot be used: {entrance.trouble}.")
    elif oauth_addresses(statement):
        report.error(
            "It names its sign-in only in its statement, the way of the first SMART version, and has no "
            f".well-known/smart-configuration ({entrance.trouble}). Ask for SMART App Launch 2."
        )
    else:
        report.warn(
            f"It has no SMART configuration ({entrance.trouble}), so nothing can be launched from it. "
            "To try it out: second-opinion play --base, which puts a practice sign-in in front of it."
        )
        if not token and report.chosen != "held":
            report.tell("A server without a sign-in may be open to everybody: only synthetic people belong there.")


def _ways_in(report: Report, entrance: Entrance) -> None:
    assert entrance.configuration is not None
    assert report.profile is not None
    who = WHO[report.profile.name]
    if not entrance.configuration.authorization_endpoint:
        report.error("Its SMART configuration names no authorization endpoint: nobody can sign in.")
    if entrance.can("launch-ehr") is False:
        report.warn(f"It does not list launch-ehr: the app cannot be opened from the chart. Ask {who}.")
    if not entrance.capabilities:
        report.warn("Its SMART configuration lists no capabilities; the launch must be tried.")
    if entrance.pkce is False:
        report.warn("It does not list S256; we send PKCE in any case.")
    if entrance.backend is False:
        report.warn(
            "It does not list sign-in by key for programs (client_credentials with private_key_jwt): an opinion "
            f"would wait for the clinician's next launch. Ask {who}."
        )
    inside = not_for_production(entrance)
    if inside:
        report.tell(f"For practice only: {inside} In production such a launch is refused.")
    _scopes(report, entrance)


def _scopes(report: Report, entrance: Entrance) -> None:
    """Scopes offered are a hint, never a limit (SMART App Launch 2.2, scopes_supported): so a finding, and no more."""
    assert entrance.configuration is not None
    assert report.profile is not None
    offered = entrance.configuration.scopes
    about_records = [s for s in offered if "/" in s and "." in s.partition("/")[2] and s.partition("/")[0] in AREAS]
    if not about_records or report.chosen == "held":
        return
    if not may_create(set(about_records), report.chosen):
        report.warn(
            f"None of the scopes it offers lets an app write a {report.chosen}. Perhaps this is the patients' "
            f"address; ask {WHO[report.profile.name]} for the one for staff and systems."
        )


def _ask(report: Report, statement: Resource) -> None:
    assert report.profile is not None
    profile = report.profile
    if report.chosen == "held":
        report.warn("Nothing can be written there: the opinion is held in the app and its PDF filed by hand.")
    elif not profile.can_look:
        report.tell("What we wrote cannot be found there again, so an unclear answer waits for a person.")
    if profile.transaction and report.chosen == "DiagnosticReport" and "transaction" not in interactions(statement, ""):
        report.tell("It lists no transactions: the report is written alone, its grade inside it.")
    if not is_loopback(urlsplit(report.base).hostname or ""):
        for question in QUESTIONS[profile.name]:
            report.tell(f"Ask {WHO[profile.name]}: {question}")
