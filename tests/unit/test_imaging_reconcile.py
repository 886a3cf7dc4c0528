"""The identity gate, row by row: a wrong patient never passes, a spelling asks a person."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imaging.reconcile import Claim, compare, distinct, worst
from imaging.study import Person

BORN = "1992-03-14"


def chart(family: str, given_name: str = "", birth: str = BORN, sex: str = "female", mrn: str = "A1") -> Claim:
    """The chart's side."""
    return Claim(family, given_name, birth, sex, (mrn,) if mrn else ())


def images(name: str, birth: str = BORN, sex: str = "F", number: str = "A1", groups: tuple[str, ...] = ()) -> Person:
    """The images' side."""
    return Person(name=name, birth_date=birth, sex=sex, id=number, name_groups=groups)


MARISOL = chart("Samplewright", "Marisol")

SAME = [
    (MARISOL, images("Samplewright^Marisol")),
    (MARISOL, images("SAMPLEWRIGHT^MARISOL")),
    (MARISOL, images("Samplewright ^ Marisol ^")),
    (MARISOL, images("Samplewright^Marisol^^Dr")),
    (chart("Samplewright", "Marisol", sex="unknown"), images("Samplewright^Marisol")),
    (chart("Samplewright", "Marisol Testa"), images("Samplewright^Marisol^Testa")),
    (chart("Samplewright", "Marisol Testa"), images("Samplewright^Marisol Testa")),
    (MARISOL, images("Samplewright^Marisol", sex="")),
    (MARISOL, images("Samplewright^Marisol", number="OTHER-9")),
    (MARISOL, images("Samplewright^Marisol", number="")),
    (chart("van der Berg", "Anna"), images("VAN DER BERG^ANNA")),
    (chart("Sukarno"), images("Sukarno")),
    (chart("Strauß", "Eva"), images("STRAUSS^EVA")),
    (chart("山田", "花子"), images("山田^花子")),
    (chart("Дюколь", "Анна"), images("ДЮКОЛЬ^АННА")),
    (chart("Müller", "José", sex="male"), images("Mu\u0308ller^Jose\u0301", sex="M")),
    (chart("ヤマダ", "ハナコ"), images("ﾔﾏﾀﾞ^ﾊﾅｺ")),
    (chart("Berg", "Toni", sex="other"), images("Berg^Toni", sex="O")),
]

ASK = [
    # accents and what replaces them
    (chart("Müller", "José"), images("MULLER^JOSE")),
    (chart("Müller", "Jörg", sex="male"), images("MUELLER^JOERG", sex="M")),
    (chart("Sørensen", "Åse"), images("SOERENSEN^AASE")),
    (chart("Łukasiewicz", "Zoë"), images("Lukasiewicz^Zoe")),
    (chart("Nguyễn", "Thị Hạnh"), images("NGUYEN^THI HANH")),
    (chart("Παπαδόπουλος", "Ελένη"), images("ΠΑΠΑΔΟΠΟΥΛΟΣ^ΕΛΕΝΗ")),
    (chart("أحمد", "ليلى"), images("احمد^ليلى")),
    # apostrophes and hyphens
    (chart("O'Neill", "Sean", sex="male"), images("ONEILL^SEAN", sex="M")),
    (chart("Smith-Jones", "Ann"), images("SMITH JONES^ANN")),
    (chart("Smith-Jones", "Ann"), images("SmithJones^Ann")),
    (chart("Smith-Jones", "Ann"), images("Jones-Smith^Ann")),
    (chart("Dupont", "Jean-Paul", sex="male"), images("DUPONT^JEAN PAUL", sex="M")),
    (chart("Dupont", "Jean-Paul", sex="male"), images("DUPONT^JEANPAUL", sex="M")),
    (chart("Wang", "Xi An"), images("WANG^XIAN")),
    # order and carets
    (MARISOL, images("Marisol^Samplewright")),
    (MARISOL, images("Samplewright Marisol")),
    (MARISOL, images("SAMPLEWRIGHT, MARISOL")),
    (MARISOL, images("MARISOL SAMPLEWRIGHT")),
    (chart("山田", "花子"), images("山田花子")),
    # particles
    (chart("van der Berg", "Anna"), images("Berg^Anna")),
    (chart("van der Berg", "Anna"), images("Vanderberg^Anna")),
    (chart("van der Berg", "Anna"), images("Berg^Anna^van der")),
    (chart("de la Cruz", "Ana"), images("CRUZ^ANA^DE LA")),
    (chart("de la Cruz", "Ana"), images("DELACRUZ^ANA")),
    (chart("al-Masri", "Layla"), images("ALMASRI^LAYLA")),
    (chart("d'Angelo", "Rita"), images("DANGELO^RITA")),
    (chart("Du", "Wei"), images("Wei^Du")),
    # a part of the family name, other names, initials
    (chart("Smith-Jones", "Ann"), images("Smith^Ann")),
    (chart("García López", "Ana"), images("GARCIA^ANA")),
    (chart("Smith", "Ann"), images("Smith-Brown^Ann")),
    (chart("Samplewright", "Marisol Testa"), images("Samplewright^Marisol")),
    (MARISOL, images("Samplewright^Marisol^Testa")),
    (chart("Samplewright", "Marisol Testa"), images("Samplewright^Marisol^T")),
    (chart("Samplewright", "Marisol Testa"), images("Samplewright^Testa")),
    (MARISOL, images("Samplewright^M")),
    (MARISOL, images("Samplewright^M.")),
    # titles and generations
    (chart("Rahim", "Md Karim", sex="male"), images("Rahim^Karim^^^Jr", sex="M")),
    (chart("Smith", "John", sex="male"), images("SMITH JR^JOHN", sex="M")),
    # other scripts in other groups
    (chart("山田", "花子"), images("Yamada^Hanako", groups=("山田^花子", "やまだ^はなこ"))),
    (chart("山田", "はな"), images("Yamada^Hana", groups=("山田^はな", "やまだ^はな"))),
    (chart("やまだ", "はなこ"), images("Yamada^Hanako", groups=("山田^花子", "やまだ^はなこ"))),
    (chart("김", "희중"), images("Kim^Hie Joong", groups=("金^喜中", "김^희중"))),
    # a value that is not there, or not whole
    (MARISOL, images("Samplewright^Marisol", birth="")),
    (chart("Samplewright", "Marisol", birth=""), images("Samplewright^Marisol")),
    (chart("Samplewright", "Marisol", birth="1992"), images("Samplewright^Marisol")),
    (chart("Samplewright", "Marisol", birth="1992-03"), images("Samplewright^Marisol")),
    (MARISOL, images("")),
    (MARISOL, images("^^")),
    (chart("Lovelace", "Ada", sex="other"), images("Lovelace^Ada", sex="F")),
]

NOTHING = [
    (MARISOL, images("", birth="")),
    (chart("Samplewright", "Marisol", birth=""), images("")),
    (chart("", "", birth=""), images("Samplewright^Marisol")),
]

OTHERS = [
    # the birth date is never a spelling
    (MARISOL, images("Samplewright^Marisol", birth="1992-03-15")),
    (MARISOL, images("Samplewright^Marisol", birth="1992-04-13")),
    (MARISOL, images("Samplewright^Marisol", birth="1929-03-14")),
    (chart("Samplewright", "Marisol", birth="1992-12-03"), images("Samplewright^Marisol", birth="1992-03-12")),
    (chart("Samplewright", "Marisol", birth="1992"), images("Samplewright^Marisol", birth="1993-01-01")),
    (chart("Samplewright", "Marisol", birth="199"), images("Samplewright^Marisol", birth="1992-03-14")),
    # sex
    (MARISOL, images("Samplewright^Marisol", sex="M")),
    (chart("Samplewright", "Marisol", sex="male"), images("Samplewright^Marisol", sex="F")),
    # wholly another name, whatever else agrees
    (MARISOL, images("Placeholder^Peter")),
    (MARISOL, images("Placeholder^Marisol")),
    (MARISOL, images("Samplewright^Petra")),
    (MARISOL, images("Marisol^Placeholder")),
    (MARISOL, images("ANONYMOUS")),
    (MARISOL, images("Samplewright")),
    (MARISOL, images("Marisol")),
    (chart("Samplewright", ""), images("Samplewright^Marisol")),
    (chart("Sukarno"), images("Suharto")),
    # twins: one birth date, one family
    (chart("Twinley", "Castor", sex="male"), images("Twinley^Pollux", sex="M")),
    (chart("Twinley", "Carla"), images("Twinley^Clara")),
    (chart("Twinley", "Anna"), images("Twinley^Annabel")),
    (chart("Twinley", "Jean-Paul", sex="male"), images("Twinley^Jean-Pierre", sex="M")),
    (chart("Twinley", "Maria Anna"), images("Twinley^Maria Berta")),
    (chart("Twinley", "Maria A"), images("Twinley^Maria^B")),
    (chart("Twinley", "Mohammed Ali", sex="male"), images("TWINLEY^MOHAMMED HASSAN", sex="M")),
    (chart("Twinley", "Marisol"), images("Twinley^P")),
    # half of a double name, and the other half contradicted
    (chart("García López", "Ana"), images("GARCIA PEREZ^ANA")),
    (chart("Smith-Jones", "Ann"), images("Smith-Brown^Ann")),
    (chart("Smith", "Ann Lee"), images("Lee^Ann")),
    (chart("Jones", "Ann"), images("Ann^Smith")),
    # particles are no family name, unless there is no other
    (chart("Berg", "Anna"), images("Van Der^Bert")),
    (chart("van der Berg", "Anna"), images("van der Meer^Anna")),
    (chart("van der Berg", "Anna"), images("van der^Anna")),
    (chart("Du", "Wei"), images("Le^Wei")),
    (chart("Du", "Wei"), images("Wei")),
    (chart("al-Masri", "Layla"), images("al-Sayed^Layla")),
    # father and son
    (chart("Smith Jr", "John", birth="", sex="male"), images("Smith^John^^^Sr", sex="M")),
    # words cut elsewhere are other words
    (chart("Li", "San"), images("Lis^An")),
    # scripts: what cannot be compared is not taken on trust
    (chart("山田", "花子"), images("Yamada^Hanako")),
    (chart("山田", "花子"), images("Yamada^Taro", groups=("山田^太郎",))),
    (chart("Yamada", "Hanako"), images("", groups=("山田^花子",))),
    (MARISOL, images("Placeholder^Peter", groups=("Samplewright^Marisol",))),
    (chart("김", "희중"), images("김^희준")),
    (chart("김", "희"), images("김^희중")),
    (chart("はやし", "ゆい"), images("ばやし^ゆき")),
    (chart("शर्मा", "नीता"), images("शर्मा^नेता")),
    # a name that is only marks is no name
    (MARISOL, images("-^.")),
]

ROWS = [
    *((*row, "match") for row in SAME),
    *((*row, "probable") for row in ASK),
    *((*row, "absent") for row in NOTHING),
    *((*row, "conflict") for row in OTHERS),
]


@pytest.mark.parametrize(("claim", "person", "outcome"), ROWS)
def test_the_identity_gate(claim: Claim, person: Person, outcome: str) -> None:
    """Each row is one pair of people and the one right outcome."""
    assert compare(claim, person).outcome == outcome


def test_the_gate_has_enough_rows_to_be_believed() -> None:
    """A table that somebody has shortened is no gate."""
    assert len(ROWS) >= 100
    assert len(OTHERS) >= 40


def test_every_field_says_what_it_found() -> None:
    """Staff see both sides and the result of each field."""
    rows = compare(MARISOL, images("Samplewright^M", birth="", number="B2")).as_rows()
    assert rows == (
        {"field": "name", "chart": "Samplewright, Marisol", "images": "Samplewright^M", "result": "variant"},
        {"field": "birth_date", "chart": BORN, "images": "", "result": "absent"},
        {"field": "sex", "chart": "female", "images": "F", "result": "match"},
        {"field": "id", "chart": "A1", "images": "B2", "result": "variant"},
    )


def test_a_number_among_the_other_numbers_is_the_same_number() -> None:
    """A disc made where the patient has another number may name ours beside it."""
    person = Person("Samplewright^Marisol", BORN, "F", "OUT-1", other_ids=("a1",))
    assert compare(MARISOL, person).result("id") == "match"


NAMES = st.text(st.characters(codec="utf-8", exclude_characters="^="), max_size=12)


@given(NAMES, NAMES, NAMES, NAMES)
def test_whatever_the_names_another_birth_date_never_passes(a: str, b: str, c: str, d: str) -> None:
    """No name is similar enough to excuse a birth date."""
    assert compare(chart(a, b), images(f"{c}^{d}", birth="1992-03-13")).outcome == "conflict"


@given(NAMES, NAMES)
def test_a_name_is_never_in_conflict_with_itself(family: str, given_name: str) -> None:
    """The gate does not stop the right person, in any script."""
    assert compare(chart(family, given_name), images(f"{family}^{given_name}")).result("name") != "conflict"


def test_somebody_without_a_birth_date_does_not_make_two_people_one() -> None:
    """One header without birth date, then two people of one name: two people are on this disc."""
    vague, one, other = (images("Smith^Ann", birth=birth) for birth in ("", BORN, "1950-01-01"))
    for order in ((vague, one, other), (one, vague, other), (other, one, vague)):
        assert [person.birth_date for person in distinct(order)] in ([BORN, "1950-01-01"], ["1950-01-01", BORN])


def test_spellings_of_one_person_are_one_and_the_fullest_stands_for_them() -> None:
    """A scanner and a workstation write one name in two ways."""
    short, full = images("SAMPLEWRIGHT^M", sex=""), images("Samplewright^Marisol")
    assert distinct([short, full]) == [full]


@pytest.mark.parametrize(
    "other",
    [
        images("Samplewright^M", birth="", number="B2"),
        images("", number="B2"),
        images("", birth="", number="B2"),
        images("Twinley^Pollux"),
        images("Samplewright^Marisol", sex="M"),
    ],
)
def test_in_doubt_there_are_two_people_on_a_disc(other: Person) -> None:
    """Half an identity is not joined to a whole one without something that agrees."""
    assert len(distinct([images("Samplewright^Marisol"), other])) == 2


def test_a_header_without_a_name_belongs_to_whoever_has_its_number() -> None:
    """A report object often carries the number alone."""
    assert len(distinct([images("Samplewright^Marisol"), images("", birth="", sex="")])) == 1


def test_the_worst_of_several_people_speaks_for_all() -> None:
    """One wrong picture among a thousand right ones is a wrong patient."""
    right = images("Samplewright^Marisol")
    assert worst(MARISOL, [right, images("Placeholder^Peter"), images("")]).outcome == "conflict"
    assert worst(MARISOL, [right, images("", birth="")]).outcome == "absent"
    assert worst(MARISOL, [right, right]).outcome == "match"
    assert worst(MARISOL, []).outcome == "absent"


# -- other letters, other names ----------------------------------------------------------------------------------

LETTERS = [
    ("Люксембург", "Роза", "Lyuksemburg^Roza"),
    ("Люксембург", "Роза", "Luxemburg^Rosa"),
    ("Иванов", "Юрий", "IVANOV^YURI"),
    ("Щербаков", "Андрей", "Shcherbakov^Andrey"),
    ("Παπαδόπουλος", "Διονύσιος", "Papadopoulos^Dionysios"),
    ("קרת", "שרון", "Keret^Sharon"),
    ("قباني", "نزار", "Qabbani^Nizar"),
    ("قباني", "نزار", "Kabbani^Nizar"),
    ("김", "희중", "Kim^Hie Joong"),
    ("박", "지성", "Park^Ji-sung"),
    ("이", "영애", "Lee^Youngae"),
]
OTHER_LETTERS = [
    ("Иванов", "Юрий", "Petrov^Yuri"),
    ("Иванов", "Юрий", "Ivanov^Andrey"),
    ("Иванова", "Юлия", "Ivanov^Yuri"),
    ("Παπαδόπουλος", "Διονύσιος", "Papadopoulos^Georgios"),
    ("קרת", "שרון", "Keret^Moshe"),
    ("قباني", "نزار", "Qabbani^Khalid"),
    ("김", "희중", "Lee^Hie Joong"),
    ("김", "희중", "Kim^Hie Jin"),
    ("山田", "花子", "Yamada^Hanako"),
]


@pytest.mark.parametrize(("family", "given_name", "written"), LETTERS)
def test_a_name_in_latin_letters_is_a_reason_to_ask(family: str, given_name: str, written: str) -> None:
    """Never a match by itself, and never against the birth date; the other way round as well."""
    assert compare(chart(family, given_name), images(written)).outcome == "probable"
    assert compare(chart(family, given_name), images(written, birth="1992-03-15")).outcome == "conflict"
    latin_family, _, latin_given = written.partition("^")
    assert compare(chart(latin_family, latin_given), images(f"{family}^{given_name}")).outcome == "probable"


@pytest.mark.parametrize(("family", "given_name", "written"), OTHER_LETTERS)
def test_another_name_in_latin_letters_is_another_person(family: str, given_name: str, written: str) -> None:
    """And so is one whose letters we cannot read."""
    assert compare(chart(family, given_name), images(written)).outcome == "conflict"


def test_a_name_from_before_a_marriage_is_a_reason_to_ask() -> None:
    """Whichever side knows it: the chart, or the header (Patient's Birth Name, Other Patient Names)."""
    married = chart("Wedlock", "Marisol")
    assert compare(married, images("Samplewright^Marisol")).outcome == "conflict"
    known = replace(married, other_names=(("Samplewright", ""), ("Elsewhere", "Marisol")))
    assert compare(known, images("Samplewright^Marisol")).outcome == "probable"
    told = replace(images("Samplewright^Marisol"), other_names=("Wedlock^Marisol",))
    assert compare(married, told).outcome == "probable"
    both = replace(images("Third^Marisol"), other_names=("Samplewright^Marisol",))
    assert compare(known, both).outcome == "probable"


def test_an_earlier_name_never_hides_another_person() -> None:
    """Not with another birth date, sex or given name; and a name of nothing names nobody."""
    known = replace(chart("Wedlock", "Marisol"), other_names=(("Samplewright", ""),))
    assert compare(known, images("Samplewright^Marisol", birth="1992-03-15")).outcome == "conflict"
    assert compare(known, images("Samplewright^Marisol", sex="M")).outcome == "conflict"
    assert compare(known, images("Samplewright^Petra")).outcome == "conflict"
    empty = replace(images("Samplewright^Petra"), other_names=("^", "=", ""))
    assert compare(chart("Wedlock", "Marisol"), empty).outcome == "conflict"


def test_two_names_of_one_person_on_a_disc_are_one_person() -> None:
    """Where a header knows both, and the birth date agrees."""
    now = replace(images("Wedlock^Marisol", number="B"), other_names=("Samplewright^Marisol",))
    then = images("Samplewright^Marisol", number="A")
    assert len(distinct([then, now])) == len(distinct([now, then])) == 1
    assert len(distinct([replace(then, birth_date="1990-01-01"), now])) == 2
