"""LEFT and RIGHT: a disagreement between question, images and words is never passed over."""

from __future__ import annotations

import pytest

from smart_app.case import Side
from smart_app.side import abbreviated, images_disagree, words_disagree


@pytest.mark.parametrize(
    ("asked", "letters", "disagrees"),
    [
        (Side.LEFT, ["R"], True),
        (Side.RIGHT, ["L", "L"], True),
        (Side.LEFT, ["L", "R"], False),
        (Side.LEFT, ["B"], False),
        (Side.LEFT, [], False),
        (Side.LEFT, ["", "?"], False),
        (Side.NONE, ["R"], False),
        (Side.BILATERAL, ["R"], False),
    ],
)
def test_image_headers_are_compared_with_the_side_asked_about(asked: Side, letters: list[str], disagrees: bool) -> None:
    """Only the other side in the headers is a disagreement; silence is not."""
    assert images_disagree(asked, letters) is disagrees


@pytest.mark.parametrize(
    ("asked", "text", "disagrees"),
    [
        (Side.LEFT, "The RIGHT hippocampus is small.", True),
        (Side.LEFT, "El hipocampo derecho es pequeño.", True),
        (Side.RIGHT, "Lesión en la rodilla izquierda.", True),
        (Side.LEFT, "LEFT small, right normal.", False),
        (Side.LEFT, "No lesion.", False),
        (Side.LEFT, "Brightness is high.", False),
        (Side.NONE, "right", False),
    ],
)
def test_words_are_compared_with_the_side_asked_about(asked: Side, text: str, disagrees: bool) -> None:
    """Speaking only of the other side is a disagreement, in English and in Spanish."""
    assert words_disagree(asked, text) is disagrees


@pytest.mark.parametrize(
    ("text", "letter"),
    [("The L hippocampus is small.", "L"), ("Rt. knee effusion", "Rt."), ("LEFT knee, level L5 normal", ""), ("", "")],
)
def test_a_side_written_as_a_letter_is_found(text: str, letter: str) -> None:
    """A reader can misread one letter; a vertebra is not a side."""
    assert abbreviated(text) == letter
