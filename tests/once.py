"""What is made once in a test process and used again, so that a thousand apps and stores cost what one does.

The product does the same work as ever; only its second and later times are spared. Each of these is the subject of
tests that do not use it: migrations in `contract/test_store_schema.py`, key files in `unit/test_launch_keys.py`.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import pytest
from flask import Flask
from werkzeug.routing import Rule

from launch import keys
from smart_app.store import Store

NEW = 4096  # bytes of an SQLite file that has a journal and nothing else


@cache
def _migrated() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "migrated.db"
        store = Store(f"sqlite:///{file}")
        store.migrate()
        store.close()
        return file.read_bytes()


def migrate(store: Store) -> None:
    """`store.migrate()`; an SQLite file that is new, and not open yet, is written as it is after that."""
    sqlite = store.url.get_backend_name() == "sqlite"
    file = Path(str(store.url.database))
    if sqlite and file.stat().st_size <= NEW:
        file.write_bytes(_migrated())
    else:
        store.migrate()


class _Templates(jinja2.BytecodeCache):
    """Templates translated once, by file and content."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Any) -> None:
        """Put what is kept into the bucket."""
        if (kept := self.kept.get((bucket.key, bucket.checksum))) is not None:
            bucket.bytecode_from_string(kept)

    def dump_bytecode(self, bucket: Any) -> None:
        """Keep it."""
        self.kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


def _routes(build: Callable[..., Any]) -> Callable[..., Any]:
    """werkzeug writes and compiles a small function for each rule of each app: a tenth of a second for ours."""
    built: dict[Any, Any] = {}

    def once(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return build(rule, append_unknown)
        key = (rule.rule, append_unknown, tuple(rule._trace))
        if key not in built:
            built[key] = build(rule, append_unknown)
        return built[key]

    return once


@contextmanager
def spared() -> Iterator[None]:
    """Routes, templates and keys are read once while this is open."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", _routes(Rule._compile_builder))
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": _Templates()})
        patch.setattr(keys, "_opened", cache(keys._opened))
        yield
