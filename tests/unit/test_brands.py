"""User-access Brands bundles as vendors publish them: names, towns, portals and the FHIR addresses they lead to."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_app.connect.brands import BrandsUnreadable, read_brands, read_brands_file
from smart_app.store.brands import Brand, folded

PORTAL = "http://hl7.org/fhir/StructureDefinition/organization-portal"
VERSION = "http://hl7.org/fhir/StructureDefinition/endpoint-fhir-version"
R4 = "https://ehr.example/r4"


def endpoint(name: str = "e1", address: Any = R4, **more: Any) -> dict[str, Any]:
    kind = {"connectionType": {"code": "hl7-fhir-rest"}, "status": "active"}
    return {"resourceType": "Endpoint", "id": name, "address": address, **kind, **more}


def portal(name: str, *endpoints: str) -> dict[str, Any]:
    leads = [{"url": "portalEndpoint", "valueReference": {"reference": f"Endpoint/{one}"}} for one in endpoints]
    return {"url": PORTAL, "extension": [{"url": "portalName", "valueString": name}, *leads]}


def organisation(name: Any, number: str = "o1", **more: Any) -> dict[str, Any]:
    return {"resourceType": "Organization", "id": number, "name": name, **more}


def bundle(*resources: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]}


def only(*resources: Any) -> Brand:
    (found,) = read_brands(bundle(*resources)).brands
    return found


@pytest.mark.parametrize(
    ("file", "names", "portals", "endpoints"),
    [
        ("1", {"ExampleLabs"}, {"Example Labs HealthCentral Portal"}, {"https://fhir.labs.example.com/r4"}),
        (
            "2",
            {"ExampleHealth", "ExampleHealth Community Hospital", "ExampleHealth Physicians of Madison"},
            {"My ExampleHealth Portal"},
            {"https://ehr.example.com/ProdFHIR/api/FHIR/R4"},
        ),
        (
            "3",
            {"ExampleHospital"},
            {"ExampleHospital Patient Gateway", "ExampleHospital Pediatric Portal"},
            {
                "https://ehr1.example.org/ExampleHospital/api/FHIR/R4",
                "https://ehr2.example.org/ExampleHospital/api/FHIR/R4",
            },
        ),
        (
            "4",
            {"Brand1", "Brand2"},
            {"Brand1 Portal", "Brand2 Portal"},
            {"https://example.org/brand1.org/ProdFHIR/api/FHIR/R4"},
        ),
    ],
)
def test_the_examples_of_the_standard(
    shared: Path, file: str, names: set[str], portals: set[str], endpoints: set[str]
) -> None:
    """SMART App Launch 2.2, brands, examples 1 to 4. The DSTU2 address of example 2 is no way in for us."""
    read = read_brands_file(shared / "data/ehr/spec-smart-app-launch" / f"brands-bundle-example{file}.json")
    assert {brand.name for brand in read.brands} == names
    assert {brand.portal for brand in read.brands} == portals
    assert {address for brand in read.brands for address in brand.endpoints} == endpoints
    assert read.without == 0
    assert "logo" not in repr(read).lower()


def test_a_vendors_directory_of_endpoints_alone(shared: Path) -> None:
    """479 hospitals, each inside its Endpoint."""
    read = read_brands_file(shared / "data/ehr/epic/endpoints-r4.json")
    assert len(read.brands) == 479
    assert all(brand.name and brand.endpoints for brand in read.brands)


def test_a_clinic_has_the_portal_of_the_hospital_it_is_part_of() -> None:
    clinic = organisation("Clinic", "o2", partOf={"reference": "Organization/o1"})
    ward = organisation("Ward", "o3", partOf={"reference": "Organization/o2"})
    hospital = organisation("Hospital", extension=[portal("MyHospital", "e1")])
    found = read_brands(bundle(ward, clinic, hospital, endpoint())).brands
    assert {(brand.name, brand.portal, brand.endpoints) for brand in found} == {
        (name, "MyHospital", (R4,)) for name in ("Ward", "Clinic", "Hospital")
    }
    own = {**clinic, "endpoint": [{"reference": "Endpoint/e2"}]}
    found = read_brands(bundle(own, hospital, endpoint(), endpoint("e2", "https://clinic.example/r4"))).brands
    assert (found[0].portal, found[0].endpoints) == ("MyHospital", ("https://clinic.example/r4",))


def test_a_ring_of_owners_ends() -> None:
    one = organisation("One", "o1", partOf={"reference": "Organization/o2"})
    two = organisation("Two", "o2", partOf={"reference": "Organization/o1"})
    assert read_brands(bundle(one, two)).without == 2


@pytest.mark.parametrize(
    "odd",
    [
        {"status": "off"},
        {"connectionType": {"code": "dicom-wado-rs"}},
        {"extension": [{"url": VERSION, "valueCode": "1.0.2"}]},
        {"address": "ftp://ehr.example/r4"},
        {"address": "https://ehr.example/r4?x=1"},
        {"address": None},
        {"address": "https://ehr.example/" + "x" * 600},
    ],
)
def test_an_address_that_is_no_way_in_is_left_out(odd: dict[str, Any]) -> None:
    found = read_brands(bundle(organisation("Hospital", extension=[portal("P", "e1")]), endpoint(**odd)))
    assert (found.brands[0].endpoints, found.without) == ((), 1)


@pytest.mark.parametrize(
    "fine",
    [
        {"extension": [{"url": VERSION, "valueCode": "4.0.1"}]},
        {"extension": [{"url": VERSION, "valueCode": "1.0.2"}, {"url": VERSION, "valueCode": "4.0"}]},
        {"extension": None, "connectionType": None, "status": "active"},
        {"address": "https://EHR.example:443/r4/"},
    ],
)
def test_an_address_is_kept_as_launches_compare_it(fine: dict[str, Any]) -> None:
    assert only(organisation("Hospital", extension=[portal("P", "e1")]), endpoint(**fine)).endpoints == (R4,)


def test_towns_codes_and_other_names_are_for_the_search() -> None:
    towns = [
        {"city": "Madison", "state": "WI", "postalCode": "53703"},
        {"city": "Anamosa", "state": "IA"},
        {"city": ""},
    ]
    brand = only(organisation("Hospital\u0000 \n<b>", alias=["Good\tHealth", None, 7], address=towns))
    assert brand == Brand("Hospital <b>", "Madison, WI", "", ("Good Health",), (), ("Anamosa, IA", "53703"))


def test_one_odd_entry_never_spoils_a_bundle() -> None:
    odd = [None, "text", {}, organisation(None), organisation(""), organisation("Closed", active=False)]
    odd += [organisation("Odd", "o9", extension="x", address={}, alias="x", endpoint=[None, {"reference": 5}])]
    found = read_brands(bundle(*odd, organisation("Hospital", extension=[portal("P", "e1", "nowhere")]), endpoint()))
    assert [brand.name for brand in found.brands] == ["Odd", "Hospital"]
    assert found.brands[1].endpoints == (R4,)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html>", "is not JSON"),
        (b"[]", "is not a FHIR Bundle"),
        (b'{"resourceType": "Organization"}', "is not a FHIR Bundle"),
        (b'{"resourceType": "Bundle", "entry": []}', "holds no Organization"),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Patient"}}]}', "holds no Organization"),
    ],
)
def test_a_file_that_is_something_else_is_named(tmp_path: Path, content: bytes, why: str) -> None:
    file = tmp_path / "brands.json"
    file.write_bytes(content)
    with pytest.raises(BrandsUnreadable, match=f"brands.json: {why}"):
        read_brands_file(file)
    with pytest.raises(BrandsUnreadable, match="cannot be read"):
        read_brands_file(tmp_path / "not-there.json")


MEMBERS = (
    *("resource", "extension", "url", "name", "address", "endpoint", "reference", "partOf", "alias", "contained"),
    *("city", "status", "connectionType", "managingOrganization"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(MEMBERS), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), st.lists(st.dictionaries(st.sampled_from(MEMBERS), JSON), max_size=3))
@settings(max_examples=120, deadline=None)
def test_any_json_is_a_bundle_or_a_clear_error(entries: list[Any], bodies: list[dict[str, Any]]) -> None:
    kinds = ("Organization", "Endpoint", "Organization")
    made = [{"resource": {**body, "resourceType": kind, "id": "x"}} for kind, body in zip(kinds, bodies, strict=False)]
    try:
        read = read_brands({"resourceType": "Bundle", "entry": [*entries, *made]})
    except BrandsUnreadable:
        return
    json.dumps([brand.__dict__ for brand in read.brands])
    for brand in read.brands:
        assert brand.name.isprintable()
        assert folded(brand.name) == folded(folded(brand.name))
