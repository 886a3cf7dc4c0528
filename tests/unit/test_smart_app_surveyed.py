"""`second-opinion study` from outside: its JSON, its FHIR, and a clear sentence for every odd folder."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhir.check import check
from imaging.phantom import ct_study
from imaging.study import Person
from smart_app import surveyed
from smart_app.cli import main
from tests.discs import FILES, WHO, altered, of, zipped

OTHER = Person("Placeholder^Peter", "1950-01-02", "M", "TST-2")


def study(*arguments: object) -> Result:
    """The command with these arguments."""
    return CliRunner().invoke(main, ["study", *map(str, arguments)])


@pytest.fixture
def disc(tmp_path: Path) -> Path:
    """Four pictures in two series, one of them twice, a text and a broken file."""
    folder = tmp_path / "disc"
    (folder / "IMAGES").mkdir(parents=True)
    for number, content in enumerate(FILES):
        (folder / "IMAGES" / f"IM{number}").write_bytes(content)
    (folder / "IMAGES" / "AGAIN").write_bytes(FILES[0])
    (folder / "AUTORUN.INF").write_text("[autorun]")
    (folder / "BROKEN.dcm").write_bytes(FILES[1][:300])
    return folder


def test_the_json_is_what_was_promised(disc: Path) -> None:
    """The names of every level, counts of distinct pictures, and a verdict for every file."""
    said = json.loads(study(disc, "--json").stdout)
    assert list(said) == ["studies", "verdicts", "findings"]
    (found,) = said["studies"]
    assert list(found) == ["study_instance_uid", "patient", "date", "description", "series"]
    assert found["patient"] == {"name": WHO.name, "birth_date": WHO.birth_date, "sex": WHO.sex, "id": WHO.id}
    assert (found["date"], found["description"]) == ("2026-11-03", "Head CT")
    keys = ["series_instance_uid", "modality", "description", "body_part", "laterality", "instances"]
    assert [list(series) for series in found["series"]] == [keys, keys]
    assert [series["instances"] for series in found["series"]] == [2, 2]
    assert said["verdicts"]["image"] == 4
    assert said["verdicts"]["duplicate"] == 1
    assert said["verdicts"]["unreadable"] == 1
    assert sum(said["verdicts"].values()) == sum(1 for path in disc.rglob("*") if path.is_file())
    assert all(set(finding) == {"rule", "severity", "text"} for finding in said["findings"])


@pytest.mark.parametrize("nested", [False, True])
def test_a_zip_is_what_is_in_it(tmp_path: Path, nested: bool) -> None:
    """Also a ZIP in a ZIP."""
    content = zipped({f"d/{n}": file for n, file in enumerate(FILES)})
    path = tmp_path / "cd.zip"
    path.write_bytes(zipped({"inner.zip": content}) if nested else content)
    said = json.loads(study(path, "--json").stdout)
    assert said["verdicts"] == {"image": 4}


def test_one_study_is_an_imaging_study(disc: Path, tmp_path: Path) -> None:
    """Of the person in the headers, who travels inside it."""
    out = tmp_path / "study.json"
    assert study(disc, "--fhir", out, "--zone", "Europe/Madrid").exit_code == 0
    resource = json.loads(out.read_text("utf-8"))
    check(resource)
    assert resource["resourceType"] == "ImagingStudy"
    assert resource["subject"] == {"reference": "#patient"}
    patient = resource["contained"][0]
    assert (patient["name"][0]["family"], patient["birthDate"], patient["gender"]) == (
        "Samplewright",
        "1992-03-14",
        "female",
    )
    assert (resource["numberOfSeries"], resource["numberOfInstances"]) == (2, 4)


def test_several_studies_are_a_bundle_and_the_same_disc_makes_the_same_bundle(tmp_path: Path) -> None:
    """Each with its own person."""
    (tmp_path / "one").write_bytes(FILES[0])
    (tmp_path / "two").write_bytes(of(OTHER))
    out = tmp_path.parent / f"{tmp_path.name}.json"
    texts = []
    for _ in range(2):
        assert study(tmp_path, "--fhir", out).exit_code == 0
        texts.append(out.read_text("utf-8"))
    bundle = json.loads(texts[0])
    assert texts[0] == texts[1]
    assert (bundle["resourceType"], bundle["type"], len(bundle["entry"])) == ("Bundle", "collection", 2)
    families = {entry["resource"]["contained"][0]["name"][0]["family"] for entry in bundle["entry"]}
    assert families == {"Samplewright", "Placeholder"}
    for entry in bundle["entry"]:
        check(entry["resource"])


def test_without_a_study_nothing_is_written(tmp_path: Path) -> None:
    """And that is said."""
    (tmp_path / "note.txt").write_text("hello")
    out = tmp_path / "out.json"
    result = study(tmp_path, "--fhir", out)
    assert result.exit_code == 1
    assert "no DICOM study" in result.stderr
    assert not out.exists()


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    """It is no failure of the command."""
    result = study(tmp_path)
    assert result.exit_code == 0
    assert "There is no DICOM image in these files." in result.stdout
    assert json.loads(study(tmp_path, "--json").stdout)["verdicts"] == {}


def test_a_missing_folder_and_a_place_that_cannot_be_written_are_named(disc: Path, tmp_path: Path) -> None:
    """In one sentence, without a traceback."""
    for result in (study(tmp_path / "nowhere"), study(disc, "--fhir", tmp_path / "no" / "such" / "folder.json")):
        assert result.exit_code == 1
        assert "nowhere" in result.stderr or "folder.json" in result.stderr
        assert "Traceback" not in result.output


def test_long_work_says_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On standard error, so that the JSON stays clean."""
    monkeypatch.setattr(surveyed, "PATIENCE", 0.0)
    for number in range(60):
        (tmp_path / f"{number}.txt").write_text("x")
    surveyed.survey_media([tmp_path], as_json=True, fhir=None)
    assert capsys.readouterr().err == "50 files so far\n"


def test_it_starts_without_the_libraries_that_it_does_not_need(disc: Path) -> None:
    """Ordinary pictures are read without pydicom, and nothing is served."""
    code = (
        "import sys; from smart_app.cli import main; main(['study', sys.argv[1]], standalone_mode=False); "
        "print(sorted({'pydicom', 'numpy', 'flask', 'sqlalchemy', 'requests', 'dbos'} & set(sys.modules)), "
        "file=sys.stderr)"
    )
    (disc / "BROKEN.dcm").unlink()
    done = subprocess.run([sys.executable, "-c", code, str(disc)], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"


def test_instances_are_told_by_their_number_not_by_their_file(tmp_path: Path) -> None:
    """Two series of the same picture number."""
    for number, content in enumerate(
        ct_study(WHO, study_date="2026-11-03", description="CT", series=3, slices=1, size=16)
    ):
        (tmp_path / str(number)).write_bytes(altered(content, InstanceNumber=1))
    said = json.loads(study(tmp_path, "--json").stdout)
    assert [series["instances"] for series in said["studies"][0]["series"]] == [1, 1, 1]
