"""The patient's three steps: every file is accounted for, and each gate stops what it must."""

from __future__ import annotations

import io
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from imaging.study import Person
from smart_app import upload
from smart_app.case import Ask, Party, Side
from smart_app.gates import whose_stop
from smart_app.referral import Referral, Status, Unfinished, WrongStatus
from smart_app.status import Stopped
from tests.papers import pdf
from tests.world import World

STRANGER = Person("Strangerson^Sam", "1951-01-02", "M", "X-9")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A product without network."""
    return World(tmp_path)


def me(referral: Referral) -> Party:
    """The patient of that referral."""
    return Party("patient", referral.patient.name, referral.patient.reference)


def given(world: World, referral: Referral) -> upload.Summary:
    """What was given so far."""
    return upload.summary(upload.begin(world.ports, me(referral), referral.id))


def test_counts_add_up_to_the_files_given(world: World) -> None:
    """Pictures, a picture twice, a report, a text and an empty file: six given, six accounted for."""
    referral = world.ask()
    files = world.images(world.person(referral.patient))
    again = ("AGAIN", io.BytesIO(files[0][1].getvalue()))
    odd = [("r.pdf", io.BytesIO(pdf())), ("readme.txt", io.BytesIO(b"hi")), ("none", io.BytesIO(b""))]
    upload.add_files(world.ports, me(referral), referral.id, [*files, again, *odd])
    found = given(world, referral)
    assert found.counts == {"image": 2, "duplicate": 1, "report": 1, "not-an-image": 1, "unreadable": 1}
    assert found.given == 6
    assert found.gaps == ("confirmation",)


def test_a_zip_counts_as_the_files_in_it_and_its_names_never_touch_the_disk(world: World, tmp_path: Path) -> None:
    """Whatever the names are, bytes lie under names of ours."""
    referral = world.ask()
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, stream in world.images(world.person(referral.patient)):
            archive.writestr(f"../../{name}", stream.getvalue())
    packed.seek(0)
    upload.add_files(world.ports, me(referral), referral.id, [("../../../disc.zip", packed)])
    assert given(world, referral).counts == {"image": 2}
    names = {p.name for p in world.ports.staging.rglob("*") if p.is_file()}
    assert all(len(name) == 32 and set(name) <= set("0123456789abcdef") for name in names)


def test_pictures_of_somebody_else_stop_and_nothing_is_stored(world: World) -> None:
    """Even when the giver says that they are theirs; staff see both sides afterwards."""
    referral = world.ask()
    world.give(referral, STRANGER)
    with pytest.raises(Stopped) as stopped:
        world.send(referral)
    assert stopped.value.why == "wrong-patient"
    assert world.ports.archive.shelf(referral.id).studies() == []
    world.work()
    assert world.get(referral).status is Status.GATHERING
    kept = upload.begin(world.ports, me(referral), referral.id)
    assert {row["field"]: row["result"] for row in kept.comparison}["name"] == "conflict"


def test_two_people_stop_until_one_is_left_out(world: World) -> None:
    """The stranger's bytes are gone, their count stays."""
    referral = world.ask()
    files = world.images(world.person(referral.patient)) + world.images(STRANGER, description="Other")
    upload.add_files(world.ports, me(referral), referral.id, files)
    with pytest.raises(Stopped) as stopped:
        upload.confirm(world.ports, me(referral), referral.id, mine=True)
    assert stopped.value.why == "two-people"
    with pytest.raises(Stopped):
        world.send(referral)
    kept = upload.leave_out(world.ports, me(referral), referral.id, 1)
    assert upload.summary(kept).counts == {"image": 2, "someone-else": 2}
    assert len(list((world.ports.staging / kept.id).iterdir())) == 2
    upload.confirm(world.ports, me(referral), referral.id, mine=True)
    world.send(referral)
    world.work()
    assert world.get(referral).status is Status.SENT


def test_a_disc_of_two_people_is_stopped_as_that_whoever_was_confirmed(world: World) -> None:
    """Said of the disc, before any one of them is compared with the chart."""
    referral = world.ask()
    files = world.images(world.person(referral.patient)) + world.images(STRANGER, description="Other")
    both = upload.add_files(world.ports, me(referral), referral.id, files)
    stop = whose_stop(referral.patient, replace(both, confirmed=both.people[0]))
    assert stop is not None
    assert stop.why == "two-people"


def test_the_other_side_stops(world: World) -> None:
    """The question is about the LEFT, the pictures are of the right."""
    referral = world.ask(ask=Ask("Which knee?", side=Side.LEFT))
    world.give(referral, laterality="R")
    with pytest.raises(Stopped) as stopped:
        world.send(referral)
    assert stopped.value.why == "wrong-side"
    assert "LEFT" in str(stopped.value)


def test_nothing_is_sent_unconfirmed(world: World) -> None:
    """“Are these yours?” must be answered, and again when another person's name comes in."""
    referral = world.ask()
    upload.add_files(world.ports, me(referral), referral.id, world.images(world.person(referral.patient)))
    with pytest.raises(Unfinished) as refused:
        world.send(referral)
    assert refused.value.fields == {"confirm": "missing"}
    upload.confirm(world.ports, me(referral), referral.id, mine=True)
    spelled = replace(world.person(referral.patient), name=f"{referral.patient.family.upper()}^X")
    upload.add_files(world.ports, me(referral), referral.id, world.images(spelled, description="Older"))
    with pytest.raises((Unfinished, Stopped)):
        world.send(referral)


def test_no_is_an_answer(world: World) -> None:
    """“No, not mine” removes the pictures."""
    referral = world.ask()
    upload.add_files(world.ports, me(referral), referral.id, world.images(world.person(referral.patient)))
    kept = upload.confirm(world.ports, me(referral), referral.id, mine=False)
    assert upload.summary(kept).counts == {"someone-else": 2}
    with pytest.raises(Unfinished):
        world.send(referral)


def test_nothing_joins_after_sending(world: World) -> None:
    """What was confirmed is what is sent."""
    referral = world.ask()
    world.give(referral)
    world.send(referral)
    with pytest.raises(WrongStatus):
        upload.add_files(world.ports, me(referral), referral.id, world.images(STRANGER))


def test_headers_without_a_name_are_recorded_as_absent(world: World) -> None:
    """They pass with a person's yes, and the record says what was not there."""
    referral = world.ask()
    world.give(referral, Person("", "", "", ""))
    world.send(referral)
    world.work()
    after = world.get(referral)
    assert after.status is Status.SENT
    assert {row["field"]: row["result"] for row in after.identity} == {
        "name": "absent",
        "birth_date": "absent",
        "sex": "absent",
        "id": "absent",
    }


def test_batches_sent_at_once_all_count(world: World) -> None:
    """A browser sends several batches in flight."""
    referral = world.ask()
    upload.begin(world.ports, me(referral), referral.id)
    files = world.images(world.person(referral.patient), slices=12)
    threads = [
        threading.Thread(target=upload.add_files, args=(world.ports, me(referral), referral.id, files[n::4]))
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert given(world, referral).counts == {"image": 12}


def test_the_newest_study_is_the_one_asked_about(world: World) -> None:
    """Earlier ones are there to compare with."""
    referral = world.ask()
    who = world.person(referral.patient)
    files = world.images(who, study_date="2024-01-01", description="Old") + world.images(who, description="New")
    upload.add_files(world.ports, me(referral), referral.id, files)
    upload.confirm(world.ports, me(referral), referral.id, mine=True)
    world.send(referral)
    world.work()
    assert [(s.description, s.comparison) for s in world.get(referral).studies] == [("New", False), ("Old", True)]


def test_a_header_without_a_birth_date_never_hides_a_stranger(world: World) -> None:
    """Two people of one name are two, whatever a third header leaves out, and everybody present is compared."""
    referral = world.ask()
    me_as_written = world.person(referral.patient)
    vague = replace(me_as_written, birth_date="", id="")
    namesake = replace(me_as_written, birth_date="1901-01-01", id="OTHER")
    files = world.images(vague, description="A") + world.images(namesake, description="B")
    upload.add_files(world.ports, me(referral), referral.id, files)
    upload.confirm(world.ports, me(referral), referral.id, mine=True)
    with pytest.raises(Stopped) as stopped:
        world.send(referral)
    assert stopped.value.why == "wrong-patient"
    upload.add_files(world.ports, me(referral), referral.id, world.images(me_as_written, description="C"))
    with pytest.raises(Stopped) as stopped:
        world.send(referral)
    assert stopped.value.why == "two-people"


def test_another_picture_under_a_known_number_is_told_and_not_taken(world: World) -> None:
    """Nothing is overwritten and nothing is dropped in silence."""
    referral = world.ask()
    files = world.images(world.person(referral.patient))
    changed = ("OTHER", io.BytesIO(files[0][1].getvalue()[:-2] + b"zz"))
    upload.add_files(world.ports, me(referral), referral.id, [*files, changed])
    kept = upload.begin(world.ports, me(referral), referral.id)
    assert upload.summary(kept).counts == {"image": 2, "unreadable": 1}
    assert "same number" in kept.files[2].why
