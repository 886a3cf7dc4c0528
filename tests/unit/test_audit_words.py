"""Whatever is written to the audit has words on the desk's page."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import smart_app
from smart_app.web.audit_words import VERB

ROOT = Path(smart_app.__file__).parent


def written(tree: ast.AST) -> Iterator[str]:
    """The verbs of every `….audit.write(at, who, VERB, …)`; of a choice both."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".audit.write"):
            for part in ast.walk(node.args[2]) if len(node.args) > 2 else ():
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    yield part.value


def test_every_verb_of_the_audit_has_words() -> None:
    found = {verb for path in ROOT.rglob("*.py") for verb in written(ast.parse(path.read_text("utf-8")))}
    assert {"open", "vouch", "deny-mine", "file"} <= found, "the search has gone blind"
    assert found - set(VERB) == set()
