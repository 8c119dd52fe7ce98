"""What a behaviour may have cost, and how much hidden difference it would take to explain that away."""

import numpy as np
import pandas as pd
from scipy import stats
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from csnb.errors import MetricError
from csnb.stats.inputs import floats, names, need_columns, quantile_of


def e_value(rr, low=None, high=None):
    """Give the E-value: how strong a hidden factor must be, at least, to explain a risk ratio away.

    It must multiply both the exposure and the outcome by this much, beyond what was adjusted for.

    Parameters
    ----------
    rr : float, risk ratio, greater than 0
    low, high : float, its confidence limits, or None

    Returns
    -------
    point, bound : float, 1 or more: for the estimate, and for the limit nearer to 1. The bound is 1 if
        the interval holds 1, and missing if that limit is not given.

    Raises
    ------
    MetricError
        If low <= rr <= high does not hold, or one is 0, negative or no number.

    Source
    ------
    VanderWeele & Ding (2017), Annals of Internal Medicine 167:268-274.

    Examples
    --------
    >>> point, bound = e_value(0.80, 0.71, 0.91)
    >>> round(point, 2), round(bound, 2)
    (1.81, 1.43)
    """
    try:
        ordered = [float(value) for value in (low, rr, high) if value is not None]
    except (TypeError, ValueError) as error:
        raise MetricError(f"rr, low and high must be one number each: {error}") from error
    if not all(value > 0 for value in ordered) or ordered != sorted(ordered):
        raise MetricError(f"0 < low <= rr <= high must hold; got low {low}, rr {rr}, high {high}")
    nearer = low if rr >= 1 else high
    if nearer is None:
        return _e(rr), np.nan
    return _e(rr), 1.0 if (nearer - 1) * (rr - 1) <= 0 else _e(nearer)


def _e(rr):
    rr = float(max(rr, 1 / rr))
    return rr + np.sqrt(rr * (rr - 1)).item()


def attributable_fraction(data, outcome, exposure, covariates=None, cluster=None, confidence=0.95):
    """Estimate what fraction of an outcome would be gone if an exposure were, among comparable cases.

    Parameters
    ----------
    data : DataFrame, one row a conversation; rows with a missing value in a used column are left out
    outcome : str, column of 0 and 1 (or bool)
    exposure : str or list of str, columns set to 0 in the comparison: 0 and 1, or an amount
    covariates : str, list of str or None: columns held as they are. Text becomes one 0-1 column a value.
    cluster : str, column whose rows belong together, such as the agent; None if each row stands alone
    confidence : float, 0 < confidence < 1

    Returns
    -------
    paf, low, high : float; 1 - (mean predicted risk without exposure) / (mean predicted risk), all at
        most 1, negative for an exposure that protects

    Raises
    ------
    MetricError
        If a column is missing, the outcome is not 0 and 1, or outcome or exposure never varies.

    Source
    ------
    Greenland & Drescher (1993), Biometrics 49:865-872: logistic regression, delta method over its
    coefficients; with clusters, their sandwich variance corrected for few clusters (Mancl & DeRouen 2001,
    Biometrics 57:126-134) and t with K - 1 degrees of freedom. The logistic regression is statsmodels'.

    Examples
    --------
    >>> table = pd.DataFrame({"slow": [1, 1, 0, 0], "bad": [1, 0, 1, 0], "times": [7, 27, 1, 33]})
    >>> data = table.loc[table.index.repeat(table["times"])]
    >>> round(attributable_fraction(data, "bad", "slow")[0], 6)
    0.75
    """
    level = quantile_of(confidence)
    exposures, covariates = names(exposure), names(covariates)
    used = [outcome, *exposures, *covariates, *names(cluster)]
    need_columns(data, used, "the data")
    data = data[list(dict.fromkeys(used))].dropna()
    y = pd.Series(floats(data[outcome], outcome), data.index)
    if not y.isin([0, 1]).all():
        raise MetricError(f"{outcome} must be 0 or 1; found {y[~y.isin([0, 1])].iloc[0]:g}")
    for name in (outcome, *exposures):
        if data[name].nunique() < 2:
            raise MetricError(f"{name} is the same in all {len(data)} rows: there is nothing to compare")
    known = pd.get_dummies(data[covariates], drop_first=True) if covariates else data[[]]
    x = np.column_stack([np.ones(len(data)), data[exposures], known]).astype(float)
    unexposed = x.copy()
    unexposed[:, 1 : 1 + len(exposures)] = 0
    fit = GLM(y.to_numpy(), x, family=Binomial()).fit()
    if cluster is None:
        variance, quantile = fit.cov_params(), stats.norm.ppf(level)
    else:
        groups = pd.factorize(data[cluster])[0]
        variance, quantile = (
            _clustered_variance(fit, x, y.to_numpy(), groups),
            stats.t.ppf(level, groups.max()),
        )
    (now, slope_now), (without, slope_without) = _mean_risk(fit, x), _mean_risk(fit, unexposed)
    paf = 1 - without / now
    slope = (without / now * slope_now - slope_without) / now
    margin = quantile * np.sqrt(slope @ variance @ slope)
    return float(paf), float(paf - margin), float(min(paf + margin, 1.0))


def _clustered_variance(fit, x, y, groups):
    """Give the coefficients' sandwich variance, each cluster's residuals freed of its own pull on the fit."""
    risk, bread = fit.predict(x), fit.normalized_cov_params
    scores = []
    for group in range(groups.max() + 1):
        rows = groups == group
        own = x[rows].T @ (x[rows] * (risk * (1 - risk))[rows, None])
        freed = np.eye(len(bread)) - own @ bread
        scores.append(np.linalg.lstsq(freed, x[rows].T @ (y - risk)[rows], rcond=None)[0])
    sides = np.array(scores) @ bread
    return sides.T @ sides


def _mean_risk(fit, x):
    """Give the mean predicted risk and its slope in the coefficients."""
    risk = fit.predict(x)
    return risk.mean(), (risk * (1 - risk)) @ x / len(x)
