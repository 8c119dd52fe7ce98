"""How far coders agree: chance-corrected agreement of labels given by people, rules or models."""

import numpy as np
import pandas as pd
from statsmodels.stats.inter_rater import cohens_kappa

from csnb.errors import MetricError, one_of
from csnb.stats.inputs import quantile_of


def cohen_kappa(first, second, weights=None):
    """Give Cohen's kappa of two coders: agreement beyond what their own habits would give by chance.

    Parameters
    ----------
    first, second : arrays of codes, same length; units that one of them left out do not count
    weights : None, or "linear" or "quadratic" if codes have an order and near misses count in part; the
        distance of two codes is their distance in the order of the codes that were used

    Returns
    -------
    float, 1 for full agreement, 0 for chance, negative for worse; NaN if nothing was coded twice or only
    one code was ever used

    Raises
    ------
    MetricError
        If the two coders have not coded the same number of units, or weighted codes have no order.

    Source
    ------
    Cohen (1960), Educational and Psychological Measurement 20:37-46; computed by statsmodels.

    Examples
    --------
    >>> cohen_kappa(["price", "price", "delivery", "delivery"], ["price", "price", "delivery", "price"])
    0.5
    """
    one_of("weights", weights, (None, "linear", "quadratic"))
    first, second = np.asarray(first, dtype=object), np.asarray(second, dtype=object)
    if first.shape != second.shape:
        raise MetricError(f"two coders must code the same units; found {len(first)} and {len(second)}")
    coded_twice = ~(pd.isna(first) | pd.isna(second))
    both = np.concatenate([first[coded_twice], second[coded_twice]])
    code, known = pd.factorize(both) if weights is None else _in_order(both)
    if len(known) < 2:
        return np.nan
    table = np.zeros((len(known), len(known)))
    np.add.at(table, tuple(code.reshape(2, -1)), 1)
    return float(cohens_kappa(table, wt=weights, return_results=False))


def _in_order(codes):
    """Number codes in their order, for weights that count near misses."""
    try:
        return np.unique(codes, return_inverse=True)[::-1]
    except TypeError as error:
        raise MetricError(
            "weighted agreement needs codes that can be put in order, such as 1 to 5"
        ) from error


def gwet_ac1(codes):
    """Give Gwet's AC1 of two or more coders: unlike kappa it does not collapse when a label is rare.

    Parameters
    ----------
    codes : table or array, units x coders, of any codes; missing where a coder left a unit out

    Returns
    -------
    float, 1 for full agreement, 0 for chance; NaN if no unit was coded twice

    Source
    ------
    Gwet (2008), British Journal of Mathematical and Statistical Psychology 61:29-48; with missing codes as in
    Gwet (2014), Handbook of Inter-Rater Reliability, chapter 5.

    Examples
    --------
    >>> round(gwet_ac1([["no", "no"]] * 18 + [["yes", "no"], ["no", "yes"]]), 3)
    0.89
    """
    counts = _counts(codes)
    coders = counts.sum(axis=1)
    counts, coders = counts[coders > 0], coders[coders > 0]
    twice = coders > 1
    if not twice.any():
        return np.nan
    agreed = (counts[twice] * (counts[twice] - 1)).sum(axis=1) / (coders[twice] * (coders[twice] - 1))
    share = (counts / coders[:, None]).mean(axis=0)
    by_chance = (share * (1 - share)).sum() / max(len(share) - 1, 1)
    return float((agreed.mean() - by_chance) / (1 - by_chance))


def krippendorff_alpha(codes):
    """Give Krippendorff's alpha for nominal codes, any number of coders, with gaps.

    Parameters
    ----------
    codes : table or array, units x coders, of any codes; missing where a coder left a unit out. Units
        coded once do not count.

    Returns
    -------
    float, 1 for full agreement, 0 for chance; NaN if no unit was coded twice or only one code was used

    Source
    ------
    Krippendorff (2011), Computing Krippendorff's Alpha-Reliability, part C.

    Examples
    --------
    >>> round(krippendorff_alpha([["a", "a"], ["b", "b"], ["a", "b"], ["b", None]]), 3)
    0.444
    """
    counts = _counts(codes)
    counts = counts[counts.sum(axis=1) > 1]
    coders, totals = counts.sum(axis=1), counts.sum(axis=0)
    n = totals.sum()
    expected = n**2 - (totals**2).sum()
    if not expected:
        return np.nan
    observed = ((coders**2 - (counts**2).sum(axis=1)) / (coders - 1)).sum()
    return float(1 - (n - 1) * observed / expected)


def _counts(codes):
    """Count, for each unit, how many coders gave each code (units x codes)."""
    table = pd.DataFrame(codes)
    code, known = pd.factorize(table.to_numpy(dtype=object).ravel())
    counts = np.zeros((len(table), len(known)))
    given = code >= 0
    np.add.at(counts, (np.repeat(np.arange(len(table)), table.shape[1])[given], code[given]), 1)
    return counts


def agreement_interval(measure, codes, confidence=0.95, seed=0, repeats=1000):
    """Give the bootstrap interval of a measure of agreement, drawing units with all their codes.

    Parameters
    ----------
    measure : function from codes (units x coders) to a number, such as `gwet_ac1`
    codes : table or array, units x coders
    confidence : float, 0 < confidence < 1
    seed, repeats : int

    Returns
    -------
    low, high : float; NaN if the measure is missing in every draw. Draws in which it is missing are left out.

    Raises
    ------
    MetricError
        If there is no unit.

    Source
    ------
    Efron & Tibshirani (1993), An Introduction to the Bootstrap, section 13.3 (percentile interval).

    Examples
    --------
    >>> low, high = agreement_interval(krippendorff_alpha, [["a", "a"], ["b", "b"], ["a", "b"], ["b", "b"]] * 10)
    >>> 0 < low < 0.5 < high < 1
    True
    """
    level = quantile_of(confidence)
    codes = pd.DataFrame(codes).to_numpy(dtype=object)
    if not len(codes):
        raise MetricError("there is no coded unit to measure agreement on")
    draws = np.random.default_rng(seed).integers(len(codes), size=(repeats, len(codes)))
    values = np.array([measure(codes[units]) for units in draws])
    values = values[~np.isnan(values)]
    return (
        tuple(float(end) for end in np.quantile(values, [1 - level, level]))
        if len(values)
        else (np.nan, np.nan)
    )
