"""When a hospital's people answer: weekdays, from and until, and the days they are away. In its own time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
LOOK_AHEAD = 30  # days: nobody is away for longer


@dataclass(frozen=True)
class Hours:
    """`days` counts from Monday as 0; `opens` and `closes` are wall clock, "08:00"; `away` holds ISO dates."""

    days: tuple[int, ...] = (0, 1, 2, 3, 4)
    opens: str = "08:00"
    closes: str = "17:00"
    away: tuple[str, ...] = ()

    def open_on(self, day: date) -> bool:
        """Does anybody work that day?"""
        return day.weekday() in self.days and day.isoformat() not in self.away

    def is_open(self, at: datetime, zone: tzinfo) -> bool:
        """Does anybody answer at that moment?"""
        here = at.astimezone(zone)
        return self.open_on(here.date()) and _clock(self.opens) <= here.time() < _clock(self.closes)

    def next_open(self, at: datetime, zone: tzinfo) -> datetime:
        """That moment where somebody answers, else the next opening; the moment itself where none comes in a month."""
        if self.is_open(at, zone):
            return at
        here = at.astimezone(zone)
        for ahead in range(LOOK_AHEAD):
            day = here.date() + timedelta(days=ahead)
            opening = datetime.combine(day, _clock(self.opens), zone)
            if self.open_on(day) and opening > here:
                return opening.astimezone(at.tzinfo)
        return at

    def runs(self) -> list[list[int]]:
        """The days, each run of neighbours together: [[0, 1, 2], [4]]."""
        runs: list[list[int]] = []
        for day in self.days:
            if runs and day == runs[-1][-1] + 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        return runs

    def __str__(self) -> str:
        """As people write it and `read_hours` reads it: "Mon-Fri 08:00-17:00"."""
        days = ("-".join(dict.fromkeys(DAYS[day] for day in (run[0], run[-1]))) for run in self.runs())
        return f"{','.join(days)} {self.opens}-{self.closes}"


def read_hours(text: str, away: tuple[str, ...] = ()) -> Hours:
    """Read "Mon-Fri 08:00-17:00" or "Mon,Wed,Sat 9:00-13:30". Raises ValueError."""
    words = text.replace("–", "-").split()
    if len(words) != 2:
        raise ValueError("write the hours as Mon-Fri 08:00-17:00")
    opens, _, closes = words[1].partition("-")
    from_, until = _clock(opens), _clock(closes)
    if not from_ < until:
        raise ValueError("the hours end before they begin")
    for day in away:
        date.fromisoformat(day)
    return Hours(_read_days(words[0]), f"{from_:%H:%M}", f"{until:%H:%M}", away)


def _read_days(text: str) -> tuple[int, ...]:
    found: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        begin = _day(first)
        found |= set(range(begin, _day(last) + 1)) if dash else {begin}
    if not found:
        raise ValueError("no day is named")
    return tuple(sorted(found))


def _day(text: str) -> int:
    for number, name in enumerate(DAYS):
        if text[:3].lower() == name.lower():
            return number
    raise ValueError(f"{text!r} is no day: write Mon, Tue, Wed, Thu, Fri, Sat or Sun")


def _clock(text: str) -> time:
    hour, colon, minute = text.partition(":")
    if not colon or not hour.isdigit() or not minute.isdigit():
        raise ValueError(f"{text!r} is no time of day: write 08:00")
    return time(int(hour), int(minute))
