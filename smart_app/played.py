"""The people of a played referral: each does by HTTP what a person does with a browser."""

from __future__ import annotations

import io
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.cookies import RequestsCookieJar

from imaging.errors import ImagingError
from imaging.media import survey
from imaging.phantom import ct_study
from imaging.reconcile import distinct
from imaging.study import Person

BATCH = 12  # files in one request
JSON = {"Accept": "application/json"}
WORDS = {
    "answer": "Yes. The second reading agrees with the first.",
    "findings": "The examination is technically adequate. No additional finding.",
    "comparison": "None available.",
    "impression": "No difference from the first reading.",
    "recommendation": "None.",
    "limits": "Images only; the patient was not examined.",
    "plain_words": "The expert agrees with your first report.",
    "agreement": "1",
    "critical": "no",
    "first_report_read": "after",
}
TICKED = tuple(("confirm", name) for name in ("name", "birth_date", "side", "study_date"))


class StepFailed(Exception):
    """A step did not succeed. `why` is the gate's word where a gate stopped it (e.g. "wrong-patient")."""

    def __init__(self, text: str, why: str = "") -> None:
        super().__init__(text)
        self.why = why
        self.step = ""


@dataclass(frozen=True)
class Images:
    """The files to give and the one person they name."""

    files: tuple[Path, ...]
    person: Person


def images_in(path: Path) -> Images:
    """The images of a folder, ZIP or file, of exactly one person. Raises StepFailed in a clear sentence."""
    if not path.exists():
        raise StepFailed(f"{path}: there is no such file or folder.")
    try:
        found = survey([path])
    except ImagingError as problem:
        raise StepFailed(str(problem)) from problem
    if not found.studies:
        counts = ", ".join(f"{n} {verdict}" for verdict, n in sorted(found.counts.items())) or "no files"
        raise StepFailed(f"{path}: no DICOM images in it ({counts}).")
    people = distinct(found.people)
    if len(people) > 1:
        names = "; ".join(f"{p.name or 'no name'} ({p.birth_date or 'no birth date'})" for p in people)
        raise StepFailed(f"{path}: images of {len(people)} people: {names}. Give one person's.", "two-people")
    files = tuple(sorted(p for p in path.rglob("*") if p.is_file())) if path.is_dir() else (path,)
    return Images(files, people[0])


class LoopbackJar(RequestsCookieJar):
    """A Secure cookie belongs to http on loopback too, as browsers have it (Secure Contexts, section 3.1)."""

    def set_cookie(self, cookie: Cookie, *args: Any, **kwargs: Any) -> None:
        """Keep the cookie, whatever the scheme."""
        cookie.secure = False
        super().set_cookie(cookie, *args, **kwargs)


class Browser:
    """One person's browser: cookies of its own, pages asked for as JSON."""

    def __init__(self) -> None:
        self.http = requests.Session()
        self.http.cookies = LoopbackJar()
        self.url = ""
        self.page: dict[str, Any] = {}

    def open(self, url: str) -> dict[str, Any]:
        """Go there and keep the page's state."""
        return self._keep(self.http.get(url, headers=JSON, timeout=60))

    def post(
        self, path: str, form: dict[str, Any] | list[tuple[str, str]] | None = None, files: Any = None
    ) -> dict[str, Any]:
        """Send a form of this line and follow to the page that shows the result."""
        fields = form if isinstance(form, list) else list((form or {}).items())
        parts = urlsplit(self.url)
        headers = {**JSON, "Origin": f"{parts.scheme}://{parts.netloc}"}
        body = [("csrf", self.page["csrf"]), *fields]
        return self._keep(self.http.post(self.at(path), data=body, files=files, headers=headers, timeout=300))

    def at(self, path: str) -> str:
        """An address on this line."""
        parts = urlsplit(self.url)
        line = "/".join(parts.path.split("/")[:3])
        return f"{parts.scheme}://{parts.netloc}{line}/{path}"

    def _keep(self, answer: requests.Response) -> dict[str, Any]:
        page: dict[str, Any] = {}
        with suppress(ValueError):
            page = answer.json()
        if not answer.ok or "error" in page:
            error = page.get("error", {})
            raise StepFailed(error.get("message") or f"answered {answer.status_code}", error.get("why", ""))
        self.url = answer.url
        self.page = page
        return page


class Clinician(Browser):
    """Asks in the chart, and reads what comes back."""

    def __init__(self, launch_url: str) -> None:
        super().__init__()
        self.open(launch_url)
        self.referral = ""

    def ask(self, question: str) -> str:
        """One question; answers the referral's id."""
        form = {
            "question": question,
            "urgency": "routine",
            "subspecialty": "neuro",
            "side": "none",
            "decision": "Whether to repeat the examination",
            "organisation": "northlight",
        }
        self.referral = str(self.post("ask", form)["id"])
        return self.referral

    def state(self) -> dict[str, Any]:
        """Where the referral stands now."""
        return self.open(self.at(f"referrals/{self.referral}"))

    def acknowledge(self) -> None:
        """ "I have read this", said of the newest version."""
        version = self.state()["version"]
        self.post(f"referrals/{self.referral}/acknowledge", {"version": version, "next_step": "plan-stays"})

    def record(self) -> dict[str, Any]:
        """The referral as a FHIR Bundle."""
        answer = self.http.get(self.at(f"referrals/{self.referral}/record"), headers=JSON, timeout=60)
        answer.raise_for_status()
        bundle: dict[str, Any] = answer.json()
        return bundle


class Patient(Browser):
    """Gives the images in three steps."""

    def __init__(self, launch_url: str) -> None:
        super().__init__()
        self.open(launch_url)

    def tell(self) -> None:
        """Step 1."""
        form = {"question": "What do my pictures show?", "side": "none", "copy_to_doctor": "yes"}
        self.post("tell", {**form, "very_ill": "no", "agree": "yes"})

    def give(self, files: Iterable[Path], report: Path | None, *, stranger: bool = False) -> None:
        """Step 2: every file, in batches; a stranger's pictures among them where the scenario says so."""
        everything = [*files, *([report] if report else [])]
        for start in range(0, len(everything), BATCH):
            opened = [("files", (p.name, p.open("rb"))) for p in everything[start : start + BATCH]]
            try:
                self.post("show/files", files=opened)
            finally:
                for _, (_, stream) in opened:
                    stream.close()
        if stranger:
            other = Person(name="Strangerson^Sam", birth_date="1951-01-02", sex="M", id="X-1")
            drawn = ct_study(other, study_date="2026-11-03", description="Head", series=1, slices=2)
            self.post("show/files", files=[("files", (f"other{n}.dcm", io.BytesIO(b))) for n, b in enumerate(drawn)])

    def confirm(self) -> None:
        """ "Yes, these are mine." """
        self.post("show/mine", {"mine": "yes"})

    def send(self) -> None:
        """Step 3."""
        self.post("send")

    def status(self) -> str:
        """Where it stands, in our word."""
        return str(self.open(self.at("status"))["status"])


class Expert(Browser):
    """Signs in with the reading organisation, takes the case, looks, signs."""

    def __init__(self, app_base: str, organisation: str) -> None:
        super().__init__()
        self.open(f"{app_base}/sign-in/{organisation}?login_hint=exemplar")
        self.referral = ""

    def accept(self, referral_id: str) -> None:
        """Take it from the worklist."""
        cases = self.open(self.at("worklist"))["cases"]
        if referral_id not in {case["id"] for case in cases}:
            raise StepFailed("The case is not on the worklist.")
        self.referral = referral_id
        self.post(f"cases/{referral_id}/accept")

    def look(self) -> None:
        """Open the images as the viewer does: every series' metadata and one whole instance."""
        self.post(f"cases/{self.referral}/begin")
        line = urlsplit(self.url).path.split("/")[2]
        parts = urlsplit(self.url)
        root = f"{parts.scheme}://{parts.netloc}/dicomweb/{line}/{self.referral}"
        accept = {"Accept": "application/dicom+json"}
        instances = 0
        for study in self._list(f"{root}/studies", accept):
            uid = study["0020000D"]["Value"][0]
            for series in self._list(f"{root}/studies/{uid}/series", accept):
                instances += len(
                    self._list(f"{root}/studies/{uid}/series/{series['0020000E']['Value'][0]}/metadata", accept)
                )
        if not instances:
            raise StepFailed("The viewer would show no image.")

    def _list(self, url: str, headers: dict[str, str]) -> list[dict[str, Any]]:
        answer = self.http.get(url, headers=headers, timeout=60)
        if not answer.ok:
            raise StepFailed(f"the images answered {answer.status_code}")
        return list(answer.json())

    def sign(self) -> None:
        """A finished opinion, with every check ticked, after signing in once more."""
        self.prove()
        self.post(f"cases/{self.referral}/sign", [*WORDS.items(), *TICKED])

    def prove(self) -> None:
        """The organisation asks again who is there."""
        self.open(self.at(f"prove/go?to=cases/{self.referral}"))

    def revise(self, reason: str) -> None:
        """The next version, saying what changed."""
        words = {**WORDS, "impression": "No difference from the first reading, as corrected.", "change": "corrected"}
        self.prove()
        self.post(f"cases/{self.referral}/revise", [*words.items(), ("change_reason", reason), *TICKED])


class Operator(Browser):
    """Settles what is parked."""

    def __init__(self, app_base: str) -> None:
        super().__init__()
        self.open(f"{app_base}/sign-in/desk?login_hint=operator")

    def it_is_there(self, referral_id: str, resource: str) -> None:
        """A person looked into the chart and found it."""
        for row in self.open(self.at("operate"))["parked"]:
            if row["referral_id"] == referral_id and row["action"] == "file_opinion":
                self.post(f"operate/{row['id']}/there", {"resource": resource})
                return
        raise StepFailed("Nothing is parked for this referral.")
