"""Dates move by whole days, UIDs and pseudonyms hang on the key alone, and a description keeps the trade's words."""

from __future__ import annotations

import re
import stat
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imaging.deidentify import Keys, read_key
from imaging.deidentify.dates import moved
from imaging.deidentify.keys import FARTHEST, NEAREST
from imaging.deidentify.known import Known, spellings, words_of
from imaging.deidentify.scan import Scanner
from imaging.deidentify.words import cleaned, vocabulary
from imaging.errors import KeyUnusable

KEYS = Keys(b"k" * 32)


@pytest.mark.parametrize(
    ("vr", "before", "after"),
    [
        ("DA", b"20240311", b"20240301"),
        ("DA", b"20240305", b"20240224"),
        ("DA", b"2024.03.11", b"20240301"),
        ("DA", b"20240311\\20240312", b"20240301\\20240302"),
        ("DA", b"20241399", b""),
        ("DA", b"yesterday", b""),
        ("DA", b"", b""),
        ("DT", b"20240311101500.123456-0500", b"20240301101500.123456-0500"),
        ("DT", b"2024031110", b"2024030110"),
        ("DT", b"20240311", b"20240301"),
        ("DT", b"202403", b"202403"),
        ("DT", b"2024", b"2024"),
        ("DT", b"20240311 seen by Miller", b""),
        ("TM", b"101500.12", b"101500.12"),
        ("TM", b"10:15:00", b"10:15:00"),
        ("TM", b"10 by Miller", b""),
    ],
)
def test_a_date_moves_by_days_and_a_time_of_day_stays(vr: str, before: bytes, after: bytes) -> None:
    """Ten days back; what is no date is not passed on."""
    assert moved(vr, before, -10) == after


@given(st.dates(min_value=date(1920, 1, 1)), st.integers(-FARTHEST, -NEAREST))
@settings(max_examples=60, deadline=None)
def test_intervals_stay(day: date, days: int) -> None:
    """Two dates of one patient keep their distance."""
    one = moved("DA", day.strftime("%Y%m%d").encode(), days).decode()
    assert date(int(one[:4]), int(one[4:6]), int(one[6:])) == day + timedelta(days=days)


def test_uids_hang_on_the_key_alone() -> None:
    """The same key, the same UID, whenever; another key, another. The form is that of a UUID under 2.25."""
    new = KEYS.uid("1.2.3")
    assert new == Keys(b"k" * 32).uid("1.2.3")
    assert new != Keys(b"j" * 32).uid("1.2.3")
    assert new != KEYS.uid("1.2.4")
    assert re.fullmatch(r"2\.25\.[1-9][0-9]{0,38}", new)
    number = int(new[5:])
    assert number >> 76 & 0xF == 8
    assert number >> 62 & 0x3 == 2
    assert KEYS.uid("1.2.840.10008.1.2") == "1.2.840.10008.1.2"
    assert KEYS.uid("") == ""


@given(st.text(min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_every_shift_is_secret_and_into_the_past(person: str) -> None:
    """Within its bounds, and of the pseudonym."""
    pseudonym = KEYS.pseudonym(person)
    assert -FARTHEST <= KEYS.shift(pseudonym) <= -NEAREST
    assert re.fullmatch(r"SO-[A-Z2-7]{10}", pseudonym)


def test_a_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """Read again it is the same; nobody else may read it; too short a one is refused by name."""
    path = tmp_path / "keys" / "one"
    first = read_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_key(path).uid("1.2.3") == first.uid("1.2.3")
    assert [p.name for p in path.parent.iterdir()] == ["one"]
    path.write_text("short")
    with pytest.raises(KeyUnusable, match="one: the key is shorter"):
        read_key(path)
    with pytest.raises(KeyUnusable):
        read_key(tmp_path)
    with pytest.raises(KeyUnusable):
        Keys(b"short")


def test_each_case_of_an_installation_has_its_own_keys() -> None:
    """The same secret and case, the same UIDs; another case, others."""
    assert Keys.of_case(b"s", "7").uid("1.2.3") == Keys.of_case(b"s", "7").uid("1.2.3")
    assert Keys.of_case(b"s", "7").uid("1.2.3") != Keys.of_case(b"s", "8").uid("1.2.3")


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CT CHEST ABDOMEN W CONTRAST", "CT CHEST ABDOMEN W CONTRAST"),
        ("Axial 1.25mm soft", "Axial 1.25mm soft"),
        ("ep2d_diff_trace_p2_ADC", "ep2d_diff_trace_p2_ADC"),
        ("Cráneo sin contraste", "Craneo sin contraste"),
        ("SMITH JOHN CT HEAD", "CT HEAD"),
        ("white matter brain", "brain"),
        ("MRN 12345 head", "head"),
        ("seen 2024-03-01, tel 555 0100", ""),
        ("head 11/03", "head"),
        ("Thorax  5.0  B31s", "Thorax 5.0 B31s"),
        ("for Dr", ""),
        ("山田 CT", "CT"),
        ("CTHEAD1234567", ""),
        ("head " * 60, ""),
        ("", ""),
    ],
)
def test_a_description_keeps_the_words_of_the_trade(text: str, left: str) -> None:
    """Known words, sizes and kernels stay; names, dates, numbers and unknown words go."""
    assert cleaned(text, frozenset({"white"})) == left


@given(st.text(max_size=130))
@settings(max_examples=200, deadline=None)
def test_nothing_unknown_gets_through(text: str) -> None:
    """Whatever the text, what is left is ASCII made of the vocabulary, short numbers and signs."""
    left = cleaned(text, frozenset())
    assert left.isascii()
    for word in re.findall(r"[A-Za-z0-9]+(?:\.[0-9]+)?", left):
        plain = word.lower()
        assert (
            plain in vocabulary()
            or f"{plain}*" in vocabulary()
            or re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,2})?[a-z]{0,3}|[a-z]r?[0-9]{2}[a-z]?", plain)
        )


def test_what_the_vocabulary_holds_is_plain() -> None:
    """Lower case, no accents, one word each: else it would never match."""
    assert all(word == word.lower() and word.isascii() for word in vocabulary())


@pytest.mark.parametrize(
    "text",
    [
        b"Plantagenet", b"PLANTAGENET^ZEBEDEE", b"zebedee plantagenet", b"x MRN-778812 y", b"mrn 778812",
        b"19610704", b"1961-07-04", b"04.07.1961", b"07/04/1961", "für Müller".encode(), "MÜLLER".encode("latin-1"),
        b"Rita Thistlewood", b"thistlewood", b"at St. Elsewhere General Hospital", b"on 2024-03-11", b"UID 1.2.3.4.5.6",
    ],
)  # fmt: skip
def test_the_scan_finds_what_it_knows_in_every_writing(text: bytes) -> None:
    """In a header's bytes, wherever they stand."""
    known = Known()
    for tag, vr, value in (
        (0x00100010, "PN", "Plantagenet^Zebedee"), (0x00100010, "PN", "Müller^Anna"), (0x00100020, "LO", "MRN-778812"),
        (0x00100030, "DA", "19610704"), (0x00080090, "PN", "Thistlewood^Rita"), (0x00080020, "DA", "20240311"),
        (0x00080080, "LO", "St. Elsewhere General Hospital"), (0x0020000D, "UI", "1.2.3.4.5.6"),
    ):  # fmt: skip
        known.learn(tag, vr, value, "SO-A")
    scanner = Scanner(known, dates_move=True)
    header = bytes(128) + b"DICM" + b"\x09\x00\x01\x10UN\0\0" + len(text).to_bytes(4, "little") + text
    assert scanner.suspects(header, "SO-A")
    assert scanner.leaks(header, "SO-A")
    assert not scanner.suspects(bytes(200) + b"CT HEAD 20231202 2.25.77", "SO-A")


def test_one_patients_words_are_nobody_elses() -> None:
    """Mr. Chest's pictures may not say chest; those of others may."""
    known = Known()
    known.learn(0x00100010, "PN", "Chest^Adam", "SO-A")
    scanner = Scanner(known, dates_move=True)
    assert scanner.suspects(b"CT CHEST", "SO-A")
    assert not scanner.suspects(b"CT CHEST", "SO-B")
    assert scanner.suspects(b"for Adam Chest", "SO-B")


def test_spellings_are_those_of_other_systems() -> None:
    """Case, accents and encodings; words are parted by what is no letter."""
    assert {b"muller", "MÜLLER".encode(), "müller".encode(), "Müller".encode("latin-1")} <= spellings("Müller")
    assert words_of(b"Doe^John=x-1_2") == (b"doe", b"john", b"x", b"1", b"2")
