"""Second opinions on what levers save: another estimator, another model. Arrays in, numbers out."""

import numpy as np
from scipy import optimize
from scipy.special import expit

from csnb.counterfactual import FAINT, clustered_error, fit_logit

TRIM = 0.02  # chances of a lever are kept this far from 0 and 1


def saved_by_weighting(y, lever, known, cluster):
    """Estimate what one lever saves by augmented inverse probability weighting (AIPW).

    It is right if either the model of the outcome or that of the lever is, and uses no products of columns.

    Parameters
    ----------
    y, lever : arrays of 0 and 1, one element a session
    known : array, sessions x columns, the other levers among them
    cluster : array of labels

    Returns
    -------
    saved, error : float, fall of the mean risk if the lever were at standard for all, and its standard error
    chance : array, the modelled chance of the lever for every session, trimmed to 0.02 to 0.98

    Source
    ------
    Robins, Rotnitzky & Zhao (1994), JASA 89:846-866.
    """
    y, lever, known = (np.asarray(part, float) for part in (y, lever, known))
    x = np.column_stack([np.ones(len(y)), known])
    ridge = np.full(x.shape[1], FAINT)
    ridge[0] = 0.0
    chance = np.clip(expit(x @ fit_logit(x, lever, ridge)[0]), TRIM, 1 - TRIM)
    at_standard = lever == 0
    without = expit(x @ fit_logit(x[at_standard], y[at_standard], ridge)[0])
    each = y - without - np.where(at_standard, (y - without) / (1 - chance), 0.0)
    return float(each.mean()), clustered_error(each - each.mean(), cluster) / len(y), chance


def saved_by_independent_causes(y, levers, known):
    """Estimate what levers save if every cause makes customers dissatisfied by itself (noisy-or).

    Returns
    -------
    joint : float, fall of the mean risk if all levers were at standard
    alone : array, if one lever alone were

    Source
    ------
    Pearl (1988), Probabilistic Reasoning in Intelligent Systems, section 4.3.2; fitted by maximum likelihood.
    """
    y, levers, known = (np.asarray(part, float) for part in (y, levers, known))
    x, j = np.column_stack([np.ones(len(y)), known]), levers.shape[1]
    start = np.concatenate(
        [[np.log(-np.log1p(-np.clip(y.mean(), 0.01, 0.99)))], np.zeros(x.shape[1] - 1), np.full(j, 0.1)]
    )

    def loss(beta):
        """Give the negative log likelihood with a faint ridge, and its gradient."""
        other = np.exp(np.minimum(x @ beta[:-j], 20))
        hazard = np.maximum(other + levers @ beta[-j:], 1e-9)
        pull = np.where(y == 1, 1 / np.expm1(np.minimum(hazard, 500)), -1.0)
        lost = (
            -np.where(y == 1, np.log(-np.expm1(-hazard)), -hazard).sum() + FAINT / 2 * (beta[1:-j] ** 2).sum()
        )
        slope = -np.concatenate([x.T @ (pull * other), levers.T @ pull])
        slope[1:-j] += FAINT * beta[1:-j]
        return lost, slope

    bounds = [(None, None)] * x.shape[1] + [(0, None)] * j
    beta = optimize.minimize(
        loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500}
    ).x
    other, each = np.exp(x @ beta[:-j]), levers * beta[-j:]
    seen = np.exp(-other - each.sum(axis=1))
    alone = (np.exp(-other - each.sum(axis=1) + each.T) - seen).mean(axis=1)
    return float((np.exp(-other) - seen).mean()), alone
