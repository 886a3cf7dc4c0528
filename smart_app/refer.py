"""A clinician opens, follows, answers, reads or stops a referral from the chart."""

from __future__ import annotations

import uuid

from smart_app.case import Acknowledgement, Ask, Filing, NextStep, Party, Patient
from smart_app.ports import Ports
from smart_app.referral import Referral, Status, Unfinished, WrongStatus


def open_referral(
    ports: Ports,
    who: Party,
    *,
    site: str,
    patient: Patient,
    ask: Ask,
    organisation: str,
    chart_studies: tuple[str, ...] = (),
    chart_order: str = "",
    encounter: str = "",
) -> Referral:
    """One question about one patient; the patient is invited to bring the images. Raises Unfinished."""
    _must_name(ports, site, organisation)
    referral = Referral(
        id=str(uuid.uuid4()),
        site=site,
        patient=patient,
        requester=who,
        ask=ask,
        organisation=organisation,
        opened_at=ports.now(),
        chart_studies=chart_studies,
        chart_order=chart_order,
        encounter=encounter,
    ).gather(who, ports.now())
    with ports.store.transaction() as tx:
        tx.referrals.add(referral)
        tx.audit.write(ports.now(), who, "open", referral.id, "referral")
        if who.role == "clinician":
            tx.outbox.owe(referral.id, "invite_patient", due=ports.now())
    return referral


def _must_name(ports: Ports, site: str, organisation: str) -> None:
    """A reading organisation that may receive this hospital's images."""
    if not any(known.id == organisation for known in ports.directory.readers_for(site)):
        raise Unfinished("Choose who should read the images.", organisation="missing")


def invite(ports: Ports, who: Party, referral_id: str) -> Referral:
    """A new letter to the patient; earlier links open nothing any more. Raises WrongStatus, Unfinished."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        if referral.status is not Status.GATHERING:
            raise WrongStatus("The images are here already.")
        if not referral.patient.email:
            raise Unfinished("The chart has no e-mail address of the patient.", email="missing")
        tx.invitations.revoke(referral_id)
        tx.audit.write(ports.now(), who, "invite-again", referral_id, "invitation")
        tx.outbox.owe(referral_id, "invite_patient", due=ports.now())
    return referral


def uninvite(ports: Ports, who: Party, referral_id: str) -> int:
    """Every link to this referral is taken back, whoever holds it. Answers how many."""
    with ports.store.transaction() as tx:
        taken = tx.invitations.revoke(referral_id)
        tx.audit.write(ports.now(), who, "uninvite", referral_id, "invitation")
    return taken


def answer(ports: Ports, who: Party, referral_id: str, text: str) -> Referral:
    """The asker answers the expert's question. Raises WrongStatus, Unfinished."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id).answer(who, ports.now(), text)
        tx.referrals.save(referral)
        tx.audit.write(ports.now(), who, "answer", referral_id, "question")
        tx.outbox.owe(referral_id, "notify_expert", due=ports.now(), why="answered")
    return referral


def withdraw(ports: Ports, who: Party, referral_id: str, reason: str) -> Referral:
    """Stopped by the asker before anything is signed. Raises WrongStatus, Unfinished."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id).withdraw(who, ports.now(), reason)
        tx.referrals.save(referral)
        tx.audit.write(ports.now(), who, "withdraw", referral_id, "referral", reason)
        tx.outbox.owe(referral_id, "mirror_referral", due=ports.now())
    return referral


def resend(ports: Ports, who: Party, referral_id: str, organisation: str) -> Referral:
    """A returned referral goes to the next reader with the same images. Raises WrongStatus, Unfinished."""
    with ports.store.transaction() as tx:
        standing = tx.referrals.get(referral_id)
        _must_name(ports, standing.site, organisation)
        referral = standing.resend(who, ports.now(), organisation)
        tx.referrals.save(referral)
        tx.audit.write(ports.now(), who, "resend", referral_id, "referral")
        tx.outbox.owe(referral_id, "notify_expert", due=ports.now(), why="new")
    return referral


def signed_in_chart(ports: Ports, who: Party, referral_id: str, version: int) -> Referral:
    """A named clinician says that the note which waited in the chart is signed there now. Raises WrongStatus."""
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(referral_id)
        waiting = referral.waiting_note(version)
        if waiting is None:
            raise WrongStatus("No note of this version waits for a signature.")
        filing = Filing(version, waiting.resource, ports.now(), waiting.rung, confirmed_by=who.name)
        referral = referral.deliver(filing, who, ports.now())
        tx.referrals.save(referral)
        tx.audit.write(ports.now(), who, "confirm-signed", referral_id, waiting.resource)
    return referral


def acknowledge(
    ports: Ports, who: Party, referral_id: str, version: int, next_step: NextStep, note: str = ""
) -> Referral:
    """ "I have read this": a fact with name, time and version. Raises StaleReferral where a newer version exists."""
    with ports.store.transaction() as tx:
        said = Acknowledgement(version, who, ports.now(), next_step, note.strip())
        referral = tx.referrals.get(referral_id).acknowledge(said)
        tx.referrals.save(referral)
        tx.audit.write(ports.now(), who, "acknowledge", referral_id, f"version {version}", next_step.value)
        tx.outbox.owe(referral_id, "mirror_referral", due=ports.now())
    return referral
