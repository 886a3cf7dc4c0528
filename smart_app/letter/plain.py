"""The letter as text for a chart note. Rule: no line longer than 80 characters, since charts break longer ones."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from smart_app.letter.contents import NOTICE, TITLE, Block, Contents, Row

COLUMNS = 80
_LABEL = 15


def as_text(letter: Contents) -> str:
    """Set the letter. It ends with one line feed."""
    parts = [
        _wrapped(line for alert in letter.alerts for line in alert.split("\n")),
        [f"{TITLE.upper()}", *_wrapped((letter.organisation,))],
        _rows(letter.identity),
        _rows(letter.case),
        _block(letter.question),
        _block(letter.answer),
        _block(letter.grade),
        *(_block(block) for block in letter.blocks),
        _block(letter.studies, mark="- "),
        [*_rows(letter.signature), *_wrapped((NOTICE,))],
        [letter.reference],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _block(block: Block, mark: str = "") -> list[str]:
    return [block.title.upper(), *_wrapped(block.lines, mark)]


def _rows(rows: Iterable[Row]) -> list[str]:
    lines: list[str] = []
    for label, value in rows:
        lines += _wrap(f"{f'{label}:':<{_LABEL}}{value}", " " * _LABEL)
    return lines


def _wrapped(lines: Iterable[str], mark: str = "") -> list[str]:
    return [part for line in lines for part in _wrap(mark + line, " " * len(mark))]


def _wrap(line: str, indent: str = "") -> list[str]:
    """An empty line stays; the writer's own indent and spacing stay; a word too long for a line is cut."""
    own = line[: len(line) - len(line.lstrip())][: COLUMNS // 2]
    wrapped = textwrap.wrap(
        line.lstrip(),
        COLUMNS,
        initial_indent=own,
        subsequent_indent=own + indent,
        break_on_hyphens=False,
        replace_whitespace=False,
    )
    return wrapped or [""]
