"""A hospital as a record: which registration is in use, when its people answer, who may read for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from smart_app.sites import Directory, Hours, Organisation, Persona, Site, load_directory, read_hours

CHICAGO = ZoneInfo("America/Chicago")
LIVE = Persona("clinician", "https://ehr.north.example/R4", "live-id", ("launch",))
TRIAL = replace(LIVE, iss="https://test.north.example/R4", client_id="trial-id", stage="sandbox")
NORTH = Site("north", "North Hospital", "epic", (LIVE, TRIAL), timezone="America/Chicago")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHICAGO).astimezone(UTC)


def test_only_the_registrations_of_the_stage_are_trusted() -> None:
    """Security: whoever can sign in to a test environment must not get into the real chart's pages."""
    assert Directory((NORTH,)).site_of_issuer(TRIAL.iss) is None
    trial = replace(NORTH, stage="sandbox")
    assert Directory((trial,)).site_of_issuer(TRIAL.iss + "/") == (trial, TRIAL)
    assert Directory((trial,)).site_of_issuer(LIVE.iss) is None
    assert (LIVE.ring, TRIAL.ring) == ("", "sandbox")


def test_nobody_comes_in_from_a_disabled_site_and_its_cases_keep_their_name() -> None:
    off = Directory((replace(NORTH, disabled=True),))
    assert off.site_of_issuer(LIVE.iss) is None
    assert off.site("north").name == "North Hospital"
    with pytest.raises(KeyError, match="disabled"):
        off.site("north").persona("clinician")


def test_only_named_readers_may_receive() -> None:
    panels = tuple(Organisation(name, name, "", "") for name in ("northlight", "stonequay"))
    desk = Organisation("desk", "Desk", "", "", role="operator")
    everybody = Directory((NORTH,), (*panels, desk))
    assert [o.id for o in everybody.readers_for("north")] == ["northlight", "stonequay"]
    chosen = replace(everybody, sites=(replace(NORTH, readers=("stonequay", "desk")),))
    assert [o.id for o in chosen.readers_for("north")] == ["stonequay"]


def test_a_secret_is_not_in_the_words_of_a_record() -> None:
    """Records end up in logs and in errors."""
    secret = replace(LIVE, auth="client_secret_basic", client_secret="a-real-secret")
    site = replace(NORTH, registrations=(secret,))
    panel = Organisation("northlight", "Northlight", "", "", client_secret="a-real-secret")
    assert "a-real-secret" not in repr((site, Directory((site,), (panel,))))
    assert site.without_secrets().registrations == (replace(secret, client_secret=""),)


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("Mon-Fri 08:00-17:00", "Mon-Fri 08:00-17:00"),
        ("mon–fri 8:00–17:30", "Mon-Fri 08:00-17:30"),
        ("Mon,Wed,Thu,Fri,Sun 07:15-12:00", "Mon,Wed-Fri,Sun 07:15-12:00"),
        ("Monday-Sunday 0:00-23:59", "Mon-Sun 00:00-23:59"),
    ],
)
def test_hours_are_read_as_people_write_them(written: str, kept: str) -> None:
    assert str(read_hours(written)) == kept
    assert read_hours(kept) == read_hours(written)


@pytest.mark.parametrize(
    "wrong", ["", "always", "Mon-Fri", "Mon-Fri 17:00-08:00", "Fun-Fri 8:00-9:00", "Mon 8-9", "Fri-Mon 8:00-9:00"]
)
def test_hours_that_make_no_sense_are_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        read_hours(wrong)


@pytest.mark.parametrize(
    ("asked", "opening"),
    [
        ("2026-11-24 09:00", "2026-11-24 09:00"),  # a Tuesday, open
        ("2026-11-24 07:59", "2026-11-24 08:00"),
        ("2026-11-24 17:00", "2026-11-25 08:00"),
        ("2026-11-25 18:00", "2026-11-27 08:00"),  # Thanksgiving is away
        ("2026-11-27 20:00", "2026-11-30 08:00"),  # over the weekend
        ("2026-10-30 18:00", "2026-11-02 08:00"),  # summer time ends in between
    ],
)
def test_the_next_opening_is_that_of_the_hospitals_own_clock(asked: str, opening: str) -> None:
    hours = Hours(away=("2026-11-26",))
    assert hours.next_open(at(asked), CHICAGO) == at(opening)
    assert hours.is_open(at(asked), CHICAGO) == (asked == opening)


def test_a_file_may_describe_everything(tmp_path: Path) -> None:
    """What is kept in the database can also stand in the file, word for word."""
    file = tmp_path / "directory.toml"
    file.write_text(
        """
        [[site]]
        id = "north"
        name = "North Hospital"
        profile = "epic"
        hours = "Mon-Fri 08:00-17:00"
        away = ["2026-12-25"]
        stage = "sandbox"
        readers = ["northlight"]
        brand = {name = "North", portal = "MyNorth"}
        adaptation = {can_look = true, rungs = ["DocumentReference"]}
        [[site.contact]]
        role = "technical"
        phone = "555-0100"
        [[site.persona]]
        audience = "clinician"
        stage = "sandbox"
        iss = "https://test.north.example/R4"
        client_id = "trial-id"
        scopes = ["launch"]
        """
    )
    site = load_directory(file).site("north")
    assert site.persona("clinician") == TRIAL
    assert str(site.hours) == "Mon-Fri 08:00-17:00"
    assert site.hours == Hours(away=("2026-12-25",))
    assert site.contact("technical") is site.contacts[0]
    assert (site.brand.portal, site.adaptation.can_look, site.readers) == ("MyNorth", True, ("northlight",))


def test_a_file_with_a_wrong_word_is_named(tmp_path: Path) -> None:
    file = tmp_path / "directory.toml"
    file.write_text('[[site]]\nid = "north"\nname = "North"\nprofile = "epic"\nhours = "sometimes"\n')
    with pytest.raises(ValueError, match=r"directory\.toml: write the hours as"):
        load_directory(file)
