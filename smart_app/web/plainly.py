"""A case as the patient's pages tell it: one headline in plain words, and one state for pages and programs.

It holds what stands on the images and what the patient gave, and nothing of the chart's side.
"""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_babel import gettext as _

from smart_app import upload, worklists
from smart_app.access import readable_by_patient
from smart_app.case import PersonSeen, Upload
from smart_app.consent import BY_THEMSELVES, copy_to_doctor, kept_from_doctor
from smart_app.referral import Referral, Status
from smart_app.store import Line
from smart_app.web.answers import page
from smart_app.web.lacking import found_state
from smart_app.web.phrases import STATUS_PLAIN
from smart_app.web.sessions import patient_of, ports


def patient_page(name: str, line: Line, state: dict[str, Any], *, status: int = 200, **context: Any) -> Response:
    """That page of the patient's, with the person and the site that every one of them names."""
    site = ports().directory.site(line.site)
    return page(f"patient/{name}.html", state, status, patient=patient_of(line), site=site, line=line, **context)


def referral_of(line: Line) -> Referral | None:
    """The one this line was invited to; else the newest that waits for images; else the newest."""
    if line.referral_id:
        with ports().store.reading() as tx:
            return tx.referrals.get(line.referral_id)
    waiting = worklists.waiting_for_images(ports(), line.site, line.patient)
    if waiting is not None:
        return waiting
    every = worklists.of_patient(ports(), line.site, line.patient)
    return every[0] if every else None


def upload_of(referral: Referral) -> Upload | None:
    """What was given for it so far."""
    with ports().store.reading() as tx:
        return tx.uploads.of_referral(referral.id)


def started_by_themselves(referral: Referral) -> bool:
    """Did the patient, or who acts for them, ask the question?"""
    return referral.requester.role in BY_THEMSELVES


def headline(referral: Referral, given: Upload | None) -> str:
    """Where it stands, in one sentence for the patient."""
    status = referral.status
    if status is Status.GATHERING and given is not None and given.step == "sent":
        return str(_("Your pictures arrived. We are checking them"))
    if status is Status.QUESTION:
        if started_by_themselves(referral):
            return str(_("The expert has a question for you"))
        return str(_("The expert has a question for your doctor"))
    if status is Status.SIGNED and kept_from_doctor(referral):
        return str(_("Your opinion is here. Only you read it"))
    if status is Status.SIGNED and started_by_themselves(referral):
        return str(_("The opinion is ready. We are putting it into your chart"))
    if status is Status.SEEN and referral.acknowledgements:
        return str(_("Your opinion is here. %(name)s has read it", name=referral.acknowledgements[-1].by.name))
    return str(STATUS_PLAIN[status.value])


def state_of(referral: Referral | None, given: Upload | None) -> dict[str, Any]:
    """The page's state for programs."""
    state: dict[str, Any] = {
        "referral_id": referral.id if referral else "",
        "case_number": referral.case_number if referral else "",
        "status": referral.status.value if referral else "",
        "copy_to_doctor": copy_to_doctor(referral) if referral else True,
        "kept": kept_from_doctor(referral) if referral else False,
    }
    if given is not None:
        found = upload.summary(given)
        state |= {
            "step": given.step,
            "counts": found.counts,
            "given": found.given,
            "studies": found.studies,
            "series": found.series,
            "people": [_person(p) for p in found.people],
            "everybody": [_person(p) for p in given.people],
            "gaps": list(found.gaps),
            "stopped": given.stopped,
            "confirmed": given.confirmed is not None,
        }
        if referral is not None:
            state |= found_state(referral, given)
    if referral is not None and readable_by_patient(referral) and (shown := referral.opinion) is not None:
        state["opinion"] = {"version": shown.version, "plain_words": shown.plain_words, "answer": shown.answer}
    return state


def _person(seen: PersonSeen) -> dict[str, str]:
    return {"name": seen.name, "birth_date": seen.birth_date, "sex": seen.sex, "id": seen.id}
