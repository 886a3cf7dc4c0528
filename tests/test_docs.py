"""The documents follow the code: settings, commands, statuses and rooms."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from smart_app.cli import main
from smart_app.record import MEANING
from smart_app.referral import Status
from smart_app.settings import PREFIX, SETTINGS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def test_every_setting_is_in_the_readme_and_no_other() -> None:
    """The table of settings and the settings are one list."""
    written = set(re.findall(rf"`{PREFIX}([A-Z_]+)`", README))
    assert written == {name for name, _, _ in SETTINGS}


def test_every_command_is_in_the_readme() -> None:
    """Each verb of the command line is told; none is told that is not there."""
    told = set(re.findall(r"`second-opinion ([a-z]+)", README))
    assert told == set(main.commands)


def test_every_make_target_of_the_readme_exists() -> None:
    """A command that the README names can be run."""
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in set(re.findall(r"`make ([a-z]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_every_status_has_its_meaning_in_fhir_and_in_the_glossary() -> None:
    """No status without its ServiceRequest, Task and report words, nor without a line for people."""
    assert set(MEANING) == set(Status)
    glossary = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    for status in Status:
        assert f"| {status.value} |" in glossary, status


def test_the_map_names_every_room() -> None:
    """Every top module of the product stands in the README's map."""
    for path in sorted((ROOT / "smart_app").iterdir()):
        if path.name.startswith("__") or path.name in ("fonts",):
            continue
        if path.suffix == ".py" or (path / "__init__.py").exists():
            assert f"`{path.stem}`" in README or f"`{path.name}/`" in README, path.name


def test_every_link_inside_the_documents_leads_somewhere() -> None:
    """Relative links and pictures exist."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))):
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")):
                assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_the_command_line_starts_without_its_heavy_parts() -> None:
    """`--help` answers before any FHIR, image or web library is imported."""
    code = (
        "import sys, smart_app.cli; print([m for m in ('flask', 'pydicom', 'fhirclient', 'dbos') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_threat_model_names_living_guards_and_living_tests_for_every_kind_of_threat() -> None:
    """`docs/security.md` is made from the same lines; each flow has all six letters of STRIDE."""
    from tests.guards.document import SECURITY, THREATS, security
    from tests.guards.threats import STRIDE

    text = SECURITY.read_text("utf-8")
    assert text == security(text), "make it again: python -m tests.guards.document"
    for flow in {threat.flow for threat in THREATS}:
        assert {threat.kind for threat in THREATS if threat.flow == flow} == set(STRIDE), flow
    for threat in THREATS:
        source = (ROOT / threat.path).read_text("utf-8")
        assert f"def {threat.where.partition(':')[2]}(" in source, threat.where
        assert threat.without is None or source.count(threat.without[0]) == 1, threat.where
        must_exist(threat.test)


def must_exist(test: str) -> None:
    """The named test is there."""
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text("utf-8"), test


def test_every_safety_rule_has_a_living_guard_and_a_living_test() -> None:
    """`docs/safety.md` is the table; each guard's piece stands once, each test exists, all twenty rules are there."""
    from tests.guards.document import PAGE, page
    from tests.guards.table import GUARDS

    assert PAGE.read_text("utf-8") == page(), "make it again: python -m tests.guards.document"
    assert {guard.rule for guard in GUARDS} == set(range(1, 21))
    for guard in GUARDS:
        source = (ROOT / guard.path).read_text("utf-8")
        assert source.count(guard.without[0]) == 1, guard.where
        assert f"def {guard.where.partition(':')[2]}(" in source, guard.where
        must_exist(guard.test)
