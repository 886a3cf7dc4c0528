"""Plain records survive storage exactly, and text that is not ours is refused without showing it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_app.case import Agreement, Ask, Opinion, Party, Patient, SeriesNote, StudyNote, Upload, Urgency
from smart_app.given import SeriesSeen
from smart_app.referral import Referral, Status
from smart_app.store.codec import DocumentUnreadable, decode, encode

AT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
EXPERT = Party("expert", "Dr Bo Lind", "https://id.example/users/7")
OPINION = Opinion(1, "Yes.", "12 mm.", "Growth.", Agreement.NO_DIFFERENCE, EXPERT, AT)
REFERRAL = Referral("r1", "north", Patient("Patient/1", "Núñez"), EXPERT, Ask("Larger?"), "reading", AT)

zones = st.sampled_from([UTC, timezone(timedelta(hours=-5)), timezone(timedelta(hours=5, minutes=45))])
st.register_type_strategy(
    datetime,
    st.datetimes(datetime(1900, 1, 3), datetime(9999, 12, 29), timezones=zones),  # noqa: DTZ001
)

# No measure of a header is infinite (`imaging.values`), and none could be stored: a test below.
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))


@pytest.mark.parametrize("kind", [Referral, Upload, Opinion, Party], ids=lambda kind: kind.__name__)
def test_every_record_that_can_be_made_is_read_back_equal(kind: type) -> None:
    """Any text, any enum, any nesting, any zone."""

    @settings(max_examples=60, deadline=None, database=None)
    @given(st.from_type(kind))
    def holds(record: object) -> None:
        assert decode(kind, encode(record)) == record

    holds()


def test_moments_are_kept_in_utc_with_their_microseconds() -> None:
    """So that text can be compared, and no zone of a server leaks in."""
    eastern = datetime(2026, 3, 2, 4, 0, 0, 123456, tzinfo=timezone(timedelta(hours=-5)))
    text = encode(replace(OPINION, signed_at=eastern))
    assert '"signed_at":"2026-03-02T09:00:00.123456+00:00"' in text
    assert decode(Opinion, text).signed_at.tzinfo is UTC


def test_a_moment_without_a_zone_is_refused_before_it_is_stored() -> None:
    with pytest.raises(ValueError, match="without a time zone"):
        encode(replace(OPINION, signed_at=datetime(2026, 3, 2)))  # noqa: DTZ001


@pytest.mark.parametrize("number", [float("inf"), float("nan")])
def test_a_number_that_json_cannot_hold_is_refused_before_it_is_stored(number: float) -> None:
    """Other programs could not read what Python would write."""
    with pytest.raises(ValueError, match="JSON"):
        encode(SeriesSeen("1.2.3", "1.2", thickness=number))


def test_enums_and_tuples_come_back_as_enums_and_tuples() -> None:
    """Not as the words and lists that JSON holds."""
    study = StudyNote("1.2", series=(SeriesNote("1.2.3", "CT", instances=(("1.2.3.4", "1.2", None),)),))
    case = replace(REFERRAL, ask=Ask("Larger?", Urgency.ASAP), held=(Status.SENT,), studies=(study,))
    back = decode(Referral, encode(case))
    assert back == case
    assert type(back.ask.urgency) is Urgency
    assert type(back.held[0]) is Status
    assert type(back.studies[0].series[0].instances[0]) is tuple


def test_text_stored_before_a_field_existed_still_reads() -> None:
    """A field added with a default needs no migration; one we no longer know is left out."""
    text = encode(EXPERT).replace(',"organisation":""', ',"shoe_size":44')
    assert decode(Party, text) == EXPERT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "null",
        '{"role":"expert"}',
        '{"role":"expert","name":null}',
        '{"role":7,"name":"Secret Name"}',
        '{"role":"expert","name":"Secret Name"',
    ],
)
def test_text_of_another_shape_is_refused_without_showing_it(text: str) -> None:
    """Errors reach logs; what stands in a case must not."""
    with pytest.raises(DocumentUnreadable) as refused:
        decode(Party, text)
    assert "Secret" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    ("field", "value"), [("agreement", "6"), ("signed_at", "2026-03-02T09:00:00"), ("version", "1")]
)
def test_a_value_outside_its_type_is_refused(field: str, value: str) -> None:
    """An unknown grade, a moment without a zone, a number kept as text."""
    import json

    document = {**json.loads(encode(OPINION)), field: value}
    with pytest.raises(DocumentUnreadable):
        decode(Opinion, json.dumps(document))


def test_a_case_with_thousands_of_pictures_is_read_in_well_under_a_second() -> None:
    """Worklists read a hundred of them."""
    from time import process_time

    instances = tuple((f"1.2.840.113619.2.55.3.{n}", "1.2.840.10008.5.1.4.1.1.2", n) for n in range(4000))
    case = replace(REFERRAL, studies=(StudyNote("1.2", series=(SeriesNote("1.2.3", "CT", instances=instances),)),))
    text = encode(case)
    begun = process_time()
    assert decode(Referral, text) == case
    assert process_time() - begun < 0.5
