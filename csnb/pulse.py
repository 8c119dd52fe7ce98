"""Pulse: what moved since the last period, and is it real.

Each platform is shown by its own core metrics (`definitions/pulse.toml`) and its own rule pack; nothing is
pooled over platforms.
"""

import numpy as np
import pandas as pd

from csnb.findings import Finding
from csnb.formats import format_interval, format_period, format_short_day, format_value, metric_name, word_of
from csnb.lookup import line_of, read_toml, wrong
from csnb.measures import compare_periods, measure
from csnb.metrics import METRICS
from csnb.schema import RESULT_FIGURES
from csnb.stats import adjust_pvalues
from csnb.strings import text
from csnb.windows import NO_DAYS, WEEKS, in_days, period_spans

FILE = "pulse.toml"
ONLINE = "online_hours"


def read_core(folder=None):
    """Read which core metrics each platform has.

    Returns
    -------
    dict of platform to list of metrics; `generic` serves the platforms that are not named

    Raises
    ------
    DefinitionError
        If there is no such metric; file, line and platform are named.

    Examples
    --------
    >>> read_core()["jd"][-1]
    'online_hours'
    """
    core = read_toml(FILE, folder)["core"]
    for platform, metrics in core.items():
        for metric in metrics:
            if metric not in (*METRICS, ONLINE):
                raise wrong(FILE, line_of(FILE, platform, folder), platform, f"there is no metric {metric!r}")
    return core


# ---- core metrics


def measure_core(sessions, periods, shifts, confidence=0.95, folder=None):
    """Measure each platform's core metrics in this period, the last one and the one before.

    Parameters
    ----------
    sessions : pandas.DataFrame with `is_converted` (`csnb.add_conversion`) if conversion is to be shown
    periods : pandas.DataFrame of `find_periods`
    shifts : pandas.DataFrame, `book.shifts`
    confidence : float
    folder : path of the user's own definitions folder, or None

    Returns
    -------
    pandas.DataFrame
        Results by `platform`, plus `value_this` (the value again), `n_last, value_last, value_before_last, difference,
        difference_low, difference_high, p_adjusted` (Benjamini-Hochberg over the whole table) and `movement`: better, worse,
        up, down (where neither is better), or none; missing where there is nothing to compare.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> periods = csnb.find_periods(sessions, "2026-11-19", "2026-11-21")
    >>> csnb.measure_core(sessions, periods, book.shifts)[["platform", "metric", "n"]].head(2).values.tolist()
    [['taobao', 'conversion_rate', 0], ['taobao', 'mean_response_seconds', 5]]
    """
    spans, core = period_spans(periods), read_core(folder)
    tables = [
        _platform_core(part, platform, core.get(platform, core["generic"]), spans, shifts, confidence)
        for platform, part in sessions.groupby("platform", sort=True)
    ]
    if not tables:
        return pd.DataFrame(columns=_CORE)
    found = pd.concat(tables, ignore_index=True)
    found = found.assign(p_adjusted=adjust_pvalues(found["p_value"].to_numpy(float)))
    return found.assign(movement=_movements(found, confidence))[_CORE]


_CORE = [
    "metric", "platform", *RESULT_FIGURES,
    "value_this", "n_last", "value_last", "value_before_last",
    "difference", "difference_low", "difference_high", "p_adjusted", "movement",
]  # fmt: skip


def _platform_core(sessions, platform, metrics, spans, shifts, confidence):
    """Measure the core metrics of one platform."""
    asked = [metric for metric in metrics if metric != ONLINE]
    if spans["last"] != NO_DAYS:
        compared = compare_periods(sessions, asked, spans["last"], spans["this"], None, confidence)
    else:
        compared = measure(in_days(sessions, spans["this"]), asked, None, confidence).reindex(
            columns=[*_CORE, "n_before", "value_before", "p_value"]
        )
    earlier = measure(in_days(sessions, spans["before_last"]), asked, None, confidence)
    rows = compared.assign(
        value_before_last=earlier["value"].to_numpy(),
        value_last=compared["value_before"],
        n_last=compared["n_before"],
    )
    if ONLINE in metrics:
        rows = pd.concat([rows, _online_row(sessions, spans, shifts)], ignore_index=True)
    return rows.assign(platform=platform, value_this=rows["value"])


def _online_row(sessions, spans, shifts):
    """Give the hours on duty of a platform's agents; a count without an interval."""
    own = shifts[shifts["agent_id"].isin(sessions["agent_id"].dropna())]
    hours = {name: _hours_inside(own, *span) for name, span in spans.items()}
    total = {name: known.sum() if len(known) else np.nan for name, known in hours.items()}
    row = {"metric": ONLINE, "n": len(hours["this"]), "value": total["this"], "unit": "hours", "method": "count",
           "rulepack": "", "n_last": len(hours["last"]), "value_last": total["last"], "value_before_last": total["before_last"],
           "difference": total["this"] - total["last"]}  # fmt: skip
    return pd.DataFrame([row])


def _hours_inside(shifts, first_day, last_day):
    """Give the hours of each shift that lie inside some days, for shifts that have any."""
    if not first_day:
        return pd.Series(dtype=float)
    zone = shifts["starts_at"].dt.tz
    begin = pd.Timestamp(first_day, tz=zone)
    end = pd.Timestamp(last_day, tz=zone) + pd.Timedelta(days=1)
    inside = shifts["ends_at"].clip(upper=end) - shifts["starts_at"].clip(lower=begin)
    hours = inside.dt.total_seconds() / 3600
    return hours[hours > 0]


def _movements(rows, confidence):
    """Say which way each metric moved, where it did."""
    moved = rows["p_adjusted"] < 1 - confidence
    rises = rows["difference"] > 0
    better = rows["metric"].map(lambda name: METRICS[name].better if name in METRICS else None)
    is_better = np.where(better.isna(), None, rises == (better == "higher"))
    words = np.where(
        better.isna(), np.where(rises, "up", "down"), np.where(is_better.astype(bool), "better", "worse")
    )
    known = rows["p_adjusted"].notna()
    return pd.Series(np.where(moved, words, "none"), index=rows.index, dtype="object").where(known, None)


def measure_weeks(sessions, weeks, shifts, confidence=0.95, folder=None):
    """Set the core metrics of up to four weeks side by side.

    Parameters
    ----------
    sessions, shifts, confidence, folder : as in `measure_core`
    weeks : pandas.DataFrame of `find_weeks`

    Returns
    -------
    pandas.DataFrame
        One row a platform and metric: `platform, metric, unit`, `value_week_3` to `value_week_0` (the week that ends
        last; a week that is not there is missing), and of that last week `low, high, n`.

    Examples
    --------
    >>> import csnb
    >>> sessions = csnb.select_sessions(book)
    >>> list(csnb.measure_weeks(sessions, csnb.find_weeks(sessions), book.shifts))[2:]
    ['unit', 'value_week_3', 'value_week_2', 'value_week_1', 'value_week_0', 'low', 'high', 'n']
    """
    keys, latest = ["platform", "metric", "unit"], ["low", "high", "n"]
    columns = [*keys, *(f"value_{name}" for name in WEEKS), *latest]
    measured = {}
    for week in weeks.itertuples():
        one = pd.DataFrame([{"period": "this", "first_day": week.first_day, "last_day": week.last_day}])
        table = measure_core(sessions, one, shifts, confidence, folder).set_index(keys)
        measured[f"value_{week.period}"] = table["value"]
    if not measured:
        return pd.DataFrame(columns=columns)
    side_by_side = pd.concat(measured, axis=1, sort=False).join(table[latest])
    return side_by_side.reset_index().reindex(columns=columns)


# ---- findings


def find_pulse_issues(core, controls, alerts, periods, calendar):
    """Say what moved since the last period, which days stood out, and which alerts were more than usual.

    Parameters
    ----------
    core : pandas.DataFrame of `measure_core`
    controls : list of pandas.DataFrame of `csnb.measure_control`
    alerts : pandas.DataFrame of `measure_alerts`
    periods : pandas.DataFrame of `find_periods`
    calendar : pandas.DataFrame of `csnb.list_calendar`

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> find_pulse_issues(core, [satisfaction, response], alerts, periods, calendar)  # doctest: +SKIP
    """
    spans = period_spans(periods)
    if spans["last"] == NO_DAYS:
        found = [Finding("pulse_no_last", {}, "C", 100, "core")]
    else:
        moved = core[core["movement"].isin(["better", "worse", "up", "down"])]
        compared = int(core["movement"].notna().sum())
        found = [_of_move(row) for row in moved.to_dict("records")]
        rest = {"count": format_value(compared - len(found), "count")}
        if compared and not found:
            found = [
                Finding("pulse_steady", {"period": format_period(*spans["this"]), **rest}, "C", 100, "core")
            ]
        elif compared > len(found):
            found.append(Finding("pulse_rest", rest, "C", 92, "core"))
    found += _of_signals(controls, *spans["this"])
    found += _of_events(calendar, *spans["this"])
    return found + _of_alerts(alerts[alerts["movement"].notna()])


def _of_move(row):
    """Make a finding of a core metric that moved."""
    unit = "points" if row["unit"] == "rate" else row["unit"]
    values = {
        "platform": word_of("platform", row["platform"]),
        "metric": metric_name(row["metric"]),
        "movement": word_of("movement", row["movement"]),
        "value": format_value(row["value"], row["unit"]),
        "last": format_value(row["value_last"], row["unit"]),
        "difference": format_value(row["difference"], unit),
        "n": format_value(row["n"], "count"),
        "interval": format_interval(row["difference_low"], row["difference_high"], unit),
    }
    return Finding("pulse_moved", values, "C", 95, "core")


def _of_signals(controls, first_day, last_day):
    """Make a finding of each metric and platform with days beyond its limits."""
    found = []
    for control in controls:
        out = control[
            control["is_signal"].fillna(False).astype(bool) & control["day"].between(first_day, last_day)
        ]
        for platform, days in out.groupby("platform", sort=True):
            row = days.loc[days["z"].abs().idxmax()]
            values = {
                "platform": word_of("platform", platform),
                "metric": metric_name(row["metric"]),
                "worst": format_short_day(row["day"]),
                "value": format_value(row["value"], row["unit"]),
                "usual": format_interval(row["low"], row["high"], row["unit"]),
                "n": format_value(row["n"], "count"),
            }
            if len(days) > 1:
                values["days"] = text("word.list_separator").join(map(format_short_day, days["day"]))
            key = "pulse_signals" if len(days) > 1 else "pulse_signal"
            found.append(Finding(key, values, "C", 85, "control"))
    return found


def _of_events(calendar, first_day, last_day):
    """Make a finding of what the calendar holds in the period."""
    inside = calendar[(calendar["last_day"] >= first_day) & (calendar["first_day"] <= last_day)]
    if inside.empty:
        return []
    names = [
        text(
            "word.event_on",
            event=word_of("event", row.event),
            day=format_short_day(max(row.first_day, first_day)),
        )
        for row in inside.itertuples()
    ]
    return [Finding("pulse_events", {"events": text("word.list_separator").join(names)}, "C", 60, "calendar")]


def _of_alerts(compared):
    """Make a finding of each alert that was raised more often than usual, or one that says that none was."""
    more = compared[compared["movement"] == "more"]
    if len(compared) and more.empty:
        counts = {"count": len(compared), "n": compared["n"].iloc[0]}
        values = {name: format_value(count, "count") for name, count in counts.items()}
        return [Finding("pulse_alerts_usual", values, "C", 58, "alerts")]
    return [_of_alert(row) for row in more.to_dict("records")]


def _of_alert(row):
    """Make a finding of an alert that was raised more often than usual."""
    values = {
        "alert": word_of("alert", row["alert"]),
        "cases": format_value(row["case_count"], "count"),
        "value": format_value(row["value"], "rate"),
        "base": format_value(row["value_base"], "rate"),
        "n": format_value(row["n"], "count"),
        "interval": format_interval(row["low"], row["high"], "rate"),
    }
    return Finding("pulse_alert", values, "C", 75, "alerts")
