"""Who really differs: funnel limits, shrunken estimates, and how far a rank can be trusted."""

from functools import cache

import numpy as np
import pandas as pd
from scipy import stats
from scipy.optimize import brentq

from csnb.errors import MetricError, one_of
from csnb.stats.inputs import columns, index_of, quantile_of, refuse

WINSORISED = 0.1
DRAWS = 2000
NODES = 200


def funnel(observed, expected, n=None, method="proportion"):
    """Compare units with what was expected of them, with limits for chance and for ordinary variety.

    Parameters
    ----------
    observed, expected : arrays of numbers, one element a unit: events seen, and events expected from the
        unit's own case mix, in the same unit
    n : array of numbers, the cases behind them; needed for "proportion"
    method : "proportion", limits around expected / n for observed / n; or "ratio", limits around 1 for
        observed / expected (counts that can exceed the cases)

    Returns
    -------
    DataFrame with one row a unit, index of `observed`; missing where a unit has no cases, where none
        of them or all are expected to be events, or an input is missing:
        z : distance from the expected value in units of chance. For proportions the variance is
            expected (1 - expected / n), the largest that fits the expected events.
        phi : mean of z^2 after the lowest and highest 10 % of z are drawn in; 1 if chance explains all
        tau2 : variance between units beyond chance, in squared rates; 0 if phi does not call for it
        low95, high95, low998, high998 : exact limits of chance (binomial or Poisson, interpolated)
        low95_od, high95_od, low998_od, high998_od : limits that allow for tau2 too

    Raises
    ------
    MetricError
        If observed or expected exceed n, one is negative, or n is no whole number; position and numbers are given.

    Source
    ------
    Spiegelhalter (2005), Statistics in Medicine 24:1185-1202 (limits, appendix A.1.1) and Quality and Safety
    in Health Care 14:347-351 (over-dispersion).

    Examples
    --------
    >>> funnel([30, 10], [20, 20], [100, 100])[["z", "low95", "high95"]].round(3).values.tolist()
    [[2.5, 0.12, 0.276], [-2.5, 0.12, 0.276]]
    """
    one_of("method", method, ("proportion", "ratio"))
    is_proportion = method == "proportion"
    if is_proportion and n is None:
        raise MetricError("a funnel of proportions needs n, the cases behind the observed events")
    index = index_of(observed, np.size(observed))
    observed, expected, n = columns(observed=observed, expected=expected, n=np.nan if n is None else n)
    wrong = (observed < 0) | (expected < 0)
    if is_proportion:
        wrong |= (observed > n) | (expected > n)
    refuse(wrong, "observed and expected must lie between 0 and n", observed=observed, expected=expected, n=n)
    if is_proportion:
        refuse(n % 1 > 0, "n must be whole numbers of cases", n=n)
    base = n if is_proportion else expected
    known = ~np.isnan(observed + expected + base) & (base > 0) & (expected > 0)
    if is_proportion:
        known &= expected < n
    observed, expected, base = (np.where(known, values, np.nan) for values in (observed, expected, base))
    target = expected / base
    error2 = expected * (1 - target if is_proportion else 1.0) / base**2
    z = (observed / base - target) / np.sqrt(error2)
    phi, tau2 = _over_dispersion(z, 1 / error2)
    chance = stats.binom(n, target) if is_proportion else stats.poisson(expected)
    ceiling = 1.0 if is_proportion else np.inf
    limits = {}
    for name, level in (("95", 0.95), ("998", 0.998)):
        upper = quantile_of(level)
        limits[f"low{name}"] = np.clip(_interpolated(chance, 1 - upper, base), 0, target)
        limits[f"high{name}"] = np.clip(_interpolated(chance, upper, base), target, ceiling)
        margin = stats.norm.ppf(upper) * np.sqrt(error2 + tau2)
        limits[f"low{name}_od"] = np.clip(target - margin, 0, None)
        limits[f"high{name}_od"] = np.clip(target + margin, None, ceiling)
    limits = dict(sorted(limits.items(), key=lambda limit: limit[0].endswith("_od")))
    return pd.DataFrame({"z": z, "phi": phi, "tau2": tau2, **limits}, index=index)


def _over_dispersion(z, precision):
    """Give phi and tau2 from winsorised z and the units' precision 1 / s^2 (Spiegelhalter 2005)."""
    known = ~np.isnan(z)
    z, precision, units = z[known], precision[known], known.sum()
    if not units:
        return np.nan, np.nan
    phi = np.mean(np.clip(z, *np.quantile(z, [WINSORISED, 1 - WINSORISED])) ** 2)
    excess = units * phi - (units - 1)
    if units < 2 or excess <= 0:
        return phi, 0.0
    return phi, excess / (precision.sum() - (precision**2).sum() / precision.sum())


def _interpolated(chance, level, base):
    """Give a quantile of a discrete distribution as a rate, moved between two counts to fit the level."""
    count = chance.ppf(level)
    at, below = chance.cdf(count), chance.cdf(count - 1)
    return (count - (at - level) / (at - below)) / base


def shrink(effect, variance):
    """Draw estimates toward their common mean, by as much as chance explains of their spread.

    Parameters
    ----------
    effect, variance : arrays of numbers, one element a unit: an estimate (such as a log odds ratio) and
        its squared standard error, greater than 0; a unit with a missing value is left out

    Returns
    -------
    DataFrame with one row a unit, index of `effect`:
        shrunk : estimate between the raw one and the precision-weighted mean of all
        variance : mean squared distance of the true value from it. Mean and tau2 are uncertain: the
            distance is averaged over every tau2, by how likely the estimates make it, so that an
            estimate of 0 is not taken for proof that all are equal.
        tau2 : variance between units beyond chance, one number for all
        With three units or fewer tau2 is too uncertain to shrink by, and the raw values return.

    Raises
    ------
    MetricError
        If a variance is 0 or negative; the message gives the position and the number.

    Source
    ------
    Paule & Mandel (1982), J. Res. NBS 87:377-385, for tau2; Morris (1983), JASA
    78:47-55, section 5, for the factor (K-3)/(K-1). The variance is the posterior one under flat priors for
    mean and tau2: Morris's equation 1.17 where chance cannot explain the spread, and wider where it might.

    Examples
    --------
    >>> shrink([0.9, 0.1, -0.2, -0.8], [0.1, 0.1, 0.1, 0.1])["shrunk"].round(2).tolist()
    [0.84, 0.09, -0.19, -0.75]
    """
    index = index_of(effect, np.size(effect))
    effect, variance = columns(effect=effect, variance=variance)
    refuse(variance <= 0, "a variance must be greater than 0", effect=effect, variance=variance)
    known = ~np.isnan(effect + variance)
    y, v, units = effect[known], variance[known], int(known.sum())
    tau2 = _paule_mandel(y, v)
    shrunk, left = y.copy(), v.copy()
    if units > 3:
        mean, pull = _pulled(y, v, tau2)
        shrunk = y - (units - 3) / (units - 1) * pull * (y - mean)
        left = _squared_distance(y, v, tau2, shrunk)
    table = pd.DataFrame(np.nan, index=index, columns=["shrunk", "variance", "tau2"])
    table.iloc[known, :2] = np.column_stack([shrunk, left])
    return table.assign(tau2=tau2)


def _pulled(y, v, tau2):
    """Give the weighted mean for one or many tau2 (as a column), and the share of the way to it."""
    weight = 1 / (v + tau2)
    return (weight * y).sum(axis=-1, keepdims=True) / weight.sum(axis=-1, keepdims=True), v * weight


def _squared_distance(y, v, tau2, shrunk):
    """Give the mean squared distance of the truth from `shrunk` over the likelihood of tau2.

    tau2 = scale (1/x^2 - 1) with x in (0, 1): in x the likelihood has no corner, wherever its peak is.
    """
    x, share = _nodes()
    scale = v.mean() + tau2
    tau2 = scale * (1 / x**2 - 1)
    mean, pull = _pulled(y, v, tau2)
    weight = pull / v
    total = weight.sum(axis=1, keepdims=True)
    fit = (
        np.log(weight).sum(axis=1, keepdims=True)
        - np.log(total)
        - (weight * (y - mean) ** 2).sum(axis=1, keepdims=True)
    )
    likely = share * np.exp((fit - fit.max()) / 2) / x**3
    likely /= likely.sum()
    variance = v * (1 - pull) + pull**2 / total
    return (likely * (variance + (y - pull * (y - mean) - shrunk) ** 2)).sum(axis=0)


@cache
def _nodes():
    """Give the points and weights of Gauss and Legendre between 0 and 1, as columns."""
    x, share = np.polynomial.legendre.leggauss(NODES)
    return (x[:, None] + 1) / 2, share[:, None]


def _paule_mandel(y, v):
    """Give the variance between units beyond chance: with it the weighted squares are as many as the units less one."""
    return _tau2_where(y, v, len(y) - 1)


def _tau2_where(y, v, squares):
    """Give the variance between units with which their weighted squares add up to a number; 0 if they are fewer."""

    def excess(tau2):
        mean, _ = _pulled(y, v, tau2)
        return ((y - mean) ** 2 / (v + tau2)).sum() - squares

    if len(y) < 2 or excess(0.0) <= 0:
        return 0.0
    most = 2 * y.var(ddof=1) * max(1, (len(y) - 1) / squares)
    return float(brentq(excess, 0.0, most, xtol=1e-15, rtol=1e-12))


def tau2_interval(effect, variance, confidence=0.95):
    """Give the interval of the variance between units that `shrink` finds.

    Parameters
    ----------
    effect, variance : as in `shrink`
    confidence : float, 0 < confidence < 1

    Returns
    -------
    low, high : floats, 0 or more
        Every variance with which the spread of the estimates is neither too large nor too small for chance.
        Missing with fewer than two units; both 0 where the estimates agree better than chance would have it.

    Raises
    ------
    MetricError
        If a variance is 0 or negative; the message gives the position and the number.

    Source
    ------
    Viechtbauer (2007), Statistics in Medicine 26:37-52: Q-profile.

    Examples
    --------
    >>> low, high = tau2_interval([0.9, 0.1, -0.2, -0.8], [0.1, 0.1, 0.1, 0.1])
    >>> round(low, 2), round(high, 2)
    (0.06, 6.85)
    """
    upper = quantile_of(confidence)
    effect, variance = columns(effect=effect, variance=variance)
    refuse(variance <= 0, "a variance must be greater than 0", effect=effect, variance=variance)
    known = ~np.isnan(effect + variance)
    y, v, units = effect[known], variance[known], int(known.sum())
    if units < 2:
        return np.nan, np.nan
    squares = stats.chi2.ppf([upper, 1 - upper], units - 1)
    return tuple(_tau2_where(y, v, level) for level in squares)


def rank_intervals(effect, variance, confidence=0.95, seed=0):
    """Give each unit's rank, and the ranks it may truly have; all intervals hold together.

    A unit can stand no higher than one place below those that are significantly better, and no lower than
    one place above those that are significantly worse; every pair is tested, and chance over all pairs
    is allowed for.

    Parameters
    ----------
    effect, variance : arrays of numbers, one element a unit: independent estimates and their squared
        standard errors, 0 or more; a unit with a missing value has no rank and counts for nobody
    confidence : float, 0 < confidence < 1, that all intervals together hold the true ranks
    seed : int, for the 2,000 simulated sets of estimates

    Returns
    -------
    DataFrame with one row a unit, index of `effect`, whole numbers: `rank` (1 is the largest effect; ties
    share the better rank), `rank_low`, `rank_high`

    Raises
    ------
    MetricError
        If a variance is negative; the message gives the position and the number.

    Source
    ------
    Mogstad, Romano, Shaikh & Wilhelm (2024), Review of Economic Studies 91:476-518, simultaneous two-sided
    sets with the step-down of Romano & Wolf, by parametric bootstrap.

    Examples
    --------
    >>> rank_intervals([5.0, 0.2, 0.0], [0.1, 0.1, 0.1]).values.tolist()
    [[1, 1, 1], [2, 2, 3], [3, 2, 3]]
    """
    quantile_of(confidence)
    index = index_of(effect, np.size(effect))
    effect, variance = columns(effect=effect, variance=variance)
    refuse(variance < 0, "a variance must not be negative", effect=effect, variance=variance)
    known = ~np.isnan(effect + variance)
    y, v = effect[known], variance[known]
    best = np.argsort(-y, kind="stable")
    better, worse = np.triu_indices(len(y), 1)
    better, worse = best[better], best[worse]
    is_apart = _pairs_apart(y, v, better, worse, confidence, seed)
    table = pd.DataFrame(pd.NA, index=index, columns=["rank", "rank_low", "rank_high"], dtype="Int64")
    table.iloc[known] = np.column_stack(
        [
            stats.rankdata(-y, method="min"),
            1 + np.bincount(worse[is_apart], minlength=len(y)),
            len(y) - np.bincount(better[is_apart], minlength=len(y)),
        ]
    )
    return table


def _pairs_apart(y, v, better, worse, confidence, seed):
    """Say which pairs differ beyond chance, testing again with those found set aside, until none is new.

    A pair found stays in its opposite direction, as in the authors' own program.
    """
    error = np.sqrt(v[better] + v[worse])
    with np.errstate(divide="ignore", invalid="ignore"):
        distance = np.nan_to_num((y[better] - y[worse]) / error, nan=0.0, posinf=np.inf)
        scale = np.where(error > 0, 1 / error, 0.0)
    draws = np.random.default_rng(seed).standard_normal((DRAWS, len(y))) * np.sqrt(v)
    is_apart = np.zeros(len(error), dtype=bool)
    while not is_apart.all():
        largest = [_largest((row[better] - row[worse]) * scale, is_apart) for row in draws]
        found = distance > np.quantile(largest, confidence)
        if not (found & ~is_apart).any():
            break
        is_apart |= found
    return is_apart


def _largest(distance, is_apart):
    """Give the largest simulated distance in any direction still open: both, or only the opposite one."""
    return np.where(is_apart, -distance, np.abs(distance)).max()
