"""The identity gate, row by row: a wrong patient never passes, a spelling asks a person."""

from __future__ import annotations

import pytest

from imaging.reconcile import Claim, compare
from imaging.study import Person

BORN = "1992-03-14"


def claim(family: str, given: str = "", birth: str = BORN, sex: str = "female", mrn: str = "A1") -> Claim:
    """The chart's side."""
    return Claim(family, given, birth, sex, (mrn,) if mrn else ())


def person(name: str, birth: str = BORN, sex: str = "F", number: str = "A1", groups: tuple[str, ...] = ()) -> Person:
    """The images' side."""
    return Person(name=name, birth_date=birth, sex=sex, id=number, name_groups=groups)


ROWS = [
    # the same person, written the same
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol"), "match"),
    (claim("Samplewright", "Marisol"), person("SAMPLEWRIGHT^MARISOL"), "match"),
    (claim("Müller", "José"), person("MULLER^JOSE"), "match"),
    (claim("Strauß", "Eva"), person("Strauss^Eva"), "match"),
    (claim("O'Neill", "Sean", sex="male"), person("ONEILL^SEAN", sex="M"), "match"),
    (claim("Smith-Jones", "Ann"), person("SMITH JONES^ANN"), "match"),
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol^^Dr"), "match"),
    (claim("Samplewright", "Marisol Testa"), person("Samplewright^Marisol^Testa"), "match"),
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol", sex=""), "match"),
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol", number="OTHER-9"), "match"),
    (claim("山田", "花子"), person("Yamada^Hanako", groups=("山田^花子",)), "match"),
    (claim("김", "희중", sex="male"), person("Kim^Hie Joong", sex="M", groups=("김^희중",)), "match"),
    (claim("Дюколь", "Анна"), person("Дюколь^Анна"), "match"),
    # the same person, written otherwise: somebody must say yes
    (claim("Samplewright", "Marisol"), person("Marisol^Samplewright"), "probable"),
    (claim("Samplewright", "Marisol"), person("Samplewright Marisol"), "probable"),
    (claim("van der Berg", "Anna"), person("Berg^Anna"), "probable"),
    (claim("van der Berg", "Anna"), person("Vanderberg^Anna"), "conflict"),
    (claim("de la Cruz", "Ana"), person("CRUZ^ANA^DE LA"), "probable"),
    (claim("Smith-Jones", "Ann"), person("Smith^Ann"), "probable"),
    (claim("Smith-Jones", "Ann"), person("SmithJones^Ann"), "probable"),
    (claim("Samplewright", "Marisol Testa"), person("Samplewright^Marisol"), "probable"),
    (claim("Samplewright", "Marisol"), person("Samplewright^M"), "probable"),
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol", birth=""), "probable"),
    (claim("Samplewright", "Marisol", birth="1992"), person("Samplewright^Marisol"), "probable"),
    (claim("Samplewright", "Marisol", birth="1992-03"), person("Samplewright^Marisol"), "probable"),
    (claim("Samplewright", "Marisol"), person(""), "probable"),
    (claim("Sukarno", ""), person("Sukarno"), "match"),
    (claim("Lovelace", "Ada", sex="other"), person("Lovelace^Ada", sex="F"), "probable"),
    # nothing to compare
    (claim("Samplewright", "Marisol"), person("", birth=""), "absent"),
    (claim("Samplewright", "Marisol", birth=""), person(""), "absent"),
    # somebody else
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol", birth="1992-03-15"), "conflict"),
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol", birth="1992-04-13"), "conflict"),
    (claim("Samplewright", "Marisol", birth="1992"), person("Samplewright^Marisol", birth="1993-01-01"), "conflict"),
    (claim("Samplewright", "Marisol"), person("Samplewright^Marisol", sex="M"), "conflict"),
    (claim("Samplewright", "Marisol"), person("Placeholder^Peter", sex="F"), "conflict"),
    (claim("Samplewright", "Marisol"), person("Placeholder^Marisol"), "conflict"),
    (claim("Twinley", "Castor", sex="male"), person("Twinley^Pollux", sex="M"), "conflict"),
    (claim("Twinley", "Carla"), person("Twinley^Clara"), "conflict"),
    (claim("Twinley", "Anna"), person("Twinley^Annabel"), "conflict"),
    (claim("Samplewright", "Marisol"), person("Samplewright"), "conflict"),
    (claim("Sukarno", ""), person("Suharto"), "conflict"),
    (claim("山田", "花子"), person("Yamada^Hanako"), "conflict"),
    (claim("山田", "花子"), person("Yamada^Taro", groups=("山田^太郎",)), "conflict"),
    (claim("Berg", "Anna"), person("Van Der^Bert"), "conflict"),
    (claim("Jones", "Ann"), person("Ann^Smith"), "conflict"),
]


@pytest.mark.parametrize(("chart", "images", "outcome"), ROWS)
def test_the_identity_gate(chart: Claim, images: Person, outcome: str) -> None:
    """Each row is one pair of people and the one right outcome."""
    assert compare(chart, images).outcome == outcome


def test_every_field_says_what_it_found() -> None:
    """Staff see both sides and the result of each field."""
    rows = compare(
        claim("Samplewright", "Marisol", mrn="A1"), person("Samplewright^M", birth="", number="B2")
    ).as_rows()
    assert {row["field"]: row["result"] for row in rows} == {
        "name": "variant",
        "birth_date": "absent",
        "sex": "match",
        "id": "variant",
    }
