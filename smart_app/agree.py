"""The patient, or who acts for them, agrees to share; and may choose anew whether their doctors read the answer."""

from __future__ import annotations

from smart_app.case import Consent, Party
from smart_app.consent import BY_THEMSELVES, WORDING, copy_to_doctor, kept_from_doctor
from smart_app.ports import Ports
from smart_app.referral import Referral, WrongStatus


def agree(ports: Ports, who: Party, referral_id: str, *, copy: bool) -> Referral:
    """Keep who agreed to which words and when, once for the same person, words and choice."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        last = referral.consents[-1] if referral.consents else None
        if last is not None and (last.by, last.copy_to_doctor, last.wording) == (who, copy, WORDING):
            return referral
        referral = tx.referrals.save(referral.agree(Consent(who, ports.now(), copy, WORDING)))
        tx.audit.write(ports.now(), who, "agree", referral_id, "sharing", _said(copy))
    return referral


def choose_readers(ports: Ports, who: Party, referral_id: str, *, copy: bool) -> Referral:
    """ "My doctors may read it", or not. A yes owes the chart what is signed. Raises WrongStatus for a no too late."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        if referral.requester.role not in BY_THEMSELVES:
            raise WrongStatus("A doctor asked this question, and reads the answer.")
        if copy == copy_to_doctor(referral):
            return referral
        if not copy and referral.opinions:
            raise WrongStatus("The opinion is signed and on its way to the chart. It can no longer be held back.")
        kept_until_now = kept_from_doctor(referral)
        referral = tx.referrals.save(referral.agree(Consent(who, ports.now(), copy, WORDING)))
        tx.audit.write(ports.now(), who, "choose-readers", referral_id, "opinion", _said(copy))
        if kept_until_now and referral.opinion is not None:
            tx.outbox.owe(referral_id, "file_opinion", due=ports.now(), version=referral.opinion.version)
        if kept_until_now:
            tx.outbox.owe(referral_id, "mirror_referral", due=ports.now())
    return referral


def _said(copy: bool) -> str:
    return "the doctors may read the answer" if copy else "the doctors may not read the answer"
