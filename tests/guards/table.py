"""The twenty safety rules: hazard, guard, how the guard is taken out, the test that sees it, where a person sees it.

`docs/safety.md` is made from this table (`python -m tests.guards.document`). A guard is taken out by replacing one
piece of source by another in a copy of the tree; the piece must be there exactly once.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Guard:
    """One guard of one rule."""

    rule: int
    hazard: str
    where: str  # "path:function"
    without: tuple[str, str]  # the piece, and what stands in its place without the guard
    test: str  # "path::name"
    seen: str  # how a person sees it in the demo

    @property
    def path(self) -> str:
        """The file of the guard."""
        return self.where.partition(":")[0]


GUARDS = (
    Guard(
        1,
        "Somebody else's images are read as this patient's",
        "smart_app/gates.py:whose_stop",
        ('c.outcome == "conflict" and', "False and"),
        "tests/unit/test_upload.py::test_pictures_of_somebody_else_stop_and_nothing_is_stored",
        "`play --scenario wrong-patient`, or give images of another person in the portal",
    ),
    Guard(
        1,
        "A clinician's word lets another birth date in",
        "smart_app/gates.py:may_be_vouched_for",
        ("all(_born_alike(one) for one in compared)", "True"),
        "tests/unit/test_vouching.py::test_never_where_the_birth_date_is_another_or_absent",
        "the stop page of a clinician: no button where the birth date differs",
    ),
    Guard(
        2,
        "A disc of two people is sent as one",
        "smart_app/gates.py:whose_stop",
        ("if len(people_present(upload)) > 1:", "if len(people_present(upload)) > 99:"),
        "tests/unit/test_upload.py::test_a_disc_of_two_people_is_stopped_as_that_whoever_was_confirmed",
        "`play --scenario two-people`",
    ),
    Guard(
        3,
        "A stored image is not the image that was given",
        "imaging/archive/storing.py:_record",
        ("                elif known[uid] != sha256:\n", "                elif False:\n"),
        "tests/contract/test_archive.py::test_the_same_number_with_other_content_is_a_conflict_and_replaces_nothing",
        "`second-opinion study` on what was stored: every UID and byte as it came",
    ),
    Guard(
        4,
        "A page shows another launch's patient",
        "smart_app/store/sessions.py:line",
        (
            "lines.c.browser == digest(browser))\n        ).one_or_none()\n        return self._open(row, idle)",
            ")\n        ).one_or_none()\n        return self._open(row, idle)",
        ),
        "tests/unit/test_web_sessions.py::test_a_line_opens_in_its_own_browser_only",
        "open two charts side by side; copy one's address into another browser",
    ),
    Guard(
        5,
        "An opinion is signed without a second look at whose it is",
        "smart_app/review.py:_opinion",
        ("for name in CONFIRM if name not in confirmed", "for name in () if name not in confirmed"),
        "tests/unit/test_review.py::test_each_of_the_four_points_must_be_confirmed",
        "the expert's page: four points to confirm before the button signs",
    ),
    Guard(
        6,
        "A suspected wrong patient's opinion is read on",
        "smart_app/access.py:may",
        ("if referral.hidden and verb in HIDDEN_WHILE_CHECKED:", "if False:"),
        "tests/unit/test_access.py::test_while_a_wrong_patient_is_suspected_nobody_sees_images_reports_or_words",
        "“This is not this patient” on the clinician's page: everything is hidden until the desk closes the check",
    ),
    Guard(
        7,
        "A name printed into a picture goes out unseen",
        "imaging/burned_in.py:burned_in_risk",
        ('return "capture" if sop_class.startswith(CLASSES[0]) else "kind"', 'return ""'),
        "tests/unit/test_upload_found.py::test_pictures_that_may_show_a_name_are_shown_to_their_giver_and_kept_as_they_are",
        "give an ultrasound or a screen capture in the portal: it is shown before sending",
    ),
    Guard(
        8,
        "A file is lost without a word",
        "smart_app/upload.py:_grow",
        (
            "        files.append(replace(kept,",
            "        if verdict == Verdict.IMAGE:\n            files.append(replace(kept,",
        ),
        "tests/unit/test_upload.py::test_counts_add_up_to_the_files_given",
        "the counts on “Show us” add up to the files given",
    ),
    Guard(
        9,
        "A series that the disc lists is missing and nobody notices",
        "smart_app/completeness/looks.py:_listed_sets",
        ("if one.series_instance_uid not in facts.counts]\n", "if False]\n"),
        "tests/unit/test_completeness.py::test_what_the_disc_lists_and_is_not_here_is_a_gap_in_words",
        "give a disc with its DICOMDIR and without one of its series",
    ),
    Guard(
        10,
        "The wrong side is sent",
        "smart_app/gates.py:gate",
        ("    stop = side_stop(referral, upload)\n    if stop is not None:\n        return stop\n", ""),
        "tests/unit/test_upload.py::test_the_other_side_stops",
        "ask about the left knee and give pictures of the right one",
    ),
    Guard(
        10,
        "The wrong side is signed",
        "smart_app/review.py:_opinion",
        ('faults["side"] = "disagrees"', "pass"),
        "tests/unit/test_review.py::test_words_of_the_other_side_are_not_signed",
        "write RIGHT in the impression of a question about the LEFT side",
    ),
    Guard(
        11,
        "A critical finding reaches no person in time",
        "smart_app/review.py:_sign_and_owe",
        ("        if tier:\n", "        if False:\n"),
        "tests/unit/test_telling.py::test_when_the_time_is_over_and_nobody_was_told_a_person_is",
        "sign with “Within minutes, spoken” and record nobody: the desk hears of it",
    ),
    Guard(
        12,
        "“Read” is said of a version that was replaced",
        "smart_app/referral.py:acknowledge",
        ("if newest is None or acknowledgement.version != newest.version:", "if newest is None:"),
        "tests/unit/test_web_told.py::test_a_version_that_was_replaced_cannot_be_confirmed",
        "correct an opinion while the doctor's page is open, then press “I have read this” there",
    ),
    Guard(
        12,
        "An opinion lies in the chart and nobody reads it",
        "smart_app/deliver/chart.py:_owe_after_delivery",
        ('    tx.outbox.owe(referral_id, "remind", due=now + REMIND_AFTER, version=version)\n', ""),
        "tests/unit/test_deliver.py::test_an_unread_opinion_comes_back_to_a_person",
        "deliver an opinion and do not read it for two days",
    ),
    Guard(
        13,
        "An unsigned note in the chart counts as delivered",
        "smart_app/deliver/chart.py:record_filing",
        ("        if filing.unsigned:\n", "        if False:\n"),
        "tests/unit/test_deliver.py::test_an_epic_note_waits_for_its_signature_in_the_chart",
        "the Epic-like chart: “in the chart, unsigned” until somebody signs the note there",
    ),
    Guard(
        14,
        "Signed words are overwritten",
        "smart_app/store/referrals.py:save",
        ("if referral.opinions[: len(signed)] != signed:", "if False:"),
        "tests/contract/test_store_referrals.py::test_signed_words_cannot_be_saved_differently",
        "correct an opinion: both versions stay, the first line says what changed",
    ),
    Guard(
        14,
        "An older version overwrites a newer one in the chart",
        "fhir/sending.py:_write_report",
        (
            "(version_of(standing, facts.referral_id) or 0) > facts.version:",
            "(version_of(standing, facts.referral_id) or 0) > 999:",
        ),
        "tests/unit/test_fhir_filing.py::test_an_older_version_arriving_late_never_overwrites_a_newer_one",
        "`make chaos`",
    ),
    Guard(
        15,
        "An opinion that was taken back stands in the chart as valid",
        "smart_app/review.py:retract",
        ('owed = ("file_retraction", "notify_referrer")', "owed = ()"),
        "tests/unit/test_deliver.py::test_an_opinion_that_was_taken_back_is_marked_in_the_chart",
        "take an opinion back: the tombstone stays, the chart is marked or a person is asked to",
    ),
    Guard(
        16,
        "A difference that changes care is treated as routine",
        "smart_app/review.py:must_reach",
        ("(3 if changes_care else 0)", "0"),
        "tests/unit/test_telling.py::test_a_difference_that_changes_care_is_chased_until_somebody_has_read_it",
        "sign with grade 4 or 5 and let nobody read it for three days",
    ),
    Guard(
        17,
        "A write that failed is shown as delivered, or is done twice",
        "smart_app/deliver/chart.py:file_opinion",
        ("    if open_intent:\n", "    if False:\n"),
        "tests/unit/test_deliver.py::test_where_nobody_can_look_a_person_decides",
        "`play --scenario answer-lost`, `make chaos`",
    ),
    Guard(
        17,
        "What stands in the chart is not what was signed",
        "fhir/filing.py:confirm",
        ("            must_be_ours(chart, standing, facts)\n        except", "            pass\n        except"),
        "tests/unit/test_fhir_filing.py::test_what_reads_back_differently_is_not_delivered_and_names_where_it_stands",
        "the ledger line “read back and identical”",
    ),
    Guard(
        18,
        "An emergency fills in a form",
        "smart_app/web/upload.py:told",
        ('if request.form.get("very_ill") == "yes":', "if False:"),
        "tests/unit/test_web_patient.py::test_very_ill_opens_nothing_even_where_all_else_is_filled_in",
        "say yes to “Do you feel very ill right now?” in the portal",
    ),
    Guard(
        19,
        "Nobody can say who looked",
        "smart_app/review.py:_record",
        ('tx.audit.write(ports.now(), who, verb, referral_id, "referral", why)', "pass"),
        "tests/unit/test_review.py::test_every_act_of_the_expert_is_in_the_audit_and_a_draft_is_not",
        "the audit on the operator's page",
    ),
    Guard(
        20,
        "A machine decides that two names are one person",
        "smart_app/gates.py:gate",
        ("    if upload.confirmed != people_present(upload)[0]:\n", "    if False:\n"),
        "tests/unit/test_upload.py::test_nothing_is_sent_unconfirmed",
        "“The name on these images is …, is that you?”",
    ),
)
