"""A whole run: what is in doubt is set aside, counts add up, a broken run goes on, and nothing is half visible."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from datetime import date
from pathlib import Path

import pydicom
import pytest
from click.testing import CliRunner, Result

import imaging.deidentify.table as table
from imaging.deidentify import Keys, Outcome, deidentify, profile_named
from imaging.deidentify.output import Output
from imaging.deidentify.report import as_json
from imaging.deidentify.table import Action
from imaging.errors import OutputUnusable
from imaging.study import Person
from smart_app.cli import main
from tests.discs import FILES, altered, directory, of, zipped
from tests.planted import ROOT, SECRETS, content, disc, planted

ROOT_FOLDER = Path(__file__).resolve().parents[2]
KEY = bytes(range(32))
PLAIN = {f"IM{number}": data for number, data in enumerate(FILES)}
OTHER = Person("Placeholder^Peter", "1950-01-01", "M", "Z-9")


def given(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder of these files."""
    for name, data in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def run(place: Path, files: dict[str, bytes] | None = None, **more: object) -> Outcome:
    """De-identify these files into `out` beside them."""
    source = given(place / "in", files) if files is not None else place / "in"
    options: dict[str, object] = {"profile": profile_named("research"), **more}
    return deidentify([source], place / "out", keys=Keys(KEY), ledger=place / "state" / "done.jsonl", **options)  # type: ignore[arg-type]


ALONE = """
from pathlib import Path
from imaging.deidentify import Keys, deidentify, profile_named
from imaging.deidentify.table import vrs
vrs()
place = Path({place!r})
{first}
deidentify([place / "in"], place / "out", keys=Keys(bytes(range(32))), profile=profile_named("research"),
           ledger=place / "state" / "done.jsonl")
"""
"""The same run in a process of its own, which can be killed and limited."""


def visible(place: Path) -> list[Path]:
    """Files of the output folder."""
    return sorted(path for path in (place / "out").rglob("*") if path.is_file())


def test_a_second_run_makes_nothing_twice(tmp_path: Path) -> None:
    """The same files again: already here, the same names, not written again."""
    assert dict(run(tmp_path, PLAIN).counts) == {"deidentified": 4}
    before = {path: path.stat().st_mtime_ns for path in visible(tmp_path)}
    again = run(tmp_path)
    assert dict(again.counts) == {"already-here": 4}
    assert as_json(again)["instances_out"] == 4
    assert {path: path.stat().st_mtime_ns for path in visible(tmp_path)} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "state"]


def test_a_later_upload_fits(tmp_path: Path) -> None:
    """The other half of a study, a day later: the same patient, study, series and shift."""
    run(tmp_path, {"a": FILES[0], "b": FILES[1]})
    first = [pydicom.dcmread(path) for path in visible(tmp_path)]
    later = deidentify(
        [given(tmp_path / "later", {"c": FILES[2], "d": FILES[3]})], tmp_path / "out", keys=Keys(KEY),
        profile=profile_named("research"), ledger=tmp_path / "state" / "done.jsonl",
    )  # fmt: skip
    assert dict(later.counts) == {"deidentified": 2}
    everything = [pydicom.dcmread(path) for path in visible(tmp_path)]
    assert len(everything) == len(first) + 2
    assert len({(d.PatientID, d.StudyInstanceUID, d.StudyDate) for d in everything}) == 1
    elsewhere = deidentify(
        [tmp_path / "later"], tmp_path / "elsewhere", keys=Keys(KEY), profile=profile_named("research"),
        ledger=tmp_path / "state" / "other.jsonl",
    )  # fmt: skip
    assert {one.study_instance_uid for one in elsewhere.released} == {everything[0].StudyInstanceUID}


def test_another_profile_or_key_is_not_mixed_in(tmp_path: Path) -> None:
    """One folder, one way of cleaning."""
    run(tmp_path, PLAIN)
    with pytest.raises(OutputUnusable, match="another profile or another key"):
        run(tmp_path, profile=profile_named("basic"))
    with pytest.raises(OutputUnusable, match="another profile or another key"):
        deidentify(
            [tmp_path / "in"], tmp_path / "out", keys=Keys(b"x" * 32), profile=profile_named("research"),
            ledger=tmp_path / "state" / "done.jsonl",
        )  # fmt: skip


def test_an_emptied_folder_may_begin_another_way(tmp_path: Path) -> None:
    """What was made before is gone, so nothing can be mixed."""
    run(tmp_path, PLAIN)
    shutil.rmtree(tmp_path / "out")
    assert dict(run(tmp_path, profile=profile_named("basic")).counts) == {"deidentified": 4}
    assert pydicom.dcmread(visible(tmp_path)[0]).DeidentificationMethod.endswith("basic")
    assert dict(run(tmp_path, profile=profile_named("basic")).counts) == {"already-here": 4}


def test_several_patients_are_kept_apart(tmp_path: Path) -> None:
    """Each a name and a shift of their own; the interval between one's own studies stays."""
    files = {
        "a1": of(OTHER, study_date="2026-01-10", description="A"),
        "a2": of(OTHER, study_date="2026-03-10", description="B"),
        "b": FILES[0],
    }  # fmt: skip
    outcome = run(tmp_path, files)
    dates: dict[str, list[str]] = {}
    for path in visible(tmp_path):
        dataset = pydicom.dcmread(path)
        dates.setdefault(dataset.PatientID, []).append(dataset.StudyDate)
        assert path.relative_to(tmp_path / "out").parts[0] == dataset.PatientID
    assert sorted(map(len, dates.values())) == [1, 2]
    two = sorted(next(d for d in dates.values() if len(d) == 2))
    assert (date.fromisoformat(two[1]) - date.fromisoformat(two[0])).days == 59
    shifts = {Keys(KEY).shift(pseudonym) for pseudonym in dates}
    assert len(shifts) == 2
    assert [f["rule"] for f in as_json(outcome)["findings"]] == ["heads", "patients"]


def test_one_person_with_two_numbers_is_one_if_somebody_says_so(tmp_path: Path) -> None:
    """Discs of two hospitals: apart by default, and told; together on request."""
    files = {"a": FILES[0], "b": of(Person("Samplewright^Marisol", "1992-03-14", "F", "ELSE-77"), description="Other")}
    outcome = run(tmp_path, files)
    assert len({one.pseudonym for one in outcome.released}) == 2
    assert outcome.notes["namesakes"] == 1
    (tmp_path / "two").mkdir()
    assert len({one.pseudonym for one in run(tmp_path / "two", files, same_person=True).released}) == 1


def test_a_study_with_two_people_in_it_is_not_split_in_silence(tmp_path: Path) -> None:
    """The second person's file is set aside; one without number or birth date is still the first's."""
    stranger = altered(FILES[1], PatientName="Placeholder^Peter", PatientID="Z-9", PatientBirthDate="19500101")
    unnamed = altered(FILES[2], PatientID="", PatientBirthDate="")
    outcome = run(tmp_path, {"a": FILES[0], "b": stranger, "c": unnamed})
    assert [(one.number, one.reason) for one in outcome.quarantined] == [(2, "mixed-study")]
    assert len({one.pseudonym for one in outcome.released}) == 1
    assert len(outcome.released) == 2


def test_twice_the_same_is_a_duplicate_and_other_content_is_set_aside(tmp_path: Path) -> None:
    """Of one number only the first comes out; a difference in the last pixel is a difference."""
    changed = bytearray(FILES[0])
    changed[-1] ^= 1
    outcome = run(tmp_path, {"a": FILES[0], "b": FILES[0], "c": bytes(changed)})
    assert dict(outcome.counts) == {"deidentified": 1, "duplicate": 1, "quarantined": 1}
    assert outcome.quarantined[0].reason == "same-number-other-content"
    assert len(visible(tmp_path)) == 1


def test_a_captured_screen_in_the_midst_of_a_series_is_noticed(tmp_path: Path) -> None:
    """Also where all its other pictures were cleaned by what they have in common; other image types are no matter."""
    types = (["ORIGINAL", "PRIMARY", "M"], ["ORIGINAL", "PRIMARY", "P"], ["DERIVED", "SECONDARY", "SCREEN SAVE"], ["X"])
    files = {f"{n}": altered(FILES[0], SOPInstanceUID=f"1.2.{n}", ImageType=kind) for n, kind in enumerate(types)}
    outcome = run(tmp_path, files)
    assert [(one.number, one.reason) for one in outcome.quarantined] == [(3, "burned-in-capture")]
    assert sorted(str(pydicom.dcmread(p).ImageType) for p in visible(tmp_path)) == sorted(
        str(pydicom.dcmread(tmp_path / "in" / n).ImageType) for n in ("0", "1", "3")
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"BurnedInAnnotation": "YES"}, "burned-in-flag"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.7"}, "burned-in-capture"),
        ({"ImageType": ["DERIVED", "SECONDARY", "SCREEN SAVE"]}, "burned-in-capture"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.6.1", "Modality": "US"}, "burned-in-kind"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.66"}, "private-kind"),
        ({"SOPClassUID": "1.3.12.2.1107.5.9.1"}, "private-kind"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.9.4.1"}, "voice"),
        ({"EncapsulatedDocument": b"%PDF-1.4"}, "encapsulated-document"),
        ({"Rows": 15}, "more-than-the-picture"),
    ],
)
def test_what_cannot_be_sure_is_set_aside(tmp_path: Path, values: dict[str, object], reason: str) -> None:
    """Never called de-identified, and told why."""
    data = altered(FILES[3], **values)
    if reason == "more-than-the-picture":
        data = data[:-4] + b"name"
    outcome = run(tmp_path, {"a": data})
    assert [one.reason for one in outcome.quarantined] == [reason]
    assert visible(tmp_path) == []
    assert not outcome.complete


def test_a_drawing_hidden_in_pixels_is_set_aside(tmp_path: Path) -> None:
    """An overlay without data of its own lies in unused bits of the pixels (PS3.5 section 8.1.2)."""
    dataset = planted()
    del dataset[0x60003000]
    outcome = run(tmp_path, {"a": content(dataset)})
    assert [one.reason for one in outcome.quarantined] == ["overlay-in-pixels"]


def test_a_picture_that_somebody_looked_at_comes_out(tmp_path: Path) -> None:
    """By its new UID, as the report names it; reasons that no look can settle stay."""
    us = altered(FILES[0], SOPClassUID="1.2.840.10008.5.1.4.1.1.6.1", Modality="US")
    packed = altered(FILES[1], EncapsulatedDocument=b"%PDF-1.4")
    first = run(tmp_path, {"a": us, "b": packed})
    seen = frozenset(one.sop_instance_uid for one in first.quarantined)
    assert len(seen) == 2
    second = run(tmp_path, looked_at=seen)
    assert [one.reason for one in second.quarantined] == ["encapsulated-document"]
    assert second.notes["looked-at"] == 1
    assert len(visible(tmp_path)) == 1


@pytest.mark.parametrize(
    ("keyword", "value", "kind"),
    [
        ("PatientComments", "for Zebedee", "name"),
        ("ReferringPhysicianName", "Thistlewood^Rita", "staff"),
        ("AccessionNumber", "ACC-4417", "number"),
        ("InstitutionName", "St. Elsewhere General Hospital", "place"),
        ("PatientBirthDate", "19610704", "birth-date"),
        ("ImageComments", "seen on 2024-03-11", "date"),
        ("StudyInstanceUID", None, "uid"),
    ],
)
def test_the_last_search_stops_what_a_wrong_table_lets_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keyword: str, value: str | None, kind: str
) -> None:
    """With one rule broken on purpose, nothing is released, and the report says what kind stood where."""
    from pydicom.datadict import tag_for_keyword

    right, broken = table.action_for, tag_for_keyword(keyword)

    def wrong(tag: int, vr: str, profile: object) -> Action:
        return Action.KEEP if tag == broken else right(tag, vr, profile)  # type: ignore[arg-type]

    monkeypatch.setattr("imaging.deidentify.rewrite.action_for", wrong)
    monkeypatch.setattr("imaging.deidentify.rewrite.Cleaner._tells", lambda *_: False)
    monkeypatch.setattr("imaging.deidentify.rewrite.Cleaner.learn", _learn_everything)
    dataset = planted()
    if value is not None:
        setattr(dataset, keyword, value)
    outcome = run(tmp_path, {"a": content(dataset)})
    assert visible(tmp_path) == []
    (one,) = outcome.quarantined
    assert one.reason == "residual-identifier"
    assert (kind, f"{broken:08X}") in {(leak.kind, leak.tag) for leak in one.leaks}
    assert dict(+outcome.counts) == {"quarantined": 1}


def _learn_everything(self: object, tag: int, vr: str, value: bytes, here: object) -> None:
    from imaging.deidentify.texts import decoded

    known, pseudonym = self.known, here.patient.pseudonym  # type: ignore[attr-defined]
    known.learn(tag, vr, decoded(value, b""), pseudonym, value)


def test_a_comment_in_compressed_pixels_is_found(tmp_path: Path) -> None:
    """A JPEG comment lies in the pixels, which nobody rewrites."""
    from pydicom.encaps import encapsulate
    from pydicom.uid import JPEGBaseline8Bit

    dataset = planted()
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    dataset.PixelData = encapsulate([b"\xff\xd8\xff\xfe\x00\x16Patient Plantagenet\0" + bytes(60)], has_bot=False)
    dataset["PixelData"].is_undefined_length = True
    dataset["PixelData"].VR = "OB"
    outcome = run(tmp_path, {"a": content(dataset)})
    assert [(leak.kind, leak.tag) for leak in outcome.quarantined[0].leaks] == [("name", "7FE00010")]
    assert visible(tmp_path) == []


def test_every_kind_of_file_has_its_verdict(tmp_path: Path) -> None:
    """A disc with a list, a ZIP, a report, a text, a broken picture: the verdicts add up."""
    files = {
        "DICOMDIR": directory(FILES), "pack.zip": zipped({"x/IM1": FILES[1], "x/IM2": FILES[2]}), "IM0": FILES[0],
        "report.pdf": b"%PDF-1.7\n", "AUTORUN.INF": b"[autorun]", "cut.dcm": FILES[3][:-50], "empty": b"",
    }  # fmt: skip
    outcome = run(tmp_path, files)
    assert dict(outcome.counts) == {
        "deidentified": 3, "directory": 1, "not-an-image": 1, "report": 1, "unreadable": 2,
    }  # fmt: skip
    assert not outcome.complete
    assert len(visible(tmp_path)) == 3


def test_a_run_that_was_killed_goes_on_and_makes_each_once(tmp_path: Path) -> None:
    """kill -9 again and again, at any moment: what is visible is whole, and in the end everything is there once."""
    files = {f"{n}": altered(FILES[0], SOPInstanceUID=f"1.2.3.{n}", InstanceNumber=n) for n in range(60)}
    given(tmp_path / "in", files)
    code = ALONE.format(place=str(tmp_path), first="print('ready', flush=True)")
    killed = 0
    for wait in (0.0, 0.01, 0.02, 0.04, 0.06):
        process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT_FOLDER, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        for path in visible(tmp_path) if (tmp_path / "out").exists() else []:
            assert len(pydicom.dcmread(path).PixelData) == 32 * 32 * 2
    assert killed >= 2
    outcome = run(tmp_path)
    assert outcome.counts["deidentified"] + outcome.counts["already-here"] == 60
    assert len(visible(tmp_path)) == len({one.sop_instance_uid for one in outcome.released}) == 60
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in", "out", "state"]


def test_what_a_broken_run_left_and_nobody_searched_does_not_come_out(tmp_path: Path) -> None:
    """The input changed between two runs: only what was searched in this one becomes visible."""
    given(tmp_path / "in", {"a": FILES[0], "b": FILES[1]})
    release = Output.release
    Output.release = lambda self: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[method-assign, assignment]
    try:
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path)
    finally:
        Output.release = release  # type: ignore[method-assign]
    assert visible(tmp_path) == []
    (tmp_path / "in" / "b").unlink()
    outcome = run(tmp_path)
    assert dict(outcome.counts) == {"already-here": 1}
    assert len(visible(tmp_path)) == 1


def test_input_and_output_must_not_lie_in_one_another(tmp_path: Path) -> None:
    """A second run would read what the first wrote."""
    given(tmp_path / "in", PLAIN)
    for out in (tmp_path / "in", tmp_path / "in" / "out", tmp_path):
        with pytest.raises(OutputUnusable, match="must not lie in the input"):
            deidentify(
                [tmp_path / "in"], out, keys=Keys(KEY), profile=profile_named("basic"), ledger=tmp_path / "l.jsonl"
            )


def test_two_runs_into_one_folder_do_not_meet(tmp_path: Path) -> None:
    """The second is told to wait."""
    from imaging.deidentify.ledger import Ledger

    first = Ledger(tmp_path / "state" / "done.jsonl", "x")
    with pytest.raises(OutputUnusable, match="Another run"):
        run(tmp_path, PLAIN)
    first.close()


def test_a_full_disk_is_said_plainly_and_nothing_is_half_visible(tmp_path: Path) -> None:
    """A limit on file size stands in for the disk: the message names the folder and what to do."""
    given(tmp_path / "in", {"big": altered(FILES[0], Rows=500, Columns=500, PixelData=bytes(500_000))})
    limit = "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
    limit += "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
    code = ALONE.format(place=str(tmp_path), first=limit)
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT_FOLDER, capture_output=True, text=True, check=False)
    assert "There is no room left" in result.stderr
    assert visible(tmp_path) == []
    assert dict(run(tmp_path).counts) == {"deidentified": 1}


def command(place: Path, *more: str) -> Result:
    """`second-opinion deidentify in out --json`."""
    arguments = ["deidentify", str(place / "in"), str(place / "out"), "--json", *more]
    return CliRunner(env={"HOME": str(place / "home"), "XDG_CONFIG_HOME": ""}).invoke(main, arguments)


def test_the_command_answers_one_object_and_its_code_tells_partial_success(tmp_path: Path) -> None:
    """0 when every picture came out, 3 when not; a second time into the same folder all is already there."""
    given(tmp_path / "in", PLAIN)
    result = command(tmp_path)
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["complete"], report["profile"], report["instances_out"]) == (True, "research", 4)
    assert report["verdicts"] == {"deidentified": 4}
    assert json.loads(command(tmp_path).stdout)["verdicts"] == {"already-here": 4}
    (tmp_path / "in" / "cut.dcm").write_bytes(FILES[0][:-9])
    partial = command(tmp_path, "--names", str(tmp_path / "names.txt"))
    assert partial.exit_code == 3
    assert json.loads(partial.stdout)["verdicts"] == {"already-here": 4, "unreadable": 1}
    assert (tmp_path / "names.txt").read_text() == "5\tcut.dcm\n"
    assert (tmp_path / "names.txt").stat().st_mode & 0o077 == 0


def test_the_command_works_where_nothing_can_be_kept_for_the_user(tmp_path: Path) -> None:
    """The key is kept beside the folder then, never in it, and standard error says where."""
    given(tmp_path / "in", PLAIN)
    (tmp_path / "home").write_text("a file, so nothing can be made in it")
    result = command(tmp_path)
    assert result.exit_code == 0
    hidden = [path for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert len(hidden) == 1
    assert str(hidden[0]) in result.stderr
    assert sorted(path.name for path in hidden[0].iterdir()) == ["done.jsonl", "done.lock", "key"]
    assert json.loads(command(tmp_path).stdout)["verdicts"] == {"already-here": 4}


def test_the_command_takes_a_zip_a_file_and_the_discs_of_the_disc_test(tmp_path: Path) -> None:
    """Each with a key of its own; nothing about the person is printed."""
    disc(tmp_path / "disc")
    with zipfile.ZipFile(tmp_path / "in", "w") as pack:
        for path in (tmp_path / "disc").rglob("*"):
            if path.is_file():
                pack.write(path, path.relative_to(tmp_path / "disc"))
    result = command(tmp_path, "--key", str(tmp_path / "key"))
    assert result.exit_code == 3
    report = json.loads(result.stdout)
    assert report["verdicts"] == {"deidentified": 6, "not-an-image": 1, "quarantined": 2}
    assert not any(secret.decode() in (result.stdout + result.stderr).lower() for secret in SECRETS)
    assert ROOT not in result.stdout
    assert (tmp_path / "key").exists()


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--profile", "thorough"), "no profile called 'thorough'"),
        (("--key", "IN/IM0x"), "the key cannot be read"),
    ],
)
def test_the_command_refuses_in_a_sentence(tmp_path: Path, more: tuple[str, ...], message: str) -> None:
    """No traceback, and exit code 1."""
    given(tmp_path / "in", PLAIN)
    (tmp_path / "IN").write_text("a file")
    result = command(tmp_path, *(word.replace("IN", str(tmp_path / "IN")) for word in more))
    assert result.exit_code == 1
    assert message in result.stderr
    assert command(tmp_path / "nowhere").exit_code == 1
