"""The patients' portal of the practice hospitals: sign in as a patient or for a child, see results, ask for an opinion.

Rule: what a patient starts here opens at the top of the window, and the portal passes on who is signed in.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, abort, redirect, render_template, request

from smart_app.sandbox import handing, looking
from smart_app.sandbox.control import make_launch
from smart_app.sandbox.house import House
from smart_app.sandbox.pages import attachment
from smart_app.sandbox.staff import Signed, find, portal_people
from smart_app.sandbox.town import Town

COOKIE = "practice-portal"


class Portal:
    """The patients' pages of every hospital."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def join(self, app: Flask) -> None:
        """Add the routes."""
        app.add_url_rule("/portal/", "portal", self.hospitals)
        app.add_url_rule("/portal/<ehr>/", "portal-home", self.home)
        app.add_url_rule("/portal/<ehr>/sign-in", "portal-sign-in", self.sign_in, methods=["GET", "POST"])
        app.add_url_rule("/portal/<ehr>/sign-out", "portal-sign-out", self.sign_out, methods=["POST"])
        app.add_url_rule("/portal/<ehr>/second-opinion", "portal-app", self.second_opinion, methods=["POST"])
        app.add_url_rule("/portal/<ehr>/disc", "portal-disc", self.disc)
        app.add_url_rule("/portal/<ehr>/file/<kind>/<key>/<int:number>", "portal-file", self.file)

    def hospitals(self) -> str:
        """Which hospital's patient are you?"""
        return render_template("portal-hospitals.html", house=None, town=self.town)

    def sign_in(self, ehr: str) -> Any:
        """A page of people; `as` signs in without hands."""
        house = self._house(ehr)
        people = portal_people(house)
        person = find(people, request.values.get("as") or request.values.get("chosen") or "")
        if person is None:
            page = {"people": people, "action": f"/portal/{ehr}/sign-in", "given": {}, "unknown": ""}
            return render_template("sign-in.html", house=house.personality, **page)
        answer = redirect(f"/portal/{ehr}/")
        answer.set_cookie(f"{COOKIE}-{ehr}", person.reference, httponly=True, samesite="Lax")
        return answer

    def sign_out(self, ehr: str) -> Any:
        """Good-bye."""
        answer = redirect("/portal/")
        answer.delete_cookie(f"{COOKIE}-{ehr}")
        return answer

    def home(self, ehr: str) -> Any:
        """My record."""
        house = self._house(ehr)
        person = self._person(house)
        if person is None:
            return redirect(f"/portal/{ehr}/sign-in")
        banner = looking.banner(house, person.patient)
        email = self._email(house, person)
        return render_template(
            "portal-home.html",
            house=house.personality,
            person=person,
            banner=banner,
            documents=looking.documents(house, "DocumentReference", person.patient, for_patient=True),
            reports=looking.documents(house, "DiagnosticReport", person.patient, for_patient=True),
            studies=handing.held(house, person.patient),
            letters=list(reversed(self.town.mailbox.letters(email))) if email else [],
        )

    def second_opinion(self, ehr: str) -> Any:
        """Open the app as this patient, or for this child."""
        house = self._house(ehr)
        person = self._signed(house)
        asked = {"patient": person.patient, "user": person.reference, "audience": "patient"}
        return redirect(make_launch(self.town, house, asked)["launch_url"])

    def disc(self, ehr: str) -> Response:
        """The pictures on a disc, as hospitals give them: a ZIP with a DICOMDIR-like tree of odd names."""
        house = self._house(ehr)
        person = self._signed(house)
        raw = handing.disc(house, person.patient)
        if raw is None:
            abort(404)
        answer = Response(raw, content_type="application/zip")
        answer.headers["Content-Disposition"] = 'attachment; filename="my-disc.zip"'
        return answer

    def file(self, ehr: str, kind: str, key: str, number: int) -> Response:
        """The bytes of one attachment of the signed-in patient."""
        house = self._house(ehr)
        person = self._signed(house)
        shown = looking.documents(house, kind, person.patient, for_patient=True)
        if key not in {row.id for row in shown}:
            abort(404)
        return attachment(house, person.patient, kind, key, number)

    def _house(self, ehr: str) -> House:
        house = self.town.houses.get(ehr)
        if house is None:
            abort(404)
        return house

    def _person(self, house: House) -> Signed | None:
        return find(portal_people(house), request.cookies.get(f"{COOKIE}-{house.name}", ""))

    def _signed(self, house: House) -> Signed:
        person = self._person(house)
        if person is None:
            abort(403)
        return person

    def _email(self, house: House, person: Signed) -> str:
        kind, _, key = person.reference.partition("/")
        found = house.records.shelf.newest(kind, key)
        telecom = found.resource.get("telecom", []) if found else []
        return next((str(entry["value"]) for entry in telecom if entry.get("system") == "email"), "")
