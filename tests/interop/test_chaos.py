"""A short selection of `make chaos`: trouble at the one write, kill -9 of a real worker, and the chart is counted."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests import postgres
from tests.chaos.lane import Lane
from tests.chaos.run import Cell, cells, lanes, run_cell

pytestmark = [pytest.mark.interop, pytest.mark.timeout(180)]

SHORT = (
    "sqlite epic cut-after-written × write:after (kill, then fault)",
    "sqlite epic 403-empty × at rest (fault, then kill)",
    "sqlite oracle two-locations-written × read-back:before (fault, then kill)",
    "sqlite open 502-html-written × look:before (fault, then kill)",
    "postgresql epic 429-retry-after × visit:before (fault, then kill)",
    "postgresql oracle cut-in-answer-written × write:before (kill, then fault)",
    "postgresql open garbage-written × read-back:after (kill, then fault)",
    "postgresql open 401 × token:before (fault, then kill)",
)


@pytest.fixture(scope="module")
def open_lanes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Lane]]:
    """Both databases, an EHR behind a proxy for each."""
    if postgres.binaries() is None:
        pytest.skip("PostgreSQL is not on this machine (apt-get install postgresql)")
    with lanes(tmp_path_factory.mktemp("chaos"), ("sqlite", "postgresql")) as made:
        yield made


def _cell(line: str) -> Cell:
    return next(cell for cell in cells() if str(cell) == line)


@pytest.mark.parametrize("line", SHORT)
def test_exactly_one_opinion_or_one_question_to_a_person(open_lanes: dict[str, Lane], line: str) -> None:
    """`run_cell` counts the chart over HTTP and fails for none, for two, and for a wrong reason."""
    cell = _cell(line)
    assert run_cell(open_lanes[cell.database], cell, random.Random(1))
