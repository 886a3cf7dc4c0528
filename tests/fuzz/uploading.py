"""Broken files through the real upload: over HTTP, from the browser's form to the archive, with two people's pictures.

Never an error of ours; counts add up to the files given; what reaches the archive is nobody's but the patient's.
"""

from __future__ import annotations

import random
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from imaging.reconcile import Claim, compare
from imaging.study import Person
from smart_app import upload
from smart_app.case import Party, Upload
from smart_app.deliver import ACTIONS
from smart_app.referral import Referral, ReferralError
from smart_app.store import Owed
from tests.fuzz import seeds
from tests.fuzz.mutate import mutated
from tests.staged import PATIENT
from tests.unit.test_web_patient import ASKED, Home
from tests.web import JSON
from tests.webdesk import Desk

BATCHES = 12
TYPE = "multipart/form-data; boundary=edge"


def uploading(rng: random.Random) -> None:
    """One patient gives a dozen broken batches, leaves strangers out, and sends."""
    with tempfile.TemporaryDirectory() as place:
        desk = Desk(Path(place))
        try:
            _one_patient(desk, Home(desk), rng)
        finally:
            desk.close()


def _one_patient(desk: Desk, home: Home, rng: random.Random) -> None:
    home.post("tell", **ASKED)
    csrf = {"X-CSRF-Token": home.get("emergency").get_json()["csrf"]}
    for _ in range(BATCHES):
        body = mutated(rng, seeds.forms())
        answer = home.client.post(f"/line/{home.line.id}/show/files", data=body, content_type=TYPE, headers=JSON | csrf)
        assert answer.status_code in (303, 400, 413, 422), answer.status_code
    referral = home.now()
    with desk.ports.store.reading() as tx:
        given = tx.uploads.of_referral(referral.id)
    assert given is not None
    found = upload.summary(given)
    assert found.given == len(given.files)
    _kept_as_told(desk, given)
    _send(desk, home, referral, given)


def _kept_as_told(desk: Desk, given: Upload) -> None:
    """What lies on the disk is what the upload names, and nothing else."""
    folder = desk.ports.staging / given.id
    staged = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    assert staged == {key for f in given.files for key in (f.key, f.clean) if key}


def _send(desk: Desk, home: Home, referral: Referral, given: Upload) -> None:
    """Leave out everybody else, as a person would, and send what is left."""
    who = Party("patient", PATIENT.name, PATIENT.reference)
    claim = Claim(PATIENT.family, " ".join(PATIENT.given), PATIENT.birth_date, PATIENT.sex)
    for index, seen in enumerate(given.people):
        person = Person(seen.name, seen.birth_date, seen.sex, seen.id, name_groups=seen.name_groups)
        if compare(claim, person).outcome == "conflict":
            upload.leave_out(desk.ports, who, referral.id, index)
    with suppress(ReferralError):
        upload.confirm(desk.ports, who, referral.id, mine=True)
        upload.send(desk.ports, who, referral.id)
        ACTIONS["store_images"](desk.ports, _owed(desk, referral))
    for study in desk.ports.archive.shelf(referral.id).studies():
        outcome = compare(claim, replace(study.person)).outcome
        assert outcome != "conflict", f"{study.person} was stored for {PATIENT.name}"


def _owed(desk: Desk, referral: Referral) -> Owed:
    with desk.ports.store.reading() as tx:
        return next(row for row in tx.outbox.of_referral(referral.id) if row.action == "store_images")
