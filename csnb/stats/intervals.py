"""How far a rate, a mean, a ratio or a difference may be off."""

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from csnb.errors import MetricError
from csnb.stats.inputs import columns, floats, quantile_of, refuse


def wilson_interval(successes, n, confidence=0.95):
    """Give the Wilson score interval of a proportion.

    Parameters
    ----------
    successes, n : number or array of numbers, 0 <= successes <= n; fractions are allowed, so that an
        effective sample size can be used
    confidence : float, 0 < confidence < 1

    Returns
    -------
    low, high : float or array, proportions in [0, 1]; NaN where n is 0 or an input is missing

    Raises
    ------
    MetricError
        If successes exceed n or are negative; the message gives the position and both numbers.

    Source
    ------
    Wilson (1927), JASA 22:209-212, without continuity correction; computed by statsmodels.

    Examples
    --------
    >>> low, high = wilson_interval(81, 263)
    >>> print(f"{low:.4f} to {high:.4f}")
    0.2553 to 0.3662
    """
    level = quantile_of(confidence)
    successes, n = floats(successes, "successes"), floats(n, "n")
    try:
        successes, n = np.broadcast_arrays(successes, n)
    except ValueError as error:
        raise MetricError(f"successes and n differ in shape: {successes.shape} and {n.shape}") from error
    refuse((successes > n) | (successes < 0), "successes must lie between 0 and n", successes=successes, n=n)
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = proportion_confint(
            np.ravel(successes), np.ravel(n), alpha=2 * (1 - level), method="wilson"
        )
        rate = np.ravel(successes) / np.ravel(n)
    low = np.clip(np.minimum(low, rate), 0, 1).reshape(n.shape)
    high = np.clip(np.maximum(high, rate), 0, 1).reshape(n.shape)
    return (low, high) if n.ndim else (float(low), float(high))


def mean_interval(x, cluster=None, confidence=0.95):
    """Give the t interval of a mean whose values come in clusters, such as the replies of an agent.

    From sums and counts per cluster, use `ratio_interval(sums, counts)`: it is the same interval.

    Parameters
    ----------
    x : array of numbers, such as reply seconds; missing values are left out
    cluster : array of labels, same length, or None if every value stands for itself; a missing label
        is a cluster of its own
    confidence : float, 0 < confidence < 1

    Returns
    -------
    low, high : float, unit of `x`; NaN with fewer than two clusters

    Source
    ------
    Cochran (1977), Sampling Techniques, section 6.3 (ratio of cluster totals), t with K - 1 degrees of freedom.

    Examples
    --------
    >>> low, high = mean_interval([20, 24, 50, 58, 31], cluster=["a", "a", "b", "b", "c"])
    >>> print(f"{low:.1f} to {high:.1f}")
    0.0 to 84.8
    """
    x = np.atleast_1d(floats(x, "x"))
    labels = (
        np.arange(len(x)) if cluster is None else pd.factorize(np.asarray(cluster), use_na_sentinel=False)[0]
    )
    if len(labels) != len(x):
        raise MetricError(f"x and cluster must have one length; found {len(x)} and {len(labels)}")
    known = ~np.isnan(x)
    counts = np.bincount(labels[known])
    return ratio_interval(np.bincount(labels[known], x[known]), counts, confidence)


def ratio_interval(numerator, denominator, confidence=0.95):
    """Give the interval of a ratio of sums, from one numerator and denominator per cluster.

    Parameters
    ----------
    numerator, denominator : arrays of numbers, one element a cluster, such as the reply seconds and the
        graded turns of each agent; clusters where both are 0 or one is missing are left out
    confidence : float, 0 < confidence < 1

    Returns
    -------
    low, high : float, around sum(numerator) / sum(denominator); NaN with fewer than two clusters or no denominator.
        Where no numerator is negative, neither is `low`.

    Source
    ------
    Cochran (1977), Sampling Techniques, section 6.3: linearised variance K/(K-1) sum(e^2) / sum(d)^2 with
    e = numerator - ratio x denominator, and t with K - 1 degrees of freedom. Equal to an intercept-only
    regression with cluster-robust errors.

    Examples
    --------
    >>> low, high = ratio_interval([900, 2000, 1500], [30, 50, 40])
    >>> print(f"{low:.1f} to {high:.1f}")
    25.1 to 48.2
    """
    level = quantile_of(confidence)
    numerator, denominator = columns(numerator=numerator, denominator=denominator)
    refuse(denominator < 0, "a denominator is negative", numerator=numerator, denominator=denominator)
    known = ~np.isnan(numerator + denominator) & ((denominator > 0) | (numerator != 0))
    numerator, denominator = numerator[known], denominator[known]
    clusters = len(numerator)
    if clusters < 2 or not denominator.any():
        return np.nan, np.nan
    ratio = numerator.sum() / denominator.sum()
    residual = numerator - ratio * denominator
    error = np.sqrt(clusters / (clusters - 1) * (residual**2).sum()) / denominator.sum()
    margin = stats.t.ppf(level, clusters - 1) * error
    low = ratio - margin if (numerator < 0).any() else max(ratio - margin, 0.0)
    return float(low), float(ratio + margin)


def share_interval(hits, counts, confidence=0.95):
    """Give the interval of a share from one count of hits and of cases per cluster.

    Parameters
    ----------
    hits, counts : arrays of numbers, one element a cluster, such as the slow and all conversations of each agent; 0 <=
        hits <= counts; clusters without cases or with a missing value are left out
    confidence : float, 0 < confidence < 1

    Returns
    -------
    low, high : float, proportions in [0, 1], around sum(hits) / sum(counts); NaN with fewer than two clusters

    Raises
    ------
    MetricError
        If hits exceed counts or are negative; the message gives the position and both numbers.

    Source
    ------
    Korn & Graubard (1998), Survey Methodology 24:193-201: the effective n is p (1 - p) / V, at most n, with the
    clusters' variance V of `ratio_interval`, times (z / t)^2 with t of K - 1 degrees of freedom; here with Wilson's interval,
    so that 0 and 1 keep a width.

    Examples
    --------
    >>> low, high = share_interval([4, 9, 2], [40, 50, 30])
    >>> print(f"{low:.3f} to {high:.3f}")
    0.038 to 0.339
    """
    level = quantile_of(confidence)
    hits, counts = columns(hits=hits, counts=counts)
    refuse((hits > counts) | (hits < 0), "hits must lie between 0 and counts", hits=hits, counts=counts)
    known = (counts > 0) & ~np.isnan(hits)
    hits, counts = hits[known], counts[known]
    clusters, n = len(hits), counts.sum()
    if clusters < 2:
        return np.nan, np.nan
    share = hits.sum() / n
    variance = clusters / (clusters - 1) * ((hits - share * counts) ** 2).sum() / n**2
    effective = min(n, share * (1 - share) / variance) if variance > 0 else n
    effective *= (stats.norm.ppf(level) / stats.t.ppf(level, clusters - 1)) ** 2
    return wilson_interval(share * effective, effective, confidence)


def difference_interval(before, after):
    """Give the interval of after - before, from two independent estimates with their own intervals.

    With two Wilson intervals this is Newcombe's interval for a difference of two proportions; with two
    t intervals it is one for a difference of two means. The level is that of the two intervals.

    Parameters
    ----------
    before, after : (value, low, high), each a number or an array of numbers

    Returns
    -------
    low, high : float or array, unit of the values; NaN where an input is missing

    Source
    ------
    Newcombe (1998), Statistics in Medicine 17:873-890, method 10; Zou & Donner (2008), Statistics in
    Medicine 27:1693-1702, for other estimates than proportions.

    Examples
    --------
    >>> low, high = difference_interval((48 / 80, *wilson_interval(48, 80)), (56 / 70, *wilson_interval(56, 70)))
    >>> print(f"{low:.4f} to {high:.4f}")
    0.0524 to 0.3339
    """
    value0, low0, high0 = (floats(part, "before") for part in before)
    value1, low1, high1 = (floats(part, "after") for part in after)
    difference = value1 - value0
    low = difference - np.hypot(value1 - low1, high0 - value0)
    high = difference + np.hypot(high1 - value1, value0 - low0)
    return (low, high) if np.ndim(low) else (float(low), float(high))
