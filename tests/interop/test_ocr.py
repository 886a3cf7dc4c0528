"""A real tesseract reads what is printed into pictures, and raises the doubt in an upload."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from imaging.ocr import has_text
from smart_app import offering
from tests.discs import FILES, printed
from tests.unit.test_upload_found import give, person, theirs
from tests.world import World

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(
        shutil.which("tesseract") is None, reason="tesseract is not here (apt-get install tesseract-ocr)"
    ),
]


def test_words_in_a_picture_are_seen_and_a_picture_without_any_has_none(tmp_path: Path) -> None:
    """A name and a date on a console's picture; the phantom has none."""
    (tmp_path / "a").write_bytes(printed("SAMPLEWRIGHT MARISOL", "14 Mar 1992  F  TST-1"))
    (tmp_path / "b").write_bytes(printed())
    (tmp_path / "c").write_bytes(FILES[0])
    assert [has_text(tmp_path / name, "tesseract") for name in "abc"] == [True, False, False]


def test_a_picture_that_no_rule_suspects_is_shown_when_text_is_seen_in_it(tmp_path: Path) -> None:
    """It says that it is a plain CT, and a name is printed into it."""
    world = World(tmp_path)
    referral = world.ask()
    who = person(world, referral)
    world.ports = replace(world.ports, settings=replace(world.ports.settings, ocr="tesseract"))
    given = give(world, referral, A=theirs(printed("SAMPLEWRIGHT MARISOL", "14 Mar 1992  F  TST-1"), who))
    assert [series.risk for series, _ in offering.with_text(given)] == ["text"]
    world = World(tmp_path / "other")
    referral = world.ask()
    given = give(world, referral, A=theirs(printed("SAMPLEWRIGHT MARISOL", "14 Mar 1992"), person(world, referral)))
    assert offering.with_text(given) == []
