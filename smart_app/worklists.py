"""Read-only lists for the screens: what waits for whom, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from smart_app.access import actor, may
from smart_app.ports import Ports
from smart_app.referral import Referral, Status
from smart_app.sites import Directory
from smart_app.store import Line, Owed

ACCEPT_WITHIN = timedelta(hours=12)
MOST_OPEN = 1_000  # an open case must never drop off the list
READ_WITHIN_DAYS = 3  # business days
FRIDAY = 4

OPEN_FOR_EXPERT = (Status.SENT, Status.QUESTION, Status.ACCEPTED, Status.READING)
DONE_BY_EXPERT = (Status.SIGNED, Status.DELIVERED, Status.SEEN, Status.REVISED, Status.IN_ERROR)


@dataclass(frozen=True)
class Clock:
    """One promise with a time: `name` is "accept" or "opinion"; paused while a question is open."""

    name: str
    due: datetime
    paused: bool
    overdue: bool


def clock(referral: Referral, now: datetime, zone: tzinfo) -> Clock | None:
    """The promise that runs now: time to accept, then time to the opinion. None when neither runs.

    `zone` is the asking hospital's: its weekdays count (`zone_of`).
    """
    paused = referral.status is Status.QUESTION
    where = referral.held[-1] if paused else referral.status
    pause = _paused(referral, now)
    if where is Status.SENT:
        sent = referral.since(Status.SENT) or referral.opened_at
        due = sent + ACCEPT_WITHIN + pause
        return Clock("accept", due, paused, not paused and now > due)
    if where in (Status.ACCEPTED, Status.READING):
        accepted = next(e.at for e in reversed(referral.history) if e.verb == "accept")
        due = on_business_day(business_days_after(accepted, READ_WITHIN_DAYS, zone) + pause, zone)
        return Clock("opinion", due, paused, not paused and now > due)
    return None


def zone_of(directory: Directory, referral: Referral) -> tzinfo:
    """The time zone of the hospital that asked; UTC for one that has left the directory."""
    return next((ZoneInfo(site.timezone) for site in directory.sites if site.id == referral.site), UTC)


def business_days_after(start: datetime, days: int, zone: tzinfo) -> datetime:
    """The same time of day, that many business days (Monday to Friday) later, as calendar and clock of `zone` have it.

    Friday evening in Chicago is Saturday in UTC: weekdays counted in UTC would end on a Sunday there.
    """
    end = start.astimezone(zone)
    while days:
        end += timedelta(days=1)  # same wall clock, also where summer time begins or ends in between
        if end.weekday() <= FRIDAY:
            days -= 1
    return end.astimezone(start.tzinfo)


def on_business_day(due: datetime, zone: tzinfo) -> datetime:
    """That moment; the same time of day on Monday where it falls on a weekend in `zone`, as after a pause it may."""
    end = due.astimezone(zone)
    while end.weekday() > FRIDAY:
        end += timedelta(days=1)
    return end.astimezone(due.tzinfo)


def _paused(referral: Referral, now: datetime) -> timedelta:
    """How long questions have stopped the clock since the referral was last sent or accepted."""
    total, asked = timedelta(), None
    for event in referral.history:
        if event.verb in ("send", "resend", "accept"):
            total = timedelta()
        elif event.verb == "ask":
            asked = event.at
        elif event.verb == "answer" and asked is not None:
            total, asked = total + (event.at - asked), None
    return total + (now - asked if asked is not None else timedelta())


def of_patient(ports: Ports, site: str, patient: str) -> list[Referral]:
    """Every referral of this patient at this site, newest first."""
    with ports.store.reading() as tx:
        return tx.referrals.find(site=site, patient=patient)


def waiting_for_images(ports: Ports, site: str, patient: str) -> Referral | None:
    """The newest referral of this patient that still waits for images."""
    with ports.store.reading() as tx:
        found = tx.referrals.find(site=site, patient=patient, statuses=(Status.GATHERING,), limit=1)
    return found[0] if found else None


def of_expert(ports: Ports, line: Line) -> list[Referral]:
    """Cases this expert may take or has, the most urgent promise first; then what they have signed.

    A coordinator sees every open case of the organisation.
    """
    with ports.store.reading() as tx:
        cases = tx.referrals.find(organisation=line.organisation, statuses=OPEN_FOR_EXPERT, limit=MOST_OPEN)
        cases += tx.referrals.find(organisation=line.organisation, statuses=DONE_BY_EXPERT, expert=line.party.reference)
    mine = [r for r in cases if may(actor(line), r, "see")]
    now = ports.now()

    def order(referral: Referral) -> tuple[bool, datetime]:
        running = clock(referral, now, zone_of(ports.directory, referral))
        return (referral.status in DONE_BY_EXPERT, running.due if running else referral.opened_at)

    return sorted(mine, key=order)


def parked(ports: Ports) -> list[tuple[Owed, Referral]]:
    """What is owed and cannot go on without a person, oldest first."""
    with ports.store.reading() as tx:
        return [(owed, tx.referrals.get(owed.referral_id)) for owed in tx.outbox.parked()]
