"""A guide as a reader has it: its commands, and the lines it says will come back."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command of a guide. `promised` are pieces of lines that its output must hold."""

    arguments: tuple[str, ...]
    promised: tuple[str, ...]


def steps_of(guide: str, instead: dict[str, str]) -> list[Step]:
    """Every command block of that guide, with the reader's own names in the place of the examples."""
    text = (DOCS / guide).read_text("utf-8")
    found = []
    for block in BLOCK.findall(text):
        for example, own in instead.items():
            block = block.replace(example, own)
        command, *promised = block.replace("\\\n", " ").strip().splitlines()
        assert command.startswith("$ second-opinion "), command
        found.append(Step(tuple(shlex.split(command)[2:]), tuple(line.strip() for line in promised)))
    return found


def squeezed(text: str) -> str:
    """One line with one blank between words, so that where a terminal breaks a line does not matter."""
    return " ".join(text.split())
