"""Damaged and malicious files: whatever the bytes are, a verdict, no crash, and nothing of the person gets out."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from imaging.deidentify import Keys, Outcome, deidentify, profile_named
from imaging.errors import UnsafeMedia
from imaging.quiet import quiet
from tests.discs import deflate_bomb, encapsulated
from tests.planted import SECRETS, content, latin, planted, presentation, report

KEYS = Keys(bytes(range(32)))
WHOLE = [content(made) for made in (planted(), report(), presentation(), latin())] + [encapsulated([b"\xff\xd8" * 40])]
MORE = (b"thistlewood", b"ostrander", b"pemberton", b"sandoval")


def run(place: Path, files: list[bytes]) -> Outcome:
    """De-identify these, each under a number."""
    source = place / "in"
    source.mkdir(parents=True, exist_ok=True)
    for number, data in enumerate(files):
        (source / f"{number}.dcm").write_bytes(data)
    return deidentify(
        [source], place / "out", keys=KEYS, profile=profile_named("research"), ledger=place / "state" / "l.jsonl"
    )


def nothing_got_out(place: Path) -> None:
    """What became visible is readable, and holds no secret whose bytes were whole in the input."""
    given_bytes = b"".join(path.read_bytes().lower() for path in (place / "in").iterdir())
    for path in (place / "out").rglob("*.dcm"):
        data = path.read_bytes()
        with quiet():
            dataset = pydicom.dcmread(path)
            assert dataset.PatientIdentityRemoved == "YES"
            assert str(dataset.PatientID).startswith("SO-")
        head = data.split(b"\xe0\x7f\x10\x00")[0].lower()
        for secret in (*SECRETS, *MORE):
            assert secret not in given_bytes or secret not in head, (secret, path)


@pytest.mark.parametrize("seed", range(6))
def test_mutated_files_never_crash_it_and_never_leak(tmp_path: Path, seed: int) -> None:
    """Bytes changed, cut out, doubled: hundreds of files, and each has its verdict."""
    dice = random.Random(seed)
    files = []
    for _ in range(60):
        data = bytearray(dice.choice(WHOLE))
        for _ in range(dice.choice((1, 1, 2, 5))):
            at = dice.randrange(132, len(data))
            how = dice.randrange(5)
            if how == 0:
                data[at] = dice.randrange(256)
            elif how == 1:
                del data[at : at + dice.randrange(1, 40)]
            elif how == 2:
                data[at:at] = data[at : at + dice.randrange(1, 60)]
            elif how == 3:
                data[at : at + 4] = b"\xff\xff\xff\xff"
            else:
                data[at : at + 2] = dice.choice((b"UN", b"SQ", b"OB", b"LO", b"\0\0"))
        files.append(bytes(data))
    outcome = run(tmp_path, files)
    assert sum(outcome.counts.values()) == len(files)
    assert min(outcome.counts.values()) >= 0
    nothing_got_out(tmp_path)


@given(st.binary(max_size=400), st.integers(132, 900), st.sampled_from(range(len(WHOLE))))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_anywhere(tmp_path_factory: pytest.TempPathFactory, junk: bytes, at: int, which: int) -> None:
    """Written over the middle of a good file."""
    place = tmp_path_factory.mktemp("any")
    whole = WHOLE[which]
    outcome = run(place, [whole[:at] + junk + whole[at + len(junk) :]])
    assert sum(outcome.counts.values()) == 1
    nothing_got_out(place)


def test_lengths_that_lie_do_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Elements that claim gigabytes, sequences nested without end, a deflated bomb: refused, quickly."""
    monkeypatch.setattr("imaging.reading.start.MOST_INFLATED", 5_000_000)
    huge = WHOLE[0][:400] + b"\x09\x00\x10\x00UN\0\0\xf0\xff\xff\x7f" + WHOLE[0][400:]
    deep = WHOLE[0][:-600] + b"\x40\x00\x30\xa7SQ\0\0\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff" * 3000
    outcome = run(tmp_path, [huge, deep, deflate_bomb(6_000_000)])
    assert outcome.released == []
    assert sum(outcome.counts.values()) == 3


def test_a_zip_that_unpacks_without_end_stops_the_run_by_name(tmp_path: Path) -> None:
    """The limit is named, nothing is visible."""
    bomb = tmp_path / "in.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("good.dcm", WHOLE[0])
        pack.writestr("bomb", bytes(30_000_000))
    with pytest.raises(UnsafeMedia, match="200 times its size"):
        deidentify([bomb], tmp_path / "out", keys=KEYS, profile=profile_named("basic"), ledger=tmp_path / "l.jsonl")
    assert list((tmp_path / "out").rglob("*.dcm")) == []


def test_names_from_outside_never_name_a_file(tmp_path: Path) -> None:
    """Not by their path in a ZIP, and not by their UIDs: what is no UID becomes one."""
    evil = planted(SOPInstanceUID="1.2.3", SeriesInstanceUID="1.2.4")
    data = content(evil).replace(b"1.2.4\0", b"../../")
    with zipfile.ZipFile(tmp_path / "in.zip", "w") as pack:
        pack.writestr("../../../Plantagenet/evil.dcm", data)
        pack.writestr("/etc/Plantagenet.dcm", content(planted()))
    outcome = deidentify(
        [tmp_path / "in.zip"], tmp_path / "a" / "out", keys=KEYS, profile=profile_named("basic"),
        ledger=tmp_path / "a" / "l.jsonl",
    )  # fmt: skip
    assert sum(outcome.counts.values()) == 2
    made = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}
    assert made == {"in.zip", "a"}
    for path in (tmp_path / "a" / "out").rglob("*"):
        assert set(path.name) <= set("SO-ABCDEFGHIJKLMNOPQRSTUVWXYZ234567.0189dcm"), path
