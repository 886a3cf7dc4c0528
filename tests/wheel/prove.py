"""Build the wheel, install it alone in a new environment far from the sources, and use it there."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

PROOF = """
import importlib.metadata, pathlib
import fhir.chart, fhir.resources.R4B.patient
import imaging.media, launch.authorize, smart_app.app
from smart_app.store import Store
from smart_app.web import create_app
assert "site-packages" in fhir.chart.__file__, fhir.chart.__file__
base = pathlib.Path(smart_app.app.__file__).parent
for needed in ("web/templates/base.html", "web/static", "web/translations/es/LC_MESSAGES/messages.mo",
               "store/migrations", "fonts", "sandbox/screens", "completeness/rules.toml"):
    assert (base / needed).exists(), f"{needed} is not in the wheel"
store = Store("sqlite:///proof.db")
store.migrate()
from imaging.phantom import ct_study
from imaging.study import Person
disc = pathlib.Path("disc")
disc.mkdir()
for number, content in enumerate(ct_study(Person("Wheel^Anna", "1990-01-01", "F", "W-1234"),
                                          study_date="2026-01-01", description="CT head", size=32)):
    (disc / f"IM{number}").write_bytes(content)
print("wheel", importlib.metadata.version("second-opinion"), "imports, migrates and finds its screens")
"""


def main() -> int:
    """Answer 0 when the wheel works without the checkout."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        run(sys.executable, "-m", "build", "--wheel", "--outdir", place, "-q", str(ROOT), cwd=folder)
        wheel = next(folder.glob("*.whl"))
        venv.create(folder / "env", with_pip=True)
        python = folder / "env" / "bin" / "python"
        quiet = ("-q", "--disable-pip-version-check")
        run(python, "-m", "pip", "install", *quiet, "--require-hashes", "-r", ROOT / "requirements.txt", cwd=folder)
        run(python, "-m", "pip", "install", *quiet, "--no-deps", wheel, cwd=folder)
        run(python, "-W", "error", "-c", PROOF, cwd=folder)
        run(folder / "env" / "bin" / "second-opinion", "--help", cwd=folder)
        run(folder / "env" / "bin" / "second-opinion", "deidentify", "disc", "out", "--key", "key", cwd=folder)
    print("1 passed, 0 failed")
    return 0


def run(*command: object, cwd: Path) -> None:
    """Run it; stop at the first failure."""
    subprocess.run([str(part) for part in command], cwd=cwd, check=True)


if __name__ == "__main__":
    sys.exit(main())
