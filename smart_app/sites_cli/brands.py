"""`second-opinion site brands`: the hospitals that patients without a launch pick from, out of vendors' bundles."""

from __future__ import annotations

import json
from pathlib import Path

import click

from smart_app.sites_cli.opening import as_json_option, open_ports, who


@click.group()
def brands() -> None:
    """The hospitals patients look for (User-access Brands bundles)."""


@brands.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--source", help="What to call it; a newer one of that name takes its place. Default: the file's name.")
@as_json_option
def import_(file: Path, source: str | None, as_json: bool) -> None:
    """Read a vendor's bundle. No logo is taken and nothing is fetched."""
    from smart_app.connect.brands import read_brands_file

    name = (source or file.stem)[:200]
    with open_ports() as ports:
        read = read_brands_file(file)
        with ports.store.transaction() as tx:
            tx.brands.replace(name, read.brands, ports.now())
            tx.audit.write(ports.now(), who(), "import-brands", "", name, str(len(read.brands)))
    if as_json:
        click.echo(json.dumps({"source": name, "brands": len(read.brands), "without_address": read.without}))
        return
    click.echo(f"{name}: {len(read.brands)} hospitals, {read.without} of them without a FHIR R4 address.")


@brands.command("list")
@as_json_option
def list_bundles(as_json: bool) -> None:
    """Every bundle that was imported."""
    with open_ports() as ports, ports.store.reading() as tx:
        found = tx.brands.bundles()
    rows = [{"source": one.source, "brands": one.size, "imported": one.imported.isoformat()} for one in found]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
        return
    for row in rows:
        click.echo(f"{row['source']:40} {row['brands']:7} hospitals, imported {str(row['imported'])[:10]}")
    if not rows:
        click.echo("No bundle was imported. Patients see the connected hospitals only.")


@brands.command("forget")
@click.argument("source")
def forget(source: str) -> None:
    """Remove what came from a bundle."""
    with open_ports() as ports, ports.store.transaction() as tx:
        gone = tx.brands.forget(source)
        tx.audit.write(ports.now(), who(), "forget-brands", "", source, str(gone))
    if not gone:
        raise click.ClickException(f"Nothing came from {source!r}. See: second-opinion site brands list")
    click.echo(f"{gone} hospitals are forgotten.", err=True)
