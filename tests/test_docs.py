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


ASVS_LEVEL_2 = """1.1:2 1.2:9 1.3:11 1.4:3 1.5:2 2.1:3 2.2:3 2.3:4 2.4:1 3.2:2 3.3:4 3.4:6 3.5:5 3.7:2 4.1:3 4.2:1 4.3:2
4.4:4 5.1:1 5.2:3 5.3:2 5.4:3 6.1:3 6.2:12 6.3:4 6.4:4 6.5:5 6.6:3 6.8:4 7.1:3 7.2:4 7.3:2 7.4:5 7.5:2 7.6:2 8.1:2
8.2:3 8.3:1 8.4:1 9.1:3 9.2:4 10.1:2 10.2:2 10.3:4 10.4:11 10.5:5 10.6:2 10.7:3 11.1:2 11.2:3 11.3:3 11.4:4 11.5:1
11.6:1 12.1:3 12.2:2 12.3:4 13.1:1 13.2:5 13.3:2 13.4:5 14.1:2 14.2:4 14.3:3 15.1:3 15.2:3 15.3:7 16.1:1 16.2:5
16.3:4 16.4:3 16.5:3 17.1:1 17.2:4 17.3:2"""
"""Section:how many of its requirements are of level 1 or 2, ASVS 5.0.0; in each section these come first."""


def test_the_self_check_answers_every_requirement_once_and_its_evidence_is_there() -> None:
    sections = (part.split(":") for part in ASVS_LEVEL_2.split())
    wanted = [f"{section}.{number}" for section, most in sections for number in range(1, int(most) + 1)]
    text = (ROOT / "docs" / "asvs.md").read_text("utf-8")
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in re.findall(r"^\| \d.*$", text, re.M)]
    assert [row[0] for row in rows] == wanted
    counts = dict.fromkeys(("yes", "partly", "no", "operator", "–"), 0)
    for number, _, answer, evidence in rows:
        counts[answer] += 1
        named = [word for word in re.findall(r"`([^`\s]+)`", evidence) if re.search(r"\w/|\.(py|md|txt|toml)\b", word)]
        if answer in ("yes", "partly"):
            assert named or "](" in evidence, f"{number} has no evidence"
        for word in named:
            assert (ROOT / word.partition("::")[0]).exists(), (number, word)
            if "::" in word:
                must_exist(word)
    told = "{yes} yes, {partly} partly, {no} no, {operator} operator, {–} do not apply".format(**counts)
    assert f"Of {len(rows)}: {told}." in text


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
