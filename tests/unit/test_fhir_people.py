"""People read from charts: names in every spelling, and nothing guessed."""

from __future__ import annotations

from typing import Any

import pytest

from fhir.errors import ChartConflict
from fhir.people import display_name, must_be, read_patient, read_practitioner

ABSENT = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "masked"}]}
MR = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0203", "code": "MR"}]}
PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "identifier": [
        {"use": "usual", "system": "urn:ssn", "value": "999"},
        {"use": "old", "type": MR, "system": "urn:mrn", "value": "M-0"},
        {"type": MR, "system": "urn:mrn", "value": "M-1"},
    ],
    "name": [
        {"use": "old", "family": "Before"},
        {"use": "usual", "family": "Ruiz", "given": ["Mari"]},
        {"use": "official", "family": "Ruiz García", "given": ["María", "Elena"], "prefix": ["Dra."]},
    ],
    "gender": "female",
    "birthDate": "1971-03-02",
    "telecom": [
        {"system": "phone", "value": "1"},
        {"system": "email", "use": "old", "value": "a@x"},
        {"system": "email", "value": "b@x"},
    ],
    "communication": [
        {"language": {"coding": [{"code": "en"}]}},
        {"language": {"coding": [{"code": "es"}]}, "preferred": True},
    ],
}


def test_the_official_name_and_the_medical_record_number_are_read() -> None:
    person = read_patient(PATIENT)
    assert (person.reference, person.family, person.given) == ("Patient/p1", "Ruiz García", ("María", "Elena"))
    assert (person.mrn, person.mrn_system) == ("M-1", "urn:mrn")
    assert (person.birth_date, person.sex) == ("1971-03-02", "female")
    assert (person.language, person.email) == ("es", "b@x")
    assert not person.partly_readable
    assert display_name(PATIENT) == "Dra. María Elena Ruiz García"


def test_without_a_medical_record_number_the_usual_identifier_stands_in() -> None:
    person = read_patient({**PATIENT, "identifier": PATIENT["identifier"][:2]})
    assert (person.mrn, person.mrn_system) == ("999", "urn:ssn")


@pytest.mark.parametrize(
    ("text", "family", "given"),
    [("Ruiz García, María Elena", "Ruiz García", ("María", "Elena")), ("María Ruiz", "María Ruiz", ())],
)
def test_a_name_of_text_alone_is_not_cut_by_guessing(text: str, family: str, given: tuple[str, ...]) -> None:
    """Which word is the family name cannot be told without a comma."""
    person = read_patient({**PATIENT, "name": [{"text": text}]})
    assert (person.family, person.given) == (family, given)
    assert person.partly_readable


def test_a_name_of_text_alone_is_shown_as_it_is() -> None:
    assert display_name({"name": [{"text": "María Ruiz"}]}) == "María Ruiz"


@pytest.mark.parametrize(
    "oddity",
    [
        {"name": [{"_family": ABSENT}]},
        {"name": "x"},
        {"name": None},
        {"birthDate": None, "_birthDate": ABSENT},
        {"birthDate": "2 March 1971"},
        {"birthDate": 1971},
        {"gender": "F"},
    ],
)
def test_what_is_absent_or_odd_is_left_empty_and_said(oddity: dict[str, Any]) -> None:
    """A data-absent-reason in place of a birth date is not a birth date."""
    assert read_patient({**PATIENT, **oddity}).partly_readable


@pytest.mark.parametrize("known", ["1971", "1971-03"])
def test_a_partial_birth_date_is_kept_as_it_is(known: str) -> None:
    assert read_patient({**PATIENT, "birthDate": known}).birth_date == known


@pytest.mark.parametrize(
    "odd", [{}, {"identifier": {"value": "1"}, "telecom": [3], "communication": [{"language": 3}]}]
)
def test_nothing_a_chart_sends_makes_reading_fail(odd: dict[str, Any]) -> None:
    assert read_patient(odd).partly_readable
    assert read_practitioner(odd).partly_readable


def test_a_practitioner_role_is_named_by_its_displays() -> None:
    role = {
        "resourceType": "PractitionerRole",
        "id": "r",
        "practitioner": {"display": "Okafor, Ada"},
        "organization": {"display": "Cedar"},
        "telecom": [{"system": "phone", "value": "555"}],
    }
    found = read_practitioner(role)
    assert (found.reference, found.name, found.organisation, found.phone) == (
        "PractitionerRole/r",
        "Okafor, Ada",
        "Cedar",
        "555",
    )


def test_an_organisation_is_named_by_its_name() -> None:
    assert display_name({"resourceType": "Organization", "name": "Cedar  Readers"}) == "Cedar Readers"


def test_every_other_name_is_kept_for_comparing() -> None:
    """Maiden and old names stand on images that were made before a marriage; the one in use is not among them."""
    names = [
        {"use": "old", "family": "Früher", "given": ["Marisol", "T"]},
        {"use": "official", "family": "Wedlock", "given": ["Marisol"]},
        {"use": "maiden", "family": "Samplewright"},
        {"use": "anonymous", "family": "Nobody"},
        {"use": "nickname", "given": ["Mari"]},
        {"use": "maiden", "family": "Samplewright"},
    ]
    person = read_patient({"resourceType": "Patient", "id": "1", "name": names})
    assert person.family == "Wedlock"
    assert person.other_names == (("Früher", "Marisol T"), ("Samplewright", ""))


def _linked(kind: str, other: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": "2", "link": [{"type": kind, "other": {"reference": other}}]}


@pytest.mark.parametrize(
    ("answered", "taken"),
    [
        ({"resourceType": "Patient", "id": "1"}, True),
        ({"resourceType": "Patient", "id": "2"}, False),
        ({"resourceType": "Patient"}, False),
        ({"resourceType": "Person", "id": "1"}, False),
        (
            {"resourceType": "Patient", "id": "2", "link": [{"type": "replaces", "other": {"reference": "Patient/1"}}]},
            True,
        ),
        (_linked("replaces", "https://ehr.example/fhir/Patient/1"), True),
        (
            {"resourceType": "Patient", "id": "2", "link": [{"type": "seealso", "other": {"reference": "Patient/1"}}]},
            False,
        ),
        (
            {"resourceType": "Patient", "id": "2", "link": [{"type": "replaces", "other": {"reference": "Patient/3"}}]},
            False,
        ),
        ({"resourceType": "Patient", "id": "2", "link": [None, {"type": "replaces"}, {"other": "Patient/1"}]}, False),
    ],
)
def test_a_chart_that_answers_with_another_record_opens_nobody(answered: dict[str, Any], taken: bool) -> None:
    """Only the one that was asked for, or the one that says that it took its place in a merge."""
    if taken:
        assert must_be(answered, "Patient/1") is answered
    else:
        with pytest.raises(ChartConflict):
            must_be(answered, "Patient/1")
