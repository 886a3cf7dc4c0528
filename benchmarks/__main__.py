"""`python -m benchmarks [ROW ...] [--quick]`: measure, print the table, and write it as JSON."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import pkgutil
import platform
import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from benchmarks import rows
from benchmarks.bench import QUICK, ROOT, Bench
from benchmarks.measure import Row
from benchmarks.table import table


def main() -> int:
    """Ends with 1 where a figure is below its floor, or a row could not be measured."""
    options = _options()
    bench = QUICK if options.quick else Bench(rounds=options.rounds)
    found: list[Row] = []
    failed: list[str] = []
    for module in _modules(options.row):
        try:
            for row in module.measure(bench):
                found.append(row)
                print(table([row]), file=sys.stderr, flush=True)
        except Exception as problem:  # noqa: BLE001  (one row that fails must not hide the others)
            failed.append(f"{module.__name__}: {problem}")
            print(f"could not be measured: {failed[-1]}", file=sys.stderr, flush=True)
    print(table(found))
    for line in (*failed, *_missing(found)):
        print(line)
    options.json.write_text(json.dumps(_record(found, failed, quick=options.quick), indent=1) + "\n", "utf-8")
    below = [row.work for row in found if row.verdict == "BELOW FLOOR"]
    return 1 if failed or (below and not options.quick) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("row", nargs="*", help="names of modules in benchmarks/rows; all without one")
    parser.add_argument("--quick", action="store_true", help="small studies, once: proves the bench, measures little")
    parser.add_argument("--rounds", type=int, default=Bench.rounds)
    parser.add_argument("--json", type=Path, default=ROOT / ".bench" / "results.json", help="where the figures go")
    return parser.parse_args()


def _modules(wanted: list[str]) -> Iterator[ModuleType]:
    names = [module.name for module in pkgutil.iter_modules(rows.__path__)]
    unknown = set(wanted) - set(names)
    if unknown:
        sys.exit(f"There is no row {', '.join(sorted(unknown))}; there are {', '.join(names)}.")
    modules = [importlib.import_module(f"benchmarks.rows.{name}") for name in wanted or names]
    yield from sorted(modules, key=lambda module: getattr(module, "ORDER", 99))


def _missing(found: list[Row]) -> Iterator[str]:
    for row in found:
        if row.missing:
            yield f"no peer for “{row.work}”: {row.missing}"


def _record(found: list[Row], failed: list[str], *, quick: bool) -> dict[str, object]:
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "quick": quick,
        "machine": {"cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()},
        "rows": [asdict(row) | {"ratio": row.ratio, "verdict": row.verdict} for row in found],
        "failed": failed,
    }


if __name__ == "__main__":
    sys.exit(main())
