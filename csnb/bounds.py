"""What can be said where a share is not known: bounds, never a point.

Sides of dissatisfied conversations that nobody labelled, and the satisfaction of customers who did not rate.
"""

import numpy as np
import pandas as pd

from csnb.errors import ParameterError
from csnb.human import ESTIMANDS
from csnb.measures import SMALLEST_GROUP
from csnb.metrics import counts_for_ratings
from csnb.schema import RESULT_FIGURES
from csnb.stats import wilson_interval
from csnb.stats.inputs import names, need_columns

UNVERIFIED = "unverified"
LEAST_RIGHT = (
    0.6  # on unread coded conversations the machine found 62 % of the controllable ones and cleared 76 %
)
TILTS = (1.0, 1.5, 2.0, 3.0)


def bound_sides(scored, least_right=LEAST_RIGHT):
    """Bound every share from the machine's sides alone.

    Parameters
    ----------
    scored : pandas.DataFrame with `side`
    least_right : float, above 0.5 and up to 1: the machine finds at least this part of the conversations
        that have a controllable reason and clears at least this part of the others, and the same
        for uncontrollable reasons

    Returns
    -------
    dict of share (csnb.human.ESTIMANDS) to (low, high); missing values without conversations

    Raises
    ------
    ParameterError
        If `least_right` is out of range.

    Source
    ------
    Rogan & Gladen (1978), American Journal of Epidemiology 107:71-76, at every sensitivity and specificity of
    at least `least_right`; Fréchet (1951), Ann. Univ. Lyon A 14:53-77, for how the two sides overlap.

    Examples
    --------
    >>> bound_sides(pd.DataFrame({"side": ["controllable", "uncontrollable"]}), 0.8)["mixed"]
    (0.0, 0.625)
    """
    if not 0.5 < least_right <= 1:
        raise ParameterError(f"least_right must be above 0.5 and up to 1; got: {least_right}")
    sides = scored["side"].fillna("unexplained")
    if sides.empty:
        return dict.fromkeys(ESTIMANDS, (np.nan, np.nan))
    (c_low, c_high), (u_low, u_high) = (
        freed_of_errors(sides.isin([side, "mixed"]).mean(), least_right)
        for side in ("controllable", "uncontrollable")
    )
    only = max(0.0, c_low - u_high), min(c_high, 1 - u_low)
    return {
        "controllable": only,
        "mixed": (max(0.0, c_low + u_low - 1), min(c_high, u_high)),
        "uncontrollable": (max(0.0, u_low - c_high), min(u_high, 1 - c_low)),
        "unexplained": (max(0.0, 1 - c_high - u_high), 1 - max(c_low, u_low)),
        "any": (c_low, c_high),
        "split": (only[0], c_high),
    }


def freed_of_errors(seen, least_right=LEAST_RIGHT):
    """Give the smallest and largest true share behind a share that the machine sees.

    Examples
    --------
    >>> freed_of_errors(0.75, 0.75)
    (0.6666666666666666, 1.0)
    """
    return max(0.0, float(seen - (1 - least_right)) / least_right), min(1.0, float(seen) / least_right)


def measure_response_bias(sessions, by=None, confidence=0.95):
    """Say how satisfied all customers may be, the silent ones included.

    Parameters
    ----------
    sessions : pandas.DataFrame of `select_sessions`
    by : str or list of str, columns to group by
    confidence : float

    Returns
    -------
    pandas.DataFrame
        Table `results` of `satisfaction_of_all` with `assumption`, n being all conversations, and `rated_count`, the
        rated ones among them: under `any` the bounds whatever the unrated think (value missing); under `same, x1.5,
        x2, x3` the value if the odds that an unrated customer is satisfied are so many times those of a
        rated one, with the interval of the ratings moved likewise; missing below 5 ratings.

    Raises
    ------
    ParameterError
        If a column to group by is unknown.

    Source
    ------
    Manski (1989), Journal of Human Resources 24:343-360 (bounds); Robins, Rotnitzky & Scharfstein (2000), in
    Statistical Models in Epidemiology, 1-94 (tilting).

    Examples
    --------
    >>> sessions = pd.DataFrame({"is_rated": [True] * 6 + [False] * 4, "is_satisfied": [True] * 3 + [False] * 3 + [None] * 4,
    ...     "is_invited": True, "left_out_because": None, "platform": "jd", "rulepack": "jd"})
    >>> table = measure_response_bias(sessions).set_index("assumption")
    >>> table.loc[["any", "same"], ["value", "low", "high"]].round(2).values.tolist()
    [[nan, 0.3, 0.7], [0.5, 0.19, 0.81]]
    """
    counted = sessions[counts_for_ratings(sessions)]
    rows = [row for key, group in groups_of(counted, by) for row in _of_all(key, group, confidence)]
    return pd.DataFrame(rows, columns=["metric", *names(by), "assumption", *RESULT_FIGURES, "rated_count"])


def _of_all(key, group, confidence):
    """Give the rows of one group: the bounds, then one row a tilt."""
    rated = group["is_rated"].astype(bool)
    satisfied = int(group.loc[rated, "is_satisfied"].astype(bool).sum())
    n, known = len(group), int(rated.sum())
    common = {
        **key,
        "metric": "satisfaction_of_all",
        "n": n,
        "unit": "rate",
        "rulepack": packs_of(group),
        "rated_count": known,
    }
    if not n:
        yield {**common, "assumption": "any", "method": "no sessions"}
        return
    low, high = satisfied / n, (satisfied + n - known) / n
    yield {**common, "assumption": "any", "low": low, "high": high, "method": "bounds"}
    ends = dict.fromkeys(("value", "low", "high"), np.nan)
    if known >= SMALLEST_GROUP:
        ends = dict(
            zip(ends, (satisfied / known, *wilson_interval(satisfied, known, confidence)), strict=True)
        )
    for tilt in TILTS:
        moved = {end: _tilted(value, tilt, known / n) for end, value in ends.items()}
        name = "same" if tilt == 1 else f"x{tilt:g}"
        yield {**common, "assumption": name, **moved, "method": "wilson, tilted"}


def _tilted(satisfied, tilt, share):
    """Give the satisfaction of all if the odds of the unrated are `tilt` times those of the rated."""
    unrated = tilt * satisfied / (1 - satisfied + tilt * satisfied)
    return share * satisfied + (1 - share) * unrated


# ---- used by the shares too


def groups_of(table, by):
    """Yield the values and the rows of every group, in order; without `by` all rows are one group.

    Examples
    --------
    >>> [(key, len(rows)) for key, rows in groups_of(pd.DataFrame({"shop": ["B", "A", "B"]}), "shop")]
    [({'shop': 'A'}, 1), ({'shop': 'B'}, 2)]
    """
    by = names(by)
    need_columns(table, by, "the table of conversations")
    if not by:
        yield {}, table
        return
    for key, rows in table.groupby(by, dropna=False, observed=True):
        yield dict(zip(by, key, strict=True)), rows


def packs_of(table):
    """Name the rule packs behind some conversations, comma separated."""
    return ", ".join(sorted(table["rulepack"].dropna().unique())) if "rulepack" in table else ""
