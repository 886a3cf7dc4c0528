"""A clinician says that pictures under another name are their patient's: before marriage, or spelled otherwise.

The only way past a stop for a wrong patient. It is a decision with a name and a reason, of somebody with the chart
open, about exactly the headers they were shown; it is in the audit, and travels with the case. Against another birth
date there is none: then the imaging centre must correct its pictures.
"""

from __future__ import annotations

from dataclasses import replace

from smart_app.case import Party, Upload, Vouch
from smart_app.gates import everybody_present, may_be_vouched_for
from smart_app.ports import Ports
from smart_app.referral import NotYours, Referral, StaleReferral, WrongStatus


def vouch(ports: Ports, who: Party, referral_id: str, reason: str, *, seen: int) -> Referral:
    """Let them in, as far as names go; the patient still says "these are mine", and sends. They are told.

    `seen` is the version of the upload that was shown. Raises StaleReferral where files came since, WrongStatus where
    nothing is stopped or the birth date is another one, NotYours, Unfinished.
    """
    if who.role != "clinician":
        raise NotYours("Only a clinician with this patient’s chart open can say whose pictures these are.")
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        upload = tx.uploads.of_referral(referral_id)
        if upload is None or upload.step == "sent" or not may_be_vouched_for(referral.patient, upload):
            raise WrongStatus("There are no stopped pictures whose birth date is this patient’s.")
        if upload.version != seen:
            raise StaleReferral("Pictures were added or left out in the meantime. Look again.")
        referral = referral.vouch(who, ports.now(), reason)
        tx.referrals.save(referral)
        tx.uploads.save(_opened(upload, Vouch(who, ports.now(), reason.strip(), everybody_present(upload))))
        tx.audit.write(ports.now(), who, "vouch", referral_id, "upload", reason.strip())
        tx.outbox.owe(referral_id, "notify_referrer", due=ports.now(), why="vouch")
    return referral


def _opened(upload: Upload, said: Vouch) -> Upload:
    """What the patient confirmed of one of several names they confirm again, for now one is shown for all."""
    one_name = len(said.people) == 1
    return replace(upload, vouch=said, stopped="", confirmed=upload.confirmed if one_name else None)
