"""How a database gets to this version of the tables. Revisions are only ever added; each opens with what it changes."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

LOCK = 7_306_522_615
"""Any number, always the same: the one who holds it migrates, the others wait."""


def upgrade(engine: Engine) -> None:
    """Run every revision that is missing, in one transaction that keeps other starters waiting."""
    config = _config()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def is_current(engine: Engine) -> bool:
    """Has every revision run, and none that we do not know?"""
    heads = ScriptDirectory.from_config(_config()).get_heads()
    with engine.begin() as connection:
        return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return config
