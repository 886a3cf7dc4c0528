"""What is owed outside: one function each, and the table that names them. Only the worker calls these.

Each re-reads the referral, since a row names it and holds none of its content, and each may run twice: a row that
was done before its end was recorded is found done.
"""

from __future__ import annotations

from smart_app.deliver.chart import check_note, file_opinion, file_retraction
from smart_app.deliver.critical import chase_critical
from smart_app.deliver.images import store_images
from smart_app.deliver.mirror import mirror_referral
from smart_app.deliver.notices import invite_patient, notify_desk, notify_expert, notify_referrer, remind
from smart_app.deliver.outcome import Action, Done, Later, Outcome, Parked

ACTIONS: dict[str, Action] = {
    "invite_patient": invite_patient,
    "store_images": store_images,
    "notify_expert": notify_expert,
    "file_opinion": file_opinion,
    "check_note": check_note,
    "file_retraction": file_retraction,
    "mirror_referral": mirror_referral,
    "notify_referrer": notify_referrer,
    "notify_desk": notify_desk,
    "remind": remind,
    "chase_critical": chase_critical,
}

__all__ = ["ACTIONS", "Action", "Done", "Later", "Outcome", "Parked"]
