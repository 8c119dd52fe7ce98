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


def saved_by_independent_causes(y, levers, known, cluster):
    """Estimate what levers save if every cause makes customers dissatisfied by itself (noisy-or).

    Parameters
    ----------
    y : array of 0 and 1, one element a session
    levers, known : arrays, sessions x columns
    cluster : array of labels

    Returns
    -------
    alone, error : arrays, what each lever saves if it alone were at standard, and its standard error

    Source
    ------
    Pearl (1988), Probabilistic Reasoning in Intelligent Systems, section 4.3.2; fitted by maximum likelihood, the
    errors from the scores of clusters (sandwich).
    """
    y, levers, known = (np.asarray(part, float) for part in (y, levers, known))
    x, j = np.column_stack([np.ones(len(y)), known]), levers.shape[1]
    start = np.concatenate(
        [[np.log(-np.log1p(-np.clip(y.mean(), 0.01, 0.99)))], np.zeros(x.shape[1] - 1), np.full(j, 0.1)]
    )
    ridge = np.r_[0.0, np.full(x.shape[1] - 1, FAINT), np.zeros(j)]

    def hazards(beta):
        """Give the hazard from all other causes, and the whole one."""
        other = np.exp(np.minimum(x @ beta[:-j], 20))
        return other, np.maximum(other + levers @ beta[-j:], 1e-9)

    def scores(beta):
        """Give what each session adds to the slope of the log likelihood."""
        other, hazard = hazards(beta)
        pull = np.where(y == 1, 1 / np.expm1(np.minimum(hazard, 500)), -1.0)
        return pull[:, None] * np.column_stack([x * other[:, None], levers])

    def loss(beta):
        """Give the negative log likelihood with a faint ridge, and its gradient."""
        _, hazard = hazards(beta)
        seen = np.where(y == 1, np.log(-np.expm1(-hazard)), -hazard).sum()
        return ridge @ beta**2 / 2 - seen, ridge * beta - scores(beta).sum(axis=0)

    bounds = [(None, None)] * x.shape[1] + [(0, None)] * j
    fit = optimize.minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 500})
    other, hazard = hazards(fit.x)
    slope = np.column_stack([x * other[:, None], levers])
    weight = 1 / np.expm1(np.clip(hazard, 1e-6, 500))
    information = (slope * weight[:, None]).T @ slope + np.diag(ridge + FAINT)
    without = np.exp(-hazard[:, None] + levers * fit.x[-j:])  # chance of no cause, one lever at standard
    seen = np.exp(-hazard)
    pull = (seen @ slope - np.stack([row @ slope for row in without.T])) / len(y)
    pull[:, -j:] += np.diag((without * levers).mean(axis=0))
    errors = clustered_error(scores(fit.x) @ np.linalg.solve(information, pull.T), cluster)
    return (without - seen[:, None]).mean(axis=0), errors
