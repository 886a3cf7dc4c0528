"""LEFT and RIGHT: a disagreement between question, images and words is never passed over."""

from __future__ import annotations

import pytest

from smart_app.case import Side
from smart_app.side import abbreviated, disagreement, images_disagree, sides_in_headers, sides_in_words, words_disagree


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
    [
        ("The L hippocampus is small.", "L"),
        ("Rt. knee effusion", "Rt."),
        ("LEFT knee, level L5 normal", ""),
        ("Rodilla izq. sin derrame", "izq."),
        ("rodilla dcha con derrame", "dcha"),
        ("Izquierda, derecha", ""),
        ("", ""),
    ],
)
def test_a_side_written_as_a_letter_is_found(text: str, letter: str) -> None:
    """A reader can misread one letter; a vertebra is not a side."""
    assert abbreviated(text) == letter


L, R, BOTH, NONE = {Side.LEFT}, {Side.RIGHT}, {Side.LEFT, Side.RIGHT}, set()


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("MRI of the left knee.", L),
        ("LEFT KNEE MRI", L),
        ("L knee effusion, level L5 normal", L),
        ("R. shoulder", R),
        ("Rx knee", NONE),
        ("RM de rodilla izquierda.", L),
        ("Rodilla izq. sin derrame", L),
        ("RODILLA DCHA", R),
        ("MAMA DERECHA", R),
        ("Bilateral mammography", BOTH),
        ("Both breasts are dense", BOTH),
        ("Ambas mamas", BOTH),
        ("both sequences were read", NONE),
        ("Left normal, right torn", BOTH),
        ("The right-handed patient came right away and is all right.", NONE),
        ("She left the hospital; the tear was left untreated.", NONE),
        ("On the left the meniscus is torn.", L),
        ("The right ventricle and the left atrium are normal.", NONE),
        ("El ventrículo izquierdo y la aurícula derecha son normales.", NONE),
        ("El paciente tiene derecho a recibir el informe.", NONE),
        ("A la derecha de la imagen", R),
        ("Brightness, leftover, alright, l and r", NONE),
    ],
)
def test_sides_are_found_in_words_and_idioms_are_not_sides(text: str, sides: set[Side]) -> None:
    """As English and Spanish reports write them."""
    assert sides_in_words(text) == sides


@pytest.mark.parametrize(
    ("question", "headers", "report", "opinion", "pair"),
    [
        (L, L, L, L, None),
        (L, R, NONE, NONE, ("question", "headers")),
        (L, NONE, R, NONE, ("question", "report")),
        (L, NONE, NONE, R, ("question", "opinion")),
        (NONE, L, R, NONE, ("headers", "report")),
        (NONE, L, NONE, R, ("headers", "opinion")),
        (NONE, NONE, L, R, ("report", "opinion")),
        (L, BOTH, L, BOTH, None),
        (NONE, R, R, R, None),
        (NONE, NONE, NONE, NONE, None),
        (L, L, BOTH, R, ("question", "opinion")),
    ],
)
def test_every_two_sources_are_compared(
    question: set[Side],
    headers: set[Side],
    report: set[Side],
    opinion: set[Side],
    pair: tuple[str, str] | None,
) -> None:
    """Silence is no disagreement, one side in common is none either."""
    sources = {"question": question, "headers": headers, "report": report, "opinion": opinion}
    assert disagreement({name: frozenset(sides) for name, sides in sources.items()}) == pair


def test_header_letters_are_the_standards() -> None:
    """Anything else says nothing."""
    assert sides_in_headers(["L", "", "U"]) == L
    assert sides_in_headers(["B"]) == BOTH
    assert sides_in_headers(["left"]) == NONE
