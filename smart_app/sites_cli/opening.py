"""The installation, opened for one command, and who sits in front of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from smart_app.settings import SettingsIncomplete, read_settings

if TYPE_CHECKING:
    from smart_app.case import Party
    from smart_app.ports import Ports

as_json_option = click.option("--json", "as_json", is_flag=True, help="The same as JSON.")


@contextmanager
def open_ports() -> Iterator[Ports]:
    """The installation as its settings describe it. Our own errors end the command with their sentence."""
    from launch.errors import LaunchError
    from smart_app.app import join
    from smart_app.sites import SiteError, SiteUnfit
    from smart_app.sites_cli.text import faults_in_english
    from smart_app.store import StoreError

    try:
        ports = join(read_settings(os.environ))
    except (SettingsIncomplete, LaunchError, ValueError) as problem:
        raise click.ClickException(str(problem)) from problem
    try:
        ports.store.must_be_current()
        yield ports
    except SiteUnfit as unfit:
        raise click.ClickException(faults_in_english(unfit.fields)) from unfit
    except (SiteError, StoreError, LaunchError) as problem:
        raise click.ClickException(str(problem)) from problem
    finally:
        ports.store.close()


def who() -> Party:
    """Whoever sits at the command line, for the audit."""
    import getpass

    from smart_app.case import Party

    try:
        name = getpass.getuser()
    except (KeyError, OSError):
        name = "somebody"
    return Party("operator", f"{name} (command line)", "", "")
