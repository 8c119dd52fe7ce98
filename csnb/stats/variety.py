"""Whether units differ for long, who stands in which tier, and whether events gather on a few."""

from math import ceil

import numpy as np
import pandas as pd

from csnb.errors import MetricError, ParameterError
from csnb.stats.inputs import columns, index_of, refuse

DRAWS = 2000


def lasting_variance(effects):
    """Split the variety of repeated estimates into what lasts and what passes.

    Parameters
    ----------
    effects : DataFrame or array, units x windows, such as agents x weeks; missing where a unit had no cases

    Returns
    -------
    lasting, passing : float
        Variance between units beyond what their windows vary by, 0 or more; and variance between the
        windows of a unit, chance included. Missing where fewer than two units have two windows.

    Source
    ------
    Method of moments of the one-way table with random units; Searle, Casella & McCulloch (1992), Variance
    Components, 3.6, with their n0 where windows are missing.

    Examples
    --------
    >>> lasting_variance([[1.0, 3.0], [5.0, 7.0]])
    (7.0, 2.0)
    """
    table = np.asarray(effects, dtype=float)
    known = ~np.isnan(table)
    table, known = table[known.any(axis=1)], known[known.any(axis=1)]
    windows, units = known.sum(axis=1), len(known)
    if (windows > 1).sum() < 2:
        return np.nan, np.nan
    mean = np.nansum(table, axis=1) / windows
    total, grand = windows.sum(), np.nansum(table) / windows.sum()
    passing = np.nansum((table - mean[:, None]) ** 2) / (total - units)
    between = (windows * (mean - grand) ** 2).sum() / (units - 1)
    usual = (total - (windows**2).sum() / total) / (units - 1)
    return float(max(0.0, (between - passing) / usual)), float(passing)


def tier_chances(effect, variance, share=0.2, seed=0):
    """Give each unit's chance to be truly among the highest and among the lowest.

    Parameters
    ----------
    effect, variance : arrays of numbers, one element a unit: shrunken estimates and their variances, 0 or
        more; a unit with a missing value has no chance and counts for nobody
    share : float, 0 < share <= 0.5: the part of the units that makes a tier, at least one unit
    seed : int, for the 2,000 draws

    Returns
    -------
    DataFrame, index of `effect`: `highest`, `lowest`, between 0 and 1

    Raises
    ------
    MetricError
        If a variance is negative; the message gives the position and the number.
    ParameterError
        If `share` is out of range.

    Source
    ------
    Laird & Louis (1989), Journal of Educational Statistics 14:29-46: ranks of posterior draws.

    Examples
    --------
    >>> tier_chances([2.0, 0.0, -2.0], [0.01] * 3).to_numpy().tolist()
    [[1.0, 0.0], [0.0, 0.0], [0.0, 1.0]]
    """
    if not 0 < share <= 0.5:
        raise ParameterError(f"share must lie between 0 and 0.5; got: {share!r}")
    index = index_of(effect, np.size(effect))
    effect, variance = columns(effect=effect, variance=variance)
    refuse(variance < 0, "a variance must not be negative", effect=effect, variance=variance)
    known = ~np.isnan(effect + variance)
    units = int(known.sum())
    size = max(1, round(share * units))
    table = pd.DataFrame(np.nan, index=index, columns=["highest", "lowest"])
    if units < 2:
        return table
    chance = np.random.default_rng(seed).standard_normal((DRAWS, units))
    place = np.argsort(np.argsort(effect[known] + np.sqrt(variance[known]) * chance, axis=1), axis=1)
    table.iloc[known] = np.column_stack([(place >= units - size).mean(axis=0), (place < size).mean(axis=0)])
    return table


def concentration(observed, expected, n, share=0.2, seed=0):
    """Say whether events gather on a few units more than their cases explain.

    Parameters
    ----------
    observed, expected, n : arrays of numbers, one element a unit: events seen, events expected from its
        cases, and the cases
    share : float, 0 < share < 1: the part of the units, rounded up, that the most events are counted on
    seed : int, for the 2,000 simulated tables

    Returns
    -------
    held, usual, p_value : float
        The part of all events that those units hold, the part they would hold by chance, and the chance of
        at least as much. Missing without events.

    Raises
    ------
    MetricError
        If observed or expected exceed n or are negative; position and numbers are given.
    ParameterError
        If `share` is out of range.

    Source
    ------
    Parametric bootstrap test; Davison & Hinkley (1997), Bootstrap Methods and their Application, 4.2.

    Examples
    --------
    >>> held, usual, p_value = concentration([30, 5, 5, 5, 5], [10] * 5, [100] * 5)
    >>> held, p_value < 0.001
    (0.6, True)
    """
    if not 0 < share < 1:
        raise ParameterError(f"share must lie between 0 and 1; got: {share!r}")
    observed, expected, n = columns(observed=observed, expected=expected, n=n)
    wrong = (observed < 0) | (expected < 0) | (observed > n) | (expected > n * (1 + 1e-9))
    refuse(wrong, "observed and expected must lie between 0 and n", observed=observed, expected=expected, n=n)
    if np.isnan(observed + expected + n).any():
        raise MetricError("concentration needs every unit's events, expected events and cases")
    if not observed.sum() or not expected.sum():
        return np.nan, np.nan, np.nan
    most = ceil(round(share * len(n), 9))
    chance = np.divide(expected, n, where=n > 0, out=np.zeros(len(n))) * observed.sum() / expected.sum()
    drawn = np.random.default_rng(seed).binomial(n.astype(int), np.clip(chance, 0, 1), (DRAWS, len(n)))
    held, usual = _held_by(observed[None, :], most)[0], _held_by(drawn, most)
    return float(held), float(np.nanmean(usual)), float((1 + (usual >= held - 1e-12).sum()) / (1 + DRAWS))


def _held_by(events, most):
    """Give the part of each row's events that its largest `most` units hold."""
    largest = np.sort(events, axis=1)[:, -most:].sum(axis=1)
    total = events.sum(axis=1)
    return np.divide(largest, total, where=total > 0, out=np.full(len(total), np.nan))
