"""ImagingStudy built from the pictures and read from charts."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir import codes
from fhir.body_sites import body_site, has_sides
from fhir.chart import is_clean
from fhir.check import check
from fhir.study import endpoint, imaging_study, read_imaging_study
from smart_app.case import SeriesNote, StudyNote

UID = "1.2.826.0.1.3680043.8.498.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
REFERRAL = "3f1c1d0e-6a3b-4c55-9f0a-0d6f1c2b7a11"
SERIES = SeriesNote(
    series_instance_uid=f"{UID}.1",
    modality="CT",
    number=2,
    description="AXIAL",
    body_part="KNEE",
    laterality="L",
    instances=((f"{UID}.1.1", CT, 1), (f"{UID}.1.2", CT, -5)),
)
STUDY = StudyNote(
    study_instance_uid=UID,
    started="2024-05-08T14:02:00-05:00",
    description="CT KNEE",
    accession="A-1",
    institution="Outside Imaging",
    modalities=("CT", "SR"),
    series=(SERIES,),
)
DATA = Path(__file__).parents[2].parent / "shared/data"


def built(study: StudyNote = STUDY, **more: Any) -> dict[str, Any]:
    resource = imaging_study(study, subject="Patient/p", referral_id=REFERRAL, **more)
    check(resource)
    assert is_clean(resource)  # fhirclient reads it strictly: a second opinion on our shape
    return resource


def test_a_study_carries_its_uid_and_first_of_all_an_identifier_of_ours() -> None:
    """A search by ours finds our copy, never the hospital's own record of the same study."""
    ours, uid, accession = built()["identifier"]
    assert (ours["system"], ours["value"]) == (codes.STUDY_OF_REFERRAL, f"{REFERRAL}/{UID}")
    assert (uid["system"], uid["value"]) == ("urn:dicom:uid", f"urn:oid:{UID}")
    assert uid["type"]["coding"][0]["code"] == "110180"
    assert accession["assigner"]["display"] == "Outside Imaging"


def test_an_accession_number_without_an_issuer_stays_at_home() -> None:
    """The same number means another study elsewhere."""
    assert len(built(replace(STUDY, institution=""))["identifier"]) == 2
    with_system = built(replace(STUDY, institution=""), accession_system="urn:acc")["identifier"][2]
    assert with_system["system"] == "urn:acc"


def test_the_subject_is_the_patient_of_the_chart_and_counts_are_of_what_is_held() -> None:
    resource = built()
    assert resource["subject"] == {"reference": "Patient/p"}
    assert (resource["numberOfSeries"], resource["numberOfInstances"]) == (1, 2)
    assert resource["series"][0]["numberOfInstances"] == 2


def test_series_and_instances_keep_bare_uids_and_drop_impossible_numbers() -> None:
    series = built()["series"][0]
    assert series["uid"] == f"{UID}.1"
    first, second = series["instance"]
    assert first["sopClass"] == {"system": "urn:ietf:rfc:3986", "code": f"urn:oid:{CT}"}
    assert (first["number"], "number" in second) == (1, False)


def test_derived_objects_are_not_modalities_of_the_study() -> None:
    assert [m["code"] for m in built()["modality"]] == ["CT"]
    only = replace(STUDY, modalities=("SR",), series=(replace(SERIES, modality="SR"),))
    assert [m["code"] for m in built(only)["modality"]] == ["SR"]


def test_a_missing_modality_is_other() -> None:
    nameless = replace(STUDY, modalities=(), series=(replace(SERIES, modality=""),))
    resource = built(nameless)
    assert resource["modality"][0]["code"] == "OT"
    assert resource["series"][0]["modality"]["code"] == "OT"


@pytest.mark.parametrize(
    ("started", "said"),
    [
        ("2024-05-08T14:02:00-05:00", "2024-05-08T14:02:00-05:00"),
        ("2024-05-08", "2024-05-08"),
        ("2024-05-08T14:02:00", "2024-05-08"),
        ("", None),
        ("yesterday", None),
    ],
)
def test_a_time_without_a_zone_becomes_a_date(started: str, said: str | None) -> None:
    """R4 forbids a time without a zone, and inventing one moves the study."""
    assert built(replace(STUDY, started=started)).get("started") == said


@pytest.mark.parametrize(
    ("part", "letter", "code"),
    [("KNEE", "L", "419161000"), ("BREAST", "R", "419465000"), ("", "B", "51440002"), ("WIDGET", "L", "419161000")],
)
def test_the_side_is_coded(part: str, letter: str, code: str) -> None:
    series = built(replace(STUDY, series=(replace(SERIES, body_part=part, laterality=letter),)))["series"][0]
    assert series["laterality"]["code"] == code


def test_a_part_without_sides_gets_none() -> None:
    series = built(replace(STUDY, series=(replace(SERIES, body_part="CHEST", laterality="L"),)))["series"][0]
    assert "laterality" not in series
    assert series["bodySite"]["code"] == "816094009"


@pytest.mark.parametrize(
    ("part", "code"), [("CHEST", "816094009"), ("THORAX", "816094009"), ("c spine", "122494005"), ("Brain", "12738006")]
)
def test_body_parts_have_the_codes_of_the_dicom_table(part: str, code: str) -> None:
    site = body_site(part)
    assert site is not None
    assert site["code"] == code


def test_an_unknown_body_part_keeps_its_words_and_gets_no_code() -> None:
    assert body_site("left big toe nail") == {"display": "left big toe nail"}
    assert body_site("  ") is None


def test_our_body_part_table_agrees_with_dicom_part_16() -> None:
    """PS3.16 table L-1."""
    source = DATA / "fhir-packages/dicom/bodypart-sct.json"
    if not source.is_file():
        pytest.skip("the DICOM table is not on this machine")
    table = json.loads(source.read_text("utf-8"))["map"]
    ours = json.loads((Path(__file__).parents[2] / "fhir/body_parts.json").read_text("utf-8"))
    assert ours.keys() == table.keys()
    for part, row in table.items():
        site = body_site(part)
        assert site is not None
        assert (site["code"], site["display"]) == (row["code"], row["display"]), part
        assert has_sides(site) == any(r["paired"] for r in table.values() if r["code"] == row["code"]), part


def test_the_region_of_the_anatomy_is_a_better_word_than_the_body_part() -> None:
    """(0008,2218) comes with its own SNOMED CT code; a code of the retired SNOMED RT is no SNOMED CT code."""
    region = ("71854001", "SCT", "Colon")
    series = built(replace(STUDY, series=(replace(SERIES, body_part="ABDOMEN", region=region),)))["series"][0]
    assert series["bodySite"] == {"system": codes.SNOMED, "code": "71854001", "display": "Colon"}
    assert body_site("", ("T-59300", "SRT", "Colon")) == series["bodySite"]
    assert body_site("ABDOMEN", ("T-59300", "SRT", "Large bowel"))["code"] == "818981001"  # type: ignore[index]


def test_people_procedure_and_reason_go_out_as_words_or_with_their_codes() -> None:
    """Nobody in a header becomes a Practitioner of the chart; a hospital's own code has no system to stand in."""
    resource = built(
        replace(
            STUDY,
            referring="Sender^Sam^^Dr",
            interpreter="First^Frida",
            reason="Pain after a fall",
            procedures=(("36226-8", "LN", "CT Chest"), ("X9", "99LOCAL", "Our knee"), ("X9", "99LOCAL", "")),
            accession_issuer="RIS-OUT",
            series=(replace(SERIES, started="2024-05-08T14:05:00-05:00", performer="Tech^Tom", titles=("A", "")),),
        )
    )
    assert resource["referrer"] == {"display": "Dr Sam Sender"}
    assert resource["interpreter"] == [{"display": "Frida First"}]
    assert resource["reasonCode"] == [{"text": "Pain after a fall"}]
    loinc = {"system": codes.LOINC, "code": "36226-8", "display": "CT Chest"}
    assert resource["procedureCode"] == [
        {"coding": [loinc], "text": "CT Chest"},
        {"text": "Our knee"},
        {"text": "X9 (99LOCAL)"},
    ]
    assert resource["identifier"][2]["assigner"] == {"display": "RIS-OUT"}
    series = resource["series"][0]
    assert (series["started"], series["performer"]) == (
        "2024-05-08T14:05:00-05:00",
        [{"actor": {"display": "Tom Tech"}}],
    )
    assert [i.get("title") for i in series["instance"]] == ["A", None]


def test_a_very_large_study_lists_its_series_only() -> None:
    many = tuple((f"{UID}.1.{n}", CT, n) for n in range(2001))
    resource = built(replace(STUDY, series=(replace(SERIES, instances=many),)))
    assert "instance" not in resource["series"][0]
    assert resource["numberOfInstances"] == 2001


def test_control_characters_of_a_header_do_not_reach_the_chart() -> None:
    assert built(replace(STUDY, description="CT\x00 KNEE\x1f"))["description"] == "CT KNEE"
    assert "description" not in built(replace(STUDY, description="\x00"))


def test_the_same_study_makes_the_same_resource() -> None:
    assert json.dumps(built()) == json.dumps(built())


def test_an_endpoint_travels_inside_and_holds_no_secret() -> None:
    point = endpoint("https://app.example.org/dicomweb/", requires_token=True)
    check(point)
    assert point["address"] == "https://app.example.org/dicomweb"
    assert point["extension"][0]["valueBoolean"] is True
    assert "extension" not in endpoint("https://a.example", requires_token=False)
    assert built(endpoint=point)["endpoint"] == [{"reference": "#wado"}]


# -- reading ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system", "value"),
    [
        ("urn:dicom:uid", f"urn:oid:{UID}"),
        ("urn:dicom:uid", UID),
        ("urn:ietf:rfc:3986", f"urn:oid:{UID}"),
        (None, f"urn:oid:{UID}"),
    ],
)
def test_a_study_uid_is_read_in_every_spelling_in_use(system: str | None, value: str) -> None:
    """R4, MADO and Synthea write it differently."""
    identifiers = [{"system": "urn:acc", "value": "1.2.3"}, {"system": system, "value": value}]
    assert read_imaging_study({"identifier": identifiers}).study_instance_uid == UID


def test_what_we_build_reads_back() -> None:
    study = read_imaging_study({**built(), "id": "i"})
    assert (study.reference, study.study_instance_uid, study.started) == ("ImagingStudy/i", UID, STUDY.started)
    assert (study.modalities, study.series_count, study.instance_count) == (("CT",), 1, 2)
    assert (study.description, study.accession) == ("CT KNEE", "A-1")
    assert not study.partly_readable


def test_an_imaging_server_that_is_not_quite_r4_is_read_all_the_same() -> None:
    """The SMART imaging example has `identifier` as an object and `patient` for `subject`."""
    study = read_imaging_study(
        {
            "resourceType": "ImagingStudy",
            "id": "x",
            "identifier": {"system": "urn:dicom:uid", "value": UID},
            "patient": {"reference": "Patient/p"},
            "modality": {"code": "MR"},
            "series": [{"endpoint": [{"reference": "Endpoint/e"}], "modality": {"code": "SR"}}, "odd"],
            "procedureCode": [{"text": "MR BRAIN"}],
        }
    )
    assert (study.study_instance_uid, study.modalities, study.endpoints) == (UID, ("MR", "SR"), ("Endpoint/e",))
    assert (study.description, study.series_count, study.instance_count) == ("MR BRAIN", 1, -1)
    assert study.partly_readable


@pytest.mark.parametrize("odd", [{}, {"identifier": 3, "series": "x", "started": 4, "numberOfSeries": "two"}])
def test_nothing_a_chart_sends_makes_reading_a_study_fail(odd: dict[str, Any]) -> None:
    assert read_imaging_study(odd).partly_readable


def test_every_study_of_the_synthetic_patients_is_readable() -> None:
    """They spell the UID with `urn:ietf:rfc:3986`."""
    folder = DATA / "fhir-examples/synthea-smart-r4"
    if not folder.is_dir():
        pytest.skip("the synthetic patients are not on this machine")
    studies = [
        read_imaging_study(entry["resource"])
        for path in folder.glob("*.json")
        for entry in json.loads(path.read_text("utf-8"))["entry"]
        if entry["resource"]["resourceType"] == "ImagingStudy"
    ]
    assert studies
    assert all(s.study_instance_uid and s.started and s.modalities and not s.partly_readable for s in studies)
