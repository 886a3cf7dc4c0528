"""The screens of the practice hospitals: a list of patients, and a chart with our button, as staff see them.

Rule: the app is opened in a frame on the chart's own page, and the app lives on another site (127.0.0.1 beside
localhost), as in a hospital.
"""

from __future__ import annotations

import secrets
from typing import Any
from urllib.parse import urlsplit

from flask import Flask, Response, abort, redirect, render_template, request

from smart_app.sandbox import cards, looking
from smart_app.sandbox.control import make_launch, sign_note
from smart_app.sandbox.house import House
from smart_app.sandbox.scenarios import SCENARIOS
from smart_app.sandbox.staff import Signed, doctors, find
from smart_app.sandbox.town import Town

TABS = {"summary": "Summary", "notes": "Notes & documents", "results": "Results", "imaging": "Imaging"}


class Screens:
    """The staff's pages of every hospital."""

    def __init__(self, town: Town) -> None:
        self.town = town

    def join(self, app: Flask) -> None:
        """Add the routes."""
        chart = "/<ehr>/patients/<patient>"
        app.add_url_rule("/", "staff-home", self.home)
        app.add_url_rule("/<any(epic, oracle, open):ehr>/", "staff-patients", self.patients)
        app.add_url_rule("/<any(epic, oracle, open):ehr>/user", "staff-user", self.user, methods=["POST"])
        app.add_url_rule(f"{chart}/", "chart", self.chart)
        app.add_url_rule(f"{chart}/<any(notes, results, imaging):tab>", "chart-tab", self.chart)
        app.add_url_rule(f"{chart}/second-opinion", "chart-app", self.second_opinion)
        app.add_url_rule(f"{chart}/cards/<card>", "chart-card", self.card, methods=["POST"])
        app.add_url_rule(f"{chart}/trouble", "chart-trouble", self.trouble, methods=["POST"])
        app.add_url_rule(f"{chart}/notes/<note>/sign", "chart-sign", self.sign, methods=["POST"])
        app.add_url_rule(f"{chart}/file/<kind>/<key>/<int:number>", "chart-file", self.file)

    def home(self) -> str:
        """Which hospitals there are."""
        return render_template("home.html", house=None, town=self.town)

    def patients(self, ehr: str) -> str:
        """The list of patients."""
        house = self._house(ehr)
        wanted = request.args.get("q", "")
        return self._page("patients.html", house, banners=looking.banners(house, wanted), wanted=wanted)

    def user(self, ehr: str) -> Any:
        """Somebody else sits down at the keyboard."""
        house = self._house(ehr)
        person = find(doctors(house), request.form.get("user", ""))
        back = request.form.get("back", "")
        answer = redirect(back if _own(back) else f"/{ehr}/")
        if person:
            answer.set_cookie(f"practice-{ehr}", person.reference, httponly=True, samesite="Lax")
        return answer

    def chart(self, ehr: str, patient: str, tab: str = "summary") -> str:
        """One patient's chart."""
        house, banner = self._chart(ehr, patient)
        return self._page(
            "chart.html",
            house,
            banner=banner,
            tab=tab,
            cards=cards.on_opening(house, self.town.app_base, self._user(house).reference, patient)
            if tab == "summary"
            else [],
            visits=looking.about(house, "Encounter", patient),
            orders=looking.about(house, "ServiceRequest", patient),
            tasks=looking.about(house, "Task", patient),
            notes=looking.documents(house, "DocumentReference", patient),
            reports=looking.documents(house, "DiagnosticReport", patient),
            messages=looking.documents(house, "Communication", patient),
            studies=looking.about(house, "ImagingStudy", patient),
        )

    def second_opinion(self, ehr: str, patient: str) -> str:
        """The chart page with our app in a frame: a fresh launch each time it is shown."""
        house, banner = self._chart(ehr, patient)
        handle = secrets.token_urlsafe(16) if house.name == "open" else ""
        carried = {"app_context": request.args.get("card", ""), "handle": handle}
        made = make_launch(self.town, house, {"patient": patient, "user": self._user(house).reference, **carried})
        url = made["launch_url"]
        return self._page("chart-app.html", house, banner=banner, tab="app", launch_url=url, handle=handle)

    def card(self, ehr: str, patient: str, card: str) -> Any:
        """Somebody put a card aside."""
        house, _ = self._chart(ehr, patient)
        cards.answered(house, self.town.app_base, card, "overridden")
        return redirect(f"/{ehr}/patients/{patient}/")

    def trouble(self, ehr: str, patient: str) -> Any:
        """Choose what goes wrong for this patient."""
        house, _ = self._chart(ehr, patient)
        wanted = request.form.get("scenario", "")
        house.records.scenarios.set(patient, wanted if wanted in SCENARIOS else None)
        return redirect(f"/{ehr}/patients/{patient}/")

    def sign(self, ehr: str, patient: str, note: str) -> Any:
        """A clinician signs a note that an app left unsigned."""
        house, _ = self._chart(ehr, patient)
        sign_note(house, note, self._user(house).reference)
        return redirect(f"/{ehr}/patients/{patient}/notes")

    def file(self, ehr: str, patient: str, kind: str, key: str, number: int) -> Response:
        """The bytes of one attachment."""
        house, _ = self._chart(ehr, patient)
        return attachment(house, patient, kind, key, number)

    def _house(self, ehr: str) -> House:
        house = self.town.houses.get(ehr)
        if house is None:
            abort(404)
        return house

    def _chart(self, ehr: str, patient: str) -> tuple[House, looking.Banner]:
        house = self._house(ehr)
        banner = looking.banner(house, patient)
        if banner is None:
            abort(404)
        return house, banner

    def _user(self, house: House) -> Signed:
        listed = doctors(house)
        wanted = request.args.get("as") or request.cookies.get(f"practice-{house.name}", "")
        return find(listed, wanted) or listed[0]

    def _page(self, template: str, house: House, **values: Any) -> str:
        return render_template(
            template,
            house=house.personality,
            users=doctors(house),
            user=self._user(house),
            tabs=TABS,
            scenarios=SCENARIOS,
            **values,
        )


def attachment(house: House, patient: str, kind: str, key: str, number: int) -> Response:
    """The bytes of one attachment of that patient's, as a page of its own."""
    found = {row.id: row for row in looking.documents(house, kind, patient)}
    version = house.records.shelf.newest(kind, key)
    if key not in found or version is None:
        abort(404)
    listed = looking.attachments(version.resource)
    if number >= len(listed):
        abort(404)
    raw, media = looking.contents(house, listed[number])
    answer = Response(raw, content_type=media)
    answer.headers["X-Content-Type-Options"] = "nosniff"
    if media != "application/pdf":  # the browser's own viewer shows a PDF, and needs no policy of ours
        answer.headers["Content-Security-Policy"] = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    return answer


def _own(back: str) -> bool:
    """Is this an address of this site?"""
    parts = urlsplit(back)
    return back.startswith("/") and not back.startswith("//") and not parts.netloc
