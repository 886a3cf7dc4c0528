"""`second-opinion play` and `check`: what an integrator asks of us, and of a server of theirs."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from smart_app.settings import PREFIX


@click.command()
@click.option("--ehr", type=click.Choice(["epic", "oracle", "open"]), help="Which kind of practice chart.")
@click.option("--base", default="", help="A FHIR server of yours in its place, with the practice sign-in in front.")
@click.option("--token", default="", envvar=f"{PREFIX}TOKEN", help="With --base: an access token it wants, if it does.")
@click.option("--dicom", required=True, type=click.Path(path_type=Path), help="Folder, ZIP or file with the images.")
@click.option("--report", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="The first report, a PDF.")
@click.option(
    "--scenario",
    type=click.Choice(["wrong-patient", "two-people", "answer-lost", "ehr-down"]),
    help="What goes wrong on the way.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output; all else on standard error.")
def play(
    ehr: str | None,
    base: str,
    token: str,
    dicom: Path,
    report: Path | None,
    scenario: str | None,
    as_json: bool,
) -> None:
    """One referral all the way round, without hands. Ends non-zero with the step that failed."""
    from smart_app.play import play_referral

    if base and ehr not in (None, "open"):
        raise click.UsageError("With --base the chart is that server's own: leave --ehr out.")
    if not base and ehr is None:
        raise click.UsageError("Say which chart: --ehr epic, oracle or open, or --base with the address of a server.")
    sys.exit(
        play_referral(ehr or "open", dicom, report=report, scenario=scenario, as_json=as_json, base=base, token=token)
    )


@click.command()
@click.argument("base")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--profile", type=click.Choice(["epic", "oracle", "open"]), help="The kind of chart, if you know better.")
@click.option("--token", default="", envvar=f"{PREFIX}TOKEN", help="An access token, sent as it is.")
@click.option("--write", is_flag=True, help="Prove the way back with a synthetic patient, and clean up.")
@click.option("--patient", default="", help="With --write: a test patient of theirs (Patient/ID) instead of ours.")
def check(base: str, as_json: bool, profile: str | None, token: str, write: bool, patient: str) -> None:
    """What can be done at this FHIR server: launch, read, write back. Asks two questions and changes nothing."""
    from smart_app.checking import NotAnAddress, check_server, in_words, prove

    try:
        report = check_server(base, profile=profile, token=token)
        if write and report.heard:
            prove(report, token=token, patient=patient)
    except NotAnAddress as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(json.dumps(report.as_json(), indent=2, ensure_ascii=False) if as_json else in_words(report))
    sys.exit(1 if report.failed else 0)
