"""Dates and times as people read them, in the time zone of the site.

Staff: 3 Nov 2026, 14:10. Patients: Tuesday, 3 November. A date that is partly known is shown as far as it is known.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from babel.dates import get_day_names
from flask import Flask
from flask_babel import format_date, format_datetime, get_locale, gettext, ngettext, to_user_timezone

from smart_app.sites import Hours
from smart_app.web.sessions import ports


def day(value: object) -> str:
    """3 Nov 2026. Takes a moment, or ISO text of which only the date is read."""
    found = _date(value)
    if found is None:
        return str(value or "")
    return str(format_date(found, "d MMM yyyy", rebase=False))


def long_day(value: object) -> str:
    """3 November 1992, for patients."""
    found = _date(value)
    if found is None:
        return str(value or "")
    spanish = str(get_locale()) == "es"
    return str(format_date(found, "d 'de' MMMM 'de' yyyy" if spanish else "d MMMM yyyy", rebase=False))


def weekday(value: object) -> str:
    """Tuesday, 3 November, for patients."""
    found = _date(value)
    if found is None:
        return str(value or "")
    spanish = str(get_locale()) == "es"
    return str(format_date(found, "EEEE, d 'de' MMMM" if spanish else "EEEE, d MMMM", rebase=False))


def moment(value: datetime | None) -> str:
    """17 Nov, 14:10; with the year where it is another one than now."""
    if value is None:
        return ""
    here, now = to_user_timezone(value), to_user_timezone(ports().now())
    form = "d MMM, HH:mm" if here.year == now.year else "d MMM yyyy, HH:mm"
    return str(format_datetime(value, form))


def clock(value: datetime) -> str:
    """14:10."""
    return str(format_datetime(value, "HH:mm"))


def iso(value: datetime) -> str:
    """For `<time datetime>`."""
    return value.isoformat(timespec="seconds")


def span(value: timedelta) -> str:
    """2 h 15 min; 3 days; under a minute is said so."""
    minutes = int(abs(value).total_seconds() // 60)
    if minutes < 1:
        return str(gettext("less than a minute"))
    if minutes < 60:
        return str(gettext("%(minutes)s min", minutes=minutes))
    hours, rest = divmod(minutes, 60)
    if hours < 48:
        if rest:
            return str(gettext("%(hours)s h %(minutes)s min", hours=hours, minutes=rest))
        return str(gettext("%(hours)s h", hours=hours))
    return str(ngettext("%(num)d day", "%(num)d days", hours // 24))


def age(birth_date: str) -> str:
    """34 y; 7 months under two years; empty where the birth date is not whole."""
    try:
        born = date.fromisoformat(birth_date)
    except ValueError:
        return ""
    today = to_user_timezone(ports().now()).date()
    months = (today.year - born.year) * 12 + today.month - born.month - (today.day < born.day)
    if months < 0:
        return ""
    if months < 24:
        return str(ngettext("%(num)d month", "%(num)d months", months))
    return str(gettext("%(years)s y", years=months // 12))


def hours(value: Hours | None) -> str:
    """Mon–Fri 08:00–17:00, the days in the language of the page; nothing where none were given."""
    if value is None:
        return ""
    names = get_day_names("abbreviated", locale=get_locale())
    parts = ["–".join(dict.fromkeys(names[day].rstrip(".") for day in (run[0], run[-1]))) for run in value.runs()]
    return f"{', '.join(parts)} {value.opens}–{value.closes}"


def _date(value: object) -> date | None:
    if isinstance(value, datetime):
        here: datetime = to_user_timezone(value)
        return here.date()
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def install(app: Flask) -> None:
    """Make them filters of the templates."""
    for form in (day, long_day, weekday, moment, clock, iso, span, age, hours):
        app.jinja_env.filters[form.__name__] = form
