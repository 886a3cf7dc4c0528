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
UNREAD = (
    "Version {version} differs from the first reading in a way that changes care, and nobody has read it. "
    "Call {hospital}{phone}, then say here whom you told and how."
)


def chase_critical(ports: Ports, owed: Owed) -> Outcome:
    """Falls due when the tier's time is over. Ends by the six facts, a version that is not critical, or a person."""
    with ports.store.reading() as tx:
        referral = tx.referrals.get(owed.referral_id)
    version = int(owed.arguments["version"])
    if any(told.version >= version for told in referral.told):
        return Done("A person was told.")
    opinion = referral.opinion_version(version)
    if opinion.tier != 1 and any(read.version >= version for read in referral.acknowledgements):
        return Done("A named person has read it.")  # what must be spoken is not answered by reading
    if referral.status is Status.IN_ERROR:
        return Done("It was taken back.")
    if version < len(referral.opinions):
        return Done("A newer version has a time of its own.")
    site = ports.directory.site(referral.site)
    tell_desk(ports, "A critical finding reached nobody", f"Case {referral.case_number} waits for a call.")
    phone = f" ({site.phone})" if site.phone else ""
    words = NOBODY if opinion.critical else UNREAD
    return Parked(words.format(version=version, tier=opinion.tier or 1, hospital=site.name, phone=phone))
