"""Signing: nothing half confirmed, nothing of the wrong side, and every act in the audit."""

from __future__ import annotations

from pathlib import Path

import pytest

from smart_app import review
from smart_app.case import Ask, Side
from smart_app.referral import Status, Unfinished
from tests.world import EXPERT, TICKED, WORDS, World

LEFT = Ask("Is the LEFT medial temporal change a low-grade tumour?", side=Side.LEFT)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


@pytest.mark.parametrize("point", sorted(review.CONFIRM))
def test_each_of_the_four_points_must_be_confirmed(world: World, point: str) -> None:
    """Name, birth date, side and study date, once more before the words are frozen (safety rule 5)."""
    referral = world.reading("open")
    with pytest.raises(Unfinished) as refused:
        review.sign(world.ports, EXPERT, referral.id, WORDS, TICKED - {point})
    assert refused.value.fields == {f"confirm_{point}": "unconfirmed"}
    assert world.get(referral).status is Status.READING


@pytest.mark.parametrize("field", ["answer", "findings", "impression"])
def test_words_of_the_other_side_are_not_signed(world: World, field: str) -> None:
    """The question says LEFT (safety rule 10)."""
    referral = world.reading("open", LEFT)
    words = {**WORDS, field: f"The RIGHT hippocampus is small. {WORDS[field]}"}
    with pytest.raises(Unfinished) as refused:
        review.sign(world.ports, EXPERT, referral.id, words, TICKED)
    assert refused.value.fields == {"side": "disagrees"}
    assert world.get(referral).opinion is None


def test_a_side_is_written_in_full(world: World) -> None:
    referral = world.reading("open", LEFT)
    with pytest.raises(Unfinished) as refused:
        review.sign(world.ports, EXPERT, referral.id, {**WORDS, "impression": "L hippocampal sclerosis."}, TICKED)
    assert refused.value.fields == {"side": "abbreviated"}


def test_every_act_of_the_expert_is_in_the_audit_and_a_draft_is_not(world: World) -> None:
    """Who, what, when, on which case (safety rule 19)."""
    referral = world.reading("open")
    review.ask(world.ports, EXPERT, referral.id, "Any earlier MRI?")
    with world.ports.store.reading() as tx:
        lines = [line for line in tx.audit.of_referral(referral.id) if line.who == EXPERT]
    assert [line.verb for line in lines] == ["accept", "begin_reading", "ask"]
    assert all(line.at and line.who.name for line in lines)
    other = world.reading("open")
    review.save_draft(world.ports, EXPERT, other.id, {"answer": "Perhaps."})
    with world.ports.store.reading() as tx:
        assert "draft" not in {line.verb for line in tx.audit.of_referral(other.id)}
