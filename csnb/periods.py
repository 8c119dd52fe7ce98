"""Turn the name of a period into its first and last day."""

import calendar
import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from csnb.errors import ParameterError
from csnb.schema import ZONE

ALLOWED = (
    "2026-W47 (ISO week), 2026-11 (month), 2026-11-03 (day), 2026-11-01..2026-11-15 (first..last day), "
    "yesterday, last-week, last-month, or nothing for the whole book"
)


def period_dates(period, as_of=None):
    """Give the first and the last day of a period; both belong to it.

    Parameters
    ----------
    period : str or None
        `2026-W47`, `2026-11`, `2026-11-03`, `2026-11-01..2026-11-15`, `yesterday`, `last-week`
        (Monday to Sunday before the week of `as_of`), `last-month`; None is the whole book
    as_of : date, ISO str or None
        the day from which named periods count; None is today in China, wherever the machine stands

    Returns
    -------
    date_from, date_to : ISO str, or both None for the whole book

    Raises
    ------
    ParameterError
        If the period has no known form, a day does not exist or the days are in the wrong order;
        the message lists what is allowed.

    Examples
    --------
    >>> period_dates("2026-W47")
    ('2026-11-16', '2026-11-22')
    >>> period_dates("last-week", as_of="2026-11-25")
    ('2026-11-16', '2026-11-22')
    """
    if not period:
        return None, None
    today = datetime.now(ZoneInfo(ZONE)).date() if as_of is None else _day(str(as_of), "as_of")
    first, last = _bounds(str(period), today)
    if first > last:
        raise ParameterError(f"period {period!r} ends before it starts; write the earlier day first")
    return first.isoformat(), last.isoformat()


def _bounds(period, today):
    """Give both ends of a period as dates."""
    if period == "yesterday":
        return today - timedelta(days=1), today - timedelta(days=1)
    if period == "last-week":
        monday = today - timedelta(days=today.weekday() + 7)
        return monday, monday + timedelta(days=6)
    if period == "last-month":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    if ".." in period:
        first, last = period.split("..", 1)
        return _day(first, "period"), _day(last, "period")
    if re.fullmatch(r"\d{4}-W\d{2}", period):
        return _week(period)
    if re.fullmatch(r"\d{4}-\d{2}", period):
        first = _day(f"{period}-01", "period")
        return first, first.replace(day=calendar.monthrange(first.year, first.month)[1])
    return _day(period, "period"), _day(period, "period")


def _week(period):
    """Give Monday and Sunday of an ISO week."""
    year, week = int(period[:4]), int(period[6:])
    try:
        return date.fromisocalendar(year, week, 1), date.fromisocalendar(year, week, 7)
    except ValueError as error:
        raise ParameterError(
            f"period {period!r}: {year} has no week {week}; allowed are: {ALLOWED}"
        ) from error


def _day(value, name):
    """Read one ISO day."""
    try:
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value):
            raise ValueError("not a day")
        return date.fromisoformat(value)
    except ValueError as error:
        raise ParameterError(f"{name}: {value!r} is not known; allowed are: {ALLOWED}") from error
