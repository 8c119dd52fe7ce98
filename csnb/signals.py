"""Signals: the days on which a metric leaves its usual range, and the days from which it stays elsewhere."""

import numpy as np
import pandas as pd
import ruptures

from csnb.measures import SMALLEST_GROUP, measure
from csnb.metrics import metric_of
from csnb.stats import laney_chart
from csnb.stats.control import MEAN_RANGE, RUN_LENGTH

SHORTEST_STRETCH = 7
PENALTY = 3


def measure_control(sessions, metric, by="platform"):
    """Measure a metric day by day, with the limits within which its days usually vary.

    Parameters
    ----------
    sessions : pandas.DataFrame; all days of the book, not only the period
    metric : str, a metric of the catalogue
    by : str, one column; each of its groups has limits of its own

    Returns
    -------
    pandas.DataFrame
        Results by `by` and `day`, where `low` and `high` are the control limits, not an interval; beside
        them `center, z` (distance from the centre in its own spread), `is_signal` (beyond the limits)
        and `is_run` (the eighth or later day in a row on one side). Shares have Laney's limits (method
        `laney`), times and other ratios those of single values on the log scale (method `xmr`).
        All days make up the limits; of a day with n below 5 nothing else is told (method `suppressed`).
        Days of day `unknown` are left out.

    Source
    ------
    `csnb.stats.laney_chart`; for `xmr`: Wheeler & Chambers (1992), Understanding Statistical Process Control.

    Examples
    --------
    >>> measure_control(book.sessions, "reply_rate")[["day", "n", "center", "method"]].head(2).values.tolist()
    [['2026-11-16', 2, 1.0, 'suppressed'], ['2026-11-17', 2, 1.0, 'suppressed']]
    """
    daily = measure(sessions[sessions["day"] != "unknown"], metric, [by, "day"], smallest_group=1)
    chart = _laney if metric_of(metric).unit == "rate" else _xmr
    groups = [chart(rows) for _, rows in daily.groupby(by, sort=False)]
    if not groups:
        return daily.assign(center=[], z=[], is_signal=[], is_run=[])
    return _without_small_days(pd.concat(groups))


def _without_small_days(control):
    """Suppress the days with few cases; their limits stay."""
    few = control["n"].between(1, SMALLEST_GROUP - 1)
    known = control.assign(
        **{name: control[name].mask(few) for name in ("value", "z")},
        **{name: control[name] & ~few for name in ("is_signal", "is_run")},
    )
    return known.assign(method=control["method"].mask(few, "suppressed"))


def _laney(rows):
    """Give the days of a share Laney's limits."""
    chart = laney_chart(rows["value"] * rows["n"], rows["n"])
    return rows.assign(
        low=chart["low"], high=chart["high"], center=chart["center"], z=chart["z"] / chart["sigma_z"],
        is_signal=chart["signal"], is_run=chart["run_signal"], method="laney",
    )  # fmt: skip


def _xmr(rows):
    """Give single daily values limits from their moving range, on the log scale."""
    logs = np.log(rows["value"].where(rows["value"] > 0))
    center = logs.mean()
    spread = logs.dropna().diff().abs().mean() / MEAN_RANGE
    z = (logs - center) / (spread if spread > 0 else np.nan)
    side = np.sign(z.dropna())
    run = side.groupby((side != side.shift()).cumsum()).cumcount() + 1
    return rows.assign(
        low=np.exp(center - 3 * spread), high=np.exp(center + 3 * spread), center=np.exp(center), z=z,
        is_signal=z.abs() > 3, is_run=(run >= RUN_LENGTH).reindex(rows.index, fill_value=False), method="xmr",
    )  # fmt: skip


def find_breaks(control):
    """Find the days from which a metric stays on another level.

    Parameters
    ----------
    control : pandas.DataFrame of `measure_control`

    Returns
    -------
    pandas.DataFrame
        One row a break: `metric`, the grouping column, `day` (first day of the new level), `n`, `value` (the new
        level, to the next break), `value_earlier` (the old one, from the break before), `difference`, `unit`.
        Two breaks are at least 7 days apart; fewer than 14 days have none.

    Source
    ------
    Killick, Fearnhead & Eckley (2012), JASA 107:1590-1598, by ruptures: means of z, penalty 3 ln(T) s2 with
    s2 from successive differences.

    Examples
    --------
    >>> len(find_breaks(measure_control(book.sessions, "reply_rate")))   # too few days for any
    0
    """
    metric, by = "metric", control.columns[1]
    columns = [metric, by, "day", "n", "value", "value_earlier", "difference", "unit", "method"]
    rows = [
        row for _, group in control.groupby(by, sort=False) for row in _breaks_of(group.dropna(subset="z"))
    ]
    return pd.DataFrame(rows, columns=columns)


def _breaks_of(days):
    """Give the breaks of one series."""
    z = days["z"].to_numpy()
    if len(z) < 2 * SHORTEST_STRETCH:
        return
    noise = np.var(np.diff(z), ddof=1) / 2
    if noise == 0:
        return
    search = ruptures.Pelt(model="l2", min_size=SHORTEST_STRETCH, jump=1).fit(z)
    ends = search.predict(pen=PENALTY * np.log(len(z)) * noise)
    bounds = [0, *ends]
    for before, start, end in zip(bounds, bounds[1:], bounds[2:], strict=False):
        earlier, later = (_level(days.iloc[slice(*ends)]) for ends in ((before, start), (start, end)))
        row = days.iloc[start]
        yield (*row.iloc[:3], int(days["n"].iloc[start:end].sum()), later, earlier, later - earlier,
               row["unit"], "pelt")  # fmt: skip


def _level(days):
    """Give the mean of some days, each counting by its n."""
    return np.average(days["value"], weights=days["n"])
