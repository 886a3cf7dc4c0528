"""A clinician goes on without what a rule wants, or with a first report that has the side wrong.

The only way past a blocking gap: a decision with a name and a reason, of somebody with the chart open. It is in the
audit, in the case's history, and the expert reads it beside the gap. Never for a question and pictures of two sides.
"""

from __future__ import annotations

from smart_app.case import Party
from smart_app.completeness import gaps
from smart_app.gates import REPORT_SIDE, side_stop
from smart_app.ports import Ports
from smart_app.referral import NotYours, Referral, WrongStatus


def override(ports: Ports, who: Party, referral_id: str, rule: str, reason: str) -> Referral:
    """Let the case go on without what `rule` (its id) wants; the patient still sends.

    Raises NotYours, WrongStatus where nothing is held by that rule, Unfinished without a reason.
    """
    if who.role != "clinician":
        raise NotYours("Only a clinician with this patient’s chart open can decide to go on without it.")
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        upload = tx.uploads.of_referral(referral_id)
        if upload is None or upload.step == "sent":
            raise WrongStatus("There is nothing here that waits to be sent.")
        stop = side_stop(referral, upload)
        held = {gap.rule.id for gap in gaps(referral, upload, ports.now().date()) if gap.blocks}
        if stop is not None and stop.why == REPORT_SIDE:
            held.add(REPORT_SIDE)
        if rule not in held:
            raise WrongStatus("Nothing is held back by that rule now.")
        referral = referral.override(who, ports.now(), rule, reason)
        tx.referrals.save(referral)
        tx.audit.write(ports.now(), who, "override", referral_id, rule, reason.strip())
        tx.outbox.owe(referral_id, "notify_referrer", due=ports.now(), why="override")
    return referral
