"""The control face: what `second-opinion play`, tests and integrators tell the practice. JSON, loopback only.

Rule: it does what a person could do on the screens, and asks no sign-in, since nothing here is real.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Flask, Response, abort, jsonify, request

from smart_app.sandbox.grants import Launch
from smart_app.sandbox.house import House
from smart_app.sandbox.people import patient_resource
from smart_app.sandbox.shelf import stamp
from smart_app.sandbox.staff import doctors, find, patient_person, portal_people
from smart_app.sandbox.town import Town
from smart_app.sandbox.writing import new_id


def join(app: Flask, practice: Town) -> None:
    """Add the routes."""

    _doing(app, practice)
    _looking(app, practice)


def _house(practice: Town, ehr: str) -> House:
    found = practice.houses.get(ehr)
    if found is None:
        abort(404)
    return found


def _doing(app: Flask, practice: Town) -> None:
    def house(ehr: str) -> House:
        return _house(practice, ehr)

    @app.post("/practice/<ehr>/patients")
    def add_patient(ehr: str) -> tuple[Response, int]:
        return jsonify(make_patient(house(ehr), _body())), 201

    @app.post("/practice/<ehr>/launches")
    def add_launch(ehr: str) -> tuple[Response, int]:
        try:
            return jsonify(make_launch(practice, house(ehr), _body())), 201
        except ValueError as problem:
            return jsonify({"fault": str(problem)}), 400

    @app.post("/practice/<ehr>/scenario")
    def set_scenario(ehr: str) -> tuple[Response, int]:
        body = _body()
        try:
            house(ehr).records.scenarios.set(str(body.get("patient", "")), body.get("scenario"))
        except ValueError as problem:
            return jsonify({"fault": str(problem)}), 400
        return jsonify({"scenarios": house(ehr).records.scenarios.all()}), 200

    @app.post("/practice/<ehr>/notes/<note_id>/sign")
    def sign(ehr: str, note_id: str) -> tuple[Response, int]:
        signer = str(_body().get("user") or doctors(house(ehr))[0].reference)
        if not sign_note(house(ehr), note_id, signer):
            return jsonify({"fault": "There is no unsigned note with that id."}), 404
        return jsonify({"signed": note_id}), 200


def _looking(app: Flask, practice: Town) -> None:
    def house(ehr: str) -> House:
        return _house(practice, ehr)

    @app.get("/practice/<ehr>/documents")
    def documents(ehr: str) -> Response:
        every = request.args.get("all") == "1"
        return jsonify({"documents": written(house(ehr), request.args.get("patient", ""), every=every)})

    @app.get("/practice/<ehr>/patients")
    def patients(ehr: str) -> Response:
        listed = [vars(person) for person in portal_people(house(ehr))]
        return jsonify({"patients": listed, "doctors": [vars(person) for person in doctors(house(ehr))]})

    @app.get("/practice/state")
    def state() -> Response:
        return jsonify(practice.state())


def make_patient(house: House, given: dict[str, Any]) -> dict[str, str]:
    """A new patient with a visit that is open now, unless `encounter` is false. What is given empty stays absent."""
    shelf = house.records.shelf
    patient_id = new_id(house.personality, shelf, "Patient")
    names = given.get("given", ["Test"])
    patient = patient_resource(
        house.personality,
        patient_id,
        family=str(given.get("family", "Practice")),
        given=tuple(str(name) for name in ([names] if isinstance(names, str) else names) if name),
        birth_date=str(given.get("birth_date", "1970-01-01")),
        sex=str(given.get("sex", "unknown")),
        mrn=str(given.get("mrn") or patient_id[-7:]),
    )
    if given.get("email"):
        patient["telecom"] = [{"system": "email", "value": str(given["email"])}]
    if given.get("language"):
        coding = {"system": "urn:ietf:bcp:47", "code": str(given["language"])}
        patient["communication"] = [{"language": {"coding": [coding]}, "preferred": True}]
    patient_id = shelf.put([patient], "chart")[0].resource["id"]  # a server behind us chooses the id itself
    if not given.get("encounter", True):
        return {"id": patient_id, "encounter": ""}
    visit = {
        "resourceType": "Encounter",
        "id": new_id(house.personality, shelf, "Encounter"),
        "status": "in-progress",
        "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
        "subject": {"reference": f"Patient/{patient_id}"},
        "period": {"start": stamp(shelf.now())},
    }
    return {"id": patient_id, "encounter": shelf.put([visit], "chart")[0].resource["id"]}


def make_launch(practice: Town, house: House, given: dict[str, Any]) -> dict[str, str]:
    """A launch of our app as the chart (or the portal) would make it. Raises ValueError for what does not exist."""
    audience = str(given.get("audience", "clinician"))
    if audience not in ("clinician", "patient"):
        raise ValueError("audience is clinician or patient")
    patient = str(given.get("patient", "")).rpartition("/")[2]
    people = portal_people(house)
    person = find([p for p in people if p.reference.startswith("Patient/")], patient) or patient_person(house, patient)
    if person is None:
        raise ValueError("there is no such patient")
    if audience == "patient":
        user = find([p for p in people if p.patient == person.patient], str(given.get("user") or person.reference))
    else:
        listed = doctors(house)
        user = find(listed, str(given.get("user") or listed[0].reference))
    if user is None:
        raise ValueError("there is no such user for this patient")
    if "scenario" in given:
        house.records.scenarios.set(person.patient, given["scenario"])
    encounter = "" if audience == "patient" else str(given.get("encounter") or open_visit(house, person.patient))
    opened = " ".join(str(reference) for reference in given.get("opened", []))
    carried, handle = str(given.get("app_context", "")), str(given.get("handle", ""))
    launch = house.grants.give_launch(
        Launch(person.patient, encounter.rpartition("/")[2], user.reference, audience, carried, handle, opened)
    )
    iss = house.face(audience).fhir_base
    door = "launch/patient" if audience == "patient" else "launch"  # a portal and a chart may share one iss
    url = f"{practice.app_base}/{door}?{urlencode({'iss': iss, 'launch': launch})}"
    return {"launch": launch, "iss": iss, "launch_url": url}


def open_visit(house: House, patient: str) -> str:
    """The id of the visit that is open now; empty if none is."""
    for version in house.records.shelf.present("Encounter", patient):
        if version.resource.get("status") == "in-progress":
            return str(version.resource["id"])
    return ""


OPINIONS = ("DocumentReference", "DiagnosticReport", "Communication")


def written(house: House, patient: str, *, every: bool = False) -> list[dict[str, Any]]:
    """The opinions apps wrote for a patient (or for all), newest last; `every` adds all else they wrote."""
    wanted = patient.rpartition("/")[2]
    found = []
    for kind in house.records.shelf.types() if every else OPINIONS:
        if kind == "Binary":
            continue
        for version in house.records.shelf.present(kind, wanted):
            first = house.records.shelf.history(kind, version.resource["id"])[0]
            if first.origin in ("seed", "chart"):
                continue
            found.append(
                {
                    "reference": version.reference,
                    "by": first.origin,
                    "at": version.at,
                    "version": version.number,
                    "status": version.resource.get("status", ""),
                    "docStatus": version.resource.get("docStatus", ""),
                    "resource": version.resource,
                }
            )
    return sorted(found, key=lambda line: line["at"])


def sign_note(house: House, note_id: str, signer: str) -> bool:
    """A clinician signs an unsigned note. False where there is none."""
    version = house.records.shelf.newest("DocumentReference", note_id)
    if version is None or version.resource.get("docStatus") != "preliminary":
        return False
    signed = {**version.resource, "docStatus": "final", "authenticator": {"reference": signer}}
    house.records.shelf.put([signed], "chart")
    return True


def _body() -> dict[str, Any]:
    body = request.get_json(silent=True)
    return body if isinstance(body, dict) else {}
