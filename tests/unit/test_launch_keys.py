"""Our signing keys change without a restart and without an hour in which an EHR does not know the key that signs."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from launch.errors import KeysMissing, RotationUnderWay
from launch.keyring import SCHEDULE
from launch.keys import Keys
from launch.rotation import clear, replace_now, rotate

AT = datetime(2026, 11, 24, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ALGS = ("RS384", "ES384")


@pytest.fixture(autouse=True)
def _small_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Making a long key takes a second, and its length decides nothing here."""
    monkeypatch.setattr("launch.keys.RSA_BITS", 2048)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a first pair."""
    Keys.create(tmp_path)
    return tmp_path


def signer(keys: Keys, at: datetime, alg: str = "RS384") -> str:
    """The kid that signs then; the signature is checked against what is published at that moment."""
    known = KeySet.import_key_set(keys.jwks(at))
    token = jwt.decode(keys.sign({"iss": "x", "iat": int(at.timestamp())}, alg), known, algorithms=[alg])
    return str(token.header["kid"])


def kids(keys: Keys, at: datetime) -> set[str]:
    return {key["kid"] for key in keys.jwks(at)["keys"]}


@pytest.mark.parametrize("alg", ALGS)
def test_a_new_pair_is_published_at_once_and_signs_two_days_later(folder: Path, alg: str) -> None:
    """An EHR that keeps our key set for a day must know a key before it signs."""
    keys = Keys.load(folder)
    first = signer(keys, AT, alg)
    assert rotate(keys, AT) == AT + 2 * DAY
    assert len(kids(keys, AT)) == 4
    assert signer(keys, AT, alg) == first
    assert signer(keys, AT + 47 * HOUR, alg) == first
    second = signer(keys, AT + 2 * DAY, alg)
    assert second != first
    assert {first, second} <= kids(keys, AT + 2 * DAY + 23 * HOUR)
    assert first not in kids(keys, AT + 3 * DAY)


def test_a_process_that_runs_takes_up_what_another_has_changed(folder: Path) -> None:
    """The web and the worker read the folder; the command line writes it."""
    running, command = Keys.load(folder), Keys.load(folder)
    before = signer(running, AT)
    replace_now(command, AT)
    assert signer(running, AT) == signer(command, AT) != before


def test_a_key_in_strangers_hands_is_gone_at_once(folder: Path) -> None:
    keys = Keys.load(folder)
    stolen = {signer(keys, AT, alg) for alg in ALGS}
    replace_now(keys, AT)
    assert not stolen & kids(keys, AT)
    assert not stolen & {signer(keys, AT, alg) for alg in ALGS}


def test_a_second_rotation_waits_for_the_first(folder: Path) -> None:
    """Else a key could sign before the EHRs have read it."""
    keys = Keys.load(folder)
    rotate(keys, AT)
    with pytest.raises(RotationUnderWay, match="2026-11-26 09:00 UTC"):
        rotate(keys, AT + HOUR)
    assert len(keys.all()) == 4
    rotate(keys, AT + 4 * DAY)
    assert signer(keys, AT + 7 * DAY) == keys.all()[-1].kid


def test_what_has_ended_is_cleared_away_and_what_signs_never_is(folder: Path) -> None:
    keys = Keys.load(folder)
    rotate(keys, AT)
    assert clear(keys, AT + 2 * DAY) == []
    assert clear(keys, AT + 4 * DAY) == [1]
    assert sorted(path.name for path in folder.glob("*.pem")) == ["es384-2.pem", "rs384-2.pem"]
    assert len(kids(keys, AT + 4 * DAY)) == 2
    signer(keys, AT + 4 * DAY)
    assert clear(keys, AT + 40 * DAY) == []


def test_two_pairs_without_a_schedule_stay_as_they_were(folder: Path) -> None:
    """A folder of an earlier version: the oldest signs until its file is removed."""
    keys = Keys.load(folder)
    first = signer(keys, AT)
    keys.add_pair(2)
    assert signer(keys, AT) == first
    for path in folder.glob("*-1.pem"):
        path.unlink()
    assert signer(keys, AT) != first


def test_a_secret_seals_the_files_and_another_one_does_not_open_them(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "keys", "s" * 40)
    files = sorted((tmp_path / "keys").iterdir())
    assert all(b"ENCRYPTED" in path.read_bytes() for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert Keys.load(tmp_path / "keys", "new" * 20, "s" * 40).jwks() == keys.jwks()
    with pytest.raises(KeysMissing, match=r"es384-1\.pem was sealed with another secret"):
        Keys.create(tmp_path / "keys", "other" * 20)
    assert sorted((tmp_path / "keys").iterdir()) == files


def test_keys_that_were_not_sealed_are_read_on(folder: Path) -> None:
    keys = Keys.load(folder, "s" * 40)
    replace_now(keys, AT)
    assert b"ENCRYPTED" in (folder / "rs384-2.pem").read_bytes()
    signer(keys, AT)


def test_test_environments_have_keys_of_their_own(folder: Path) -> None:
    """Production and non-production may share neither keys nor the address of the key set."""
    keys = Keys.load(folder)
    other = keys.ring("sandbox")
    assert not kids(keys, AT) & kids(other, AT)
    assert keys.ring("sandbox").jwks() == other.jwks()
    assert keys.ring("") is keys
    with pytest.raises(ValueError, match="ring"):
        keys.ring("../elsewhere")


def test_a_schedule_that_cannot_be_read_stops_us(folder: Path) -> None:
    """To sign with the wrong key for a day is worse than to say so."""
    (folder / SCHEDULE).write_text('{"1": {"signs_from": "2026-11-24T09:00:00", "ends": null}}')
    with pytest.raises(KeysMissing, match="schedule"):
        Keys.load(folder)
