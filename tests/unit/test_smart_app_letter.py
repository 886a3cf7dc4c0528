"""The opinion as a letter: the same facts in text and PDF, on every page whose they are, in any script."""

from __future__ import annotations

import shutil
import subprocess
import unicodedata
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smart_app import letter
from smart_app.case import Agreement, Ask, Change, Event, Opinion, Party, Patient, SeriesNote, Side, StudyNote
from smart_app.letter.contents import GRADES, NOTICE, day
from smart_app.record import AGREEMENT_WORDS
from smart_app.referral import NoSuchReferral, Referral, Status

HOUSES = {"organisation": "Northlight Reading", "site": "Alder Test Hospital"}
EXPERT = Party("expert", "Dr Noor Exemplar", "https://reading.example/77", "Northlight Reading")
FIRST = Opinion(
    version=1,
    answer="Yes. The mass in the LEFT breast is suspicious.",
    findings="LEFT breast: a spiculated mass of 14 × 11 mm (≥ BI-RADS 4).\n\nRIGHT breast: nothing suspicious.",
    impression="Suspicious mass in the LEFT breast.",
    agreement=Agreement.IMPORTANT_DETECTION,
    signed_by=EXPERT,
    signed_at=datetime(2026, 11, 20, 11, 32, tzinfo=UTC),
    comparison="New since 30 May 2025.",
    recommendation="Biopsy of the LEFT mass.",
    limits="No mammogram was sent.",
    studies=("1.2.3", "1.2.4"),
)
SERIES = SeriesNote("1.2.3.1", "MR", laterality="L", instances=(("1", "1", 1), ("2", "1", 2)))
REFERRAL = Referral(
    id="3f9a1c52-77aa-4b61-9d2e-0c1d5b7e9a10",
    site="alder",
    patient=Patient("Patient/1", "Samplewright", ("Marisol", "Testa"), "1992-03-14", "female", "TST-0048213"),
    requester=Party("clinician", "Dr Tobias Exemplar", "Practitioner/1", "Alder Test Hospital"),
    ask=Ask("Is the focus suspicious?", side=Side.LEFT, body_part="breast", decision="Operation on 1 Dec"),
    organisation="northlight",
    opened_at=datetime(2026, 11, 18, 9, tzinfo=UTC),
    status=Status.SIGNED,
    studies=(
        StudyNote("1.2.3", "2026-11-03T10:00:00+00:00", "MR breast", "A1", "Harbour Imaging", ("MR",), (SERIES,)),
        StudyNote("1.2.4", "2025-05-30", "MR earlier", "", "", ("MR",), comparison=True),
    ),
    opinions=(FIRST,),
)
FACTS = (
    "SAMPLEWRIGHT, Marisol Testa",
    "14 Mar 1992",
    "Female",
    "TST-0048213",
    "SO-3F9A-1C52, version 1",
    "Dr Tobias Exemplar, Alder Test Hospital",
    "LEFT breast",
    "Operation on 1 Dec",
    "Is the focus suspicious?",
    FIRST.answer,
    "Grade 4 of 5: Important difference, detection (it would change care)",
    "The expert formed a view before reading the first report.",
    "LEFT breast: a spiculated mass of 14 × 11 mm (≥ BI-RADS 4).",
    "RIGHT breast: nothing suspicious.",
    FIRST.comparison,
    FIRST.impression,
    FIRST.recommendation,
    FIRST.limits,
    "3 Nov 2026; MR breast; MR; LEFT; Harbour Imaging; 1 series, 2 images",
    "30 May 2025; MR earlier; MR; earlier study, for comparison",
    "Dr Noor Exemplar",
    "Northlight Reading",
    "20 Nov 2026, 11:32 UTC",
    NOTICE,
    "Reference: 3f9a1c52-77aa-4b61-9d2e-0c1d5b7e9a10 version 1",
)


def with_opinion(**changes: object) -> Referral:
    return replace(REFERRAL, opinions=(replace(FIRST, **changes),))


def corrected(**changes: object) -> Referral:
    later = replace(FIRST, version=2, change=Change.CORRECTED, change_reason="It is 14 mm, not 140 mm.", **changes)
    return replace(REFERRAL, opinions=(FIRST, later))


def pages(pdf: bytes) -> list[str]:
    """The text of each page, read back by a program that had no part in making it."""
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext (poppler-utils) is not on this machine")
    read = subprocess.run(["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True)
    assert read.stderr == b"", "the reader found a fault in the PDF"
    return read.stdout.decode().split("\f")[:-1]


def joined(text: str) -> str:
    return " ".join(text.split())


def test_text_and_pdf_hold_the_same_facts() -> None:
    """One source: what stands in one stands in the other."""
    text = joined(letter.text(REFERRAL, 1, **HOUSES))
    pdf = joined(" ".join(pages(letter.pdf(REFERRAL, 1, **HOUSES))))
    for fact in FACTS:
        assert fact in text, fact
        assert fact in pdf, fact


def test_a_usual_letter_is_one_page_and_its_order_is_that_of_reading() -> None:
    (page,) = pages(letter.pdf(REFERRAL, 1, **HOUSES))
    text = letter.text(REFERRAL, 1, **HOUSES)
    order = ("Patient:", "MRN:", "Case:", "QUESTION", "ANSWER", "AGREEMENT", "FINDINGS", "IMPRESSION", "Signed by:")
    places = [text.index(word) for word in order]
    assert places == sorted(places)
    assert page.index("QUESTION") < page.index("ANSWER") < page.index("FINDINGS") < page.index("Signed electronically")


def test_the_text_fits_a_chart_note_and_the_reference_stands_alone() -> None:
    """80 columns; the reference line is how a note is found again in a chart that drops identifiers."""
    long = with_opinion(findings=("Supercalifragilistic " * 40 + "\n") * 3 + "x" * 300 + "\n   indented " + "y " * 60)
    lines = letter.text(long, 1, **HOUSES).split("\n")
    assert max(map(len, lines)) <= letter.COLUMNS
    assert "Reference: 3f9a1c52-77aa-4b61-9d2e-0c1d5b7e9a10 version 1" in lines
    assert letter.text(REFERRAL, 1, **HOUSES).endswith("version 1\n")


def test_a_later_version_says_first_what_changed_and_which_version_it_replaces() -> None:
    """Safety rule: versions are never overwritten, and the change is the first thing read."""
    text = letter.text(corrected(), 2, **HOUSES)
    assert text.startswith("CORRECTED, version 2: It is 14 mm, not 140 mm.\nIt replaces version 1, signed 20 Nov 2026")
    page = joined(pages(letter.pdf(corrected(), 2, **HOUSES))[0])
    assert page.index("CORRECTED, version 2: It is 14 mm") < page.index("Case")
    assert "version 1\n" in letter.text(corrected(), 1, **HOUSES)
    assert "CORRECTED" not in letter.text(corrected(), 1, **HOUSES)


def test_an_addition_says_that_the_earlier_version_still_stands() -> None:
    added = replace(FIRST, version=2, change=Change.APPENDED, change_reason="Pathology came.")
    text = letter.text(replace(REFERRAL, opinions=(FIRST, added)), 2, **HOUSES)
    assert text.startswith("ADDED TO, version 2: Pathology came.\nIt adds to version 1")


def test_a_critical_opinion_and_a_withdrawn_one_say_so_before_anything_else() -> None:
    assert letter.text(with_opinion(critical=True), 1, **HOUSES).startswith("CRITICAL:")
    retracted = Event("retract", EXPERT, FIRST.signed_at, "in-error", "Wrong patient.")
    gone = replace(REFERRAL, status=Status.IN_ERROR, history=(retracted,))
    assert letter.text(gone, 1, **HOUSES).startswith("WITHDRAWN, entered in error: Wrong patient.")
    assert "WITHDRAWN" in pages(letter.pdf(gone, 1, **HOUSES))[0]


@pytest.mark.parametrize(
    ("side", "words"), [(Side.LEFT, "LEFT"), (Side.RIGHT, "RIGHT"), (Side.BILATERAL, "LEFT and RIGHT")]
)
def test_a_side_is_written_in_full(side: Side, words: str) -> None:
    """Never a letter that can be misread."""
    text = letter.text(replace(REFERRAL, ask=replace(REFERRAL.ask, side=side)), 1, **HOUSES)
    assert f"Asked about:   {words}" in text or f"({words}) breast" in text


@pytest.mark.parametrize("agreement", list(Agreement))
def test_every_grade_is_said_in_the_words_of_the_record(agreement: Agreement) -> None:
    """The letter and the chart's Observation must not speak of the same grade in different words."""
    assert AGREEMENT_WORDS[agreement].lower() in GRADES[agreement].lower()
    assert GRADES[agreement] in joined(letter.text(with_opinion(agreement=agreement), 1, **HOUSES))
    assert letter.pdf(with_opinion(agreement=agreement), 1, **HOUSES)


def test_absent_facts_are_said_to_be_absent() -> None:
    bare = replace(with_opinion(studies=()), patient=Patient("Patient/1", "", ()))
    text = letter.text(bare, 1, **HOUSES)
    for label in ("Patient:", "Born:", "Sex:", "MRN:"):
        assert f"{label:<15}not recorded" in text
    assert "STUDIES REVIEWED\n- Not recorded" in text
    assert "not recorded" in pages(letter.pdf(bare, 1, **HOUSES))[0]


def test_a_study_that_is_not_held_any_more_is_named_by_its_number() -> None:
    assert "- Study 1.2.9" in letter.text(with_opinion(studies=("1.2.9",)), 1, **HOUSES)


def test_a_long_letter_names_the_patient_and_the_page_on_each_page_and_loses_no_line() -> None:
    """A page found alone can be put back, and every word arrives."""
    words = "\n".join(f"Finding number {n:03}: {'word ' * 30}end-{n:03}." for n in range(120))
    found = pages(letter.pdf(with_opinion(findings=words, answer=words), 1, **HOUSES))
    assert len(found) > 8
    for number, page in enumerate(found, start=1):
        for fact in ("SAMPLEWRIGHT, Marisol Testa", "Born 14 Mar 1992", "MRN TST-0048213", "SO-3F9A-1C52 · version 1"):
            assert fact in joined(page), f"page {number}: {fact}"
        assert f"Page {number} of {len(found)}" in page
    everything = joined(" ".join(found))
    assert all(everything.count(f"end-{n:03}.") == 2 for n in range(120))
    assert "Signed electronically" in found[-1]


NAMES = {
    "Vietnamese": ("Nguyễn", "Thị Hường"),
    "Polish": ("Żółć", "Łukasz"),
    "decomposed accents": (unicodedata.normalize("NFD", "Zoé"), unicodedata.normalize("NFD", "Ångström")),
    "Cyrillic": ("Ямада", "Щукин"),
    "Greek": ("Παπαδόπουλος", "Ελένη"),
    "Georgian": ("ბერიძე", "ნინო"),
    "apostrophes": ("O’Brien-d'Arcy", "Mary-Jane"),
    "very long": ("Wolfeschlegelsteinhausenbergerdorff" * 4, "Hubert Blaine " * 12),
}


@pytest.mark.parametrize("script", NAMES)
def test_a_name_is_printed_as_it_is_written(script: str) -> None:
    family, given = NAMES[script]
    patient = replace(REFERRAL.patient, family=family, given=(given,))
    expected = unicodedata.normalize("NFC", patient.formal_name).replace(" ", "")
    assert expected in "".join(letter.text(replace(REFERRAL, patient=patient), 1, **HOUSES).split())
    for page in pages(letter.pdf(replace(REFERRAL, patient=patient), 1, **HOUSES)):
        shown = unicodedata.normalize("NFC", page)
        assert expected.casefold() in "".join(shown.split()).casefold()
        assert "U+" not in page


@pytest.mark.parametrize(("family", "marks"), [("山田", "‹U+5C71 U+7530›"), ("محمد", "‹U+0645 U+062D U+0645 U+062F›")])
def test_a_name_without_glyphs_is_marked_by_number_and_said_to_be(family: str, marks: str) -> None:
    """It must neither vanish nor turn into boxes; the text keeps it as it was written."""
    patient = replace(REFERRAL.patient, family=family)
    assert f"{family}, Marisol" in letter.text(replace(REFERRAL, patient=patient), 1, **HOUSES)
    for page in pages(letter.pdf(replace(REFERRAL, patient=patient), 1, **HOUSES)):
        assert f"{marks}, Marisol" in joined(page)
    assert "cannot print" in joined(" ".join(pages(letter.pdf(replace(REFERRAL, patient=patient), 1, **HOUSES))))


def test_lines_after_one_that_opens_in_another_script_do_not_vanish() -> None:
    """Each line of a mixed text is there, on every page."""
    words = "\n".join(f"Щ line {n:02}\nplain line {n:02}" for n in range(90))
    found = joined(" ".join(pages(letter.pdf(with_opinion(findings=words), 1, **HOUSES))))
    for n in range(90):
        assert f"Щ line {n:02}" in found
        assert f"plain line {n:02}" in found


def test_characters_that_turn_the_reading_direction_are_left_out() -> None:
    """An override could make a page show another order than the one signed."""
    turned = with_opinion(answer="No \u202ecancer\u202c found\x07\x00.\r\nNext\u2028line")
    text = letter.text(turned, 1, **HOUSES)
    assert "No cancer found.\nNext\nline\n" in text
    assert "No cancer found." in joined(pages(letter.pdf(turned, 1, **HOUSES))[0])


def test_the_same_version_gives_the_same_bytes() -> None:
    """A letter read back from a chart is compared by its hash."""
    assert letter.pdf(REFERRAL, 1, **HOUSES) == letter.pdf(REFERRAL, 1, **HOUSES)
    assert letter.pdf(REFERRAL, 1, **HOUSES) != letter.pdf(with_opinion(limits="none"), 1, **HOUSES)


def test_the_pdf_carries_its_structure_and_its_fonts_and_is_small() -> None:
    """A screen reader follows headings and paragraphs; ornaments and repeated bands are told as such (PDF/UA-1)."""
    pdf = letter.pdf(REFERRAL, 1, **HOUSES)
    for part in (b"/MarkInfo <</Marked true>>", b"/StructTreeRoot", b"/S /H1", b"/S /H2", b"/DisplayDocTitle true"):
        assert part in pdf, part
    assert b"<pdfuaid:part>1" in pdf
    assert len(pdf) < 100_000
    assert b"AtkinsonHyperlegibleNext" in pdf
    assert b"/FontFile2" in pdf


def test_an_unsigned_version_has_no_letter() -> None:
    with pytest.raises(NoSuchReferral):
        letter.text(REFERRAL, 2, **HOUSES)
    with pytest.raises(NoSuchReferral):
        letter.pdf(REFERRAL, 2, **HOUSES)


@pytest.mark.parametrize(
    ("iso", "written"),
    [
        ("1992-03-14", "14 Mar 1992"),
        ("2026-11-03T10:00:00+00:00", "3 Nov 2026"),
        ("1992-03", "Mar 1992"),
        ("1992", "1992"),
        ("about 1992", "about 1992"),
        ("1992-13-45", "1992-13-45"),
        ("", ""),
    ],
)
def test_a_date_is_written_so_that_day_and_month_cannot_be_confused(iso: str, written: str) -> None:
    assert day(iso) == written


@settings(max_examples=30, deadline=None)
@given(words=st.text(min_size=1, max_size=400).filter(str.strip), name=st.text(max_size=60))
def test_no_words_and_no_name_can_break_a_letter(words: str, name: str) -> None:
    """Whatever is typed or comes from a chart, a signed opinion must be deliverable."""
    odd = replace(with_opinion(findings=words, answer=words), patient=replace(REFERRAL.patient, family=name))
    text = letter.text(odd, 1, **HOUSES)
    assert max(map(len, text.split("\n"))) <= letter.COLUMNS
    text.encode()
    assert letter.pdf(odd, 1, **HOUSES).startswith(b"%PDF")
