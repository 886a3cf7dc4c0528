"""What is wrong with a field of a form: one sentence for each field and code that `Unfinished` names."""

from __future__ import annotations

from flask_babel import lazy_gettext as _

from smart_app.web import urgent

FAULT = {
    ("first_report_read", "missing"): _("Say when you read the first report, or that you did not."),
    ("ask", "missing"): _("Write the question."),
    ("vouch", "missing"): _("Say how you know that they are this patient’s."),
    ("override", "missing"): _("Say why it can do without."),
    ("complete", "missing"): _("The expert cannot do without it. Add it, or ask your doctor to decide."),
    ("files", "unscanned"): _("We cannot check files for viruses right now. Nothing was taken. Try again in a while."),
    ("hold", "missing"): _("Say what looked wrong."),
    ("return", "missing"): _("Choose a reason, or write one."),
    ("retract", "missing"): _("Say why it is taken back."),
    ("settled", "missing"): _("Say how it was settled."),
    ("resource", "malformed"): _("Write it as the chart names it, for example DocumentReference/123."),
    ("what", "missing"): _("Say what was done."),
    ("encounter", "malformed"): _("Write it as the chart names it, for example Encounter/123."),
    ("encounter", "unknown"): _("That is no visit of this patient that takes a note."),
    ("confirm_name", "unconfirmed"): _("Check the name, and tick it."),
    ("confirm_birth_date", "unconfirmed"): _("Check the birth date, and tick it."),
    ("confirm_side", "unconfirmed"): _("Check the side, and tick it."),
    ("confirm_study_date", "unconfirmed"): _("Check the study date, and tick it."),
    ("question", "missing"): _("Write the one question the expert should answer."),
    ("organisation", "missing"): _("Choose who should read the images."),
    ("text", "missing"): _("Write an answer first."),
    ("reason", "missing"): _("Say why."),
    ("next_step", "missing"): _("Choose what happens next."),
    ("side", "missing"): _("Choose a side, or “Not sided”."),
    ("side", "disagrees"): _("The words or the images speak of the other side."),
    ("side", "abbreviated"): _("Write LEFT or RIGHT in full, not one letter."),
    ("urgency", "missing"): _("Choose how soon the answer is needed."),
    ("subspecialty", "missing"): _("Choose a subspecialty."),
    ("files", "missing"): _("Add your pictures first."),
    ("files", "too-large"): _("This is more than we can take. Call us, and we will find another way."),
    ("files", "unsafe"): _("One of these cannot be opened safely, so it was not kept. Choose single files."),
    ("confirm", "missing"): _("Tell us whether these pictures are yours."),
    ("very_ill", "missing"): _("Tell us whether you feel very ill right now."),
    ("agree", "missing"): _("Tick that you agree to share."),
    ("agreement", "missing"): _("Choose a grade, or “cannot compare”."),
    ("answer", "missing"): _("Write the answer to the question."),
    ("findings", "missing"): _("Write the findings."),
    ("impression", "missing"): _("Write the impression."),
    ("change_reason", "missing"): _("Say what changed and why. Readers see it first."),
    ("birth_date", "missing"): _("Write the day, the month and the year."),
    ("birth_date", "wrong"): _("Birth date and code do not fit together. Please check both."),
    ("code", "missing"): _("Write the code of six digits."),
}
FAULT_OTHERWISE = {
    "missing": _("This is missing."),
    "unconfirmed": _("Tick this once you have checked it."),
    "too-large": _("This is too large."),
}


def fault(name: str, code: str) -> str:
    """What is wrong with that field of a form, in one sentence. A sentence is given back as it is."""
    return str((FAULT | urgent.FAULTS).get((name, code)) or FAULT_OTHERWISE.get(code, code))
