"""The house keeps its shape: who may import whom, and which names are never used."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("fhir", "imaging", "launch", "smart_app")
BANNED_NAMES = ("manager", "helper", "utils", "handler")


def modules() -> list[Path]:
    """Every module of the product."""
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]


def test_imports_point_down() -> None:
    """The import contracts of pyproject.toml are kept."""
    lint = Path(sys.executable).with_name("lint-imports")
    result = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_name_fhir_is_shared_with_the_library() -> None:
    """Our room and fhir.resources live under one name, from a checkout and installed alike."""
    ours = importlib.import_module("fhir.chart")
    library = importlib.import_module("fhir.resources.R4B.patient")
    assert Path(str(ours.__file__)).parent == ROOT / "fhir"
    assert ROOT / "fhir" not in Path(str(library.__file__)).parents
    lines = (ROOT / "fhir" / "__init__.py").read_text().split("\n")
    assert [line for line in lines if line] == [
        "from pkgutil import extend_path",
        "__path__ = extend_path(__path__, __name__)",
    ]


def test_every_module_opens_with_its_job() -> None:
    """A module says in a sentence or two what it does and what it may not."""
    silent = [
        str(path.relative_to(ROOT))
        for path in modules()
        if path != ROOT / "fhir" / "__init__.py"
        and "migrations" not in path.parts
        and not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def test_every_public_function_says_what_it_promises() -> None:
    """Public functions, methods and classes have a docstring."""
    silent = []
    for path in modules():
        if "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text("utf-8"))
        bodies = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_")]
        for body in bodies:
            for node in body.body:
                named = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
                if named and not ast.get_docstring(node):
                    silent.append(f"{path.relative_to(ROOT)}:{node.lineno} {node.name}")
    assert silent == []


def test_nothing_is_called_by_an_empty_word() -> None:
    """No manager, helper, utils or handler in any module's name."""
    assert [str(p) for p in modules() if any(word in p.stem for word in BANNED_NAMES)] == []


def test_no_module_takes_on_a_second_job() -> None:
    """Past 300 lines a second job has moved in."""
    long = {str(p.relative_to(ROOT)): n for p in modules() if (n := len(p.read_text("utf-8").splitlines())) > 300}
    assert long == {}
