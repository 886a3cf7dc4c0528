"""What was found in an upload, over HTTP: for its giver to decide, for the clinician to go on without."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from smart_app.case import Ask, Side, StudyNote
from smart_app.deliver.outcome import SYSTEM
from smart_app.web.whys import in_words
from tests.discs import FILES, altered, directory, of, zipped
from tests.papers import in_dicom, pdf, structured
from tests.unit.test_web_patient import ASKED, ME, Home
from tests.web import JSON
from tests.webdesk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """The app."""
    made = Desk(tmp_path)
    yield made
    made.close()


ALIKE = ({"field": "name", "chart": "x", "images": "x", "result": "match"},)
STUDY = StudyNote("1.2.3", started="2026-11-03")


def mine(content: bytes) -> bytes:
    """That object of this patient."""
    return altered(
        content,
        PatientName=ME.name,
        PatientBirthDate=ME.birth_date.replace("-", ""),
        PatientSex=ME.sex,
        PatientID=ME.id,
    )


CAPTURE = mine(altered(of(ME, description="Screen"), Modality="SC", SOPClassUID="1.2.840.10008.5.1.4.1.1.7"))


def test_a_report_among_the_pictures_is_offered_and_its_giver_decides(desk: Desk) -> None:
    """The page asks; no answer leaves it a picture."""
    home = Home(desk)
    home.post("tell", **ASKED)
    home.give(of(ME), mine(in_dicom()), mine(structured()))
    state = home.get("show").json
    assert [offer["kind"] for offer in state["offers"]] == ["pdf", "sr"]
    page = home.client.get(f"/line/{home.line.id}/show").get_data(as_text=True)
    assert "Reports are among your pictures" in page
    first, second = (offer["key"] for offer in state["offers"])
    assert home.post("show/report", key=first, taken="yes").location.endswith("/show")
    assert home.post("show/report", key=second, taken="no").location.endswith("/show")
    state = home.get("show").json
    assert (state["offers"], "report" in state["gaps"], state["counts"]) == ([], False, {"image": 3})
    again = home.post("show/report", key=first, taken="yes")
    assert (again.status_code, again.json["error"]["fields"]) == (422, {"offer": "missing"})


def test_picture_sets_that_the_disc_lists_and_nobody_gave_are_told_in_the_persons_language(desk: Desk) -> None:
    """On the page where they can still be added, and on the one before sending."""
    home = Home(desk)
    home.post("tell", **ASKED)
    files = [mine(content) for content in FILES]
    home.give(directory(files), files[0])
    told = {sign["rule"]: sign["text"] for sign in home.get("show").json["lacking"]}
    assert told["missing-series"].startswith("We got 1 of 2 picture sets. Missing: Head CT 2.")
    home.client.set_cookie("__Host-second-opinion-language", "es", secure=True, path="/")
    for place in ("show", "check"):
        page = home.client.get(f"/line/{home.line.id}/{place}", base_url="https://localhost").get_data(as_text=True)
        assert "Recibimos 1 de 2 series de imágenes" in page, place


def test_a_picture_that_may_show_a_name_is_shown_to_its_giver_only(desk: Desk) -> None:
    """Drawn, uncached, and by no other name than ours."""
    home = Home(desk)
    home.post("tell", **ASKED)
    home.give(of(ME), CAPTURE)
    (found,) = home.get("check").json["with_text"]
    assert (found["why"], found["series"]) == ("capture", "Screen 1")
    answer = home.get(f"show/picture/{found['key']}")
    assert Image.open(io.BytesIO(answer.get_data())).format == "JPEG"
    assert "no-store" in answer.headers["Cache-Control"]
    page = home.client.get(f"/line/{home.line.id}/check").get_data(as_text=True)
    assert f"show/picture/{found['key']}" in page
    plain = next(p.name for p in (desk.ports.staging / _upload_id(desk, home)).iterdir() if p.name != found["key"])
    for other in (plain, "nothing", "../../keys"):
        assert home.get(f"show/picture/{other}").status_code == 404
    assert desk.client().get(f"/line/{desk.line().id}/show/picture/{found['key']}", headers=JSON).status_code != 200


def _upload_id(desk: Desk, home: Home) -> str:
    with desk.ports.store.reading() as tx:
        upload = tx.uploads.of_referral(home.now().id)
    assert upload is not None
    return upload.id


def test_the_wrong_report_is_taken_out_by_its_giver(desk: Desk) -> None:
    """A stop page of its own; the count stays, the bytes go."""
    home = Home(desk)
    home.post("tell", **ASKED)
    home.post(
        "show/files",
        files=[(io.BytesIO(of(ME)), "IM0"), (io.BytesIO(pdf("MRI of the left knee.")), "report.pdf")],
    )
    home.post("show/mine", mine="yes")
    assert home.post("send").status_code == 409
    page = home.client.get(f"/line/{home.line.id}/show").get_data(as_text=True)
    assert "The report speaks of the other side" in page
    assert "Take the report out" in page
    home.post("show/no-report")
    state = home.get("show").json
    assert (state["stopped"], state["counts"]) == ("", {"image": 1, "not-an-image": 1})
    assert len(list((desk.ports.staging / _upload_id(desk, home)).iterdir())) == 1
    assert home.post("send").location.endswith("/status")


def test_a_clinician_goes_on_without_it_by_name_and_the_patient_cannot(desk: Desk) -> None:
    """A breast case without a mammogram: the reason stands beside the gap."""
    ask = Ask("Is it a cancer?", side=Side.LEFT, subspecialty="breast")
    referral = desk.referral("gathering")
    with desk.ports.store.transaction() as tx:
        tx.referrals.save(replace(tx.referrals.get(referral.id), ask=ask))
    home = Home(desk, referral)
    home.post("tell", **ASKED)
    home.give(of(ME, modality="MR"))
    home.post("show/mine", mine="yes")
    refused = home.post("send")
    assert (refused.status_code, refused.json["error"]["fields"]) == (422, {"complete": "missing"})
    page = home.client.get(f"/line/{home.line.id}/check").get_data(as_text=True)
    assert "The expert needs a mammogram" in page
    assert "Send my pictures" not in page
    assert home.post(f"referrals/{referral.id}/override", rule="breast-mammogram", reason="x").status_code in (403, 404)
    line = desk.line()
    path = f"/line/{line.id}/referrals/{referral.id}"
    shown = desk.client().get(path).get_data(as_text=True)
    assert "No mammogram among the images." in shown
    proof = {"csrf": desk.client().get(path, headers=JSON).json["csrf"], "rule": "breast-mammogram"}
    bare = desk.client().post(f"{path}/override", data={**proof, "reason": " "}, headers=JSON)
    assert (bare.status_code, bare.json["error"]["fields"]) == (422, {"override": "missing"})
    said = desk.client().post(
        f"{path}/override", data={**proof, "reason": "Only the MRI is in question."}, headers=JSON
    )
    assert said.status_code == 303
    assert "Only the MRI is in question." in desk.client().get(path).get_data(as_text=True)
    assert home.post("send").location.endswith("/status")
    with desk.ports.store.transaction() as tx:
        sent = tx.referrals.get(referral.id).send(SYSTEM, desk.now, (STUDY,), (), ALIKE)
        tx.referrals.save(sent)
    expert = desk.web.line("expert", desk.browser)
    page = desk.client().get(f"/line/{expert.id}/cases/{referral.id}").get_data(as_text=True)
    assert "Only the MRI is in question." in page
    assert "A mammogram" in page


def test_somebody_elses_report_is_not_shown_to_a_stranger(desk: Desk) -> None:
    """Another patient's line reaches none of these addresses' bytes."""
    home = Home(desk)
    home.post("tell", **ASKED)
    home.give(CAPTURE)
    (found,) = home.get("check").json["with_text"]
    other = Home(desk)
    other.line = desk.web.line("patient", desk.browser, patient="Patient/9", context={"patient": {}})
    assert other.get(f"show/picture/{found['key']}").status_code in (403, 404)


@pytest.mark.parametrize(
    ("why", "spanish"),
    [
        ("The file is empty.", "El archivo está vacío."),
        ("Larger than 4,000 bytes.", "Mayor de 4,000 bytes."),
        (
            "The virus scanner stopped this file (Eicar (1)). It was not kept.",
            "El antivirus detuvo este archivo (Eicar (1)).",
        ),
        ("More than 10 files. Give them in smaller parts.", "Son más de 10 archivos."),
        ("More than 10 bytes. Give them in smaller parts.", "En total son más de 10 bytes."),
        ("The ZIP unpacks to more than 200 times its size. It was not opened.", "en más de 200 veces su tamaño"),
        ("ZIPs and disc images are nested deeper than 1.", "a más de 1 de profundidad"),
        ("Something that nobody translated.", "Something that nobody translated."),
        ("", ""),
    ],
)
def test_why_a_file_was_not_taken_is_said_in_the_persons_language(desk: Desk, why: str, spanish: str) -> None:
    """Every sentence of the pictures' library, its values kept."""
    with desk.app.test_request_context(headers={"Accept-Language": "es"}):
        assert spanish in in_words(why)


def test_each_file_that_was_not_taken_says_why_and_a_limit_that_was_met_is_named(desk: Desk) -> None:
    """On the page, beside its name."""
    home = Home(desk)
    home.post("tell", **ASKED)
    home.give(of(ME), of(ME)[:-900])
    page = home.client.get(f"/line/{home.line.id}/show").get_data(as_text=True)
    assert "The picture is cut short. Ask the imaging centre for a new copy." in page
    csrf = home.get("emergency").get_json()["csrf"]
    bomb = zipped({"bomb": bytes(20_000_000)})
    form = {"csrf": csrf, "files": [(io.BytesIO(bomb), "d.zip")]}
    refused = home.client.post(f"/line/{home.line.id}/show/files", data=form)
    assert refused.status_code == 422
    assert "more than 200 times its size" in refused.get_data(as_text=True)
    assert home.post("show/files", files=[(io.BytesIO(bomb), "d.zip")]).json["error"]["fields"] == {"files": "unsafe"}
