"""The DICOMweb face: who may look, what is answered, and that bytes leave as they were stored."""

from __future__ import annotations

import email.parser
import email.policy
import io
import json
import re
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from PIL import Image
from pydicom import dcmread
from pydicom.uid import DeflatedExplicitVRLittleEndian

from smart_app.referral import Status
from smart_app.web import drawn
from smart_app.web.sessions import IDLE
from tests.viewing import COOKIE, EXPERT, NOW, OTHER_EXPERT, SYSTEM, House, open_house, two_studies

AS_STORED = 'multipart/related; type="application/octet-stream"; transfer-syntax=*'
GONE = "There is nothing of that name here."


@pytest.fixture
def house(tmp_path: Path) -> House:
    return open_house(tmp_path)


@pytest.fixture
def client(house: House) -> FlaskClient:
    """The house's browser, with its cookie."""
    client = house.app.test_client()
    client.set_cookie(COOKIE, house.browser)
    return client


def parts(answer) -> list[tuple[str, bytes]]:
    """Content type and bytes of each part of a multipart answer."""
    head = f"Content-Type: {answer.content_type}\r\n\r\n".encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + answer.data)
    assert message.is_multipart(), answer.content_type
    boundary = re.search(r"boundary=(\w+)", answer.content_type).group(1).encode()
    raw = [piece.split(b"\r\n\r\n", 1) for piece in answer.data.split(b"--" + boundary)[1:-1]]
    return [(h.decode().split(": ", 1)[1].strip(), body[: -len(b"\r\n")]) for h, body in raw]


def first_instance(house: House) -> str:
    """The path of the first picture of the newest study, below the DICOMweb root."""
    study = house.referral.studies[0]
    series = study.series[0]
    return f"/{study.study_instance_uid}/series/{series.series_instance_uid}/instances/{series.instances[0][0]}"


# -- what is answered --------------------------------------------------------------------------------------------


def test_the_studies_of_the_referral_are_found_and_no_other(house: House, client: FlaskClient) -> None:
    """What lies on the shelf without having joined the referral is not shown."""
    root = house.root(house.line())
    assert {a["0020000D"]["Value"][0] for a in client.get(root).json} == set(house.uids)
    house.change(studies=house.referral.studies[:1])
    assert [a["0020000D"]["Value"][0] for a in client.get(root).json] == house.uids[:1]
    hidden = sorted(set(house.uids) | {n.study_instance_uid for n in house.shelf.studies()} - set(house.uids[:1]))
    not_joined = next(uid for uid in hidden if uid != house.uids[0])
    assert client.get(f"{root}/{not_joined}/metadata").status_code == 404


def test_series_and_instances_are_listed_with_paging(house: House, client: FlaskClient) -> None:
    """QIDO-RS below a study, cut by limit and offset; nothing left is 204."""
    root = f"{house.root(house.line())}/{house.uids[0]}"
    everything = client.get(f"{root}/instances").json
    assert len(client.get(f"{root}/series").json) == 2
    assert len(everything) == 6
    assert client.get(f"{root}/instances?limit=2&offset=3").json == everything[3:5]
    assert client.get(f"{root}/instances?offset=6").status_code == 204
    series = house.referral.studies[0].series[1].series_instance_uid
    assert len(client.get(f"{root}/series/{series}/instances").json) == 3
    assert client.get(f"{root}/instances?limit=-1").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "PatientID=OUT-77",
        "00100020=OUT-77",
        "PatientName=S*",
        "PatientBirthDate=19920314",
        "AccessionNumber=1",
        "Nonsense=1",
    ],
)
def test_nobody_is_searched_by_who_they_are(house: House, client: FlaskClient, query: str) -> None:
    """A patient attribute in a URL is refused, whatever it would find; so is what we do not know."""
    assert client.get(f"{house.root(house.line())}?{query}").status_code == 400


def test_what_a_viewer_adds_to_a_search_does_not_disturb_it(house: House, client: FlaskClient) -> None:
    """Paging, included fields and fuzzy matching are understood; what we do not do is said (PS3.18 section 8.3.4.2)."""
    uid = house.uids[1]
    answer = client.get(
        f"{house.root(house.line())}?limit=101&offset=0&fuzzymatching=true&includefield=00081030&StudyInstanceUID={uid}"
    )
    assert [a["0020000D"]["Value"][0] for a in answer.json] == [uid]
    assert answer.headers["Warning"].startswith("299 ")


@pytest.mark.parametrize("level", ["study", "series", "instance"])
def test_metadata_names_its_bulk_data_at_an_address_that_answers(house: House, client: FlaskClient, level: str) -> None:
    """Every instance is described, and the address of its pixels leads to exactly those pixels."""
    path = first_instance(house)
    cut = {"study": path.index("/series"), "series": path.index("/instances"), "instance": len(path)}[level]
    answer = client.get(f"{house.root(house.line())}{path[:cut]}/metadata")
    assert answer.content_type == "application/dicom+json"
    described = json.loads(answer.data)
    assert len(described) == {"study": 6, "series": 3, "instance": 1}[level]
    for one in described:
        where = one["0020000D"], one["0020000E"], one["00080018"]
        stored = house.shelf.instance_file(*(element["Value"][0] for element in where))
        pixels = client.get(one["7FE00010"]["BulkDataURI"])
        assert pixels.data == dcmread(stored.path).PixelData


def test_a_file_leaves_byte_for_byte_as_it_was_stored(house: House, client: FlaskClient) -> None:
    """One instance, alone or in a part; a series and a study in parts, each with its transfer syntax."""
    root, path = house.root(house.line()), first_instance(house)
    study, _, series, _, instance = path.strip("/").split("/")
    stored = house.shelf.instance_file(study, series, instance).path.read_bytes()
    alone = client.get(root + path, headers={"Accept": "application/dicom"})
    assert alone.data == stored
    assert alone.content_length == len(stored)
    [(kind, content)] = parts(client.get(root + path))
    assert (kind, content) == ("application/dicom; transfer-syntax=1.2.840.10008.1.2.1", stored)
    whole = client.get(f"{root}/{study}")
    assert whole.content_length == len(whole.data)
    uids = {str(dcmread(io.BytesIO(content)).SOPInstanceUID) for _, content in parts(whole)}
    assert uids == {uid for s in house.referral.studies[0].series for uid, _, _ in s.instances}
    assert len(parts(client.get(f"{root}/{study}/series/{series}"))) == 3


def test_a_frame_is_the_stored_bytes_of_that_frame(house: House, client: FlaskClient) -> None:
    """As the viewer asks for it, quoted and unquoted."""
    address = f"{house.root(house.line())}{first_instance(house)}/frames/1"
    study, _, series, _, instance = first_instance(house).strip("/").split("/")
    pixels = dcmread(house.shelf.instance_file(study, series, instance).path).PixelData
    for accept in (AS_STORED, AS_STORED.replace('"', ""), "*/*"):
        answer = client.get(address, headers={"Accept": accept})
        assert parts(answer) == [("application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1", pixels)]
        assert answer.content_length == len(answer.data)


@pytest.mark.parametrize(("numbers", "status"), [("0", 400), ("x", 400), ("1,", 400), ("2", 404), ("1,1", 200)])
def test_frames_are_counted_from_one(house: House, client: FlaskClient, numbers: str, status: int) -> None:
    """A number that cannot be a frame is the asker's mistake; one past the end is not here."""
    address = f"{house.root(house.line())}{first_instance(house)}/frames/{numbers}"
    assert client.get(address, headers={"Accept": AS_STORED}).status_code == status


def test_a_compressed_frame_says_what_it_is(tmp_path: Path, shared: Path) -> None:
    """A JPEG 2000 frame goes out as stored, named by its media type and transfer syntax (PS3.18 table 8.7.3-5)."""
    content = (shared / "data" / "dicom" / "compressed_wg04" / "CT1_J2KR").read_bytes()
    house = open_house(tmp_path, [content])
    client = house.app.test_client()
    client.set_cookie(COOKIE, house.browser)
    address = f"{house.root(house.line())}{first_instance(house)}/frames/1"
    [(kind, frame)] = parts(client.get(address, headers={"Accept": AS_STORED}))
    assert kind == "image/jp2; transfer-syntax=1.2.840.10008.1.2.4.90"
    assert frame.startswith(b"\xff\x4f\xff\x51")
    explicit = "multipart/related; type=application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert client.get(address, headers={"Accept": explicit}).status_code == 406


def test_a_frame_of_a_deflated_file_goes_out_inflated_and_says_so(tmp_path: Path) -> None:
    """Deflating covers a whole file; a frame of it is plain explicit little endian."""
    dataset = dcmread(io.BytesIO(two_studies()[0]))
    pixels = dataset.PixelData
    dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    deflated = io.BytesIO()
    dataset.save_as(deflated, enforce_file_format=True)
    house = open_house(tmp_path, [deflated.getvalue()])
    client = house.app.test_client()
    client.set_cookie(COOKIE, house.browser)
    address = f"{house.root(house.line())}{first_instance(house)}"
    plain = "application/octet-stream; transfer-syntax=1.2.840.10008.1.2.1"
    assert parts(client.get(f"{address}/frames/1", headers={"Accept": AS_STORED})) == [(plain, pixels)]
    assert client.get(address, headers={"Accept": "application/dicom"}).data == deflated.getvalue()


@pytest.mark.parametrize("level", ["study", "series", "instance", "frame"])
def test_a_thumbnail_is_a_small_jpeg_with_something_on_it(house: House, client: FlaskClient, level: str) -> None:
    """Of a study or series its middle picture, of a frame that frame."""
    path = first_instance(house)
    cut = {"study": path.index("/series"), "series": path.index("/instances")}.get(level, len(path))
    answer = client.get(f"{house.root(house.line())}{path[:cut]}{'/frames/1' if level == 'frame' else ''}/thumbnail")
    assert answer.content_type == "image/jpeg"
    picture = Image.open(io.BytesIO(answer.data))
    assert max(picture.size) <= 192
    assert len(np.unique(np.asarray(picture.convert("L")))) > 12


def test_a_rendered_picture_fits_the_viewport_and_nothing_else_can_be_chosen(house: House, client: FlaskClient) -> None:
    """What we do not draw is refused, never ignored."""
    address = f"{house.root(house.line())}{first_instance(house)}/rendered"
    assert max(Image.open(io.BytesIO(client.get(f"{address}?viewport=40,48").data)).size) == 40
    for query in ("viewport=0,0", "viewport=9", "viewport=a,b", "window=40,400,linear", "annotation=patient"):
        assert client.get(f"{address}?{query}").status_code == 400, query
    assert client.get(address, headers={"Accept": "image/png"}).status_code == 406
    assert client.get(address.replace("/rendered", "/frames/2/rendered")).status_code == 406
    assert client.get(f"{house.root(house.line())}/{house.uids[0]}/series/1.2/thumbnail").status_code == 404


def test_only_a_few_pictures_are_drawn_at_once(
    house: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who comes when the machine is full waits, and is told to come again; a turn is given back after each picture."""
    address = f"{house.root(house.line())}{first_instance(house)}/thumbnail"
    monkeypatch.setattr("smart_app.web.drawn.PATIENCE", 0.05)
    turns = [drawn._turn.acquire(timeout=1) for _ in range(drawn.AT_ONCE)]
    assert all(turns)
    assert client.get(address).status_code == 503
    for _ in turns:
        drawn._turn.release()
    assert client.get(f"{address}?viewport=x").status_code == 400
    for _ in range(drawn.AT_ONCE + 1):
        assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    ("end", "accept"),
    [
        ("", "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.90"),
        ("", "image/png"),
        ("/metadata", "text/csv"),
        ("/frames/1", "image/png"),
        ("/bulkdata/7FE00010", "text/plain"),
    ],
)
def test_what_cannot_be_answered_in_the_wanted_form_is_refused(
    house: House, client: FlaskClient, end: str, accept: str
) -> None:
    """Nothing is transcoded and nothing is sent that was not asked for."""
    address = f"{house.root(house.line())}{first_instance(house)}{end}"
    assert client.get(address, headers={"Accept": accept}).status_code == 406


# -- who may look ------------------------------------------------------------------------------------------------

ENDS = ("", "/{study}", "/{study}/metadata", "/{study}/series", "/{study}/instances", "{first}", "{first}/metadata")
ENDS = (*ENDS, "{first}/frames/1", "{first}/bulkdata/7FE00010")
DRAWN = ("/{study}/thumbnail", "{first}/rendered", "{first}/thumbnail")


def everything(house: House, line_id: str, ends: tuple[str, ...] = ENDS) -> list[str]:
    """One address of each kind."""
    root = f"/dicomweb/{line_id}/{house.referral.id}/studies"
    return [root + end.format(study=house.uids[0], first=first_instance(house)) for end in ends]


def assert_nothing(client: FlaskClient, addresses: list[str]) -> None:
    """Every address answers the same 404."""
    for address in addresses:
        answer = client.get(address)
        assert (answer.status_code, answer.text) == (404, GONE), address


def test_without_the_cookie_nothing_is_there(house: House) -> None:
    """A line's address alone opens nothing."""
    assert_nothing(house.app.test_client(), everything(house, house.line().id, ENDS + DRAWN))


def test_another_browser_cannot_use_the_line(house: House) -> None:
    """A line belongs to the browser it was opened in."""
    with house.ports.store.transaction() as tx:
        other = tx.sessions.open_browser(NOW)
    client = house.app.test_client()
    client.set_cookie(COOKIE, other)
    assert_nothing(client, everything(house, house.line().id))


def test_not_yours_and_not_there_are_one_answer(house: House, client: FlaskClient) -> None:
    """The words never tell whether a case exists."""
    strangers = [
        house.line(organisation="another-room"),
        house.line("clinician", site="elsewhere"),
        house.line("clinician", patient="Patient/2"),
        house.line("patient", patient="Patient/2"),
        house.line("patient", referral_id="99999999-2222-4333-8444-555555555555"),
        house.line("operator"),
    ]
    for line in strangers:
        assert_nothing(client, everything(house, line.id, ENDS + DRAWN))
    absent = house.root(house.line()).replace(house.referral.id, "00000000-0000-4000-8000-000000000000")
    assert_nothing(client, [absent, f"{absent}/{house.uids[0]}/metadata"])
    assert_nothing(client, [f"{house.root(house.line())}/1.2.3/metadata", f"{house.root(house.line())}/1.2.3"])


def test_who_belongs_to_the_case_may_look(house: House, client: FlaskClient) -> None:
    """The organisation's experts, the clinician of that chart, the patient, and who was invited to this case."""
    lines = [
        house.line(),
        house.line("clinician"),
        house.line("patient"),
        house.line("patient", site="", patient="", referral_id=house.referral.id),
    ]
    for line in lines:
        for address in everything(house, line.id):
            assert client.get(address).status_code == 200, address


def test_after_acceptance_only_the_accepting_expert_looks(house: House, client: FlaskClient) -> None:
    """Colleagues of the organisation lose sight of the case, at once and on a line that is open already."""
    mine, theirs = house.line(party=EXPERT), house.line(party=OTHER_EXPERT)
    assert client.get(house.root(theirs)).status_code == 200
    house.change(status=Status.ACCEPTED, expert=EXPERT)
    assert client.get(house.root(mine)).status_code == 200
    assert_nothing(client, everything(house, theirs.id))


def test_a_case_under_suspicion_shows_nobody_its_images(house: House, client: FlaskClient) -> None:
    """Quarantine hides the images on lines that are open already (safety rule 6)."""
    lines = [house.line(), house.line("clinician"), house.line("patient")]
    assert client.get(house.root(lines[0])).status_code == 200
    with house.ports.store.transaction() as tx:
        tx.referrals.save(tx.referrals.get(house.referral.id).hold(SYSTEM, NOW, "another name on the images"))
    for line in lines:
        assert_nothing(client, everything(house, line.id))


def test_an_ended_line_shows_nothing(house: House, client: FlaskClient) -> None:
    """Leaving takes the images with it."""
    line = house.line()
    with house.ports.store.transaction() as tx:
        tx.sessions.end_line(line.id)
    assert_nothing(client, everything(house, line.id))


def test_reading_images_keeps_the_line_open_and_idleness_ends_it(house: House, client: FlaskClient) -> None:
    """Who scrolls through pictures is at work; who does nothing for too long is gone, though the cookie is there."""
    line = house.line()
    for minutes in (50, 100, 150, 200):
        house.time = NOW + timedelta(minutes=minutes)
        assert client.get(house.root(line)).status_code == 200
    house.time = NOW + timedelta(minutes=200) + IDLE["expert"]
    assert_nothing(client, everything(house, line.id))


def test_a_frame_costs_no_write(house: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the first look, frame upon frame is served by reading alone."""
    address = f"{house.root(house.line())}{first_instance(house)}/frames/1"
    assert client.get(address).status_code == 200
    monkeypatch.setattr(type(house.ports.store), "transaction", lambda _: pytest.fail("a write"))
    assert client.get(address).status_code == 200


# -- what is written, and what is kept ---------------------------------------------------------------------------


def looks(house: House) -> list[tuple[str, str]]:
    """Who looked at what, by the audit."""
    with house.ports.store.reading() as tx:
        return [(row.who.name, row.what) for row in tx.audit.of_referral(house.referral.id) if row.verb == "look"]


def test_a_look_is_written_once_per_line_and_study(house: House, client: FlaskClient) -> None:
    """Not per frame; again for another study, another person's line, and the same after a restart."""
    line = house.line()
    for address in everything(house, line.id):
        client.get(address)
    assert looks(house) == [("Noor Exemplar", f"images of study {house.uids[0]}")]
    client.get(f"{house.root(line)}/{house.uids[1]}/series")
    client.get(f"{house.root(house.line('clinician'))}/{house.uids[0]}/metadata")
    assert len(looks(house)) == 3
    del house.app.extensions["second-opinion-looks"]
    client.get(f"{house.root(line)}/{house.uids[0]}/metadata")
    assert len(looks(house)) == 3


def test_nobody_looks_unseen(house: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the audit cannot be written, no image goes out."""

    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr("smart_app.store.audit.Audit.write", broken)
    answer = client.get(f"{house.root(house.line())}{first_instance(house)}/frames/1")
    assert answer.status_code == 500
    assert not answer.content_type.startswith("multipart")


def test_no_cache_keeps_an_image_and_no_other_site_shows_one(house: House, client: FlaskClient) -> None:
    """Every answer, a no included, says so."""
    for address in [*everything(house, house.line().id), *everything(house, "nobody")]:
        headers = client.get(address).headers
        assert headers["Cache-Control"] == "no-store", address
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin", address


def test_a_large_answer_is_never_whole_in_memory(
    house: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A study is handed on in pieces as they are read; only what is small is put together first."""
    monkeypatch.setattr("smart_app.web.multipart.AT_ONCE", 20_000)
    answer = client.get(f"{house.root(house.line())}/{house.uids[0]}", buffered=False)
    pieces = [len(piece) for piece in answer.response]
    assert len(pieces) >= 18
    assert sum(pieces) == answer.content_length
