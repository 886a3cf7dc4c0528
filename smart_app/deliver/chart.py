"""The signed opinion into the chart, exactly once. Look first where the chart can be searched; where not, never guess.

The write ledger holds the intent before the POST and the outcome after it. An intent without an outcome means that
somebody died, or an answer was lost, in between: the version may or may not stand in the chart.
"""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

from fhir.chart import Chart
from fhir.errors import (
    ChartConflict,
    ChartError,
    ChartRefused,
    ChartUnavailable,
    ChartUnclear,
    InvalidResource,
    NotInChart,
)
from fhir.filing import Filed, Profile, Visit, confirm, file, look, note_is_signed
from fhir.report import OpinionFacts
from launch.errors import LaunchError
from smart_app import letter, record
from smart_app.case import Filing, Party, PassedOver
from smart_app.consent import kept_from_doctor
from smart_app.deliver.outcome import SYSTEM, Done, Later, Outcome, Parked
from smart_app.deliver.visit import visit_for
from smart_app.ports import Ports
from smart_app.profile import profile_of
from smart_app.referral import Referral, Status
from smart_app.store import Entry, Owed, Transaction

OPEN_INTENT = ("intended", "unclear")
LOOK_AGAIN = timedelta(seconds=20)
MOST_UNCLEAR = 5
REMIND_AFTER = timedelta(days=2)


def file_opinion(ports: Ports, owed: Owed) -> Outcome:
    """File one signed version, read it back, and record where it stands."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
    version = int(owed.arguments["version"])
    before = _before_writing(ports, owed, referral, version)
    if before is not None:
        return before
    site = ports.directory.site(referral.site)
    profile = profile_of(site)
    key = ledger_key(referral.id, version)
    with ports.store.reading() as tx:
        entry = tx.ledger.get(key)
    open_intent = entry is not None and entry.state in OPEN_INTENT
    if version < len(referral.opinions) and entry is None:
        return Done(f"Version {version} was replaced before it was filed.")
    facts = opinion_facts(ports, referral, version)
    chart = ports.charts.system(site.id)
    chart.capability()  # a chart that is down, or a token we cannot have, ends the attempt before the intent
    if open_intent:
        try:
            seen = _look_again(chart, profile, facts, entry)
        except ChartConflict as conflict:
            return Parked(f"Something else stands in the chart in the place of version {version}: {conflict}")
        except ChartUnclear as unclear:
            return Parked(f"{str(unclear).rstrip('.')}. Look in the patient's documents.")
        if isinstance(seen, Parked):
            return seen
        if seen is not None:
            return record_filing(ports, owed, _filing(ports, version, seen), SYSTEM)
    visit = visit_for(chart, profile, referral, owed)
    if isinstance(visit, Parked):
        return visit
    return _write(ports, owed, chart, profile, facts, visit)


def _before_writing(ports: Ports, owed: Owed, referral: Referral, version: int) -> Outcome | None:
    """What ends the attempt before the chart is asked anything."""
    if referral.filing(version) or referral.waiting_note(version):
        return Done(f"Version {version} is in the chart.")
    if referral.status is Status.IN_ERROR:
        return Done("Taken back before it reached the chart.")
    if referral.hidden:
        return Later(ports.now() + timedelta(minutes=1), "The case is held for an identity check.")
    return _keep(ports, owed) if kept_from_doctor(referral) else None


def _keep(ports: Ports, owed: Owed) -> Outcome:
    """The patient asked, and keeps the answer to themselves: nothing is written. They are told that it is here."""
    text = "The patient keeps it from the chart."
    with ports.store.transaction() as tx:
        if tx.outbox.done(owed.id, text):
            tx.outbox.owe(owed.referral_id, "notify_referrer", due=ports.now(), why="delivered")
    return Done(text)


def _look_again(chart: Chart, profile: Profile, facts: OpinionFacts, entry: Entry | None) -> Filed | Parked | None:
    """What became of an intent without an outcome. None: it surely does not stand there, and may be written."""
    if entry is not None and entry.resource:
        try:
            return confirm(chart, profile, facts, entry.resource)
        except ChartUnclear:
            # It cannot be read where the chart said it stands. What a search finds settles that; what it does not
            # find settles nothing, since an answer has named a place.
            seen = look(chart, profile, facts) if profile.can_look else None
            if seen is None:
                raise
            return seen
    if profile.can_look:
        return look(chart, profile, facts)
    return Parked(UNCLEAR.format(version=facts.version))


UNCLEAR = (
    "Version {version} was sent and no answer came back, and this chart cannot be searched for it. "
    "Look in the patient's notes: say “it is there” with its number, or “send again” if it is not."
)


def opinion_facts(ports: Ports, referral: Referral, version: int) -> OpinionFacts:
    """Everything the chart is told about this version, the PDF and the text made from one source."""
    organisation = ports.directory.organisation(referral.organisation).name
    site = ports.directory.site(referral.site).name
    pdf = letter.pdf(referral, version, organisation=organisation, site=site)
    text = letter.text(referral, version, organisation=organisation, site=site)
    return record.opinion_facts(referral, version, organisation=organisation, pdf=pdf, text=text)


def _write(
    ports: Ports, owed: Owed, chart: Chart, profile: Profile, facts: OpinionFacts, visit: Visit | None
) -> Outcome:
    key = ledger_key(facts.referral_id, facts.version)
    scopes = chart.scopes()  # a way that was not granted is not tried
    digest = hashlib.sha256(facts.text.encode()).hexdigest()
    with ports.store.transaction() as tx:
        tx.ledger.intend(key, owed.id, digest, ports.now())
    try:
        filed = file(chart, profile, facts, visit.reference if visit else None, scopes=scopes)
    except ChartUnavailable:
        _settle(ports, key, "refused")  # surely not written: the next attempt starts clean
        raise
    except (ChartUnclear, LaunchError) as unclear:
        reference = getattr(unclear, "reference", "") or ""
        _settle(ports, key, "unclear", reference)
        with ports.store.reading() as tx:
            times = sum(1 for line in tx.ledger.lines(key) if line.state == "unclear")
        if (profile.can_look or reference) and times < MOST_UNCLEAR:
            return Later(ports.now() + LOOK_AGAIN, "Sent, and no answer came back. We look before we write again.")
        return Parked(UNCLEAR.format(version=facts.version))
    except (ChartRefused, NotInChart, InvalidResource) as refusal:
        _settle(ports, key, "refused")
        return Parked(f"The chart refused version {facts.version}: {refusal} File it by hand, or send again.")
    return record_filing(ports, owed, _filing(ports, facts.version, filed, visit), SYSTEM)


def _filing(ports: Ports, version: int, filed: Filed, visit: Visit | None = None) -> Filing:
    return Filing(
        version,
        filed.resource,
        ports.now(),
        filed.rung,
        unsigned=filed.unsigned,
        passed=tuple(PassedOver(r.resource, r.code, r.why if r.code == "refused" else "") for r in filed.passed),
        visit=visit.reference if visit else "",
        visit_why=visit.why if visit else "",
    )


def _how(filing: Filing) -> str:
    """For the audit: which way, what was passed over, which visit; no words of the chart's."""
    parts = [f"version {filing.version}"]
    parts += [f"not {one.way}: {one.code}" for one in filing.passed]
    if filing.visit:
        parts.append(f"visit {filing.visit} ({filing.visit_why})")
    return "; ".join(parts)


def _settle(ports: Ports, key: str, outcome: str, resource: str = "") -> None:
    with ports.store.transaction() as tx:
        tx.ledger.outcome(key, outcome, resource, ports.now())


def record_filing(ports: Ports, owed: Owed, filing: Filing, by: Party) -> Outcome:
    """Ledger, referral and row in one transaction: the chart has confirmed, so all of it is true at once."""
    now = ports.now()
    text = f"Version {filing.version} is in the chart as {filing.resource.partition('/')[0]}"
    with ports.store.transaction() as tx:
        tx.ledger.outcome(ledger_key(owed.referral_id, filing.version), "written", filing.resource, now)
        referral = tx.referrals.get(owed.referral_id)
        if filing.unsigned:
            referral = referral.file_unsigned(filing, by, now)
            tx.outbox.owe(referral.id, "check_note", due=now, version=filing.version)
            text += ", waiting for a signature there"
        else:
            referral = referral.deliver(filing, by, now)
            _owe_after_delivery(ports, tx, referral.id, filing.version)
        tx.referrals.save(referral)
        tx.audit.write(now, by, "file", referral.id, filing.resource, _how(filing))
        if owed.state == "parked":
            tx.outbox.settle(owed.id, by, text + ".")
        else:
            tx.outbox.done(owed.id, text + ".")
    return Done(text + ".")


def ledger_key(referral_id: str, version: int) -> str:
    """The write ledger's key: one line per signed version of one referral."""
    return f"{referral_id}:{version}"


def _owe_after_delivery(ports: Ports, tx: Transaction, referral_id: str, version: int) -> None:
    now = ports.now()
    tx.outbox.owe(referral_id, "notify_referrer", due=now, why="delivered")
    tx.outbox.owe(referral_id, "mirror_referral", due=now)
    tx.outbox.owe(referral_id, "remind", due=now + REMIND_AFTER, version=version)


def check_note(ports: Ports, owed: Owed) -> Outcome:
    """Has a clinician signed our note in the chart? Until then it is in the chart, but not delivered."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
    version = int(owed.arguments["version"])
    waiting = referral.waiting_note(version)
    if waiting is None:
        return Done(f"Version {version} is delivered.")
    wait = timedelta(seconds=2) if ports.settings.practice else timedelta(minutes=15)
    if not note_is_signed(ports.charts.system(referral.site), waiting.resource):
        return Later(ports.now() + wait, "The note waits for a clinician's signature in the chart.")
    now = ports.now()
    with ports.store.transaction() as tx:
        referral = tx.referrals.get(owed.referral_id)
        referral = referral.deliver(Filing(version, waiting.resource, now, waiting.rung), SYSTEM, now)
        tx.referrals.save(referral)
        _owe_after_delivery(ports, tx, referral.id, version)
        tx.outbox.done(owed.id, "Signed in the chart.")
    return Done("Signed in the chart.")


def file_retraction(ports: Ports, owed: Owed) -> Outcome:
    """An opinion was taken back: mark it in the chart, or have a person do it where the chart does not let us."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
    standing = [f.resource for f in (*referral.filings, *referral.unsigned)]
    if not standing:
        return Done("It never reached the chart.")
    profile = profile_of(ports.directory.site(referral.site))
    facts = replace(opinion_facts(ports, referral, len(referral.opinions)), status="entered-in-error")
    try:
        file(ports.charts.system(referral.site), profile, facts, referral.encounter or None)
    except ChartUnavailable:
        raise
    except ChartError:
        pass  # this chart does not let us mark it: a person does
    else:
        return Done("Marked as an error in the chart.")
    return Parked(f"The opinion was taken back. Mark it as an error in the chart: {', '.join(sorted(set(standing)))}.")
