"""Was a person told of the critical finding in time? Where nobody was, the desk is told, and it stays with them."""

from __future__ import annotations

from smart_app.deliver.notices import tell_desk
from smart_app.deliver.outcome import Done, Outcome, Parked
from smart_app.ports import Ports
from smart_app.referral import Status
from smart_app.store import Owed

NOBODY = (
    "Version {version} is critical (tier {tier}) and nobody is recorded as told. "
    "Call {hospital}{phone} now, then say here whom you told and how."
)


def chase_critical(ports: Ports, owed: Owed) -> Outcome:
    """Falls due when the tier's time is over. Ends by the six facts, a version that is not critical, or a person."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
    version = int(owed.arguments["version"])
    if any(told.version >= version for told in referral.told):
        return Done("A person was told.")
    if referral.status is Status.IN_ERROR:
        return Done("It was taken back.")
    if version < len(referral.opinions):
        return Done("A newer version has a time of its own.")
    site = ports.directory.site(referral.site)
    tell_desk(ports, "A critical finding reached nobody", f"Case {referral.case_number} waits for a call.")
    phone = f" ({site.phone})" if site.phone else ""
    tier = referral.opinion_version(version).tier or 1
    return Parked(NOBODY.format(version=version, tier=tier, hospital=site.name, phone=phone))
