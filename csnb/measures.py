"""Measure: sessions in, results of one shape out, every value with its n, interval and method."""

import numpy as np
import pandas as pd
from scipy import stats as distributions

from csnb.errors import ParameterError, one_of
from csnb.metrics import metric_of
from csnb.schema import RESULT_FIGURES
from csnb.stats import adjust_pvalues, wilson_interval
from csnb.strings import AUDIENCES

SMALLEST_GROUP = 5  # below: suppressed; from here to PLAIN: shown and marked as indicative
PLAIN = 30


def measure(sessions, metrics, by=None, confidence=0.95, smallest_group=SMALLEST_GROUP):
    """Measure one or several metrics, overall or by groups.

    Parameters
    ----------
    sessions : pandas.DataFrame, `book.sessions` or a part of it
    metrics : str or list of str, ids of the catalogue (`csnb.list_metrics()`)
    by : str or list of str, columns to group by; missing values form a group of their own
    confidence : float, 0.95 for 95 %
    smallest_group : int, groups with a smaller n keep their row with a missing value

    Returns
    -------
    pandas.DataFrame
        Table `results`: `metric, <by…>, n, value, low, high, unit, method, rulepack`, in the order
        of `metrics` and then of the groups. n is the denominator; where it is 0 the value is
        missing, never 0. Rates of sessions carry Wilson's interval, sums over sums (turn-level
        rates, mean seconds) a ratio interval clustered by session, medians the interval of
        order statistics. Metrics that platforms define differently are missing, with method
        `mixed platforms`, for a group that holds several platforms.

    Raises
    ------
    ParameterError
        If a metric or a column to group by is unknown.

    Examples
    --------
    >>> import pandas as pd
    >>> sessions = pd.DataFrame({"shop": list("AAAAAB"), "is_replied": [True, True, True, False, True, True],
    ...                          "left_out_because": None, "platform": "jd", "rulepack": "jd 2021-12-01"})
    >>> measure(sessions, "reply_rate")[["n", "value"]].to_numpy().round(3).tolist()
    [[6.0, 0.833]]
    """
    names = [metrics] if isinstance(metrics, str) else list(metrics)
    columns = _grouping(sessions, by)
    rows = [_measure_one(sessions, name, columns, confidence, smallest_group) for name in names]
    return pd.concat(rows, ignore_index=True)


def _grouping(sessions, by):
    """Check the columns to group by."""
    columns = [] if by is None else [by] if isinstance(by, str) else list(by)
    unknown = [column for column in columns if column not in sessions]
    if unknown:
        raise ParameterError(f"sessions have no column {unknown}; they have: {', '.join(map(str, sessions))}")
    return columns


def _measure_one(sessions, name, by, confidence, smallest_group):
    """Measure one metric: take its facts, add them up by group, give value and interval."""
    metric = metric_of(name)
    facts = _facts(sessions, metric, by)
    groups = [column for column in by]
    if not groups:
        facts, groups = facts.assign(_all="all"), ["_all"]
    rows = []
    for key, group in facts.groupby(groups, dropna=False, sort=True, observed=True):
        n, value, low, high, method = _INTERVALS[metric.shape](group, confidence)
        if metric.per_platform and group["platform"].nunique() > 1:
            value, low, high, method = np.nan, np.nan, np.nan, "mixed platforms"
        elif metric.shape not in ("count", "distinct") and 0 < n < smallest_group:
            value, low, high, method = np.nan, np.nan, np.nan, "suppressed"
        packs = ", ".join(sorted(group["rulepack"].dropna().unique()))
        rows.append((name, *(key if by else ()), n, value, low, high, metric.unit, method, packs))
    columns = ["metric", *by, *RESULT_FIGURES]
    if not rows and not by:
        rows = [(name, 0, np.nan, np.nan, np.nan, metric.unit, "no sessions", "")]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"n": "int64", "value": "float64", "low": "float64", "high": "float64"})


def _facts(sessions, metric, by):
    """Give one row a counted session (or buyer): numerator, denominator, and what to group by."""
    counted = sessions[
        sessions["left_out_because"].isna() | sessions["left_out_because"].isin(metric.also_counts)
    ]
    if metric.by_buyer:
        counted = _buyers_added_up(counted, by)
    return pd.DataFrame(
        {
            **{column: counted[column] for column in by},
            "platform": counted["platform"],
            "rulepack": counted["rulepack"],
            "numerator": metric.numerator(counted),
            "denominator": metric.denominator(counted),
        }
    )


def _buyers_added_up(sessions, by):
    """Add up the sessions of one buyer where the platform's standard counts buyers."""
    whose = sessions["standard_unit"] == "buyer"
    if not whose.any():
        return sessions
    buyers = sessions[whose].assign(buyer_id=sessions["buyer_id"].fillna(sessions["session_id"]))
    keys = [*dict.fromkeys([*by, "platform", "shop", "buyer_id", "rulepack", "standard_unit"])]
    added = buyers.groupby(keys, dropna=False, as_index=False, observed=True)[
        ["replied_in_standard_count", "graded_turn_count"]
    ].sum()
    return pd.concat([sessions[~whose], added], ignore_index=True)


def _rate(group, confidence):
    """Give a share of sessions with Wilson's interval."""
    base = group["denominator"].astype("boolean").fillna(False)
    n = int(base.sum())
    hits = int((group["numerator"].astype("boolean").fillna(False) & base).sum())
    low, high = wilson_interval(hits, n, confidence)
    return n, hits / n if n else np.nan, float(low), float(high), "wilson"


def _ratio(group, confidence):
    """Give a sum over a sum; sessions are the clusters of its interval.

    A share of turns takes Wilson's interval on the effective n of the clusters, so that 0 % and
    100 % keep a width; other ratios the linearised t interval.
    """
    top = group["numerator"].to_numpy(float)
    base = group["denominator"].to_numpy(float)
    used = base > 0
    top, base, k = top[used], base[used], int(used.sum())
    n = int(base.sum())
    if not n:
        return 0, np.nan, np.nan, np.nan, "ratio by session"
    value = top.sum() / n
    if k < 2:
        return n, value, np.nan, np.nan, "ratio by session"
    variance = k / (k - 1) * ((top - value * base) ** 2).sum() / n**2
    if (top <= base).all():
        effective = value * (1 - value) / variance if variance > 0 else k
        low, high = wilson_interval(value * effective, effective, confidence)
        return n, value, float(low), float(high), "wilson by session"
    half = distributions.t.ppf((1 + confidence) / 2, k - 1) * np.sqrt(variance)
    return n, value, max(0.0, value - half), value + half, "ratio by session"


def _median(group, confidence):
    """Give the median with the interval of order statistics."""
    values = np.sort(group["numerator"].dropna().to_numpy(float))
    n = len(values)
    if not n:
        return 0, np.nan, np.nan, np.nan, "order statistics"
    first = int(distributions.binom.ppf((1 - confidence) / 2, n, 0.5))
    low, high = (values[first - 1], values[n - first]) if first >= 1 else (np.nan, np.nan)
    return n, float(np.median(values)), low, high, "order statistics"


def _count(group, confidence):
    """Give a sum; a count of all there is has no interval."""
    total = float(group["numerator"].astype(float).sum())
    return len(group), total, np.nan, np.nan, "count"


def _distinct(group, confidence):
    """Give the number of distinct values; missing where none is known."""
    known = group["numerator"].dropna()
    return len(known), float(known.nunique()) if len(known) else np.nan, np.nan, np.nan, "count"


_INTERVALS = {"rate": _rate, "ratio": _ratio, "median": _median, "count": _count, "distinct": _distinct}


def agent_grouping(audience):
    """Give the column that people are grouped by for an audience: agents for analysts, else teams.

    Parameters
    ----------
    audience : "analyst", "lead" or "leadership"

    Returns
    -------
    str

    Raises
    ------
    ParameterError
        If there is no such audience.

    Examples
    --------
    >>> agent_grouping("analyst"), agent_grouping("leadership")
    ('agent_id', 'team')
    """
    return "agent_id" if one_of("audience", audience, AUDIENCES) == "analyst" else "team"


def compare_periods(sessions, metrics, before, after, by=None, confidence=0.95):
    """Compare metrics of two periods.

    Parameters
    ----------
    sessions, metrics, by, confidence : as in `measure`
    before, after : (first day, last day), both included, such as ("2026-11-01", "2026-11-07")

    Returns
    -------
    pandas.DataFrame
        The results of `after`, plus `n_before, value_before, difference, difference_low,
        difference_high, p_value`. The difference is after minus before; its interval treats the
        periods as independent and joins the two intervals by their half widths towards each
        other (MOVER; for rates this is Newcombe's method). Missing where either side is.

    Raises
    ------
    ParameterError
        If the periods overlap or one is empty of days.

    Examples
    --------
    >>> sessions = pd.DataFrame({"shop": list("AAAAABBBBB"), "day": ["2026-11-16", "2026-11-17"] * 5,
    ...     "is_replied": [True] * 6 + [False] * 4, "left_out_because": None, "platform": "jd", "rulepack": "jd"})
    >>> compared = compare_periods(sessions, "reply_rate", *[("2026-11-16",) * 2, ("2026-11-17",) * 2])
    >>> compared[["value_before", "value", "difference", "difference_low", "difference_high"]].round(2).values.tolist()
    [[0.6, 0.6, 0.0, -0.46, 0.46]]
    """
    if not (before[0] <= before[1] < after[0] <= after[1] or after[0] <= after[1] < before[0] <= before[1]):
        raise ParameterError(f"two periods that do not overlap are needed; got {before} and {after}")
    old, new = (
        measure(sessions[sessions["day"].between(*period)], metrics, by, confidence)
        for period in (before, after)
    )
    keys = ["metric", *_grouping(sessions, by)]
    both = new.merge(old[[*keys, "n", "value", "low", "high"]], on=keys, how="left", suffixes=("", "_before"))
    return _with_difference(both, confidence)


def compare_groups(sessions, metrics, by, confidence=0.95):
    """Compare each group with all other sessions.

    Parameters
    ----------
    sessions, metrics, confidence : as in `measure`
    by : str, the column whose groups are compared

    Returns
    -------
    pandas.DataFrame
        The results of each group, plus `n_before, value_before` (of all others), `difference,
        difference_low, difference_high, p_value`, and `p_adjusted`: Benjamini-Hochberg over all
        groups of a metric. Association, not cause: groups may differ in what they are asked.

    Examples
    --------
    >>> sessions = pd.DataFrame({"shop": list("AAAAABBBBB"), "day": ["2026-11-16", "2026-11-17"] * 5,
    ...     "is_replied": [True] * 6 + [False] * 4, "left_out_because": None, "platform": "jd", "rulepack": "jd"})
    >>> compared = compare_groups(sessions, "reply_rate", "shop")
    >>> compared[["shop", "value", "value_before", "difference", "p_adjusted"]].round(3).values.tolist()
    [['A', 1.0, 0.2, 0.8, 0.0], ['B', 0.2, 1.0, -0.8, 0.0]]
    """
    (column,) = _grouping(sessions, by)
    names = sessions[column].dropna().unique()
    own = measure(sessions[sessions[column].notna()], metrics, column, confidence)
    others = pd.concat(
        [
            measure(sessions[sessions[column] != name], metrics, None, confidence).assign(**{column: name})
            for name in names
        ]
    )
    both = own.merge(
        others[["metric", column, "n", "value", "low", "high"]],
        on=["metric", column],
        how="left",
        suffixes=("", "_before"),
    )
    compared = _with_difference(both, confidence)
    return compared.assign(p_adjusted=compared.groupby("metric")["p_value"].transform(adjust_pvalues))


def _with_difference(both, confidence):
    """Add the difference of two independent estimates from their values and intervals."""
    gap = both["value"] - both["value_before"]
    down, up = both["value"] - both["low"], both["high"] - both["value"]
    down_before, up_before = (
        both["value_before"] - both["low_before"],
        both["high_before"] - both["value_before"],
    )
    low = gap - np.hypot(down, up_before)
    high = gap + np.hypot(up, down_before)
    spread = (high - low) / 2 / distributions.norm.ppf((1 + confidence) / 2)
    p_value = 2 * distributions.norm.sf((gap / spread.where(spread > 0)).abs())
    return both.drop(columns=["low_before", "high_before"]).assign(
        difference=gap, difference_low=low, difference_high=high, p_value=p_value
    )
