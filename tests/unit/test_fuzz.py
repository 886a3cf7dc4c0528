"""A few broken inputs of every kind, and each that ever failed; `make fuzz` feeds two hundred thousand."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest

from tests.fuzz.run import KEPT, PLAN, one
from tests.fuzz.targets import TARGETS
from tests.fuzz.uploading import uploading

FEW = {
    "header": 250,
    "metadata": 250,
    "container": 250,
    "directory": 60,
    "identity": 150,
    "accept": 100,
    "beside": 150,
    "paper": 6,
    "disc": 1,
    "uploading": 1,
}


@pytest.fixture
def silent() -> Iterator[None]:
    """Broken files make libraries talk."""
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    logging.disable(logging.NOTSET)


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("target", FEW)
def test_broken_inputs_are_survived(target: str) -> None:
    """No crash, no hang, and nobody taken for somebody else."""
    feed = {**TARGETS, "uploading": uploading}[target]
    told = {number: one(feed, target, "unit", number) for number in range(FEW[target])}
    assert {number: reason for number, reason in told.items() if reason} == {}


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize(("target", "seed", "number"), KEPT)
def test_what_failed_once_holds(target: str, seed: str, number: int) -> None:
    """Kept as seed and number."""
    assert one(TARGETS[target], target, seed, number) == ""


def test_every_target_is_in_the_plan() -> None:
    """And the plan feeds two hundred thousand."""
    assert set(PLAN) == set(FEW) == {*TARGETS, "uploading"}
    assert sum(PLAN.values()) >= 200_000


def test_a_fault_is_told_and_so_is_what_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness itself: an error, a false assertion, a loop that swallows everything."""
    monkeypatch.setattr("tests.fuzz.run.SECONDS", 0.1)

    def stubborn(_: object) -> None:
        while True:
            try:
                while True:
                    pass
            except Exception:  # noqa: BLE001
                pass

    def false(_: object) -> None:
        raise AssertionError("another person")

    assert one(stubborn, "header", "1", 1) == "it took too long"
    assert one(false, "header", "1", 1).startswith("AssertionError: another person")
    assert one(lambda _: None, "header", "1", 1) == ""
