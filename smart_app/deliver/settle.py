"""What a person decides about a parked row. The decision is theirs, with their name; we check what can be checked."""

from __future__ import annotations

from fhir.filing import note_is_signed
from fhir.visits import good_visit
from fhir.wire import type_and_id
from smart_app.case import Filing, Party
from smart_app.deliver.chart import ledger_key, record_filing
from smart_app.ports import Ports
from smart_app.referral import ReferralError, Unfinished, WrongStatus
from smart_app.store import Owed


class AnotherPatient(ReferralError):
    """The resource that was named belongs to another patient's chart."""


def send_again(ports: Ports, who: Party, row_id: str) -> None:
    """The person looked, and it is not there: the next attempt starts clean. Raises WrongStatus if not parked."""
    with ports.store.transaction() as tx:
        owed = _parked(tx.outbox.get(row_id))
        if owed.action == "file_opinion":
            key = ledger_key(owed.referral_id, int(owed.arguments["version"]))
            if tx.ledger.get(key) is not None:  # a row may be parked before anything was to be written
                tx.ledger.outcome(key, "refused", "", ports.now())
        tx.outbox.retry(row_id, who)
        tx.audit.write(ports.now(), who, "send-again", owed.referral_id, owed.action)


def use_visit(ports: Ports, who: Party, row_id: str, encounter: str) -> None:
    """The person names the visit the note goes into, which we read to see whose it is; then it is sent.

    Raises Unfinished for a malformed reference or a visit that takes no note, WrongStatus where a version may stand in
    the chart already, and what the chart raises.
    """
    named = type_and_id(encounter.strip(), "Encounter")
    if named is None:
        raise Unfinished("Write it as the chart names it, for example Encounter/123.", encounter="malformed")
    with ports.store.reading() as tx:
        owed = _parked(tx.outbox.get(row_id))
        referral = tx.referrals.get(owed.referral_id)
        entry = tx.ledger.get(ledger_key(referral.id, int(owed.arguments.get("version", 0))))
    if owed.action != "file_opinion" or (entry is not None and entry.state != "refused"):
        raise WrongStatus("This may stand in the chart already. Look first.")
    if good_visit(ports.charts.system(referral.site), referral.patient.reference, named) is None:
        raise Unfinished("That is no visit of this patient that takes a note.", encounter="unknown")
    with ports.store.transaction() as tx:
        tx.outbox.retry(row_id, who, encounter=named)
        tx.audit.write(ports.now(), who, "name-visit", owed.referral_id, named)


def it_is_there(ports: Ports, who: Party, row_id: str, resource: str) -> None:
    """The person looked, and it stands in the chart as `resource` ("Type/id"), which we read to see whose it is.

    Raises Unfinished for a malformed reference, AnotherPatient, NotInChart, ChartUnavailable.
    """
    with ports.store.reading() as tx:
        owed = _parked(tx.outbox.get(row_id))
        referral = tx.referrals.get(owed.referral_id)
    if owed.action != "file_opinion":
        raise WrongStatus("Only an opinion can stand in the chart.")
    kind, _, number = resource.strip().partition("/")
    if kind not in ("DocumentReference", "DiagnosticReport") or not number or "/" in number:
        raise Unfinished("Write it as the chart names it, for example DocumentReference/123.", resource="malformed")
    chart = ports.charts.system(referral.site)
    standing = chart.read(f"{kind}/{number}")
    subject = str(standing.get("subject", {}).get("reference", ""))
    if subject.split("/")[-2:] != referral.patient.reference.split("/")[-2:]:
        raise AnotherPatient("That document belongs to another patient. Look again.")
    unsigned = kind == "DocumentReference" and not note_is_signed(chart, f"{kind}/{number}")
    version = int(owed.arguments["version"])
    filing = Filing(version, f"{kind}/{number}", ports.now(), kind, confirmed_by=who.name, unsigned=unsigned)
    record_filing(ports, owed, filing, who)


def close(ports: Ports, who: Party, row_id: str, what: str) -> None:
    """The person did it by hand, or decided that nothing more is owed, and says what. Raises Unfinished."""
    if not what.strip():
        raise Unfinished("Say what was done.", what="missing")
    with ports.store.transaction() as tx:
        owed = _parked(tx.outbox.get(row_id))
        if owed.action == "file_opinion":
            raise WrongStatus("An opinion is closed by naming where it stands in the chart, or by sending it again.")
        tx.outbox.settle(row_id, who, what.strip())
        tx.audit.write(ports.now(), who, "close", owed.referral_id, owed.action, what.strip())


def _parked(owed: Owed) -> Owed:
    if owed.state != "parked":
        raise WrongStatus("This is not waiting for anybody any more.")
    return owed
