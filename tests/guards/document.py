"""Writes `docs/safety.md` and the tables of `docs/security.md` from the guards, so that they never tell two stories."""

from __future__ import annotations

import re
from pathlib import Path

from smart_app.access import TABLE, VERBS
from tests.guards.doors import DOORS
from tests.guards.rooms import ROOMS
from tests.guards.table import GUARDS
from tests.guards.threats import STRIDE, Threat

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, SECURITY = DOCS / "safety.md", DOCS / "security.md"
THREATS: tuple[Threat, ...] = (*DOORS, *ROOMS)
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
    """The whole page of the safety rules."""
    rows = [
        f"| {g.rule} | {g.hazard} | `{g.where.replace('.py:', '.')}` | `{g.test.partition('::')[2]}` | {g.seen} |"
        for g in GUARDS
    ]
    return HEAD + "\n".join(rows) + "\n" + TAIL


def security(text: str) -> str:
    """That text of `docs/security.md` with its two tables as they are now."""
    for name, made in (("rights", rights()), ("threats", threats())):
        block = rf"<!-- {name} -->\n.*?(?=\n## |\nBeyond the table)"
        text = re.sub(block, lambda _, n=name, m=made: f"<!-- {n} -->\n\n{m}", text, count=1, flags=re.DOTALL)
    return text


def rights() -> str:
    """Role and relation down, what they may do beside it."""
    rows = [f"| {role} | {relation} | {', '.join(sorted(verbs))} |" for (role, relation), verbs in TABLE.items()]
    return "\n".join([f"| role | relation | may ({len(VERBS)} verbs) |", "|---|---|---|", *rows, ""])


def threats() -> str:
    """One table for each flow."""
    parts = []
    for flow in dict.fromkeys(threat.flow for threat in THREATS):
        rows = [_row(threat) for threat in sorted(_of(flow), key=lambda t: list(STRIDE).index(t.kind))]
        parts += [f"### {flow}", "", "| | threat | guard | test |", "|---|---|---|---|", *rows, ""]
    return "\n".join(parts)


def _of(flow: str) -> list[Threat]:
    return [threat for threat in THREATS if threat.flow == flow]


def _row(threat: Threat) -> str:
    mark = " ✂" if threat.without else ""
    return f"| {threat.kind} | {threat.threat} | `{threat.where.replace('.py:', '.')}`{mark} | `{threat.test}` |"


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
    SECURITY.write_text(security(SECURITY.read_text("utf-8")), "utf-8")
