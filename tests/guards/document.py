"""Writes `docs/safety.md` from the table of guards, so that the two can never tell different stories."""

from __future__ import annotations

from pathlib import Path

from tests.guards.table import GUARDS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "safety.md"
HEAD = """# Safety: hazard, guard, proof

Each line is one way in which a second opinion harms somebody, the one place in the code that stops it, the test that
fails when that place is taken out, and how to see it with your own eyes in `make demo`. `make guards` takes out every
guard in turn, in a copy of the tree, and sees its test fail. This page is made by `python -m tests.guards.document`.

| rule | hazard | guard | test | in the demo |
|---|---|---|---|---|
"""
TAIL = """
The rules are those of the clinical paper of this project: 1-6 identity, 7-10 images, 11-20 the opinion and closing the
loop. A rule with two lines has two guards. What no code can guard is in the README, under *Limits*: who is on duty, who
calls, and what the hospital's own policy says.
"""


def page() -> str:
    """The whole page."""
    rows = [
        f"| {g.rule} | {g.hazard} | `{g.where.replace('.py:', '.')}` | `{g.test.partition('::')[2]}` | {g.seen} |"
        for g in GUARDS
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
