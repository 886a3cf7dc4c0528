"""`second-opinion site`: hospitals are added, changed, tested, shown and disabled from the command line.

Rule: a secret is read from a prompt or a file, never from an argument, and is never printed. Every command that lists
or finds has `--json` with the same content.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from smart_app.sites_cli.opening import as_json_option, open_ports, who

if TYPE_CHECKING:
    from smart_app.ports import Ports

TEMPLATES = ("epic", "oracle", "smart-launcher", "hapi")
AUDIENCES = ("clinician", "patient", "system")
Command = TypeVar("Command", bound=Callable[..., Any])


@click.group()
def site() -> None:
    """The hospitals this installation works with."""


def described(command: Command) -> Command:
    """The options that describe a site, for `add` and `change` alike."""
    options = (
        click.option("--name", help="What staff call it."),
        click.option("--stage", type=click.Choice(["production", "sandbox"]), help="Which registrations are in use."),
        click.option(
            "--iss", help="FHIR base address for clinicians and the worker; for patients too where it is one."
        ),
        click.option("--patient-iss", help="FHIR base address for patients, where they have their own."),
        click.option("--client", "clients", multiple=True, metavar="AUDIENCE=ID", help="Client id; repeat it."),
        click.option(
            "--secret", "secrets", multiple=True, type=click.Choice(AUDIENCES), help="Ask for a client secret."
        ),
        click.option("--secret-file", "files", multiple=True, metavar="AUDIENCE=FILE", help="Read one from a file."),
        click.option("--timezone", help="Such as America/Chicago."),
        click.option(
            "--frame", "frames", multiple=True, metavar="ORIGIN", help="Whose frame may show the app; repeat it."
        ),
        click.option(
            "--set", "fields", multiple=True, metavar="FIELD=VALUE", help="Any field of `site fields`; repeat it."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def fields_of(stage: str, given: dict[str, Any]) -> dict[str, str]:
    """The options as fields. Raises UsageError for what is not written as AUDIENCE=… or FIELD=…."""
    said = {name: given[name] for name in ("name", "timezone") if given[name] is not None}
    if given["stage"]:
        said["stage"] = given["stage"]
    if given["frames"]:
        said["frame_ancestors"] = " ".join(given["frames"])
    clients = dict(_pair(text, AUDIENCES) for text in given["clients"])
    for audience in AUDIENCES:
        own = given["patient_iss"] if audience == "patient" else None
        address = own or given["iss"]
        if audience in clients:
            said[f"{stage}_{audience}_client_id"] = clients[audience]
        if address and (audience in clients or own):
            said[f"{stage}_{audience}_iss"] = address
    for audience in given["secrets"]:
        said[f"{stage}_{audience}_client_secret"] = click.prompt(
            f"Secret for {audience} ({stage})", hide_input=True, err=True
        )
    for audience, path in (_pair(text, AUDIENCES) for text in given["files"]):
        said[f"{stage}_{audience}_client_secret"] = _secret_in(Path(path))
    return said | dict(_pair(text, None) for text in given["fields"])


def _secret_in(path: Path) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeError) as problem:
        raise click.UsageError(f"{path} cannot be read.") from problem


def _pair(text: str, allowed: tuple[str, ...] | None) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or (allowed is not None and name not in allowed):
        wanted = f"one of {', '.join(allowed)}" if allowed else "a field"
        raise click.UsageError(f"{text!r}: write it as {wanted}, then =, then the value.")
    if allowed is None and name.endswith("client_secret"):
        raise click.UsageError("A secret does not belong on the command line: use --secret or --secret-file.")
    return name, value


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--template", required=True, type=click.Choice(TEMPLATES), help="Which kind of EHR.")
@described
@as_json_option
def add(site_id: str, template: str, as_json: bool, **given: Any) -> None:
    """Add a hospital. What its template knows is filled in."""
    from smart_app.connect import keep

    said = fields_of(given["stage"] or "production", given)
    with open_ports() as ports:
        keep.add_site(ports, who(), site_id, template, said)
        _say(ports, site_id, as_json, after=True)


@site.command()
@click.argument("site_id", metavar="ID")
@described
@as_json_option
def change(site_id: str, as_json: bool, **given: Any) -> None:
    """Change what is given and leave the rest. An empty value clears a field."""
    from smart_app.connect import keep

    with open_ports() as ports:
        stage = given["stage"] or keep.kept_site(ports, site_id).site.stage
        keep.change_site(ports, who(), site_id, fields_of(stage, given))
        _say(ports, site_id, as_json, after=True)


@site.command("list")
@as_json_option
def list_sites(as_json: bool) -> None:
    """Every hospital, with its stage and its last test."""
    from smart_app.connect.shown import rows
    from smart_app.sites_cli.text import row_in_english

    with open_ports() as ports:
        found = rows(ports)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for row in found:
        click.echo(row_in_english(row))
    if not found:
        click.echo("There are no sites yet. Add one: second-opinion site add --help")


@site.command()
@click.argument("site_id", metavar="ID")
@as_json_option
def show(site_id: str, as_json: bool) -> None:
    """One hospital: every field, what to register there, the last test. Never a secret."""
    with open_ports() as ports:
        _say(ports, site_id, as_json)


@site.command()
@click.argument("site_id", metavar="ID")
@as_json_option
def test(site_id: str, as_json: bool) -> None:
    """Walk to the hospital: configuration, keys, clock, token, scopes, way into the chart. Ends with 1 on a fault."""
    from launch.keys import Keys
    from smart_app.connect.finding import worst
    from smart_app.connect.prove import prove
    from smart_app.connect.shown import findings
    from smart_app.sites_cli.text import walk_in_english

    with open_ports() as ports:
        settings = ports.settings
        found = prove(ports, who(), site_id, Keys.create(settings.data / "keys", *settings.secrets))
    gravest = worst(found)
    if as_json:
        click.echo(json.dumps({"site": site_id, "result": gravest, "findings": findings(found)}, indent=2))
    else:
        click.echo(walk_in_english(found))
    raise SystemExit(1 if gravest == "bad" else 0)


@site.command()
@click.argument("site_id", metavar="ID")
@click.option("--reason", required=True, help="Why, for the audit.")
def disable(site_id: str, reason: str) -> None:
    """Nobody comes in from there and nothing is sent to it, until it is enabled again."""
    from smart_app.connect import keep

    with open_ports() as ports:
        found = keep.disable_site(ports, who(), site_id, reason)
    click.echo(f"{found.name} is disabled. What is owed to it waits.", err=True)


@site.command()
@click.argument("site_id", metavar="ID")
def enable(site_id: str) -> None:
    """People come in again."""
    from smart_app.connect import keep

    with open_ports() as ports:
        found = keep.enable_site(ports, who(), site_id)
    click.echo(f"{found.name} is enabled.", err=True)


@site.command()
@as_json_option
def fields(as_json: bool) -> None:
    """Every field a site has, and what it is."""
    from smart_app.sites_cli.text import field_words

    said = field_words()
    if as_json:
        click.echo(json.dumps(said, indent=2, ensure_ascii=False))
        return
    for name, words in said.items():
        click.echo(f"{name}\n    {words}")


def _say(ports: Ports, site_id: str, as_json: bool, *, after: bool = False) -> None:
    from smart_app.connect.shown import whole
    from smart_app.sites_cli.text import site_in_english

    found = whole(ports, site_id)
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    click.echo(site_in_english(found))
    if after:
        click.echo(f"Next: second-opinion site test {site_id}", err=True)
