"""`second-opinion`: the commands. Heavy libraries are imported by the command that needs them."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from smart_app.integrator_cli import check, play
from smart_app.keys_cli import keys
from smart_app.settings import PREFIX, Settings, SettingsIncomplete, read_settings
from smart_app.sites_cli import site

T = TypeVar("T")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="second-opinion")
def main() -> None:
    """Outside imaging second opinions, launched from any SMART EHR."""


def _settings() -> Settings:
    try:
        return read_settings(os.environ)
    except SettingsIncomplete as incomplete:
        raise click.ClickException(str(incomplete)) from incomplete


def _log() -> None:
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    for chatty in ("alembic", "waitress"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def _end_with_parent() -> None:
    """A part of the demo's house ends when the house is gone, even after kill -9."""
    parent = os.environ.get(f"{PREFIX}PARENT")
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == int(parent):
            time.sleep(0.5)
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()


@main.command()
@click.option("--port", default=8200, show_default=True, help="First of four ports in a row.")
@click.option(
    "--folder", default=".demo", show_default=True, type=click.Path(path_type=Path), help="Its people and files."
)
def demo(port: int, folder: Path) -> None:
    """The whole house on this machine, with a practice EHR. Ctrl-C stops it."""
    from smart_app.demo import run_demo

    sys.exit(run_demo(folder, port))


@main.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@click.option(
    "--fhir",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the ImagingStudy to this file; a Bundle where there are several.",
)
@click.option("--zone", default="", help='Time zone of pictures that name none: "+0100" or "Europe/Madrid".')
def study(paths: tuple[Path, ...], as_json: bool, fhir: Path | None, zone: str) -> None:
    """What is in this folder, ZIP or disc: people, studies, and what became of every file."""
    from imaging.errors import ImagingError
    from smart_app.surveyed import survey_media

    for path in paths:
        if not path.exists():
            raise click.ClickException(f"{path}: there is no such file or folder.")
    try:
        click.echo(survey_media(paths, as_json=as_json, fhir=fhir, zone=zone))
    except (ImagingError, ValueError) as problem:
        raise click.ClickException(str(problem)) from problem
    except OSError as problem:
        raise click.ClickException(f"{problem.filename}: {problem.strerror}.") from problem


@main.command()
@click.argument("source", metavar="IN", type=click.Path(path_type=Path))
@click.argument("out", metavar="OUT", type=click.Path(path_type=Path, file_okay=False))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
@click.option("--profile", default="research", show_default=True, help="basic, basic-dates or research.")
@click.option(
    "--key",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar=f"{PREFIX}DEIDENTIFY_KEY",
    help="File with the secret, made if absent. Without it: one for this OUT, kept in your own settings.",
)
@click.option("--same-person", is_flag=True, help="All pictures are of one person, whatever numbers they carry.")
@click.option("--keep-safe-private", is_flag=True, help="Keep the private elements that PS3.15 lists as safe.")
@click.option(
    "--looked-at",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="File with SOP Instance UIDs of the report: pictures in which you saw no name.",
)
@click.option(
    "--names",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the names of files that did not come out to this file, for you alone.",
)
def deidentify(
    source: Path,
    out: Path,
    as_json: bool,
    profile: str,
    key: Path | None,
    same_person: bool,
    keep_safe_private: bool,
    looked_at: Path | None,
    names: Path | None,
) -> None:
    """Copies of the pictures in IN without anything that tells the person, in OUT. Exit code 3: some were left out."""
    from imaging.errors import ImagingError
    from smart_app.deidentified import clean_media

    if not source.exists():
        raise click.ClickException(f"{source}: there is no such file or folder.")
    try:
        said, code = clean_media(
            source,
            out,
            profile=profile,
            safe_private=keep_safe_private,
            key=key,
            same_person=same_person,
            looked_at=looked_at,
            names=names,
            as_json=as_json,
        )
    except ImagingError as problem:
        raise click.ClickException(str(problem)) from problem
    except OSError as problem:
        raise click.ClickException(f"{problem.filename}: {problem.strerror}.") from problem
    click.echo(said)
    sys.exit(code)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=8200, show_default=True)
@click.option("--threads", default=8, show_default=True)
def serve(host: str, port: int, threads: int) -> None:
    """The web process. Put your TLS proxy in front of it."""
    _end_with_parent()
    _log()
    from waitress import serve as run

    from smart_app.app import create_app

    app = _started(create_app)
    largest = app.config["MAX_CONTENT_LENGTH"]  # else the server's own limit of 1 GiB would refuse a whole DVD
    run(app, host=host, port=port, threads=threads, ident=None, max_request_body_size=largest)


def _started(make: Callable[[Settings], T]) -> T:
    """What `make` makes of the settings, or a sentence that says why it cannot start."""
    from smart_app.store import StoreOutdated

    try:
        return make(_settings())
    except (StoreOutdated, ValueError) as problem:
        raise click.ClickException(str(problem)) from problem


@main.command()
def worker() -> None:
    """The worker: does what is owed outside, once. One process per WORKER id."""
    _end_with_parent()
    _log()
    from smart_app.app import join
    from smart_app.worker import run

    _started(lambda settings: run(settings, join))


@main.command()
def migrate() -> None:
    """Bring the database to this version."""
    from smart_app.store import Store

    settings = _settings()
    settings.data.mkdir(parents=True, exist_ok=True)
    Store(settings.database_url).migrate()
    click.echo("The database is up to date.", err=True)


main.add_command(check)
main.add_command(keys)
main.add_command(play)
main.add_command(site)


@main.command()
@click.option("--folder", default=".practice", show_default=True, type=click.Path(path_type=Path))
@click.option("--app", default="http://localhost:8200", show_default=True, help="The SMART app its button opens.")
@click.option("--port", default=8201, show_default=True)
@click.option("--patient-port", default=8202, show_default=True)
@click.option("--smtp-port", default=8203, show_default=True)
@click.option("--base", default="", help="A FHIR server of yours in the place of the open hospital's records.")
@click.option("--token", default="", envvar=f"{PREFIX}TOKEN", help="With --base: an access token it wants, if it does.")
def sandbox(folder: Path, app: str, port: int, patient_port: int, smtp_port: int, base: str, token: str) -> None:
    """The practice EHR alone: three kinds of chart, SMART launch, a portal and a mailbox, on loopback."""
    _end_with_parent()
    from smart_app.sandbox import Elsewhere, NotForProduction
    from smart_app.sandbox import serve as run

    elsewhere = Elsewhere(base.rstrip("/"), token) if base else None
    try:
        run(folder, app_base=app, port=port, patient_port=patient_port, smtp_port=smtp_port, elsewhere=elsewhere)
    except NotForProduction as problem:
        raise click.ClickException(str(problem)) from problem


@main.group()
def viewer() -> None:
    """The image viewer (OHIF), packed for this app."""


@viewer.command("install")
def viewer_install() -> None:
    """Fetch the pinned viewer, patch it, and put it where the web process finds it."""
    from smart_app.settings import default_viewer
    from smart_app.web.viewer import ViewerNotPacked, install

    target = Path(os.environ.get(f"{PREFIX}VIEWER") or default_viewer())
    try:
        install(target, lambda line: click.echo(line, err=True))
    except ViewerNotPacked as problem:
        raise click.ClickException(str(problem)) from problem


if __name__ == "__main__":
    main()
