"""Windows: which days are compared with which, and what else happened on them.

Days are compared on the same weekdays only: a week with the two weeks before it, a day with the same day
one and two weeks earlier, a longer period by whole weeks.
"""

from datetime import date, timedelta

import numpy as np
import pandas as pd

from csnb.formats import rulepack_words

PERIODS, NO_DAYS = ("before_last", "last", "this"), ("", "")
WEEKS = ("week_3", "week_2", "week_1", "week_0")
BURST_LIFT, BURST_SPREADS, BURST_SESSIONS = 1.5, 3, 20
RULE_CHANGE, TRAFFIC_EVENTS = "rules", ("campaign", "live")


def find_periods(sessions, date_from=None, date_to=None):
    """Choose this period, the last one and the one before, on the same weekdays.

    Parameters
    ----------
    sessions : pandas.DataFrame with `day` and `left_out_because`; the days before the period must be among them
    date_from, date_to : "YYYY-MM-DD" or None, both included

    Returns
    -------
    pandas.DataFrame
        One row a period, in order of time: `period` (before_last, last, this), `first_day`, `last_day`. More
        than a week is cut to whole weeks at its end. Where nothing lies before the period, this period is
        the last week. A period that begins before the data is not there, so the table may hold one row, or none.

    Examples
    --------
    >>> days = pd.date_range("2026-03-02", "2026-03-29").strftime("%Y-%m-%d")
    >>> sessions = pd.DataFrame({"day": days, "left_out_because": None})
    >>> find_periods(sessions, "2026-03-28", "2026-03-29").to_numpy().tolist()
    [['before_last', '2026-03-14', '2026-03-15'], ['last', '2026-03-21', '2026-03-22'], \
['this', '2026-03-28', '2026-03-29']]
    """
    days = _known_days(sessions)
    if days.empty:
        return _period_table([])
    first, last = date.fromisoformat(days.min()), date.fromisoformat(days.max())
    end = min(last, date.fromisoformat(date_to)) if date_to else last
    start = date.fromisoformat(date_from) if date_from else first
    length = (end - start).days + 1
    fitting = (end - first).days + 1
    if start <= first:
        length = 7 if fitting >= 14 else fitting
    elif length > 7:
        length = 7 * min(length // 7, max(1, fitting // 14))
    step = timedelta(days=max(7, length))
    this = (end - timedelta(days=length - 1), end)
    rows = [
        (name, this[0] - back * step, this[1] - back * step)
        for name, back in zip(PERIODS, (2, 1, 0), strict=True)
    ]
    return _period_table([row for row in rows if row[0] == "this" or row[1] >= first])


def find_weeks(sessions, date_to=None):
    """Choose the last four weeks, the fourth ending on the last day.

    Parameters
    ----------
    sessions : pandas.DataFrame with `day` and `left_out_because`
    date_to : "YYYY-MM-DD" or None, the last day; None is the last of the sessions

    Returns
    -------
    pandas.DataFrame
        One row a week, like that of `find_periods`, with `period` from week_3 (three weeks ago) to week_0;
        weeks that begin before the data are not there

    Examples
    --------
    >>> days = pd.date_range("2026-03-02", "2026-03-16").strftime("%Y-%m-%d")
    >>> find_weeks(pd.DataFrame({"day": days, "left_out_because": None}))["first_day"].to_list()
    ['2026-03-03', '2026-03-10']
    """
    days = _known_days(sessions)
    if days.empty:
        return _period_table([])
    end = date.fromisoformat(min(days.max(), date_to) if date_to else days.max())
    rows = [
        (name, end - timedelta(days=7 * back + 6), end - timedelta(days=7 * back))
        for name, back in zip(WEEKS, (3, 2, 1, 0), strict=True)
    ]
    return _period_table([row for row in rows if row[1].isoformat() >= days.min()])


def _known_days(sessions):
    """Give the days that are known and that the report may look at."""
    is_known = (sessions["day"] != "unknown") & (sessions["left_out_because"] != "out_of_period")
    return sessions.loc[is_known, "day"].dropna()


def _period_table(rows):
    """Put periods into a table."""
    return pd.DataFrame(
        [(name, first.isoformat(), last.isoformat()) for name, first, last in rows],
        columns=["period", "first_day", "last_day"],
    )


def period_spans(periods):
    """Give first and last day of each period of `find_periods`; one that is not there has no days.

    Examples
    --------
    >>> period_spans(pd.DataFrame([("this", "2026-03-02", "2026-03-08")],
    ...                           columns=["period", "first_day", "last_day"]))["last"]
    ('', '')
    """
    named = {row.period: (row.first_day, row.last_day) for row in periods.itertuples()}
    return {name: named.get(name, NO_DAYS) for name in PERIODS}


def in_days(sessions, span):
    """Give the sessions from the first to the last day of a span."""
    return sessions[sessions["day"].between(*span)]


def label_periods(sessions, periods):
    """Give each session the period that its day lies in.

    Parameters
    ----------
    sessions : pandas.DataFrame with `day`
    periods : pandas.DataFrame of `find_periods` or `find_weeks`

    Returns
    -------
    pandas.DataFrame
        `sessions` and an ordered category `period`, missing for days outside all periods.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> csnb.label_periods(sessions, periods)["period"].astype(str).value_counts().to_dict()
    {'this': 3}
    """
    label = pd.Series(pd.NA, index=sessions.index, dtype="object")
    for row in periods.itertuples():
        label[sessions["day"].between(row.first_day, row.last_day)] = row.period
    return sessions.assign(period=pd.Categorical(label, categories=list(periods["period"]), ordered=True))


def keep_periods(sessions):
    """Give the sessions of `label_periods` that lie in a period.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`

    Returns
    -------
    pandas.DataFrame, some rows of `sessions`

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> len(csnb.keep_periods(csnb.label_periods(sessions, periods)))
    3
    """
    return sessions[sessions["period"].notna()]


def list_periods(sessions, periods, calendar):
    """List the periods with their sessions and what happened in them.

    Parameters
    ----------
    sessions : pandas.DataFrame
    periods : pandas.DataFrame of `find_periods` or `find_weeks`
    calendar : pandas.DataFrame of `list_calendar`

    Returns
    -------
    pandas.DataFrame
        One row a period: `period, first_day, last_day, session_count, event_day_count` (campaigns and live streams), the
        latest first.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> calendar = csnb.list_calendar(book.events, sessions)
    >>> csnb.list_periods(sessions, periods, calendar)[["period", "first_day", "session_count"]].values.tolist()
    [['this', '2026-11-19', 3]]
    """
    eventful = event_days(calendar)
    rows = [
        {
            **row,
            "session_count": int(_counted(sessions)["day"].between(row["first_day"], row["last_day"]).sum()),
            "event_day_count": sum(row["first_day"] <= day <= row["last_day"] for day in eventful),
        }
        for row in periods.to_dict("records")
    ]
    return pd.DataFrame(rows[::-1], columns=[*periods.columns, "session_count", "event_day_count"])


def _counted(sessions):
    """Give the sessions that count."""
    return sessions[sessions["left_out_because"].isna()]


def list_calendar(events, sessions):
    """List what happened: campaigns, live streams, incidents, and changes of the platforms' rules.

    Parameters
    ----------
    events : pandas.DataFrame, `book.events`
    sessions : pandas.DataFrame; their days bound the calendar, their rule packs tell when rules changed

    Returns
    -------
    pandas.DataFrame
        `first_day, last_day, event, shop, note`, in order of time. Like events on days in a row are one row. The
        event `rules` marks the first day of another rule pack; its note names the pack in words.

    Examples
    --------
    >>> list(list_calendar(book.events, book.sessions))
    ['first_day', 'last_day', 'event', 'shop', 'note']
    """
    spells = pd.DataFrame(
        {
            "first_day": events["starts_at"].dt.strftime("%Y-%m-%d"),
            "last_day": _last_days(events).dt.strftime("%Y-%m-%d"),
            "event": events["kind"],
            "shop": events["shop"],
            "note": events["note"],
        }
    ).dropna(subset="first_day")
    days = _known_days(sessions)
    if len(days):
        spells = spells[(spells["last_day"] >= days.min()) & (spells["first_day"] <= days.max())]
    together = [frame for frame in (_joined(spells), _rule_changes(sessions)) if len(frame)]
    calendar = pd.concat(together) if together else spells
    return calendar.sort_values(["first_day", "event"], kind="stable", ignore_index=True)


def _last_days(events):
    """Give the last day of each event; one that ends at midnight ends on the day before."""
    ends = events["ends_at"].fillna(events["starts_at"])
    return ends.where(ends <= events["starts_at"], ends - pd.Timedelta(seconds=1))


def _joined(spells):
    """Join like events on days in a row."""
    same = ["event", "shop", "note"]
    spells = spells.sort_values([*same, "first_day"], kind="stable")
    kind = spells[same].astype("string").fillna("")
    day_before = (pd.to_datetime(spells["first_day"]) - pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d")
    follows = (kind == kind.shift()).all(axis=1) & (day_before <= spells["last_day"].shift())
    return spells.groupby(np.cumsum(~follows.to_numpy(bool)), as_index=False).agg(
        {"first_day": "first", "last_day": "max", **dict.fromkeys(same, "first")}
    )[["first_day", "last_day", *same]]


def _rule_changes(sessions):
    """Give the days from which another rule pack counts."""
    dated = sessions[(sessions["day"] != "unknown") & sessions["rulepack"].notna()]
    firsts = (
        dated.groupby(["platform", "rulepack"])["day"].min().reset_index().sort_values(["platform", "day"])
    )
    changed = firsts[firsts["platform"].duplicated()]
    return pd.DataFrame(
        {"first_day": changed["day"], "last_day": changed["day"], "event": RULE_CHANGE, "shop": None,
         "note": [rulepack_words([pack]) for pack in changed["rulepack"]]}
    )  # fmt: skip


def event_days(calendar):
    """Give the days with a campaign or a live stream, which bring traffic of their own, as a sorted list."""
    spells = calendar[calendar["event"].isin(TRAFFIC_EVENTS)]
    days = {
        day
        for first, last in zip(spells["first_day"], spells["last_day"], strict=True)
        for day in pd.date_range(first, last).strftime("%Y-%m-%d")
    }
    return sorted(days)


def without_event_days(sessions, periods, calendar):
    """Leave out the days of this period and the last with a campaign or a live stream, and the same days of the others.

    Parameters
    ----------
    sessions : pandas.DataFrame of `label_periods`
    periods : pandas.DataFrame of `find_periods`
    calendar : pandas.DataFrame of `list_calendar`

    Returns
    -------
    pandas.DataFrame
        The sessions of the other days: what is left of a change when events are set aside.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> calendar = csnb.list_calendar(book.events, sessions)
    >>> len(csnb.without_event_days(csnb.label_periods(sessions, periods), periods, calendar))
    8
    """
    begins = sessions["period"].astype("object").map(periods.set_index("period")["first_day"])
    place = (pd.to_datetime(sessions["day"], errors="coerce") - pd.to_datetime(begins)).dt.days
    is_compared = sessions["period"].isin(["last", "this"])
    taken = place[is_compared & sessions["day"].isin(event_days(calendar))].unique()
    return sessions[~place.isin(taken)]


def find_bursts(sessions, shifts=None):
    """Find the hours in which far more conversations arrived per agent than usual.

    Parameters
    ----------
    sessions : pandas.DataFrame with `started_at, agent_id, left_out_because`
    shifts : pandas.DataFrame, `book.shifts`, or None
        Who is on line. Without shifts it is who answered in that hour.

    Returns
    -------
    pandas.DataFrame
        One row an hour: `hour_at` (its start), `day, hour, session_count, agent_count, per_agent,
        usual_per_agent`. A burst has at least 20 conversations, 1.5 times the usual arrivals per agent, and lies more
        than 3 robust standard deviations above it. Usual is the median of the same weekday and hour, of
        the same hour of all days where there are fewer than four such weeks.

    Examples
    --------
    >>> list(find_bursts(book.sessions))[:4]
    ['hour_at', 'day', 'hour', 'session_count']
    """
    served = _counted(sessions).dropna(subset=["agent_id", "started_at"])
    hours = _arrivals(served, shifts)
    by_weekday, by_hour = (
        [hours["hour_at"].dt.day_of_week, hours["hour_at"].dt.hour],
        hours["hour_at"].dt.hour,
    )
    weeks = hours.groupby(by_weekday)["per_agent"].transform("size")
    usual, spread = (
        _same_hours(hours["per_agent"], by_weekday, measure).where(
            weeks > 4, _same_hours(hours["per_agent"], by_hour, measure)
        )
        for measure in (np.median, _robust_spread)
    )
    by_chance = np.sqrt(usual / hours["agent_count"])
    is_burst = (
        (hours["session_count"] >= BURST_SESSIONS)
        & (hours["per_agent"] >= BURST_LIFT * usual)
        & (hours["per_agent"] > usual + BURST_SPREADS * np.maximum(spread, by_chance))
    )
    found = hours.assign(
        day=hours["hour_at"].dt.strftime("%Y-%m-%d"), hour=hours["hour_at"].dt.hour, usual_per_agent=usual
    )[is_burst].reset_index(drop=True)
    return found[["hour_at", "day", "hour", "session_count", "agent_count", "per_agent", "usual_per_agent"]]


def _arrivals(served, shifts):
    """Count arrivals, and agents on line, hour by hour."""
    hour_at = served["started_at"].dt.floor("h")
    counts = served.groupby(hour_at)["agent_id"].agg(session_count="size", agent_count="nunique")
    if shifts is not None and len(shifts):
        on_line = _on_line(counts.index, shifts[shifts["agent_id"].isin(served["agent_id"])])
        counts["agent_count"] = np.maximum(counts["agent_count"], on_line)
    counts = counts.rename_axis("hour_at").reset_index()
    return counts.assign(per_agent=counts["session_count"] / counts["agent_count"])


def _on_line(hours, shifts):
    """Count the shifts that have begun and not ended in the middle of each hour."""
    middle = hours + pd.Timedelta(minutes=30)
    begun, ended = (np.sort(shifts[name].dropna().array) for name in ("starts_at", "ends_at"))
    return np.searchsorted(begun, middle, "right") - np.searchsorted(ended, middle, "right")


def _same_hours(values, groups, measure):
    """Give each hour a measure over its group."""
    return values.groupby(groups).transform(lambda group: measure(group.to_numpy()))


def _robust_spread(values):
    """Give the median absolute deviation, scaled to a standard deviation."""
    return 1.4826 * np.median(np.abs(values - np.median(values)))
