"""What would be expected of a unit, such as an agent, had it been like the others with the same cases."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.special import expit, logit

from csnb.errors import MetricError, one_of
from csnb.stats.inputs import columns, floats, index_of, refuse

LARGE = 0.1  # a unit with a larger part of all rows is taken out by a second fit
STEPS = 50


class Expected(NamedTuple):
    """What is expected of each row, and how sure that is.

    values : array, one number a row, in the unit of the outcome
    variance : Series by unit, of the unit's mean expected value (on the log odds for rates): large where
        few other units have had its kind of cases
    """

    values: np.ndarray
    variance: pd.Series


def expected_from_others(x, y, unit, kind="rate", ridge=1.0):
    """Give the expected outcome of every row, learned from the rows of all other units.

    Parameters
    ----------
    x : array or DataFrame, rows x columns of numbers: the case mix, without a constant
    y : array of numbers, the outcome of each row: 0 or 1 for a rate
    unit : array, who had the row
    kind : "rate", a logistic regression; or "mean", a linear one
    ridge : float, greater than 0, the penalty on squared coefficients; the constant has none

    Returns
    -------
    Expected
        A unit with more than a tenth of all rows gets a fit of its own. Others are taken out by one Newton
        step from the fit of all rows: exact for means, and as good as a second fit for rates. The variance
        is what leaving out each of the others, too, would change (jackknife), so that what few units share
        is not taken as sure. With one unit all is missing: there are no others.

    Raises
    ------
    MetricError
        If a value is missing, an outcome of a rate is not 0 or 1, or the columns differ in length.

    Source
    ------
    Pregibon (1981), Annals of Statistics 9:705-724, for the step; Lipsitz, Dear & Zhao (1994), Biometrics
    50:842-846, for the one-step jackknife over clusters.

    Examples
    --------
    >>> expected_from_others([[1], [1], [1], [1]], [5, 7, 1, 3], list("aabb"), kind="mean").values.round(2).tolist()
    [2.0, 2.0, 6.0, 6.0]
    """
    one_of("kind", kind, ("rate", "mean"))
    x, y = np.asarray(x, dtype=float), floats(y, "y")
    if (
        not len(x) == len(y) == len(unit)
        or np.isnan(x).any()
        or np.isnan(y).any()
        or pd.isna(pd.Series(unit)).any()
    ):
        raise MetricError("x, y and unit must be of one length and without missing values")
    if kind == "rate" and not np.isin(y, (0, 1)).all():
        raise MetricError(f"a rate is of 0 and 1; found {y[~np.isin(y, (0, 1))][0]:g}")
    codes, names = pd.factorize(np.asarray(unit))
    if len(names) < 2:
        return Expected(np.full(len(y), np.nan), pd.Series(np.nan, index=names))
    order = np.argsort(codes, kind="stable")
    x = sparse.csr_array(np.column_stack([np.ones(len(y)), x])[order])
    penalty = ridge * np.r_[0.0, np.ones(x.shape[1] - 1)]
    values, variance = _left_out(x, y[order], np.bincount(codes), kind, penalty)
    return Expected(values[np.argsort(order)], pd.Series(variance, index=names))


def _left_out(x, y, sizes, kind, penalty):
    """Give expected values and their variance, for rows in the order of their units."""
    fit = _fit(x, y, kind, penalty)
    mean, slope = _mean_and_slope(x @ fit, kind)
    bend = _bend(x, slope) + np.diag(penalty)
    ends = np.cumsum(sizes)
    rows = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
    steps = np.column_stack(
        [np.linalg.solve(bend - _bend(x[own], slope[own]), x[own].T @ (y - mean)[own]) for own in rows]
    )
    values, variance = np.empty(len(y)), np.empty(len(sizes))
    for number, own in enumerate(rows):
        without = fit - steps[:, number]
        if sizes[number] > LARGE * len(y):
            others = np.r_[0 : own.start, own.stop : len(y)]
            without = _fit(x[others], y[others], kind, penalty)
        values[own], steep = _mean_and_slope(x[own] @ without, kind)
        toward = x[own].T @ steep / sizes[number] / _steepness(values[own].mean(), kind)
        variance[number] = ((toward @ np.delete(steps, number, axis=1)) ** 2).sum()
    return values, variance


def _fit(x, y, kind, penalty):
    """Fit by Newton's steps; an outcome that never varies needs no case mix."""
    fit = np.zeros(x.shape[1])
    fit[0] = y.mean() if kind == "mean" else logit(np.clip(y.mean(), 1e-9, 1 - 1e-9))
    for _ in range(STEPS if len(np.unique(y)) > 1 else 0):
        mean, slope = _mean_and_slope(x @ fit, kind)
        step = np.linalg.solve(_bend(x, slope) + np.diag(penalty), x.T @ (y - mean) - penalty * fit)
        fit += step
        if np.abs(step).max() < 1e-6:
            break
    return fit


def _bend(x, slope):
    """Give the second derivative of the fit without its penalty."""
    return (x.T @ x.multiply(slope[:, None])).toarray()


def _mean_and_slope(known, kind):
    """Turn the linear predictor into the expected outcome and its derivative."""
    if kind == "mean":
        return known, np.ones_like(known)
    mean = expit(known)
    return mean, mean * (1 - mean)


def _steepness(mean, kind):
    """Give what turns a small step of the mean into one of the scale that effects are on."""
    return 1.0 if kind == "mean" else mean * (1 - mean)


def log_odds_effect(observed, expected, n):
    """Give how far the odds of observed events lie from those of the expected ones, as logarithm.

    Parameters
    ----------
    observed, expected, n : arrays of numbers, one element a unit: events seen, events expected, cases

    Returns
    -------
    DataFrame, index of `observed`: `effect`, 0 where all is as expected; `variance`, of chance alone.
    Missing where no case or no event is expected, or every case is.

    Raises
    ------
    MetricError
        If observed or expected exceed n or are negative; position and numbers are given.

    Source
    ------
    Haldane (1956), Annals of Human Genetics 20:309-311, and Anscombe (1956), Biometrika 43:461-464: half an
    event is added to both sides.

    Examples
    --------
    >>> log_odds_effect([30], [20], [100]).round(3).values.tolist()
    [[0.548, 0.047]]
    """
    index = index_of(observed, np.size(observed))
    observed, expected, n = columns(observed=observed, expected=expected, n=n)
    wrong = (observed < 0) | (expected < 0) | (observed > n) | (expected > n * (1 + 1e-9))
    refuse(wrong, "observed and expected must lie between 0 and n", observed=observed, expected=expected, n=n)
    known = (n > 0) & (expected > 0) & (expected < n)
    bad, good = np.where(known, observed + 0.5, np.nan), np.where(known, n - observed + 0.5, np.nan)
    target = logit(np.divide(expected, n, where=known, out=np.full(len(n), 0.5)))
    return pd.DataFrame({"effect": np.log(bad / good) - target, "variance": 1 / bad + 1 / good}, index=index)
