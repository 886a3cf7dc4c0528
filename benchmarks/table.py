"""The figures as a table for a terminal or a page of Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Row

HEADS = ("work", "ours", "peer", "", "ratio", "floor", "aim", "")


def table(rows: Sequence[Row]) -> str:
    """One line a row, columns aligned."""
    cells = [HEADS, *(_cells(row) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADS))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def _cells(row: Row) -> tuple[str, ...]:
    sign = "≤ {:g} " + row.unit if row.absolute else "{:g} ×"
    ratio = "" if row.absolute or row.ratio is None else f"{row.ratio:.1f} ×"
    return (
        row.work,
        f"{_number(row.ours)} {row.unit}",
        "" if row.peer is None else f"{_number(row.peer)} {row.unit}",
        row.peer_name if row.peer is not None else "missing" if row.missing else "",
        ratio,
        sign.format(row.floor),
        sign.format(row.aim),
        row.verdict,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"
