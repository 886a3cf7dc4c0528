"""`second-opinion keys`: our signing keys, made, shown and changed. Rule: what is printed is public."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from smart_app.settings import SettingsIncomplete, read_settings

if TYPE_CHECKING:
    from launch.keys import Keys

ring_option = click.option(
    "--ring",
    type=click.Choice(["production", "sandbox"]),
    default="production",
    show_default=True,
    help="Test environments have keys of their own.",
)


@click.group(invoke_without_command=True)
@ring_option
@click.pass_context
def keys(context: click.Context, ring: str) -> None:
    """Make the keys that prove who we are to an EHR, if there are none; print the public set (JWKS)."""
    if context.invoked_subcommand is None:
        click.echo(json.dumps(_open(ring).jwks(datetime.now(UTC)), indent=2))


@keys.command("list")
@ring_option
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
def list_keys(ring: str, as_json: bool) -> None:
    """Each key, and what it does now: signs, waits for its turn, or is only published still."""
    now = datetime.now(UTC)
    found = _open(ring)
    signing = {found.signing(alg, now).kid for alg in ("RS384", "ES384")}
    rows: list[dict[str, Any]] = []
    for key in found.all():
        turn = found.turn(key.number)
        state = (
            "signs"
            if key.kid in signing
            else "waits"
            if turn.waits(now)
            else "ended"
            if turn.ended(now)
            else "published"
        )
        moments = {"signs_from": turn.signs_from, "ends": turn.ends}
        times = {name: moment.isoformat() if moment else "" for name, moment in moments.items()}
        rows.append({"pair": key.number, "alg": key.alg, "kid": key.kid, "state": state, **times})
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        until = f"  from {row['signs_from'][:16]}" if row["signs_from"] else ""
        until += f"  until {row['ends'][:16]}" if row["ends"] else ""
        click.echo(f"{row['pair']}  {row['alg']}  {row['kid'][:12]}  {row['state']}{until}")


@keys.command()
@ring_option
@click.option(
    "--after", default=48, show_default=True, type=click.IntRange(0, 720), help="Hours until the new pair signs."
)
@click.option(
    "--kept", default=24, show_default=True, type=click.IntRange(0, 720), help="Hours the old pair is kept then."
)
@click.option(
    "--at-once", is_flag=True, help="A key may be in strangers' hands: the new pair signs now, the old one ends."
)
def rotate(ring: str, after: int, kept: int, at_once: bool) -> None:
    """Publish a new pair now, which signs later. Nothing is restarted and no hospital is called."""
    from launch.errors import RotationUnderWay
    from launch.rotation import replace_now
    from launch.rotation import rotate as add_pair

    now = datetime.now(UTC)
    found = _open(ring)
    if at_once:
        replace_now(found, now)
        click.echo("The new pair signs now. EHRs that keep our key set may refuse us for up to a day.", err=True)
        return
    try:
        signs = add_pair(found, now, after=timedelta(hours=after), kept=timedelta(hours=kept))
    except RotationUnderWay as problem:
        raise click.ClickException(f"{problem} Wait for it, or use --at-once.") from problem
    click.echo(f"A new pair is published. It signs from {signs:%Y-%m-%d %H:%M} UTC.", err=True)


@keys.command()
@ring_option
def clear(ring: str) -> None:
    """Remove the files of pairs that have ended."""
    from launch.rotation import clear as remove

    gone = remove(_open(ring), datetime.now(UTC))
    click.echo(f"Removed: {', '.join(map(str, gone))}" if gone else "Nothing has ended.", err=True)


@keys.command()
def reseal() -> None:
    """After a new SECRET: seal again with it what older ones sealed, so that OLD_SECRETS can be emptied.

    Keys, client secrets of hospitals, and tokens of people who are at work now.
    """
    from launch.errors import KeysMissing
    from smart_app.app import join
    from smart_app.connect.reseal import reseal as again

    try:
        done = again(join(read_settings(os.environ)))
    except (SettingsIncomplete, KeysMissing) as problem:
        raise click.ClickException(str(problem)) from problem
    click.echo(f"Sealed again: {done.keys} keys, {done.sites} hospitals, {done.lines} people at work.", err=True)
    if done.lost:
        click.echo(f"{done.lost} people must launch again: their tokens were sealed with a secret we lack.", err=True)


def _open(ring: str) -> Keys:
    from launch.errors import KeysMissing
    from launch.keys import Keys
    from smart_app.sites import RINGS

    try:
        settings = read_settings(os.environ)
        return Keys.create(settings.data / "keys", *settings.secrets).ring(RINGS[ring])
    except (SettingsIncomplete, KeysMissing) as problem:
        raise click.ClickException(str(problem)) from problem
