"""Takes out each guard in a copy of the tree and sees its test fail; puts it back and sees it pass.

`python -m tests.guards.run [WORDS]`: only guards whose line holds these words. Ends with `N passed, N failed`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.guards.document import THREATS
from tests.guards.table import GUARDS, Guard
from tests.guards.threats import Threat

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("fhir", "imaging", "launch", "smart_app", "tests")
FAILED = 1
"""pytest's answer where a test failed; every other one but 0 says that it could not run."""


def main(wanted: list[str]) -> int:
    """Run them all, or those that are wanted."""
    every = (*GUARDS, *(threat for threat in THREATS if threat.without))
    chosen = [guard for guard in every if all(word in line_of(guard) for word in wanted)]
    faults = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder) / "tree"
        for room in ROOMS:
            shutil.copytree(
                ROOT / room, tree / room, ignore=shutil.ignore_patterns("__pycache__", "node_modules", "target")
            )
        for name in ("pyproject.toml", "README.md"):
            shutil.copy(ROOT / name, tree / name)
        shared = ROOT.parent / "shared"
        if shared.exists():
            (tree.parent / "shared").symlink_to(shared)
        for number, guard in enumerate(chosen, 1):
            fault = tried(tree, guard)
            faults += [fault] if fault else []
            print(f"{number:3d}/{len(chosen)} {line_of(guard)}: {fault or 'its test fails without it'}", flush=True)
    print(f"{len(chosen) - len(faults)} passed, {len(faults)} failed")
    return 1 if faults else 0


def line_of(guard: Guard | Threat) -> str:
    """How a guard is named in a list."""
    named = f"rule {guard.rule}" if isinstance(guard, Guard) else guard.rule
    return f"{named}, {guard.where}"


def tried(tree: Path, guard: Guard | Threat) -> str:
    """What is wrong with this guard or its test; empty where the test sees the guard gone, and nothing else."""
    path = tree / guard.path
    whole = path.read_text("utf-8")
    assert guard.without is not None
    piece, other = guard.without
    if whole.count(piece) != 1:
        return f"its piece stands {whole.count(piece)} times in {guard.path}"
    if (code := asked(tree, guard.test)) != 0:
        return f"its test does not pass with the guard in place ({code})"
    path.write_text(whole.replace(piece, other), "utf-8")
    try:
        code = asked(tree, guard.test)
    finally:
        path.write_text(whole, "utf-8")
    if code == 0:
        return "its test passes without the guard"
    return "" if code == FAILED else f"its test could not run without the guard ({code})"


def asked(tree: Path, test: str) -> int:
    """What pytest answers for that test in that tree."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider", test]
    environ = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", "CI": ""}
    return subprocess.run(command, cwd=tree, env=environ, capture_output=True, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
