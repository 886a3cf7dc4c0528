"""What a case lacks is named by rules that are data; a block is overruled by a named clinician only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from string import Formatter

import pytest

from smart_app.case import Ask, FoundFile, ListedSet, Party, Patient, SeriesSeen, Side, Upload
from smart_app.completeness import LEVELS, Gap, gaps, rules_of, standard_rules
from smart_app.completeness.looks import LOOKS, facts_of
from smart_app.referral import Referral, Status

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DOCTOR = Party("clinician", "Dr Ines Mockford", "Practitioner/1")
WHOLE = Ask("Is it a glioma?", side=Side.LEFT, history="Seizures since May.", decision="Surgery.")


def case(subspecialty: str = "general", **changes: object) -> Referral:
    """A referral that waits for its images."""
    ask = replace(WHOLE, subspecialty=subspecialty, **changes)
    patient = Patient("Patient/1", "Samplewright", ("Marisol",), "1992-03-14", "female")
    return Referral("5f0c", "open", patient, DOCTOR, ask, "northlight", NOW, status=Status.GATHERING)


def given(*series: SeriesSeen, report: bool = True, listed: tuple[ListedSet, ...] = (), each: int = 3) -> Upload:
    """An upload with `each` pictures of these series."""
    files = [
        FoundFile("IM", "image", 9, key="k", series_instance_uid=s.series_instance_uid, study_instance_uid="1")
        for s in series
        for _ in range(each)
    ]
    if report:
        files.append(FoundFile("report.pdf", "report", 9))
    return Upload("u", "r", files=tuple(files), series=series, listed=listed)


def one(uid: str = "s1", modality: str = "CT", **values: object) -> SeriesSeen:
    """A series of the newest study."""
    return SeriesSeen(uid, "study", modality, **{"study_date": "2026-11-03", **values})


OLD = replace(one("old", "MG"), study_instance_uid="old", study_date="2024-10-01")


def lacking(referral: Referral, upload: Upload) -> dict[str, Gap]:
    """Rule id to gap."""
    return {gap.rule.id: gap for gap in gaps(referral, upload, TODAY)}


def test_the_table_is_whole() -> None:
    """Each rule has a level, a look, a source, and words for two audiences in two languages with the same values."""
    rules = standard_rules()
    assert len({rule.id for rule in rules}) == len(rules)
    assert {rule.needs for rule in rules} == set(LOOKS)
    for rule in rules:
        assert rule.level in LEVELS
        for audience in ("title", "patient", "clinician"):
            words = rule.words[audience]
            assert set(words) == {"en", "es"}, rule.id
            named = [{part[1] for part in Formatter().parse(text) if part[1]} for text in words.values()]
            assert named[0] == named[1], rule.id


@pytest.mark.parametrize("broken", ['level = "stop"', 'needs = "magic"', 'source = ""', 'patient.es = "Solo"'])
def test_a_table_that_is_not_whole_is_refused_by_the_rules_name(broken: str) -> None:
    """A site's own table may be wrong; it never half works."""
    whole = {
        "id": '"mine"',
        "level": '"warn"',
        "needs": '"report"',
        "source": '"ours"',
        "title.en": '"T"',
        "patient.en": '"A"',
        "clinician.en": '"B"',
    }
    assert rules_of("[[rule]]\n" + "\n".join(f"{k} = {v}" for k, v in whole.items()))[0].id == "mine"
    key, _, value = broken.partition(" = ")
    whole.pop("patient.en" if key == "patient.es" else key)
    with pytest.raises(ValueError, match="mine is not whole"):
        rules_of("[[rule]]\n" + "\n".join(f"{k} = {v}" for k, v in {**whole, key: value}.items()))


def test_a_whole_case_lacks_nothing() -> None:
    """Report, history, an earlier study, dates."""
    assert lacking(case(), given(one(), replace(OLD, modality="CT"))) == {}


def test_the_first_report_is_a_gap_by_name_until_one_is_given_or_taken() -> None:
    """A report among the pictures counts once its giver says that it is the report."""
    bare = given(one(), report=False)
    assert "first-report" in lacking(case(), bare)
    offered = replace(bare, files=(*bare.files, FoundFile("SR", "image", 9, key="k", offer="sr")))
    assert "first-report" in lacking(case(), offered)
    taken = replace(bare, files=(*bare.files, FoundFile("SR", "image", 9, key="k", offer="taken")))
    assert "first-report" not in lacking(case(), taken)


def test_what_the_disc_lists_and_is_not_here_is_a_gap_in_words() -> None:
    """Whole sets and parts of sets; what belongs to somebody else was found, and is no gap."""
    listed = (ListedSet("s1", "CT thin", 3), ListedSet("s2", "CT thick", 24), ListedSet("s3", "MR T2", 5))
    found = lacking(case(), given(one("s1"), one("s2"), listed=listed))
    said = found["missing-series"].text("patient", "es")
    assert found["missing-series"].text("patient").startswith("We got 2 of 3 picture sets. Missing: MR T2.")
    assert said.startswith("Recibimos 2 de 3 series")
    assert "CT thick (3/24)" in found["missing-pictures"].text("clinician")
    whole = given(one("s1"), one("s2"), each=24, listed=listed)
    theirs = FoundFile("IM", "someone-else", 9, series_instance_uid="s3")
    assert "missing-series" not in lacking(case(), replace(whole, files=(*whole.files, *[theirs] * 5)))


MG = ("L CC", "L MLO", "R CC", "R MLO")


@pytest.mark.parametrize(
    ("subspecialty", "series", "rule", "words"),
    [
        ("breast", [one(modality="US")], "breast-mammogram", "No mammogram"),
        ("breast", [one(modality="MG", views=MG[:3])], "breast-views", "RIGHT MLO"),
        ("breast", [one(modality="MG", views=MG)], "breast-other", "No ultrasound or MRI"),
        ("breast", [one(modality="MG", views=MG)], "breast-earlier", "two years"),
        ("neuro", [one(modality="MR", description="AX T2 FLAIR")], "neuro-sequences", "T1, DWI, contrast"),
        ("musculoskeletal", [one(modality="MR")], "msk-radiograph", "No radiograph"),
        ("musculoskeletal", [one(modality="MR", field_strength=0.3)], "msk-field", "0.3 T"),
        ("musculoskeletal", [one(modality="MR", field_strength=3000.0)], "msk-field", "0.3 T"),
        ("oncology", [one(description="ABDOMEN PLAIN")], "oncology-contrast", "No contrast phase"),
        ("oncology", [one(thickness=7.5)], "oncology-slices", "7.5 mm"),
        ("general", [one(modality="SC", risk="capture")], "real-pictures", "Only screen captures"),
        ("general", [one(study_date="")], "study-date", "no date"),
        ("general", [one(study_date="2024-11-03")], "study-age", "24 months"),
        ("general", [one()], "earlier-study", "No earlier study"),
    ],
)
def test_each_rule_sees_what_headers_tell(subspecialty: str, series: list[SeriesSeen], rule: str, words: str) -> None:
    """In the clinician's words."""
    assert words in lacking(case(subspecialty), given(*series))[rule].text("clinician")


@pytest.mark.parametrize(
    ("subspecialty", "series", "rule"),
    [
        ("breast", [one(modality="MG", views=MG), OLD], "breast-views"),
        ("breast", [one(modality="MG", views=MG), OLD], "breast-earlier"),
        ("breast", [one(modality="MG")], "breast-views"),
        ("general", [one(modality="MG", views=MG[:1])], "breast-views"),
        ("neuro", [one(modality="MR")], "neuro-sequences"),
        ("neuro", [one(modality="CT", description="HEAD")], "neuro-sequences"),
        ("musculoskeletal", [one(modality="MR", field_strength=15000.0)], "msk-field"),
        ("musculoskeletal", [one(modality="MR", field_strength=1.4939)], "msk-field"),
        ("musculoskeletal", [one(modality="MR")], "msk-field"),
        ("oncology", [one(), one("s2", contrast=True)], "oncology-contrast"),
        ("oncology", [one(description="Fase portal")], "oncology-contrast"),
        ("oncology", [one(modality="US")], "oncology-contrast"),
        ("oncology", [one(thickness=7.5), one("s2", thickness=1.25)], "oncology-slices"),
        ("oncology", [one()], "oncology-slices"),
        ("general", [one(modality="SC", risk="capture"), one("s2")], "real-pictures"),
        ("general", [one(study_date=""), one("s2")], "study-date"),
    ],
)
def test_where_headers_cannot_tell_or_it_is_there_nothing_is_said(
    subspecialty: str, series: list[SeriesSeen], rule: str
) -> None:
    """A gap that is none makes people stop reading gaps."""
    assert rule not in lacking(case(subspecialty), given(*series))


def test_all_sequences_of_a_brain_are_known_by_their_names() -> None:
    """As different scanners call them; contrast is told by the agent, too."""
    names = ("t1_mprage_sag", "AX T2 TSE", "FLAIR 3D", "ep2d_diff_b1000")
    series = [one(f"s{n}", "MR", description=name) for n, name in enumerate(names)]
    assert "contrast" in lacking(case("neuro"), given(*series))["neuro-sequences"].text("patient")
    series.append(one("s9", "MR", description="t1_mprage_sag", contrast=True))
    assert "neuro-sequences" not in lacking(case("neuro"), given(*series))


def test_questions_without_side_or_history_are_gaps() -> None:
    """The side only where there are two."""
    bare = case("musculoskeletal", side=Side.NONE, history=" ")
    assert {"side", "history"} <= lacking(bare, given(one())).keys()
    assert "side" not in lacking(case(side=Side.NONE), given(one()))


def test_a_block_holds_until_a_named_clinician_overrules_it() -> None:
    """The decision stands beside the gap, with who and why; other gaps are untouched."""
    referral, upload = case("breast"), given(one(modality="MG", views=MG[:2]))
    found = gaps(referral, upload, TODAY)
    assert [gap.rule.id for gap in found if gap.blocks] == ["breast-views"]
    assert found[0].rule.level == "block"
    said = referral.override(DOCTOR, NOW, "breast-views", "Mastectomy on the right.")
    gap = lacking(said, upload)["breast-views"]
    assert not gap.blocks
    assert gap.overruled is not None
    assert (gap.overruled.by.name, gap.overruled.reason) == (
        "Dr Ines Mockford",
        "breast-views: Mastectomy on the right.",
    )


def test_pictures_that_were_left_out_count_for_nothing() -> None:
    """Only what would be sent is looked at."""
    upload = given(one(modality="MG", views=MG))
    files = tuple(replace(f, verdict="someone-else") if f.verdict == "image" else f for f in upload.files)
    assert facts_of(WHOLE, replace(upload, files=files), TODAY).series == ()
