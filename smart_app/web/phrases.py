"""Our words for the values of the product, one table each: for staff, and in plain words for patients.

Screens take them from here, so that one thing has one name everywhere.
"""

from __future__ import annotations

from flask import Flask
from flask_babel import lazy_gettext as _

from smart_app.sites import Organisation
from smart_app.web import audit_words, urgent
from smart_app.web.faults import fault

ROLE, VERB, WHAT = audit_words.ROLE, audit_words.VERB, audit_words.WHAT
STATUS = {
    "draft": _("Draft"),
    "gathering": _("Waiting for images"),
    "sent": _("Sent"),
    "question": _("Question from the expert"),
    "returned": _("Returned"),
    "accepted": _("Accepted"),
    "reading": _("Reading"),
    "signed": _("Signed, on its way to the chart"),
    "delivered": _("In the chart, not read yet"),
    "seen": _("Read"),
    "revised": _("Changed, read again"),
    "withdrawn": _("Stopped"),
    "in-error": _("Taken back"),
    "quarantined": _("Being checked"),
}
STATUS_TONE = {
    "draft": "wait",
    "gathering": "wait",
    "sent": "petrol",
    "question": "warn",
    "returned": "stop",
    "accepted": "petrol",
    "reading": "petrol",
    "signed": "petrol",
    "delivered": "warn",
    "seen": "good",
    "revised": "warn",
    "withdrawn": "wait",
    "in-error": "stop",
    "quarantined": "stop",
}
STATUS_PLAIN = {
    "draft": _("Not sent yet"),
    "gathering": _("We still need your pictures"),
    "sent": _("Sent. Waiting for the expert to accept"),
    "question": _("The expert has a question"),
    "returned": _("The expert could not take this. Here is why, and what you can do"),
    "accepted": _("An expert has your case"),
    "reading": _("The expert is looking at your images"),
    "signed": _("The opinion is ready. We are sending it to your doctor"),
    "delivered": _("Your opinion is here"),
    "seen": _("Your doctor has read it"),
    "revised": _("The expert changed the opinion. Please read the new one"),
    "withdrawn": _("This request was stopped"),
    "in-error": _("This was filed by mistake. Do not use it"),
    "quarantined": _("We are checking something. We will contact you"),
}
SIDE = {"left": _("LEFT"), "right": _("RIGHT"), "bilateral": _("BILATERAL"), "none": _("Not sided")}
SIDE_PLAIN = {"left": _("Left"), "right": _("Right"), "bilateral": _("Both"), "none": _("Not sure")}
URGENCY = {
    "routine": _("Routine: 3 business days"),
    "urgent": _("Urgent: next business day"),
    "asap": _("As soon as possible: today"),
}
SUBSPECIALTY = {
    "general": _("General radiology"),
    "neuro": _("Neuroradiology"),
    "chest": _("Chest"),
    "breast": _("Breast"),
    "abdominal": _("Abdominal"),
    "cardiovascular": _("Heart and vessels"),
    "musculoskeletal": _("Bones and joints"),
    "paediatric": _("Paediatric"),
    "oncology": _("Oncology"),
}
AGREEMENT = {
    "1": _("No difference"),
    "2": _("Unimportant difference, detection"),
    "3": _("Unimportant difference, interpretation"),
    "4": _("Important difference, detection"),
    "5": _("Important difference, interpretation"),
    "cannot-compare": _("Cannot compare: no first report"),
}
AGREEMENT_MEANS = {
    "1": _("Both readers say the same."),
    "2": _("One reader saw something the other did not mention. It would not change care."),
    "3": _("Both readers saw the same and explain it differently. It would not change care."),
    "4": _("One reader saw something the other did not mention, and it would change care."),
    "5": _("Both readers saw the same and explain it differently, and it would change care."),
    "cannot-compare": _("There was no first report to compare with."),
}
AGREEMENT_PLAIN = {
    "1": _("The expert agrees"),
    "2": _("The expert agrees, with an addition"),
    "3": _("The expert agrees, with an addition"),
    "4": _("The expert sees it differently"),
    "5": _("The expert sees it differently"),
    "cannot-compare": _("The expert’s opinion"),
}
FIRST_READ = {
    "before": _("The expert read the first report before forming a view."),
    "after": _("The expert read the first report after forming a view."),
    "none": _("The expert had no first report."),
}
NEXT_STEP = {
    "plan-changes": (_("Plan changes"), _("Order or cancel in the chart")),
    "plan-stays": (_("Plan stays as it is"), ""),
    "passed-on": (_("I pass this on to a colleague"), _("You name the colleague in the note")),
}
HEADLINE = {
    "draft": _("Not sent yet"),
    "gathering": _("Waiting for the images"),
    "sent": _("Sent. An expert will take it"),
    "question": _("The expert asks something first"),
    "returned": _("The expert could not take this"),
    "accepted": _("An expert has the case"),
    "reading": _("The expert is reading"),
    "signed": _("The opinion is signed"),
    "delivered": _("The opinion is ready"),
    "seen": _("The opinion was read"),
    "revised": _("The opinion has changed"),
    "withdrawn": _("This request was stopped"),
    "in-error": _("This opinion was taken back"),
    "quarantined": _("This case is being checked"),
}
STOPPED = {
    "wrong-patient": _("Stopped: these images may be another person’s"),
    "two-people": _("Stopped: images of more than one person"),
    "wrong-side": _("Stopped: the images show the other side"),
    "not-mine": _("Stopped: the patient says these are not theirs"),
    "report-side": _("Stopped: the first report names the other side"),
}
CHANGE = {"corrected": _("Corrected"), "appended": _("Added to")}
SEX = {"female": _("Female"), "male": _("Male"), "other": _("Other"), "unknown": _("Not known")}
FIELD = {"name": _("Name"), "birth_date": _("Birth date"), "sex": _("Sex"), "id": _("Number")}
RESULT = {
    "match": (_("Match"), "good", "done"),
    "variant": (_("Name variant"), "warn", "warn"),
    "conflict": (_("Conflict"), "stop", "stop"),
    "absent": (_("Not in the header"), "wait", "info"),
}
RESULT_OF = {
    ("id", "variant"): (_("Another number"), "wait", "info"),
    ("birth_date", "variant"): (_("Only part of it"), "warn", "warn"),
    ("sex", "variant"): (_("Differs"), "warn", "warn"),
}
"""A result that has another name for one field; another number is what another hospital gives."""
VERDICT = {
    "image": (_("Pictures received"), "", "done"),
    "report": (_("Reports received"), "", "done"),
    "duplicate": (_("Already here"), _("The same picture twice. Nothing to do."), "done"),
    "directory": (_("Table of contents"), _("The disc’s own list. We make a new one."), "info"),
    "not-an-image": (_("Not pictures"), _("Other programs and papers on the disc. We leave them out."), "info"),
    "unreadable": (_("Could not be read"), _("Ask the imaging centre for a new copy."), "stop"),
    "locked": (_("Locked"), _("The password is on the sleeve of the disc, or the centre has it."), "stop"),
    "too-large": (_("Too large"), _("We did not take these. Call us, and we will find another way."), "stop"),
    "someone-else": (_("Someone else’s"), _("Another name is on these. They were not sent."), "stop"),
}
FILED_AS = {
    "DiagnosticReport": _("diagnostic report"),
    "DocumentReference": _("document"),
    "Communication": _("message"),
}
ACTION = {
    "invite_patient": _("Invitation to the patient"),
    "store_images": _("Storing the images"),
    "notify_expert": _("Notice to the experts"),
    "notify_referrer": _("Notice to the clinician"),
    "notify_desk": _("Notice to the desk"),
    "file_opinion": _("Opinion into the chart"),
    "file_retraction": _("Taking back in the chart"),
    "check_note": _("Looking for the signature"),
    "mirror_referral": _("Copy of the request in the chart"),
    "remind": _("Reminder"),
    "chase_critical": _("Critical finding"),
}
SAFE = {
    "file_opinion": _("The signed opinion is kept here. The asker sees “on its way”."),
    "file_retraction": _("The case says “taken back”. The chart may still show it."),
    "check_note": _("The opinion is in the chart as a note. Nobody has signed it there."),
    "store_images": _("The files are kept here. No expert sees the case yet."),
    "mirror_referral": _("The case goes on. Only the copy in the chart is behind."),
    "invite_patient": _("The question is kept. The patient may not know of it."),
    "remind": _("The opinion is in the chart."),
    "chase_critical": _("The opinion is signed. The call is what is missing."),
}
SAFE_OTHERWISE = _("The case itself is up to date. Only the message did not go out.")


def options(table: dict[str, object]) -> list[tuple[str, object, object]]:
    """A table as the options of a form: value, words, and a hint where the table has one."""
    return [(value, *said) if isinstance(said, tuple) else (value, said, "") for value, said in table.items()]


def readers(organisations: list[Organisation]) -> list[tuple[str, str, str]]:
    """Reading organisations as the options of a form, each with what it reads."""
    return [
        (o.id, o.name, ", ".join(str(SUBSPECIALTY.get(name, name)) for name in o.subspecialties)) for o in organisations
    ]


def install(app: Flask) -> None:
    """The tables, by name, in every template; those of the audit among them."""
    app.jinja_env.filters.update(options=options, readers=readers)
    named = {**vars(urgent), **globals()}
    tables = {name.lower(): value for name, value in named.items() if name.isupper()}
    app.jinja_env.globals.update(words=tables, fault=fault)
