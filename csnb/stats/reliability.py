"""How far a score tells agents apart: reliability of ratings, and conversations needed to reach it."""

from math import ceil

import numpy as np
import pandas as pd
from scipy import stats

from csnb.errors import MetricError, ParameterError
from csnb.stats.inputs import floats, quantile_of


def icc(ratings, confidence=0.95):
    """Give the six intraclass correlations of Shrout and Fleiss.

    1: each unit has raters of its own; 2: the raters stand for others like them; 3: only these raters
    matter. With `k`: of the mean of all raters instead of one.

    Parameters
    ----------
    ratings : table or array, units x raters, numbers; a unit with a missing rating is left out
    confidence : float, 0 < confidence < 1

    Returns
    -------
    DataFrame with rows `ICC1 ICC2 ICC3 ICC1k ICC2k ICC3k` and columns `ICC, low, high`: the share of the
    variance that is between units, at most 1; below 0 the units differ less than chance would have it, and
    only that can be said. All missing if the units do not vary.

    Raises
    ------
    MetricError
        If fewer than two complete units or two raters are left, or a rating is no number.

    Source
    ------
    Shrout & Fleiss (1979), Psychological Bulletin 86:420-428; bounds as McGraw & Wong (1996), Psychological
    Methods 1:30-46.

    Examples
    --------
    >>> icc([[9, 8], [5, 6], [2, 2], [7, 9]])["ICC"].round(2).tolist()
    [0.92, 0.92, 0.91, 0.96, 0.96, 0.95]
    """
    level = quantile_of(confidence)
    x = floats(pd.DataFrame(ratings).dropna(), "ratings")
    n, k = x.shape
    if n < 2 or k < 2:
        raise MetricError(f"at least two units with all ratings and two raters are needed; found {n} and {k}")
    between, within, raters, error = _mean_squares(x)
    if between == 0:
        return pd.DataFrame(np.nan, index=_FORMS, columns=["ICC", "low", "high"])
    single = [
        _one_noise(between, within, n, k, n * (k - 1), level),
        _two_noises(between, raters, error, n, k, level),
        _one_noise(between, error, n, k, (n - 1) * (k - 1), level),
    ]
    mean = [[_of_mean(value, k) for value in form] for form in single]
    return pd.DataFrame(single + mean, index=_FORMS, columns=["ICC", "low", "high"])


_FORMS = pd.Index(["ICC1", "ICC2", "ICC3", "ICC1k", "ICC2k", "ICC3k"], name="type")


def _mean_squares(x):
    """Give the mean squares between units, within units, between raters, and of the rest."""
    n, k = x.shape
    grand = x.mean()
    units = k * ((x.mean(axis=1) - grand) ** 2).sum()
    raters = n * ((x.mean(axis=0) - grand) ** 2).sum()
    within = ((x - x.mean(axis=1, keepdims=True)) ** 2).sum()
    rest = max(within - raters, 0.0)
    return units / (n - 1), within / (n * (k - 1)), raters / (k - 1), rest / ((n - 1) * (k - 1))


def _one_noise(between, noise, n, k, df, level):
    """Give (value, low, high) of forms 1 and 3: the noise is all that varies within, or all but the raters."""
    low, high = stats.f.ppf(level, n - 1, df), stats.f.ppf(level, df, n - 1)
    return [(between - part) / (between + (k - 1) * part) for part in (noise, noise * low, noise / high)]


def _two_noises(between, raters, error, n, k, level):
    """Give (value, low, high) of form 2, where raters differ at random."""
    value = (between - error) / (between + (k - 1) * error + k * (raters - error) / n)
    other = (n * (1 + (k - 1) * value) - k * value) * error
    below = (n - 1) * (k * value * raters) ** 2 + other**2
    df = (k - 1) * (n - 1) * (k * value * raters + other) ** 2 / below if below else k - 1
    low, high = stats.f.ppf(level, n - 1, df), stats.f.ppf(level, df, n - 1)
    spread = k * raters + (k * n - k - n) * error
    return [
        value,
        n * (between - low * error) / (low * spread + n * between),
        n * (high * between - error) / (spread + n * high * between),
    ]


def _of_mean(value, k):
    """Step a correlation up to that of the mean of k raters; one too negative for that has no bound."""
    return k * value / (1 + (k - 1) * value) if 1 + (k - 1) * value > 0 else -np.inf


def sessions_for_reliability(rho, within, between):
    """Give how many conversations an agent's mean must rest on to reach a reliability.

    Parameters
    ----------
    rho : float, 0 < rho < 1: 0.7 for a team's view, 0.8 for pay or awards
    within : float, variance between the conversations of one agent; p (1 - p) for a rate
    between : float, true variance between agents, greater than 0, in the same squared unit

    Returns
    -------
    int, the smallest n with between / (between + within / n) >= rho; at least 1

    Raises
    ------
    ParameterError
        If an input is out of range.

    Source
    ------
    Spearman (1910) and Brown (1910), British Journal of Psychology 3:271-322.

    Examples
    --------
    >>> sessions_for_reliability(0.8, within=0.85 * 0.15, between=0.05**2)
    204
    """
    if not (0 < rho < 1 and within >= 0 and between > 0):
        raise ParameterError(
            f"rho must lie between 0 and 1, within be 0 or more, between more than 0; got: {rho}, {within}, {between}"
        )
    return max(1, ceil(round(rho / (1 - rho) * within / between, 9)))
